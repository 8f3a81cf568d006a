"""Probes in a location: other gardens, archives, files of older versions, and who disagrees."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kamerplanter_backend.bootstrap import build_services
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import BrokenReferenceError, NotFoundError
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_engines.models.site import Location, LocationFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from tests.backend.garden import Garden
from tests.factories import context

AIR, HUMIDITY, PPFD = (
    ChannelKind.AIR_TEMPERATURE,
    ChannelKind.AIR_HUMIDITY,
    ChannelKind.PPFD,
)
DATA = Path(__file__).parents[3] / "data"


@pytest.fixture
def place(garden: Garden) -> Location:
    return new_place(garden)


@pytest.fixture
def other() -> Iterator[Garden]:
    made = Garden()
    yield made
    made.store.close()


def new_place(garden: Garden, **fields: object) -> Location:
    values = {"name": "Tent", "site_key": garden.snapshot().home_site_key, **fields}
    return garden.services.location.create(garden.context(), LocationFields.model_validate(values))


def test_two_thermometers_of_a_place_are_compared(garden: Garden, place: Location) -> None:
    one = garden.probe(AIR, HUMIDITY, PPFD, name="One", location_key=place.key)
    two = garden.probe(AIR, HUMIDITY, PPFD, name="Two", location_key=place.key)
    for probe, values in ((one, (20, 50, 400)), (two, (22.5, 55, 900))):
        for kind, value in zip((AIR, HUMIDITY, PPFD), values, strict=True):
            garden.measure(probe, kind, value)

    snapshot = garden.snapshot()

    view = snapshot.location(place.key)
    assert view is not None
    # Of two light meters one may be in the shade.
    assert {item.kind: item.agrees for item in view.agreements} == {AIR: False, HUMIDITY: True}
    doubts = {item.probe.key: item.doubts for item in snapshot.probes}
    assert [item.kind for item in doubts[one.key]] == [AIR]
    assert doubts[one.key][0].reasons == (Reason.PROBES_DISAGREE,)
    # What is asked for a batch of readings says the same.
    memories = garden.services.telemetry.memories(garden.context(), [one.key, two.key])
    assert memories[two.key].view.doubts == doubts[two.key]


def test_places_of_other_gardens_are_none(garden: Garden, place: Location) -> None:
    elsewhere = garden.context(tenant_key="elsewhere", role=Role.ADMIN)

    with pytest.raises(NotFoundError):
        garden.services.climate.of_days(elsewhere, place.key, garden.now.date(), garden.now.date())
    with pytest.raises(NotFoundError):
        garden.services.probe.create(elsewhere, garden.probe(AIR, location_key=place.key))
    with pytest.raises((NotFoundError, BrokenReferenceError)):
        garden.probe(AIR, name="Nowhere", location_key="never-was")


def test_everything_of_a_place_travels(garden: Garden, place: Location, other: Garden) -> None:
    probe = garden.probe(AIR, PPFD, location_key=place.key)
    garden.measure_for(120, probe, PPFD, 400, step=10)
    other.now = garden.now
    before = garden.snapshot().location(place.key)

    lines = list(TransferService(garden.store).export(garden.context().tenant_key, garden.now))
    TransferService(other.store).restore(other.context(role=Role.ADMIN), lines)

    after = other.snapshot().location(place.key)
    assert before == after
    assert after is not None
    assert after.today is not None
    assert after.today.dli_mol_m2 == pytest.approx(400 * 6600 / 1e6)
    assert other.store.check() == []


@pytest.mark.parametrize("path", sorted(DATA.glob("store-schema-*.db")), ids=lambda path: path.stem)
def test_file_of_a_release_gets_places(tmp_path: Path, path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path))
    store = open_sqlite(copy, [repository.collection for repository in REPOSITORIES])
    services = build_services(store)
    asked = context()

    before = services.home.snapshot(asked)
    assert before.home_site_key is not None
    assert {view.probe.location_key for view in before.probes} == {None}
    assert {view.location.base_temperature_c for view in before.locations} <= {10}
    made = services.location.create(
        asked, LocationFields(name="New", site_key=before.home_site_key)
    )
    [probe] = [view.probe for view in before.probes][:1]
    moved = {"location_key": made.key, "tank_key": None, "plant_key": None}
    services.probe.update(asked, probe.key, moved)
    after = services.home.snapshot(asked)
    store.close()

    assert after.location(made.key) is not None
    view = after.probe(probe.key)
    assert view is not None
    assert (view.probe.location_key, view.probe.placed_at) == (made.key, asked.now)


def test_what_a_place_shows_is_heard_after_a_restart(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    place = new_place(garden)
    probe = garden.probe(PPFD, location_key=place.key)
    garden.measure_for(60, probe, PPFD, 500, step=10)
    before = garden.snapshot().location(place.key)

    garden.restart()

    assert garden.snapshot().location(place.key) == before
    garden.store.close()
