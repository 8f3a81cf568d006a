"""Probes take in only bindings that can give a value, and keep what they have."""

import pytest
from pydantic import JsonValue

from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError, UnknownUnitError
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe, ProbeFields
from tests.backend.garden import Garden

EC = ChannelKind.EC
ODD = ChannelBinding(kind=EC, topic="tank/#", unit="ppm")
ODD_CURVE: list[JsonValue] = [{"raw": 3100, "value": 0}, {"raw": 1400, "value": 1000}]


@pytest.fixture
def old(garden: Garden) -> Probe:
    """Return a probe as a version without these checks has stored it."""
    with open_unit(garden.store, garden.context(), (ProbeRepository,)) as uow:
        return uow.of(ProbeRepository).add(ProbeFields(name="Old", channels=(ODD,)), key="old")


def test_a_binding_that_could_never_give_a_value_is_not_stored(garden: Garden) -> None:
    with pytest.raises(UnknownUnitError):
        garden.probe(channels=(ChannelBinding(kind=EC, topic="tank/ec", unit="ppm"),))

    assert garden.snapshot().probes == ()


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ({"kind": "ec", "topic": "tank/ec", "unit": "ppm"}, UnknownUnitError),
        ({"kind": "ec", "topic": "tank/+"}, InvalidInputError),
        ({"kind": "soil_moisture", "topic": "bed", "curve": ODD_CURVE}, OutOfRangeError),
    ],
)
def test_a_probe_is_not_changed_to_one(
    garden: Garden, channel: dict[str, JsonValue], error: type[InvalidInputError]
) -> None:
    before = garden.probe(EC)

    with pytest.raises(error):
        garden.services.probe.update(garden.context(), before.key, {"channels": [channel]})

    assert garden.services.probe.get(garden.context(), before.key) == before


def test_an_older_probe_is_shown_and_can_be_renamed(garden: Garden, old: Probe) -> None:
    channels: list[JsonValue] = [ODD.model_dump(mode="json")]

    garden.services.probe.update(garden.context(), old.key, {"name": "Tank", "channels": channels})

    (view,) = garden.snapshot().probes
    assert (view.probe.name, view.probe.channels) == ("Tank", (ODD,))


def test_an_older_probe_comes_back_from_the_archive(garden: Garden, old: Probe) -> None:
    garden.services.probe.archive(garden.context(), old.key)

    garden.services.probe.create(
        garden.context(), ProbeFields(name="Old", channels=(ODD,)), old.key
    )

    assert [view.probe.key for view in garden.snapshot().probes] == [old.key]
