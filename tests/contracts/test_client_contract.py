"""What every client promises: one suite for all that implement it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import pytest

from kamerplanter_backend.client.command_queue import open_queue
from kamerplanter_backend.client.embedded import open_garden
from kamerplanter_backend.client.protocol import Caller, Change, Command, KamerplanterClient
from kamerplanter_backend.client.requests import (
    AddTask,
    ArchivePlant,
    BeginHarvest,
    Calibrate,
    CheckHarvest,
    CompleteRun,
    CompleteTask,
    CorrectTreatment,
    CreateLocation,
    CreatePlant,
    CreateProbe,
    CreateRun,
    CreateTank,
    DeleteTask,
    GetTreatment,
    ListCalibrations,
    ListHarvests,
    ListMeasurements,
    ListObjects,
    ListReadings,
    ListRunPlants,
    ListRuns,
    ListTreatments,
    LogHarvest,
    LogMeasurement,
    LogTreatment,
    RecordReadings,
    RemoveMeasurement,
    ReplaceProbe,
    ReportPresence,
    ReportSolution,
    SetSite,
    StartRun,
    UpdateLocation,
    UpdateTank,
    WithdrawCalibration,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KarenzViolationError,
)
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    CalibrationState,
)
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.planting_run import PlantingRunFields, RunState
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.site import Location, LocationFields, SiteFields
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.task import TaskFields, TaskState
from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    ChannelBinding,
    ChannelKind,
    ProbeFields,
    Reading,
    Verdict,
)
from tests.eventually import PATIENCE_S
from tests.served_garden import ServedGarden

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)

OWNER = Caller(role=Role.ADMIN)
"""Only an admin adds and removes tanks and probes."""

HOME = SiteFields(name="Home", time_zone="Europe/Berlin", latitude_deg=52.5)


LATER = "01jvwz3m8ha4t5n6r7s8x9y0zq"
"""A key that a client chooses, as Home Assistant does: nobody guesses it."""


@pytest.fixture(params=["embedded", "rest-light", "rest-full", "queue-over-rest"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, socket_enabled: None
) -> AsyncIterator[KamerplanterClient]:
    """Return a client of each kind, on an empty garden at noon in Berlin."""
    if request.param == "embedded":
        garden = open_garden(
            tmp_path / "garden.db",
            name="Home",
            time_zone="Europe/Berlin",
            latitude_deg=52.5,
            clock=lambda: NOW,
        )
        yield garden.client
        await garden.client.close()
        return
    served = await asyncio.to_thread(ServedGarden, is_full=request.param == "rest-full")
    rest = served.client()
    await rest.call(SetSite(fields=HOME), OWNER)
    if request.param == "queue-over-rest":
        queueing = await open_queue(rest, tmp_path / "queue.db", clock=lambda: NOW)
        yield queueing
        assert queueing.state.depth == 0
        await queueing.close()
    else:
        yield rest
        await rest.close()
    await asyncio.to_thread(served.stop)


@pytest.fixture
async def plant(client: KamerplanterClient) -> Plant:
    fields = PlantFields(name="Tomato", species_key="solanum_lycopersicum")
    return await client.call(CreatePlant(fields=fields))


async def test_the_answer_has_the_type_that_the_request_names(client: KamerplanterClient) -> None:
    tank = await client.call(CreateTank(fields=TankFields(name="T", volume_l=10)), OWNER)

    assert_type(tank, Tank)
    assert isinstance(tank, Tank)
    assert (await client.snapshot()).tank(tank.key).tank == tank


async def test_a_command_sent_twice_answers_twice_and_acts_once(client: KamerplanterClient) -> None:
    command = CreateTank(fields=TankFields(name="T", volume_l=10), command_key="c-1")

    first, second = await client.call(command, OWNER), await client.call(command, OWNER)

    assert second == first
    assert len((await client.snapshot()).tanks) == 1


async def test_a_command_key_stands_for_one_content(client: KamerplanterClient) -> None:
    await client.call(AddTask(fields=TaskFields(title="a"), command_key="c-1"))

    with pytest.raises(ConflictError):
        await client.call(AddTask(fields=TaskFields(title="b"), command_key="c-1"))


async def test_the_same_command_at_the_same_time_acts_once(client: KamerplanterClient) -> None:
    command = AddTask(fields=TaskFields(title="a"), command_key="c-1")

    answers = await asyncio.gather(*(client.call(command) for _ in range(8)))

    assert len({answer.key for answer in answers}) == 1
    assert len((await client.snapshot()).tasks) == 1


async def test_a_refused_command_may_be_sent_again(
    client: KamerplanterClient, plant: Plant
) -> None:
    treatment = ApplicationFields(product="Neem", interval_d=0, at=NOW)
    harvest = LogHarvest(fields=HarvestFields(plant_key=LATER, at=NOW), command_key="h-1")
    with pytest.raises(NotFoundError):
        await client.call(harvest)
    await client.call(
        CreatePlant(fields=PlantFields(name="Later", species_key="solanum_lycopersicum"), key=LATER)
    )
    await client.call(LogTreatment(plant_keys=(plant.key,), fields=treatment))

    assert (await client.call(harvest)).plant_key == LATER


async def test_one_key_covers_all_plants_of_a_command(
    client: KamerplanterClient, plant: Plant
) -> None:
    fields = PlantFields(name="Other", species_key="solanum_lycopersicum")
    other = await client.call(CreatePlant(fields=fields))
    command = LogTreatment(
        plant_keys=(plant.key, other.key),
        fields=ApplicationFields(product="Neem", interval_d=3, at=NOW),
        command_key="spray-1",
    )

    first, second = await client.call(command), await client.call(command)

    assert second == first
    assert [item.plant_key for item in first] == [plant.key, other.key]
    for key, treatment in zip((plant.key, other.key), first, strict=True):
        assert await client.call(ListTreatments(plant_key=key)) == (treatment,)
    with pytest.raises(ConflictError):
        await client.call(command.model_copy(update={"plant_keys": (plant.key,)}))


async def test_a_correction_is_for_administrators_and_is_answered_twice(
    client: KamerplanterClient, plant: Plant
) -> None:
    fields = ApplicationFields(product="Neem", interval_d=3, at=NOW)
    (treatment,) = await client.call(LogTreatment(plant_keys=(plant.key,), fields=fields))
    command = CorrectTreatment(
        key=treatment.key, patch={"interval_d": 21}, reason="Mistyped", command_key="c-1"
    )

    with pytest.raises(ForbiddenError):
        await client.call(command)
    first, second = await client.call(command, OWNER), await client.call(command, OWNER)

    assert second == first
    assert len(first.corrections) == 1
    assert await client.call(GetTreatment(key=treatment.key)) == first


async def test_errors_come_as_their_classes_with_their_values(
    client: KamerplanterClient, plant: Plant
) -> None:
    treatment = ApplicationFields(product="Neem", interval_d=3, at=NOW)
    await client.call(LogTreatment(plant_keys=(plant.key,), fields=treatment))

    with pytest.raises(KarenzViolationError) as refused:
        await client.call(LogHarvest(fields=HarvestFields(plant_key=plant.key, at=NOW)))

    assert refused.value.code == "KARENZ_VIOLATION"
    assert refused.value.placeholders["date"] == "2026-05-05"
    assert await client.call(ListHarvests(plant_key=plant.key)) == ()
    treatments = await client.call(ListTreatments(plant_key=plant.key))
    assert len(treatments) == 1
    assert (await client.call(CheckHarvest(plant_key=plant.key))).days_left == 4


async def test_a_patch_changes_what_is_given(client: KamerplanterClient) -> None:
    tank = await client.call(
        CreateTank(fields=TankFields(name="T", volume_l=10, ph_low=5.5)), OWNER
    )

    changed = await client.call(UpdateTank(key=tank.key, patch={"ph_low": None, "volume_l": 20}))

    assert (changed.name, changed.volume_l, changed.ph_low) == ("T", 20, None)
    with pytest.raises(InvalidInputError):
        await client.call(UpdateTank(key=tank.key, patch={"revision": 9}))


async def test_a_place_and_its_climate(client: KamerplanterClient) -> None:
    site_key = (await client.snapshot()).home_site_key
    assert site_key is not None
    fields = LocationFields(name="Tent", site_key=site_key, base_temperature_c=8)
    place = await client.call(CreateLocation(fields=fields))
    channels = [ChannelBinding(kind=kind, topic=f"tent/{kind}") for kind in AIR_KINDS]
    probe = await client.call(
        CreateProbe(
            fields=ProbeFields(name="Air", location_key=place.key, channels=tuple(channels))
        )
    )
    readings = [
        Reading(
            probe_key=probe.key,
            kind=ChannelKind.PPFD,
            at=NOW - timedelta(minutes=minutes),
            received_at=NOW,
            value=500,
            verdict=Verdict.GOOD,
        )
        for minutes in range(60, 0, -10)
    ]
    await client.call(RecordReadings(readings=tuple(readings)))
    renamed = await client.call(UpdateLocation(key=place.key, patch={"name": "Big tent"}))
    with pytest.raises(StaleRevisionError):
        await client.call(
            UpdateLocation(key=place.key, patch={"name": "X"}, expected_revision=place.revision)
        )

    view = (await client.snapshot()).location(place.key)

    assert_type(place, Location)
    assert view is not None
    assert (view.location, view.time_zone) == (renamed, "Europe/Berlin")
    assert view.location.base_temperature_c == 8
    assert view.today is not None
    assert view.today.dli_mol_m2 == pytest.approx(500 * 3000 / 1e6)
    assert view.today.degree_days_c_d is None


async def test_an_item_that_vanished_between_list_and_click(client: KamerplanterClient) -> None:
    task = await client.call(AddTask(fields=TaskFields(title="a")))
    listed = (await client.snapshot()).tasks
    await client.call(DeleteTask(key=task.key))

    with pytest.raises(NotFoundError):
        await client.call(CompleteTask(key=listed[0].key))
    with pytest.raises(NotFoundError):
        await client.call(DeleteTask(key=listed[0].key))
    assert (await client.snapshot()).tasks == ()


async def test_completing_twice_is_harmless(client: KamerplanterClient) -> None:
    task = await client.call(AddTask(fields=TaskFields(title="a")))

    first, second = await asyncio.gather(
        client.call(CompleteTask(key=task.key)), client.call(CompleteTask(key=task.key))
    )

    assert first == second
    assert first.state is TaskState.COMPLETED


async def test_readings_are_counted_once_and_read_back(client: KamerplanterClient) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec")
    probe = await client.call(CreateProbe(fields=ProbeFields(name="P", channels=(channel,))), OWNER)
    reading = Reading(
        probe_key=probe.key,
        kind=ChannelKind.EC,
        at=NOW,
        received_at=NOW,
        value=1.5,
        verdict=Verdict.GOOD,
    )

    counts = [await client.call(RecordReadings(readings=(reading,))) for _ in range(2)]
    listed = await client.call(
        ListReadings(
            probe_key=probe.key, kind="ec", from_at=NOW, until_at=NOW + timedelta(seconds=1)
        )
    )

    assert (counts, listed) == ([1, 0], (reading,))
    assert (await client.snapshot()).probe(probe.key).channels[0].last_good == reading


async def test_a_probe_is_in_a_solution_for_as_long_as_is_said(
    client: KamerplanterClient,
) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec")
    probe = await client.call(CreateProbe(fields=ProbeFields(name="P", channels=(channel,))), OWNER)
    hold = SolutionHoldFields(
        probe_key=probe.key, dialog="home:1", since=NOW, until=NOW + timedelta(minutes=15)
    )

    made = await client.call(ReportSolution(hold=hold, said_at=NOW))

    assert (await client.snapshot()).probe(probe.key).solution_holds == (made,)
    assert (made.dialog, made.since, made.until) == (hold.dialog, hold.since, hold.until)


async def test_a_device_that_said_goodbye_is_gone_until_it_is_heard(
    client: KamerplanterClient,
) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec")
    probe = await client.call(CreateProbe(fields=ProbeFields(name="P", channels=(channel,))), OWNER)
    goodbye = ProbePresenceFields(probe_key=probe.key, is_online=False, since=NOW)
    back = goodbye.model_copy(update={"is_online": True})

    counts = [await client.call(ReportPresence(said=(goodbye,))) for _ in range(2)]
    gone = (await client.snapshot()).probe(probe.key).gone_since
    counts.append(await client.call(ReportPresence(said=(back,))))

    assert (counts, gone) == ([1, 0, 1], NOW)
    assert (await client.snapshot()).probe(probe.key).gone_since is None


async def test_changes_name_what_was_touched(client: KamerplanterClient, plant: Plant) -> None:
    heard: asyncio.Queue[Change] = asyncio.Queue()
    end = client.changes(heard.put_nowait)

    await client.call(ArchivePlant(key=plant.key), OWNER)

    assert "plants" in (await asyncio.wait_for(heard.get(), PATIENCE_S)).collections
    end()
    objects = await client.call(ListObjects())
    assert objects["plants"][0]["archived_at"] is not None


async def test_a_question_touches_nothing(client: KamerplanterClient, plant: Plant) -> None:
    heard: list[Change] = []
    client.changes(heard.append)

    await client.call(CheckHarvest(plant_key=plant.key))
    await client.snapshot()
    await asyncio.sleep(0)

    assert heard == []


def test_only_commands_carry_a_key() -> None:
    assert issubclass(CreateTank, Command)
    assert "command_key" not in CheckHarvest.model_fields


async def test_a_planting_run_from_plan_to_end(client: KamerplanterClient) -> None:
    fields = PlantingRunFields(name="Beds", species_key="solanum_lycopersicum", quantity=2)
    run = await client.call(CreateRun(fields=fields))

    start = StartRun(key=run.key, command_key="start-1")
    begun, again = await client.call(start), await client.call(start)
    plants = await client.call(ListRunPlants(key=run.key))
    await client.call(BeginHarvest(key=run.key))
    ended = await client.call(CompleteRun(key=run.key))

    assert (begun.state, again, ended.state) == (RunState.ACTIVE, begun, RunState.COMPLETED)
    assert sorted(plant.name for plant in plants) == ["Beds 1", "Beds 2"]
    assert await client.call(ListRuns()) == (ended,)
    with pytest.raises(IllegalTransitionError):
        await client.call(StartRun(key=run.key))


async def test_what_is_measured_by_hand_is_kept_shown_and_taken_out(
    client: KamerplanterClient,
) -> None:
    tank = await client.call(CreateTank(fields=TankFields(name="T", volume_l=10)), OWNER)
    fields = HandMeasurementFields(
        tank_key=tank.key, kind=ChannelKind.EC, value=6800, unit="µS/cm", at=NOW
    )

    logged = await client.call(LogMeasurement(fields=fields, command_key="m-1"))
    again = await client.call(LogMeasurement(fields=fields, command_key="m-1"))

    assert again == logged
    assert (logged.value, logged.verdict, logged.measured_at) == (6.8, Verdict.SUSPECT, NOW)
    listed = await client.call(ListMeasurements(tank_key=tank.key))
    assert listed == (logged,)
    view = (await client.snapshot()).tank(tank.key)
    assert view is not None
    assert view.hand_measurements == (logged,)
    with pytest.raises(InvalidInputError, match="possible are 0 to 14"):
        await client.call(
            LogMeasurement(
                fields=HandMeasurementFields(tank_key=tank.key, kind=ChannelKind.PH, value=19)
            )
        )
    with pytest.raises(InvalidInputError, match="either tank_key or plant_key"):
        await client.call(ListMeasurements())
    await client.call(RemoveMeasurement(key=logged.key))
    assert await client.call(ListMeasurements(tank_key=tank.key)) == ()


async def test_a_calibration_is_withdrawn_and_a_device_exchanged(
    client: KamerplanterClient,
) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="a/ec")
    probe = await client.call(CreateProbe(fields=ProbeFields(name="P", channels=(channel,))), OWNER)
    fields = CalibrationFields(
        kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.35, value=1.413),)
    )
    wrong = await client.call(Calibrate(probe_key=probe.key, fields=fields))

    withdrawn = await client.call(WithdrawCalibration(key=wrong.key, reason="Wrong bottle"))

    assert withdrawn.withdrawn_reason == "Wrong bottle"
    history = await client.call(ListCalibrations(probe_key=probe.key))
    assert history.calibrations == (withdrawn,)
    assert history.statuses[0].state is CalibrationState.NEVER
    made = await client.call(Calibrate(probe_key=probe.key, fields=fields))
    assert (await _statuses(client, probe.key)) == [CalibrationState.VALID]
    swapped = await client.call(ReplaceProbe(probe_key=probe.key, at=NOW, note="4711"))
    assert [(item.at, item.note) for item in swapped.replacements] == [(NOW, "4711")]
    # Made in the same moment: of the new device.
    assert (await _statuses(client, probe.key)) == [CalibrationState.VALID]
    with pytest.raises(NotFoundError):
        await client.call(WithdrawCalibration(key="nothing", reason="Wrong"))
    assert made.probe_key == probe.key


async def _statuses(client: KamerplanterClient, probe_key: str) -> list[CalibrationState]:
    view = (await client.snapshot()).probe(probe_key)
    assert view is not None
    return [item.state for item in view.calibration_statuses]
