"""What holds for every kind of document: tested on each class in REPOSITORIES."""

from typing import Any, assert_type

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kamerplanter_backend.common.exceptions import (
    BrokenReferenceError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Query, Where
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import (
    SHARED_TENANT,
    OnDelete,
    Reference,
    Scope,
)
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.tank import Tank, TankFields, TankProblem
from kamerplanter_engines.models.telemetry import ProbeFields
from tests.contracts.conftest import OpenUnit
from tests.factories import (
    NOW,
    OTHER_TENANT,
    TENANT,
    add,
    context,
    example,
    fields_of,
    repository_of,
)
from tests.strategies import models, values

type Kind = type[Repository[Any]]

each_kind = pytest.mark.parametrize("kind", REPOSITORIES, ids=lambda kind: kind.collection.name)
each_owned_kind = pytest.mark.parametrize(
    "kind",
    [kind for kind in REPOSITORIES if kind.collection.scope is not Scope.SYSTEM],
    ids=lambda kind: kind.collection.name,
)
REFERENCES = [
    pytest.param(kind, reference, id=f"{kind.collection.name}.{reference.field}")
    for kind in REPOSITORIES
    for reference in kind.collection.references
]


def test_table_holds_every_repository_once() -> None:
    names = [kind.collection.name for kind in REPOSITORIES]
    entities = [kind.collection.entity for kind in REPOSITORIES]

    assert len(set(names)) == len(set(entities)) == len(REPOSITORIES)
    assert set(REPOSITORIES) == set(Repository.__subclasses__())


@each_kind
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=25,
)
@given(data=st.data())
def test_any_document_is_read_as_it_was_written(
    unit: OpenUnit, kind: Kind, data: st.DataObject
) -> None:
    entity = kind.collection.entity
    with unit() as uow:
        targets = {
            reference.field: _target(uow, reference).key for reference in kind.collection.references
        }
    said = fields_of(entity).model_fields
    # What may be empty is, now and then: a probe is in a tank or in a location, never in both.
    fixed = {
        name: st.sampled_from(
            [key] if name not in said or said[name].is_required() else [None, key]
        )
        for name, key in targets.items()
    }
    fields = data.draw(models(fields_of(entity), **fixed))
    own = set(entity.model_fields) - set(Entity.model_fields) - set(type(fields).model_fields)
    more = {
        name: targets.get(name, value)
        for name, value in data.draw(values(entity)).items()
        if name in own and (name in targets or not name.endswith("_key"))
    }

    with unit() as uow:
        written = uow.of(kind).add(fields, **more)
    with unit() as uow:
        read = uow.of(kind).get(written.key)
        uow.of(kind).remove(written.key)

    assert read == written
    assert type(read) is entity
    assert {name: getattr(read, name) for name in type(fields).model_fields} == dict(fields)


@each_kind
def test_new_document_has_an_owner_a_revision_and_times(unit: OpenUnit, kind: Kind) -> None:
    with unit() as uow:
        added = add(uow, kind)

    is_system = kind.collection.scope is Scope.SYSTEM
    assert added.tenant_key == (SHARED_TENANT if is_system else TENANT)
    assert (added.revision, added.created_at, added.updated_at) == (1, NOW, NOW)


@each_owned_kind
def test_document_of_another_garden_is_not_there(unit: OpenUnit, kind: Kind) -> None:
    with unit() as uow:
        added = add(uow, kind)

    with unit(OTHER_TENANT) as uow:
        theirs = uow.of(kind)
        assert theirs.try_get(added.key) is None
        assert theirs.get_many([added.key]) == []
        assert theirs.find() == []
        assert theirs.find(Where("tenant_key", "==", TENANT)) == []
        assert theirs.first(Where("key", "==", added.key)) is None
        assert theirs.count() == 0
        assert theirs.page(Query()).total == 0
        with pytest.raises(NotFoundError):
            theirs.get(added.key)
        with pytest.raises(NotFoundError):
            theirs.change(added)
        with pytest.raises(NotFoundError):
            theirs.patch(added.key, {}, fields_of(kind.collection.entity))
        with pytest.raises(NotFoundError):
            theirs.remove(added.key)
        with pytest.raises(ConflictError) as refused:
            add(uow, kind, key=added.key)
        assert refused.value.field == "key"
    with unit() as uow:
        assert uow.of(kind).get(added.key) == added


@each_owned_kind
def test_key_of_another_garden_is_not_taken_for_ones_own(unit: OpenUnit, kind: Kind) -> None:
    with unit() as uow:
        added = add(uow, kind)
        fields = fields_of(kind.collection.entity)
        said = fields(**{name: getattr(added, name) for name in fields.model_fields})
        own = set(type(added).model_fields) - set(fields.model_fields) - set(Entity.model_fields)
        more = {name: getattr(added, name) for name in own}
        assert uow.of(kind).add_if_new(said, key=added.key, **more) is None

    with unit(OTHER_TENANT) as uow, pytest.raises(ConflictError):
        uow.of(kind).add_if_new(said, key=added.key, **more)


@each_kind
def test_unique_values_are_refused_with_their_field(unit: OpenUnit, kind: Kind) -> None:
    for fields in kind.collection.unique:
        with unit() as uow:
            added = add(uow, kind)
            same = {name: getattr(added, name) for name in fields}
            with pytest.raises(ConflictError) as refused:
                add(uow, kind, **same)

        assert refused.value.field in fields
        assert str(same[refused.value.field]) in refused.value.placeholders["value"]


@pytest.mark.parametrize(("kind", "reference"), REFERENCES)
def test_reference_to_nothing_or_to_another_garden_is_refused(
    unit: OpenUnit, kind: Kind, reference: Reference
) -> None:
    wrong = ["nothing"]
    if repository_of(reference.collection).collection.scope is not Scope.SYSTEM:
        with unit(OTHER_TENANT) as uow:
            wrong.append(_target(uow, reference).key)

    for key in wrong:
        with unit() as uow, pytest.raises(BrokenReferenceError) as refused:
            add(uow, kind, **{reference.field: key})

        assert refused.value.field == reference.field
        assert refused.value.placeholders["value"] == key


@pytest.mark.parametrize(("kind", "reference"), REFERENCES)
def test_changed_reference_is_followed_too(
    unit: OpenUnit, kind: Kind, reference: Reference
) -> None:
    with unit() as uow:
        added = add(uow, kind)
        with pytest.raises(BrokenReferenceError):
            uow.of(kind).change(added, **{reference.field: "nothing"})


@pytest.mark.parametrize(("kind", "reference"), REFERENCES)
def test_delete_rule_is_kept(unit: OpenUnit, kind: Kind, reference: Reference) -> None:
    target_kind = repository_of(reference.collection)
    with unit() as uow:
        target = _target(uow, reference)
        pointing = add(uow, kind, **{reference.field: target.key})

    with unit() as uow:
        targets = uow.of(target_kind)
        if reference.on_delete is OnDelete.RESTRICT:
            with pytest.raises(BrokenReferenceError) as refused:
                targets.remove(target.key)
            assert refused.value.placeholders["value"] == target.key
        else:
            targets.remove(target.key)

    with unit() as uow:
        remaining = uow.of(kind).try_get(pointing.key)
        target_is_there = uow.of(target_kind).try_get(target.key) is not None
    if reference.on_delete is OnDelete.RESTRICT:
        assert target_is_there
        assert remaining == pointing
    elif reference.on_delete is OnDelete.CASCADE:
        assert remaining is None
    else:
        assert remaining is not None
        assert getattr(remaining, reference.field) is None
        assert remaining.revision == pointing.revision + 1


def test_refused_deletion_writes_nothing_even_if_the_unit_goes_on(unit: OpenUnit) -> None:
    treatments = repository_of("treatments")
    tasks = repository_of("tasks")
    with unit() as uow:
        plant = add(uow, PlantRepository)
        task = add(uow, tasks, plant_key=plant.key)
        add(uow, treatments, plant_key=plant.key)

    with unit() as uow, pytest.raises(BrokenReferenceError):
        uow.of(PlantRepository).remove(plant.key)

    with unit() as uow:
        assert uow.of(tasks).get(task.key) == task


def test_deletion_writes_along_without_being_told(store: DocumentStore, unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
        alert = add(uow, TankAlertRepository, tank_key=tank.key)
        probe = add(uow, ProbeRepository, tank_key=tank.key)

    with open_unit(store, context(), (TankRepository,)) as uow:
        uow.of(TankRepository).remove(tank.key)

    with unit() as uow:
        assert uow.of(TankAlertRepository).try_get(alert.key) is None
        assert uow.of(ProbeRepository).get(probe.key).tank_key is None


def test_shared_catalogue_is_read_by_all_and_written_by_none(unit: OpenUnit) -> None:
    with unit(SHARED_TENANT) as uow:
        shared = add(uow, SpeciesRepository)

    with unit() as uow:
        species = uow.of(SpeciesRepository)
        assert species.find() == [shared]
        assert add(uow, PlantRepository, species_key=shared.key).species_key == shared.key
        with pytest.raises(ForbiddenError):
            species.change(shared, name_en="Love apple")
        with pytest.raises(ForbiddenError):
            species.remove(shared.key)
    with unit(SHARED_TENANT) as uow, pytest.raises(BrokenReferenceError):
        uow.of(SpeciesRepository).remove(shared.key)


def test_change_raises_the_revision_and_keeps_the_rest(unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)

    with unit() as uow:
        changed = uow.of(TankRepository).change(tank, volume_l=60)

    assert changed == tank.model_copy(update={"volume_l": 60.0, "revision": 2})
    with unit() as uow:
        assert uow.of(TankRepository).get(tank.key) == changed


def test_change_to_the_same_values_writes_nothing(store: DocumentStore, unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
    cursor = store.last_cursor()

    with unit() as uow:
        same = uow.of(TankRepository).change(tank, volume_l=50)

    assert same == tank
    assert store.last_cursor() == cursor


def test_change_of_an_older_state_is_stale(unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
        uow.of(TankRepository).change(tank, volume_l=60)

        with pytest.raises(StaleRevisionError):
            uow.of(TankRepository).change(tank, volume_l=70)
        with pytest.raises(StaleRevisionError):
            uow.of(TankRepository).patch(
                tank.key, {"volume_l": 70}, TankFields, expected_revision=1
            )


@pytest.mark.parametrize("name", ["key", "tenant_key", "revision", "created_at", "updated_at"])
def test_change_leaves_identity_alone(unit: OpenUnit, name: str) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
        with pytest.raises(InvalidInputError) as refused:
            uow.of(TankRepository).change(tank, **{name: getattr(tank, name)})

    assert refused.value.field == name


def test_change_is_checked_as_a_whole(unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
        with pytest.raises(OutOfRangeError) as refused:
            uow.of(TankRepository).change(tank, volume_l=-1)

        assert refused.value.field == "volume_l"
        assert uow.of(TankRepository).get(tank.key) == tank


def test_patch_of_one_field_leaves_the_others(unit: OpenUnit) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository, ec_low_ms_cm=1.0, ec_high_ms_cm=2.0)

        patched = uow.of(TankRepository).patch(
            tank.key, {"volume_l": 60, "ec_low_ms_cm": None}, TankFields
        )

    assert (patched.volume_l, patched.ec_low_ms_cm, patched.ec_high_ms_cm) == (60, None, 2)
    assert patched.name == tank.name


def test_patch_replaces_lists_and_merges_objects(unit: OpenUnit) -> None:
    with unit() as uow:
        probe = add(uow, ProbeRepository, availability={"topic": "a", "path": "p"})

        patched = uow.of(ProbeRepository).patch(
            probe.key,
            {"channels": [{"kind": "ph", "topic": "x"}], "availability": {"topic": "b"}},
            ProbeFields,
        )

    assert [channel.kind for channel in patched.channels] == ["ph"]
    assert patched.availability is not None
    assert (patched.availability.topic, patched.availability.path) == ("b", "p")


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"colour": "green"}, "colour"),
        ({"key": "x"}, "key"),
        ({"tenant_key": "garden-2"}, "tenant_key"),
        ({"revision": 9}, "revision"),
        ({"archived_at": None}, "archived_at"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"volume_l": "much"}, "volume_l"),
        ({"volume_l": {"a": 1}}, "volume_l"),
        ({"tank_type": "bath"}, "tank_type"),
    ],
)
def test_patch_that_does_not_fit_names_the_field(
    unit: OpenUnit, patch: dict[str, Any], field: str
) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
        with pytest.raises(InvalidInputError) as refused:
            uow.of(TankRepository).patch(tank.key, patch, TankFields)

        assert refused.value.field == field
        assert uow.of(TankRepository).get(tank.key) == tank


@pytest.mark.parametrize("key", ["", "a b", "../x", "a'b", "x" * 101, "ä", "a\0"])
def test_key_that_is_no_key_is_refused(unit: OpenUnit, key: str) -> None:
    with unit() as uow:
        with pytest.raises(InvalidInputError) as refused:
            add(uow, TankRepository, key=key)

        assert refused.value.field == "key"
        assert uow.of(TankRepository).try_get(key) is None


def test_archived_tank_gives_its_name_free_until_it_comes_back(unit: OpenUnit) -> None:
    with unit() as uow:
        tanks = uow.of(TankRepository)
        archived = tanks.change(add(uow, TankRepository), archived_at=NOW)
        add(uow, TankRepository)

        with pytest.raises(ConflictError) as refused:
            tanks.change(archived, archived_at=None)

        assert refused.value.field == "name"
        assert [tank.name for tank in tanks.living()] == ["Tank 1"]


def test_one_alert_per_tank_and_problem(unit: OpenUnit) -> None:
    with unit() as uow:
        alert = add(uow, TankAlertRepository)
        add(uow, TankAlertRepository, tank_key=alert.tank_key, kind=TankProblem.PH)

        alerts = uow.of(TankAlertRepository)
        assert alerts.for_problem(alert.tank_key, TankProblem.EC) == alert
        assert len(alerts.of_tank(alert.tank_key)) == 2


def test_document_that_does_not_fit_is_set_aside(
    store: DocumentStore, unit: OpenUnit, caplog: pytest.LogCaptureFixture
) -> None:
    with unit() as uow:
        broken, sound = (add(uow, TankRepository, name=name, key=name) for name in ("A", "B"))
    with store.begin(frozenset({"tanks"})) as transaction:
        stored = transaction.get("tanks", broken.key)
        assert stored is not None
        transaction.replace("tanks", {**stored, "volume_l": -5}, expected_revision=1)

    with unit() as uow:
        tanks = uow.of(TankRepository)
        assert tanks.find() == [sound]
        assert tanks.first() == sound
        assert tanks.get_many(["A", "B"]) == [sound]
        assert tanks.page(Query()).items == (sound,)
        with pytest.raises(NotFoundError):
            tanks.get("A")

    assert "Set aside tanks A" in caplog.text
    assert [finding.key for finding in store.check()] == ["A"]


def test_field_of_a_newer_version_is_ignored_on_reading(
    store: DocumentStore, unit: OpenUnit
) -> None:
    with unit() as uow:
        tank = add(uow, TankRepository)
    with store.begin(frozenset({"tanks"})) as transaction:
        stored = transaction.get("tanks", tank.key)
        assert stored is not None
        transaction.replace("tanks", {**stored, "colour": "blue"}, expected_revision=1)

    with unit() as uow:
        assert uow.of(TankRepository).get(tank.key) == tank


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_page_has_1_to_200_items(unit: OpenUnit, limit: int) -> None:
    with unit() as uow, pytest.raises(OutOfRangeError):
        uow.of(TankRepository).page(Query(limit=limit))


def test_new_keys_sort_by_time(unit: OpenUnit) -> None:
    with unit() as uow:
        added = [add(uow, TankRepository, name=f"Tank {number}") for number in range(50)]

        assert uow.of(TankRepository).find() == added


def test_types_are_known_to_the_checker(unit: OpenUnit) -> None:
    with unit() as uow:
        tanks = uow.of(TankRepository)
        added = tanks.add(example(TankFields))

        assert_type(tanks, TankRepository)
        assert_type(added, Tank)
        assert_type(tanks.get(added.key), Tank)
        assert_type(tanks.find(), list[Tank])
        assert uow.of(TankRepository) is tanks


def _target(uow: UnitOfWork, reference: Reference) -> Entity:
    kind = repository_of(reference.collection)
    found: Entity | None = uow.of(kind).first()
    return found or add(uow, kind)
