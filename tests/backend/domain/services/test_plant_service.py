"""Plants, tanks and probes: adding, changing, archiving."""

from datetime import date
from typing import Any

import pytest
from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import (
    BrokenReferenceError,
    ConflictError,
    NotFoundError,
)
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden


def test_a_patch_of_one_field_leaves_the_others(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20, soil_moisture_high_pct=60)

    changed = garden.services.plant.update(
        garden.context(), plant.key, {"soil_moisture_low_pct": 25}
    )

    assert (changed.soil_moisture_low_pct, changed.soil_moisture_high_pct) == (25, 60)
    assert (changed.name, changed.revision) == ("Tomato", 2)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"species_key": "no_such_species"}, BrokenReferenceError),
        ({"tank_key": "no_such_tank"}, BrokenReferenceError),
        ({"phase_entry_id": "climbing"}, InvalidInputError),
        ({"soil_moisture_low_pct": 60, "soil_moisture_high_pct": 20}, InvalidInputError),
        ({"planted_on": date(2026, 5, 2)}, FutureTimeError),
    ],
)
def test_a_plant_that_cannot_be_is_refused_and_not_stored(
    garden: Garden, fields: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        garden.plant(**fields)

    assert garden.snapshot().plants == ()


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({"archived_at": "2026-05-01T10:00:00Z"}, InvalidInputError),
        ({"colour": "red"}, InvalidInputError),
        ({"soil_moisture_low_pct": 130}, OutOfRangeError),
        ({"name": None}, InvalidInputError),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(
    garden: Garden, patch: dict[str, JsonValue], error: type[Exception]
) -> None:
    plant = garden.plant()

    with pytest.raises(error):
        garden.services.plant.update(garden.context(), plant.key, patch)

    assert garden.snapshot().plants[0].plant == plant


def test_another_species_begins_with_its_first_phase_if_none_is_named(garden: Garden) -> None:
    plant = garden.plant(phase_entry_id="vegetative")
    garden.wait(days=5)

    garden.services.plant.update(
        garden.context(),
        plant.key,
        {
            "species_key": "monstera_deliciosa",
            "phase_entry_id": None,
            "phase_started_on": "2026-05-06",
        },
    )

    view = garden.snapshot().plants[0]
    assert (view.phase.phase, view.days_in_phase) == ("juvenile", 0)
    assert view.species_name_de == "Fensterblatt"


def test_another_species_leaves_the_phase_that_it_has_too(garden: Garden) -> None:
    plant = garden.plant(phase_entry_id="vegetative", phase_started_on=date(2026, 4, 20))

    changed = garden.services.plant.update(
        garden.context(), plant.key, {"species_key": "capsicum_annuum"}
    )

    unchanged = {"species_key", "revision", "updated_at"}
    assert changed.model_dump(exclude=unchanged) == plant.model_dump(exclude=unchanged)
    assert changed.species_key == "capsicum_annuum"


@pytest.mark.parametrize(
    ("sent", "left_out", "fix"),
    [
        ({"species_key": "monstera_deliciosa"}, "phase_entry_id", "send null"),
        (
            {"species_key": "monstera_deliciosa", "phase_entry_id": None},
            "phase_started_on",
            "send phase_started_on too: the day",
        ),
        (
            {"phase_entry_id": "flowering"},
            "phase_started_on",
            "send phase_started_on too: the day",
        ),
    ],
)
def test_what_a_change_makes_wrong_has_to_be_sent_too(
    garden: Garden, sent: dict[str, JsonValue], left_out: str, fix: str
) -> None:
    plant = garden.plant(phase_entry_id="germination")

    with pytest.raises(InvalidInputError, match=fix) as refused:
        garden.services.plant.update(garden.context(), plant.key, sent)

    assert refused.value.field == left_out
    assert garden.services.plant.get(garden.context(), plant.key) == plant


def test_a_probe_can_move_to_another_place(garden: Garden) -> None:
    probe, plant = garden.probe(ChannelKind.SOIL_MOISTURE), garden.plant()

    moved = garden.services.probe.update(garden.context(), probe.key, {"plant_key": plant.key})

    assert moved.plant_key == plant.key
    with pytest.raises(BrokenReferenceError):
        garden.services.probe.update(garden.context(), probe.key, {"tank_key": "nowhere"})


def test_a_plant_of_a_species_that_is_not_eaten_can_be_eaten(garden: Garden) -> None:
    garden.plant(species_key="petunia_x_hybrida", edible=True)

    assert garden.snapshot().plants[0].edible is True


def test_archived_things_are_out_of_sight_and_still_listed(garden: Garden) -> None:
    tank, plant = garden.tank(), garden.plant()
    probe = garden.probe(ChannelKind.EC, tank_key=tank.key)
    garden.services.plant.archive(garden.context(), plant.key)
    garden.services.probe.archive(garden.context(), probe.key)
    archived = garden.services.tank.archive(garden.context(), tank.key)
    again = garden.services.tank.archive(garden.context(), tank.key)

    shown = garden.snapshot()
    listed = garden.services.home.list_objects(garden.context())

    assert again == archived
    assert (shown.tanks, shown.plants, shown.probes) == ((), (), ())
    assert [len(listed[name]) for name in ("tanks", "plants", "probes")] == [1, 1, 1]
    assert listed["probes"][0]["channels"][0]["topic"] == "probe/ec"


def test_a_probe_comes_back_with_its_key_and_new_bindings(garden: Garden) -> None:
    probe = garden.probe(ChannelKind.EC, key="probe-1")
    garden.services.probe.archive(garden.context(), probe.key)

    back = garden.probe(ChannelKind.EC, ChannelKind.PH, key="probe-1")

    assert back.archived_at is None
    assert [channel.kind for channel in back.channels] == ["ec", "ph"]


def test_a_key_in_use_is_a_conflict(garden: Garden) -> None:
    garden.plant("tomato-1")

    with pytest.raises(ConflictError):
        garden.plant("tomato-1")


@pytest.mark.parametrize("kind", ["tank", "plant", "probe"])
def test_what_is_archived_cannot_be_changed(garden: Garden, kind: str) -> None:
    made = getattr(garden, kind)()
    service = getattr(garden.services, kind)
    service.archive(garden.context(), made.key)

    with pytest.raises(NotFoundError):
        service.update(garden.context(), made.key, {"name": "New"})
    with pytest.raises(NotFoundError):
        service.archive(garden.context(), "nobody")


def test_nothing_is_put_on_an_archived_tank(garden: Garden) -> None:
    tank = garden.tank()
    garden.services.tank.archive(garden.context(), tank.key)

    with pytest.raises(NotFoundError):
        garden.plant(tank_key=tank.key)
    with pytest.raises(NotFoundError):
        garden.probe(ChannelKind.EC, tank_key=tank.key)


def test_a_plant_outlives_its_tank(garden: Garden) -> None:
    tank, other = garden.tank(), garden.tank(name="Other")
    plant = garden.plant(tank_key=tank.key)
    for gone in (tank, other):
        garden.services.tank.archive(garden.context(), gone.key)

    renamed = garden.services.plant.update(garden.context(), plant.key, {"name": "Old tomato"})
    assert (renamed.name, renamed.tank_key) == ("Old tomato", tank.key)
    with pytest.raises(NotFoundError):
        garden.services.plant.update(garden.context(), plant.key, {"tank_key": other.key})

    alone = garden.services.plant.update(garden.context(), plant.key, {"tank_key": None})
    assert alone.tank_key is None


def test_limits_of_a_tank_must_leave_room(garden: Garden) -> None:
    with pytest.raises(InvalidInputError) as refused:
        garden.tank(ph_low=6.5, ph_high=5.5)

    assert refused.value.field == "ph_low"


def test_phases_of_a_species_are_listed_in_order(garden: Garden) -> None:
    phases = garden.services.catalogue.list_phases(garden.context(), "ficus_lyrata")

    assert [entry.phase for entry in phases] == ["active_growth", "winter_rest"]
    assert len(garden.services.catalogue.list_species(garden.context())) == 144


def test_two_gardens_do_not_see_each_other(garden: Garden) -> None:
    plant = garden.plant()
    other = garden.context(tenant_key="neighbour")

    assert garden.services.home.snapshot(other).plants == ()
    with pytest.raises(NotFoundError):
        garden.services.plant.archive(other, plant.key)


def test_a_cultivar_is_one_of_the_species_and_is_never_dropped_unasked(garden: Garden) -> None:
    service, context = garden.services.cultivar, garden.context
    tomato = service.create(
        context(), CultivarFields(name="Grandma's", species_key="solanum_lycopersicum")
    )
    fig = service.create(context(), CultivarFields(name="Bambino", species_key="ficus_lyrata"))
    plant = garden.plant(cultivar_key=tomato.key)

    with pytest.raises(InvalidInputError, match="Bambino is a cultivar of ficus_lyrata"):
        garden.services.plant.update(context(), plant.key, {"cultivar_key": fig.key})
    assert garden.services.plant.get(context(), plant.key).cultivar_key == tomato.key

    with pytest.raises(InvalidInputError, match="send null") as refused:
        garden.services.plant.update(context(), plant.key, {"species_key": "ficus_lyrata"})
    assert refused.value.field == "cultivar_key"
    assert garden.services.plant.get(context(), plant.key).cultivar_key == tomato.key

    moved = garden.services.plant.update(
        context(), plant.key, {"species_key": "ficus_lyrata", "cultivar_key": None}
    )
    assert (moved.species_key, moved.cultivar_key) == ("ficus_lyrata", None)


def test_a_deleted_cultivar_is_taken_off_its_plants(garden: Garden) -> None:
    made = garden.services.cultivar.create(
        garden.context(), CultivarFields(name="Grandma's", species_key="solanum_lycopersicum")
    )
    plant = garden.plant(cultivar_key=made.key)

    garden.services.cultivar.remove(garden.context(), made.key)

    assert garden.services.plant.get(garden.context(), plant.key).cultivar_key is None
