"""A text that is a number only with a decimal comma: proposed, hinted at, and never guessed."""

import json
from datetime import UTC, datetime

import pytest

from kamerplanter_backend.telemetry.discovery.proposals import Discovery
from kamerplanter_backend.telemetry.messages.device_profiles import read_profiles
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_engines.models.telemetry import TANK_KINDS, ChannelBinding, ChannelKind, Hint

NOW = datetime(2026, 5, 1, tzinfo=UTC)
EC, PH, WARM = ChannelKind.EC, ChannelKind.PH, ChannelKind.WATER_TEMPERATURE


@pytest.mark.parametrize(
    ("kind", "unit", "text", "is_comma"),
    [
        (PH, None, "6,04", True),
        (WARM, None, "21,3 °C", True),
        (WARM, None, "-0,5", False),  # no water is as cold
        (EC, None, "1,41", True),
        # A thousand and more would be none in mS/cm, and is one in µS/cm.
        (EC, "mS/cm", "1,234", True),
        (EC, "µS/cm", "1,234", False),
        (PH, None, "1,234", False),  # 1.234 is not plausible
        (PH, None, "6,123", True),
        (PH, None, "1,234,567", False),
        (PH, None, "6.04", False),
        (PH, None, "61,5", False),
        (PH, None, "ok, thanks", False),
        (PH, None, "", False),
    ],
)
def test_only_a_plausible_value_is_hinted_at(
    kind: ChannelKind, unit: str | None, text: str, *, is_comma: bool
) -> None:
    sample = FieldReader(ChannelBinding(kind=kind, topic="t", unit=unit)).read_text(text, NOW)

    assert (sample.hint is Hint.LOOKS_LIKE_DECIMAL_COMMA) is is_comma


def test_who_says_that_it_is_one_gets_the_value() -> None:
    binding = ChannelBinding(kind=PH, topic="t", decimal_comma=True)

    sample = FieldReader(binding).read_text("6,04", NOW)

    assert (sample.raw, sample.hint) == (6.04, None)


@pytest.mark.parametrize("newest", [None, {"pH-Wert": "6", "Wassertemperatur": "21"}])
def test_a_device_that_writes_commas_is_recognised(newest: dict[str, str] | None) -> None:
    heard = Discovery(read_profiles())
    messages = [{"pH-Wert": "6,04", "Wassertemperatur": "21,3 °C"}, *([newest] if newest else [])]
    for message in messages:
        heard.on_message("garten/tank", json.dumps(message))

    (device,) = heard.propose(TANK_KINDS)

    best = device.best()
    assert set(best) == {PH, WARM}
    assert all(item.binding.decimal_comma for item in best.values())
    shown = {kind: item.value for kind, item in best.items()}
    assert shown == ({PH: 6.0, WARM: 21.0} if newest else {PH: 6.04, WARM: 21.3})


def test_thousands_are_not_proposed_as_fractions() -> None:
    heard = Discovery(read_profiles())
    for text in ("985", "1,234"):
        heard.on_message("tank/state", json.dumps({"ec": text}))

    (device,) = heard.propose(TANK_KINDS)

    assert not device.best()[EC].binding.decimal_comma
