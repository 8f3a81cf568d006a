"""One use case: declared writes, and commands that act once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import cast

import pytest

from kamerplanter_backend.common.exceptions import ConflictError
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import (
    CommandResult,
    Document,
    DocumentStore,
    UndeclaredWriteError,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import check_path, encode
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.collection import (
    SHARED_TENANT,
    Collection,
    OnDelete,
    Reference,
)
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.references import References
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import (
    Readings,
    known_answer,
    open_unit,
)
from kamerplanter_engines.errors import InvalidInputError, NaiveTimeError
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.telemetry import Probe, Reading
from tests.factories import OTHER_TENANT, TENANT, add, context, example


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    opened = open_sqlite(None, [repository.collection for repository in REPOSITORIES])
    yield opened
    opened.close()


def test_write_that_was_not_declared_is_refused(store: DocumentStore) -> None:
    with open_unit(store, context()) as uow, pytest.raises(UndeclaredWriteError):
        add(uow, TankRepository)
    plants_only = open_unit(store, context(), (PlantRepository,))
    with plants_only as uow, pytest.raises(UndeclaredWriteError):
        add(uow, TankRepository)
    with open_unit(store, context(), (ProbeRepository,)) as uow:
        add(uow, ProbeRepository, key="probe-1")
    tanks_only = open_unit(store, context(), (TankRepository,))
    with tanks_only as uow, pytest.raises(UndeclaredWriteError):
        uow.readings.append([example(Reading)])
    with open_unit(store, context(), (Readings,)) as uow:
        assert uow.readings.append([example(Reading)]) == 1


def test_command_answers_twice_and_is_remembered_with_what_it_did(store: DocumentStore) -> None:
    command = context(command_key="command-1", command_digest="abc")
    assert known_answer(store, command) is None

    with open_unit(store, command, (TankRepository,)) as uow:
        tank = uow.answer(add(uow, TankRepository))

    seen = known_answer(store, command)
    assert seen is not None
    assert Tank.model_validate(seen.answer) == tank
    assert known_answer(store, context(OTHER_TENANT, command_key="command-1")) is None


def test_command_key_with_another_content_is_refused(store: DocumentStore) -> None:
    with open_unit(store, context(command_key="c", command_digest="abc"), (TankRepository,)) as uow:
        uow.answer(None)

    with pytest.raises(ConflictError) as refused:
        known_answer(store, context(command_key="c", command_digest="xyz"))

    assert refused.value.field == "command_key"


@pytest.mark.parametrize("tenant", [TENANT, SHARED_TENANT])
def test_command_keys_of_two_people_are_two(store: DocumentStore, tenant: str) -> None:
    ann, bob = (
        replace(context(tenant, command_key="c", command_digest="abc"), actor=name)
        for name in ("ann", "bob")
    )
    for who in (ann, bob):
        assert known_answer(store, who) is None
        with open_unit(store, who, (TankRepository,)) as uow:
            uow.answer(who.actor)

    assert [seen.answer for who in (ann, bob) if (seen := known_answer(store, who))] == [
        "ann",
        "bob",
    ]
    for key in ("ann\nc", "\nc", "c\n"):
        assert known_answer(store, replace(bob, command_key=key)) is None


def test_command_of_before_the_keys_were_each_ones_own_is_still_known(
    store: DocumentStore,
) -> None:
    command = context(command_key="c", command_digest="abc")
    with store.begin(frozenset({"tanks"})) as transaction:
        transaction.remember_command(
            TENANT, "c", CommandResult(answer="before", digest="abc"), at=command.now
        )

    seen = known_answer(store, command)

    assert seen is not None
    assert seen.answer == "before"
    # Nobody knows whose it was, so another content is another person's, and no conflict.
    assert known_answer(store, replace(command, command_digest="xyz")) is None


def test_command_that_failed_is_forgotten(store: DocumentStore) -> None:
    command = context(command_key="c")

    def fail() -> None:
        with open_unit(store, command, (TankRepository,)) as uow:
            uow.answer(add(uow, TankRepository))
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert known_answer(store, command) is None
    assert known_answer(store, context()) is None


def test_second_run_of_a_command_writes_nothing(store: DocumentStore) -> None:
    command = context(command_key="c")
    with open_unit(store, command, (TankRepository,)) as uow:
        uow.answer(add(uow, TankRepository))

    def again() -> None:
        with open_unit(store, command, (TankRepository,)) as uow:
            uow.answer(add(uow, TankRepository, name="Second"))

    with pytest.raises(ConflictError):
        again()

    with open_unit(store, context()) as uow:
        assert uow.of(TankRepository).count(Where("name", "==", "Second")) == 0


def test_declaration_names_only_what_there_is() -> None:
    with pytest.raises(ValueError, match="colour is no field"):
        Collection("tanks", Tank, unique=(("colour",),))
    with pytest.raises(ValueError, match="species_key cannot be emptied"):
        Collection("plants", Plant, references=(Reference("species_key", "x", OnDelete.CLEAR),))
    with pytest.raises(ValueError, match="no collection species"):
        References({"plants": PlantRepository.collection})


def test_path_may_lead_into_a_nested_model_and_nowhere_else() -> None:
    assert check_path(Probe, "availability.topic") == "availability.topic"
    for path in ("availability.colour", "channels.kind", "name.x", "model_fields", "availability."):
        with pytest.raises(InvalidInputError):
            check_path(Probe, path)


def test_time_without_a_zone_is_not_stored() -> None:
    with pytest.raises(NaiveTimeError):
        encode({"at": datetime(2026, 5, 1)})  # noqa: DTZ001 - that is the case


def test_document_that_was_read_before_is_read_as_it_stands_now(store: DocumentStore) -> None:
    def read(tank: Tank) -> Tank:
        with open_unit(store, context()) as uow:
            return uow.of(TankRepository).get(tank.key)

    with open_unit(store, context(), (TankRepository,)) as uow:
        tank = add(uow, TankRepository)
    assert read(tank) == tank

    # The revision tells nothing: after a backup was put back, the same one has another content.
    changed = tank.model_copy(update={"volume_l": tank.volume_l + 1})
    with store.begin(frozenset({"tanks"})) as transaction:
        document = {**encoded(tank), "volume_l": changed.volume_l}
        transaction.replace("tanks", document, expected_revision=tank.revision)
    assert read(tank) == changed

    with store.begin(frozenset({"tanks"})) as transaction:
        transaction.replace("tanks", encoded(tank), expected_revision=tank.revision)
    assert read(tank) == tank


def encoded(tank: Tank) -> Document:
    return cast("Document", encode(tank))
