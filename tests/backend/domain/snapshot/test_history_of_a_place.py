"""The past of a place stays with it, wherever its probes are by now."""

from datetime import date

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_engines.models.site import Location
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.domain.snapshot.test_location_views import measured, shown, tent
from tests.backend.garden import Garden

PPFD = ChannelKind.PPFD
FULL_MOL_M2 = 400 * 86_400 / 1e6


@pytest.fixture
def place(garden: Garden) -> Location:
    return tent(garden)


@pytest.fixture
def probe(garden: Garden, place: Location) -> Probe:
    """Return a meter that saw 400 for the whole first of May."""
    made = garden.probe(PPFD, ChannelKind.WATER_TEMPERATURE, location_key=place.key, key="meter")
    measured(garden, made, PPFD, garden.local("2026-05-01T00:00"), (24, 400))
    garden.at("2026-05-02T12:00")
    garden.services.telemetry.roll_up(garden.context())
    return made


def first_of_may(garden: Garden, place: Location) -> float | None:
    day = date(2026, 5, 1)
    [found] = garden.services.climate.of_days(garden.context(), place.key, day, day)
    return found.dli_mol_m2


def move(garden: Garden, probe: Probe, **places: str | None) -> None:
    patch = {"location_key": None, "tank_key": None, **places}
    garden.services.probe.update(garden.context(), probe.key, patch)


def test_a_slip_takes_no_history_away(garden: Garden, place: Location, probe: Probe) -> None:
    move(garden, probe, tank_key=garden.tank().key)
    assert first_of_may(garden, place) == pytest.approx(FULL_MOL_M2)
    assert shown(garden, place)[0].dli_mol_m2 == pytest.approx(FULL_MOL_M2)
    garden.wait(minutes=5)
    move(garden, probe, location_key=place.key)

    assert first_of_may(garden, place) == pytest.approx(FULL_MOL_M2)
    assert shown(garden, place)[0].dli_mol_m2 == pytest.approx(FULL_MOL_M2)


def test_what_is_measured_elsewhere_is_of_that_place(
    garden: Garden, place: Location, probe: Probe
) -> None:
    second = tent(garden, name="Second")
    move(garden, probe, location_key=second.key)
    measured(garden, probe, PPFD, garden.now, (6, 900))
    garden.at("2026-05-02T18:00")
    move(garden, probe, location_key=place.key)
    measured(garden, probe, PPFD, garden.now, (6, 100))
    garden.at("2026-05-03T00:00")

    there, here = shown(garden, second)[0], shown(garden, place)[0]
    assert there.dli_mol_m2 == pytest.approx(900 * 6 * 3600 / 1e6)
    # It was silent here in the morning, but for its last value of the day before.
    assert here.dli_mol_m2 == pytest.approx(100 * 6 * 3600 / 1e6, rel=0.25)
    assert first_of_may(garden, second) is None


def test_a_dead_meter_leaves_its_days(garden: Garden, place: Location, probe: Probe) -> None:
    garden.services.probe.archive(garden.context(), probe.key)
    assert first_of_may(garden, place) == pytest.approx(FULL_MOL_M2)
    assert shown(garden, place)[0].dli_mol_m2 == pytest.approx(FULL_MOL_M2)
    garden.probe(PPFD, location_key=place.key, name="New")

    assert first_of_may(garden, place) == pytest.approx(FULL_MOL_M2)
    # Later nobody measures there any more.
    garden.at("2026-05-09T12:00")
    garden.services.probe.archive(garden.context(), garden.snapshot().probes[0].probe.key)
    garden.at("2026-05-20T12:00")
    view = garden.snapshot().location(place.key)
    assert view is not None
    assert (view.today, view.yesterday) == (None, None)


def test_one_that_comes_back_elsewhere_or_measures_other_things_leaves_them_too(
    garden: Garden, place: Location, probe: Probe
) -> None:
    garden.services.probe.archive(garden.context(), probe.key)
    garden.wait(minutes=5)
    garden.probe(ChannelKind.WATER_TEMPERATURE, tank_key=garden.tank().key, key=probe.key)

    assert first_of_may(garden, place) == pytest.approx(FULL_MOL_M2)


def test_history_survives_a_journey(garden: Garden, place: Location, probe: Probe) -> None:
    move(garden, probe, tank_key=garden.tank().key)
    lines = list(TransferService(garden.store).export(garden.context().tenant_key, garden.now))
    other = Garden(now=garden.now)
    try:
        TransferService(other.store).restore(other.context(role=Role.ADMIN), lines)
        assert first_of_may(other, place) == pytest.approx(FULL_MOL_M2)
    finally:
        other.store.close()
