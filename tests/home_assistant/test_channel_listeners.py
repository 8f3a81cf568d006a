"""Who is told of what was heard; those who look after troubles hear of nothing else."""

from typing import NamedTuple

import pytest

from custom_components.kamerplanter.telemetry.channel_listeners import ChannelListeners
from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Verdict

EC, PH = ChannelKind.EC, ChannelKind.PH


class Said(NamedTuple):
    """One channel of a message."""

    kind: ChannelKind
    verdict: Verdict
    hint: Hint | None = None


GOOD, BAD = Said(EC, Verdict.GOOD), Said(EC, Verdict.BAD, Hint.LOOKS_LIKE_US_CM)
SUSPECT = Said(EC, Verdict.SUSPECT)


class Ears:
    """Everybody who can listen to the EC of a probe, and what each was told."""

    def __init__(self) -> None:
        self.is_well = True
        """What the newest value of the channel says."""
        self.listeners = ChannelListeners(lambda _probe_key, _kind: self.is_well)
        self.heard: list[str] = []
        self.stops = [
            self.listeners.listen("probe", EC, lambda: self.heard.append("value")),
            self.listeners.listen("probe", None, lambda: self.heard.append("probe")),
            self.listeners.listen_for_trouble("probe", EC, lambda: self.heard.append("trouble")),
        ]

    def tell(self, *news: Said) -> list[str]:
        """Tell of a message; return who was called."""
        self.heard.clear()
        self.listeners.tell("probe", news)
        return list(self.heard)


@pytest.fixture
def ears() -> Ears:
    return Ears()


def test_one_good_value_after_the_other_is_no_trouble(ears: Ears) -> None:
    assert ears.tell(GOOD) == ["value", "trouble", "probe"], "it may have been otherwise before"
    assert ears.tell(GOOD) == ["value", "probe"]
    assert ears.tell(GOOD) == ["value", "probe"]


@pytest.mark.parametrize("trouble", [BAD, SUSPECT, Said(EC, Verdict.GOOD, Hint.LOOKS_LIKE_US_CM)])
def test_each_trouble_and_its_end_is_told(ears: Ears, trouble: Said) -> None:
    ears.tell(GOOD)

    assert ears.tell(trouble) == ["value", "trouble", "probe"]
    assert ears.tell(trouble) == ["value", "trouble", "probe"]
    assert ears.tell(GOOD) == ["value", "trouble", "probe"], "the end"
    assert ears.tell(GOOD) == ["value", "probe"]


def test_a_good_value_that_comes_late_hides_no_end_of_a_trouble(ears: Ears) -> None:
    ears.tell(BAD)
    ears.is_well = False
    assert ears.tell(GOOD) == ["value", "trouble", "probe"], "a late one"

    ears.is_well = True
    assert ears.tell(GOOD) == ["value", "trouble", "probe"], "the end"
    assert ears.tell(GOOD) == ["value", "probe"]


def test_a_channel_says_nothing_of_another_one_or_of_another_probe(ears: Ears) -> None:
    assert ears.tell(Said(PH, Verdict.BAD)) == ["probe"]

    ears.heard.clear()
    ears.listeners.tell("another", [BAD])
    ears.listeners.tell_all("another")
    assert ears.heard == []


def test_of_a_message_with_several_channels_the_probe_is_told_once(ears: Ears) -> None:
    assert ears.tell(GOOD, Said(PH, Verdict.GOOD)) == ["value", "trouble", "probe"]


def test_whatever_may_be_otherwise_is_told_to_all_and_looked_at_anew(ears: Ears) -> None:
    ears.tell(GOOD)
    ears.heard.clear()
    ears.listeners.tell_all("probe")
    assert sorted(ears.heard) == ["probe", "trouble", "value"]
    assert ears.tell(GOOD) == ["value", "trouble", "probe"]

    ears.heard.clear()
    ears.listeners.tell_of("probe", [PH])
    assert ears.heard == ["probe"]
    ears.listeners.tell_of("probe", [EC])
    assert ears.heard == ["probe", "value", "trouble", "probe"]
    assert ears.tell(GOOD) == ["value", "trouble", "probe"]


def test_who_leaves_is_told_nothing_more_also_while_others_are_told(ears: Ears) -> None:
    def leave() -> None:
        ears.heard.append("leaves")
        stop()

    stop = ears.listeners.listen("probe", EC, leave)
    ears.listeners.listen("probe", EC, lambda: ears.heard.append("last"))
    assert ears.tell(GOOD) == ["value", "leaves", "last", "trouble", "probe"]
    assert ears.tell(GOOD) == ["value", "last", "probe"]

    for stopping in ears.stops:
        stopping()
    assert ears.tell(BAD) == ["last"]
