"""A probe that was moved: live, kept by the broker, after a restart, over HTTP."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason
from kamerplanter_engines.telemetry_engine import Known
from tests.backend.garden import Garden
from tests.backend.telemetry.device import (
    EC,
    GOOD,
    HOUR,
    MOISTURE,
    PH,
    STALE,
    T0,
    WATER,
    Device,
    bind,
    reasons,
    values,
)
from tests.backend.telemetry.roads import House, Story, Worker, hear, tank_with_two

BATTERY = ChannelKind.BATTERY
MOVED_S = 600


def moved(device: Device, at_s: float = MOVED_S) -> None:
    probe = device.intake.probe
    at = T0 + timedelta(seconds=at_s)
    device.intake.update(
        probe.model_copy(update={"placed_at": at, "updated_at": at, "tank_key": f"t{at_s}"})
    )


def reading(kind: ChannelKind, at_s: float, value: float) -> Reading:
    at = T0 + timedelta(seconds=at_s)
    return Reading(probe_key="p", kind=kind, at=at, received_at=at, value=value, verdict=GOOD)


def dated(value: float, at_s: float) -> dict[str, object]:
    return {"v": value, "time": (T0 + timedelta(seconds=at_s)).isoformat()}


# --- Live -----------------------------------------------------------------------------------


def test_live_value_goes_at_once_and_comes_with_the_first_reading() -> None:
    device = Device(bind(PH, "ph"), bind(BATTERY, "battery"))
    device.send({"ph": 6.1, "battery": 80})

    moved(device)

    assert device.shown(PH, MOVED_S) is None
    assert device.quality(PH, MOVED_S) == (STALE, (Reason.NEVER_MEASURED,))
    assert device.shown(BATTERY, MOVED_S) == 80
    # The same number again is another reading, and 4.0 no jump.
    assert values(device.send({"ph": 6.1, "battery": 80}, MOVED_S + 1)) == {
        "ph": 6.1,
        "battery": 80,
    }
    assert device.shown(PH, MOVED_S + 1) == 6.1

    moved(device, MOVED_S + 60)
    assert device.shown(PH, MOVED_S + 60) is None
    assert values(device.send({"ph": 4.0}, MOVED_S + 61))["ph"] == 4.0


def test_a_rename_takes_nothing_away() -> None:
    device = Device(bind(PH))
    moved(device)
    device.send("6.1", MOVED_S + 1)

    device.intake.update(device.intake.probe.model_copy(update={"name": "New name"}))

    assert device.shown(PH, MOVED_S + 2) == 6.1


def test_a_dated_message_of_before_is_stored_and_not_shown() -> None:
    device = Device(bind(PH, "v"))
    device.send(dated(6.1, 0), 1)
    moved(device)

    assert values(device.send(dated(6.2, MOVED_S - 1), MOVED_S + 5)) == {"ph": 6.2}

    assert [item.value for item in device.intake.take_readings()] == [6.1, 6.2]
    assert device.shown(PH, MOVED_S + 6) is None


@pytest.mark.parametrize("dated_s", [None, MOVED_S - 1])
def test_what_the_broker_kept_from_before_is_not_shown(dated_s: float | None) -> None:
    device = Device(bind(PH, "v"))
    device.send(dated(6.1, 0), 1)
    moved(device)

    kept = {"v": 6.1} if dated_s is None else dated(6.1, dated_s)
    device.send(kept, MOVED_S + 5, retained=True)

    assert device.shown(PH, MOVED_S + 6) is None


def test_what_the_broker_kept_and_was_measured_here_is_shown_as_ever() -> None:
    device = Device(bind(PH, "v"))
    moved(device)

    device.send(dated(6.1, MOVED_S + 1), MOVED_S + 5, retained=True)

    assert device.shown(PH, MOVED_S + 6) == 6.1
    assert device.quality(PH, MOVED_S + 6) == (STALE, (Reason.RETAINED,))


def test_an_entity_that_is_read_anew_tells_when_it_was_reported() -> None:
    device = Device(bind(PH, entity_id="sensor.ph"))
    device.report("sensor.ph", "6.1", 1)
    moved(device)

    device.report("sensor.ph", "6.1", MOVED_S + 1, reported_s=1)
    device.report("sensor.ph", "6.1", MOVED_S + 1, restored=True)
    assert device.shown(PH, MOVED_S + 2) is None

    device.report("sensor.ph", "6.1", MOVED_S + 3)
    assert device.shown(PH, MOVED_S + 3) == 6.1


def test_a_device_that_is_alive_confirms_no_moisture_of_another_pot() -> None:
    device = Device(
        bind(MOISTURE, entity_id="sensor.moisture"), bind(BATTERY, entity_id="sensor.battery")
    )
    device.report("sensor.moisture", "35")
    device.report("sensor.battery", "80", 1)
    moved(device)

    device.report("sensor.battery", "81", 3 * HOUR)

    assert device.shown(MOISTURE, 3 * HOUR) is None


def test_water_of_another_tank_is_no_warmth_of_this_one() -> None:
    device = Device(bind(EC, "ec", compensated=False, topic="ec"), bind(WATER, "t", topic="water"))
    device.send({"t": 18.0}, topic="water")
    device.send({"ec": 1.2}, 1, topic="ec")
    moved(device)

    judged = device.send({"ec": 1.2}, MOVED_S + 1, topic="ec")

    assert reasons(judged)["ec"] == (Reason.UNCOMPENSATED,)


# --- After a restart ------------------------------------------------------------------------


def restarted(*known: tuple[ChannelKind, Known]) -> Device:
    device = Device(bind(PH, "ph"), bind(BATTERY, "battery"))
    moved(device)
    again = Device(bind(PH, "ph"), bind(BATTERY, "battery"))
    again.intake = type(again.intake)(
        device.intake.probe,
        started_at=T0 + timedelta(seconds=MOVED_S + 60),
        restored=dict(known),
    )
    return again


def test_a_restart_before_the_first_reading_shows_nothing() -> None:
    old, battery = reading(PH, MOVED_S - 1, 6.1), reading(BATTERY, MOVED_S - 1, 80)

    device = restarted((PH, Known(old, old)), (BATTERY, Known(battery, battery)))

    assert device.shown(PH, MOVED_S + 61) is None
    assert device.shown(BATTERY, MOVED_S + 61) == 80
    since = T0 + timedelta(seconds=MOVED_S + 60)
    late = old.model_copy(update={"received_at": since + timedelta(seconds=5)})
    device.intake.recall({PH: Known(late, late)}, since)
    assert device.shown(PH, MOVED_S + 66) is None


def test_a_restart_after_the_first_reading_shows_it_as_a_memory() -> None:
    here = reading(PH, MOVED_S + 1, 4.0)

    device = restarted((PH, Known(here, here)))

    assert device.shown(PH, MOVED_S + 61) == 4.0
    assert device.quality(PH, MOVED_S + 61) == (STALE, (Reason.RESTORED,))


# --- All roads ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [House, Worker])
@pytest.mark.parametrize("restarts", [False, True])
def test_each_listener_judges_alike_after_a_move(
    make: type[House | Worker], *, restarts: bool
) -> None:
    with tank_with_two(Story(PH, [])) as (garden, _tank, start):
        other = garden.tank(name="Other")
        listener = make(garden, start)
        hear(garden, listener.sync()["left"], garden.now, 6.1)
        garden.wait(minutes=1)
        garden.services.probe.update(garden.context(), "left", {"tank_key": other.key})
        garden.wait(minutes=1)
        if restarts:
            listener = make(garden, garden.now)
        intake = listener.sync()["left"]
        assert intake.shown(PH, garden.now).value is None

        before = garden.now - timedelta(seconds=90)
        assert hear(garden, intake, before, 6.3) == (GOOD, ())
        intake = listener.sync()["left"]
        assert intake.shown(PH, garden.now).value is None
        garden.wait(minutes=1)
        assert hear(garden, intake, garden.now, 8.9) == (GOOD, ())
        intake = listener.sync()["left"]
        assert intake.shown(PH, garden.now).value == 8.9


def test_a_script_that_measures_in_two_tanks(garden: Garden) -> None:
    one, other = garden.tank(name="A"), garden.tank(name="B")
    probe = garden.probe(PH, tank_key=one.key)
    desk = ReadingDesk(garden.services.telemetry)

    def send(value: float, at: datetime | None = None) -> tuple[str, ...]:
        sent = SentReading(probe_key=probe.key, kind=PH, value=value, at=at)
        (result,) = desk.take(garden.context(), [sent])
        assert result.outcome == "stored"
        return result.reasons

    def latest() -> float | None:
        (view,) = garden.services.telemetry.list_latest(garden.context(), probe.key)
        return view.last.value if view.last else None

    assert send(6.1) == ()
    garden.wait(minutes=1)
    garden.services.probe.update(garden.context(), probe.key, {"tank_key": other.key})
    garden.wait(minutes=20)

    # No jump is natural any more, and this is none: it is another water.
    assert send(6.4, garden.now - timedelta(minutes=20, seconds=30)) == ()
    assert latest() is None
    assert send(8.9) == ()
    assert latest() == 8.9
    garden.wait(minutes=1)
    assert send(5.0) == ("rate",)
