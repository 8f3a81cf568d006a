"""What a probe measured at one time is one message, however a script sends it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.telemetry.batches.reading_desk import (
    IngestResult,
    Outcome,
    ReadingDesk,
    SentReading,
)
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Verdict,
)
from tests.backend.garden import Garden

MOISTURE, SOIL_EC = ChannelKind.SOIL_MOISTURE, ChannelKind.SOIL_EC
SOIL, LEVEL = ChannelKind.SOIL_TEMPERATURE, ChannelKind.LEVEL
EC, PH, WATER = ChannelKind.EC, ChannelKind.PH, ChannelKind.WATER_TEMPERATURE
KINDS = (MOISTURE, SOIL_EC, SOIL)
GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT

type Value = tuple[ChannelKind, float]
type Messages = Sequence[Sequence[Value]]
"""A message a minute: what the probe measured then."""


def soil_probe(garden: Garden, name: str = "Probe") -> Probe:
    """Return a probe whose conductivity has to be compensated by its own thermometer."""
    channels = (
        ChannelBinding(kind=MOISTURE, topic="m"),
        ChannelBinding(kind=SOIL_EC, topic="e", unit="mS/cm", compensated=False),
        ChannelBinding(kind=SOIL, topic="t"),
    )
    return garden.probe(name=name, plant_key=garden.plant(name=name).key, channels=channels)


def sent(garden: Garden, probe: Probe, messages: Messages) -> list[SentReading]:
    return [
        SentReading(
            probe_key=probe.key, kind=kind, value=value, at=garden.now + timedelta(minutes=minute)
        )
        for minute, message in enumerate(messages)
        for kind, value in message
    ]


def stored(garden: Garden, probe: Probe) -> dict[ChannelKind, list[tuple[object, ...]]]:
    """Return what the store holds at last, without the times of receipt."""
    telemetry, context = garden.services.telemetry, garden.context()
    day = timedelta(days=1)
    return {
        kind: [
            (item.at, item.value, item.raw, item.verdict, item.reasons)
            for item in telemetry.list_readings(
                context, probe.key, kind, garden.now - day, garden.now + day
            )
        ]
        for kind in KINDS
    }


def last_good(garden: Garden, probe: Probe) -> dict[ChannelKind, float | None]:
    views = garden.services.telemetry.list_latest(garden.context(), probe.key)
    return {view.kind: None if view.last_good is None else view.last_good.value for view in views}


VALUES = {
    MOISTURE: st.sampled_from([0.0, 100.0, 34.0, 35.0, 41.0, 120.0]),
    SOIL_EC: st.sampled_from([0.0, 0.5, 0.52, 7.0, 1.4, -1.0]),
    SOIL: st.sampled_from([0.0, 18.0, 18.1, 21.5, 85.0, 1.0, -0.1]),
}


@st.composite
def messages(draw: st.DrawFn) -> list[list[Value]]:
    """Messages of one probe, each with some of its values in any order."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, unique=True))
        found.append([(kind, draw(VALUES[kind])) for kind in kinds])
    return found


def test_conductivity_is_not_doubted_again_by_what_else_its_message_says(garden: Garden) -> None:
    """Another probe is its thermometer: 1.6 at 15 °C, so 1.6 / (1 - 0.02 x 10) = 2.0 at 25 °C."""
    tank = garden.tank()
    channels = (
        ChannelBinding(kind=EC, topic="ec", unit="mS/cm", compensated=False),
        ChannelBinding(kind=PH, topic="ph"),
    )
    meter = garden.probe(tank_key=tank.key, channels=channels)
    thermometer = garden.probe(WATER, tank_key=tank.key, name="Thermometer")
    desk = ReadingDesk(garden.services.telemetry)
    warm = SentReading(probe_key=thermometer.key, kind=WATER, value=15.0, at=garden.now)
    desk.take(garden.context(), [warm])
    garden.wait(minutes=1)
    at, answers = garden.now, []

    for kind, value in ((EC, 1.6), (PH, 6.0)):
        said = SentReading(probe_key=meter.key, kind=kind, value=value, at=at)
        answers += desk.take(garden.context(), [said])

    assert [(item.value, item.verdict) for item in answers] == [(2.0, GOOD), (6.0, GOOD)]
    views = garden.services.telemetry.list_latest(garden.context(), meter.key)
    [conductivity] = [view for view in views if view.kind is EC]
    assert conductivity.last is not None
    assert (conductivity.last.value, conductivity.last.verdict) == (2.0, GOOD)


def test_conductivity_that_is_another_one_by_its_own_warmth_is_stored(garden: Garden) -> None:
    """Half a second later it seems to repeat itself, until the temperature of its message comes."""
    whole, parts = soil_probe(garden, "Whole"), soil_probe(garden, "Parts")
    desk, begin = ReadingDesk(garden.services.telemetry), garden.now
    said = [(0.0, SOIL, 20.0), (0.0, SOIL_EC, 1.0), (0.5, SOIL_EC, 1.0), (0.5, SOIL, 20.5)]

    def readings(probe: Probe) -> list[SentReading]:
        return [
            SentReading(
                probe_key=probe.key, kind=kind, value=value, at=begin + timedelta(seconds=later_s)
            )
            for later_s, kind, value in said
        ]

    garden.wait(minutes=1)
    desk.take(garden.context(), readings(whole))
    for reading in readings(parts):
        desk.take(garden.context(), [reading])

    assert stored(garden, parts) == stored(garden, whole)
    values = [value for _, value, *_ in stored(garden, parts)[SOIL_EC]]
    assert values == [pytest.approx(1 / 0.90), pytest.approx(1 / 0.91)]


@settings(max_examples=20, deadline=None)
@given(said=messages(), data=st.data())
def test_verdicts_do_not_depend_on_the_borders_of_batches(
    said: list[list[Value]], data: st.DataObject
) -> None:
    garden = Garden()
    whole, parts = soil_probe(garden, "Whole"), soil_probe(garden, "Parts")
    at_once, readings = sent(garden, whole, said), sent(garden, parts, said)
    inner = data.draw(st.sets(st.integers(1, len(readings))))
    garden.wait(hours=1)
    desk = ReadingDesk(garden.services.telemetry)

    desk.take(garden.context(), at_once)
    for first, following in pairwise(sorted({0, len(readings)} | inner)):
        desk.take(garden.context(), readings[first:following])
        garden.wait(seconds=2)

    assert stored(garden, parts) == stored(garden, whole)
    assert last_good(garden, parts) == last_good(garden, whole)
    garden.store.close()


def one_by_one(
    garden: Garden, desk: ReadingDesk, readings: Sequence[SentReading]
) -> list[IngestResult]:
    found = []
    for reading in readings:
        found += desk.take(garden.context(), [reading])
        garden.wait(seconds=1)
    return found


def test_a_zero_is_doubted_once_another_one_of_its_message_comes(garden: Garden) -> None:
    probe = soil_probe(garden)
    desk = ReadingDesk(garden.services.telemetry)
    readings = sent(garden, probe, [[(MOISTURE, 1.0)], [(MOISTURE, 0.0), (SOIL_EC, 0.0)]])
    garden.wait(minutes=2)

    _, moisture, ec = one_by_one(garden, desk, readings)

    # When it came nobody could know; from then on it decides nothing and is not shown.
    assert (moisture.verdict, ec.verdict) == (GOOD, SUSPECT)
    assert "bad_company" in ec.reasons
    assert last_good(garden, probe)[MOISTURE] == 1.0
    [again] = desk.take(garden.context(), [readings[1]])
    assert (again.outcome, again.verdict, again.reasons) == (
        Outcome.KNOWN,
        SUSPECT,
        ("bad_company",),
    )


def test_a_temperature_that_comes_last_compensates_what_came_before_it(garden: Garden) -> None:
    probe = soil_probe(garden)
    desk = ReadingDesk(garden.services.telemetry)
    readings = sent(garden, probe, [[(SOIL_EC, 1.0), (SOIL, 15.0)]])
    garden.wait(minutes=1)

    ec, _ = one_by_one(garden, desk, readings)

    assert ec.reasons == ("uncompensated",)
    # 2 % less per kelvin, ten kelvin below 25 °C.
    assert last_good(garden, probe)[SOIL_EC] == pytest.approx(1 / 0.8)


def test_a_number_that_turns_out_to_be_none_stays_doubted(garden: Garden) -> None:
    probe = soil_probe(garden)
    desk = ReadingDesk(garden.services.telemetry)
    readings = sent(garden, probe, [[(SOIL_EC, 14.9), (SOIL, 15.0)]])
    garden.wait(minutes=1)

    one_by_one(garden, desk, readings)

    # At once it would have been refused: 14.9 are 18.6 mS/cm at 25 °C, and 15 are possible.
    [(_, value, _, verdict, _)] = stored(garden, probe)[SOIL_EC]
    assert (value, verdict) == (14.9, SUSPECT)


def test_what_was_measured_at_another_time_is_another_message(garden: Garden) -> None:
    probe = soil_probe(garden)
    desk = ReadingDesk(garden.services.telemetry)
    readings = sent(garden, probe, [[(MOISTURE, 0.0)], [(SOIL_EC, 0.0)]])
    garden.wait(minutes=2)

    moisture, ec = one_by_one(garden, desk, readings)

    assert (moisture.verdict, ec.verdict) == (GOOD, SUSPECT)
    assert last_good(garden, probe)[MOISTURE] == 0.0


def test_a_message_that_somebody_else_went_on_from_is_not_undone(garden: Garden) -> None:
    probe = soil_probe(garden)
    desk = ReadingDesk(garden.services.telemetry)
    moisture, ec = sent(garden, probe, [[(MOISTURE, 0.0), (SOIL_EC, 0.0)]])
    garden.wait(minutes=1)
    desk.take(garden.context(), [moisture])
    garden.measure(probe, MOISTURE, 34.0)

    desk.take(garden.context(), [ec])

    assert last_good(garden, probe)[MOISTURE] == 34.0
    [judged] = desk.take(
        garden.context(),
        [SentReading(probe_key=probe.key, kind=MOISTURE, value=34.5, at=garden.now)],
    )
    assert judged.verdict is GOOD


def test_nothing_is_lost_where_the_store_does_not_answer(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = soil_probe(garden)
    telemetry = garden.services.telemetry
    desk = ReadingDesk(telemetry)
    moisture, ec = sent(garden, probe, [[(MOISTURE, 0.0), (SOIL_EC, 0.0)]])
    garden.wait(minutes=1)
    desk.take(garden.context(), [moisture])

    def fail(_context: object, _readings: Sequence[Reading]) -> int:
        raise UnavailableError("The store does not answer.")

    for name in ("record_judged", "revise"):
        with monkeypatch.context() as patch:
            patch.setattr(telemetry, name, fail)
            with pytest.raises(UnavailableError):
                desk.take(garden.context(), [ec])

    [judged] = desk.take(garden.context(), [ec])
    assert judged.outcome is Outcome.STORED
    assert "bad_company" in judged.reasons
    assert last_good(garden, probe)[MOISTURE] is None


PH, EC = ChannelKind.PH, ChannelKind.EC
ONE_OFF = CalibrationFields(
    kind=PH, points=(CalibrationPoint(raw=7.4, value=7), CalibrationPoint(raw=4.4, value=4))
)
IN_MILLIVOLT = CalibrationFields(
    kind=PH,
    scale=RawScale.MILLIVOLT,
    points=(CalibrationPoint(raw=0, value=7), CalibrationPoint(raw=177, value=4)),
)


def withdraw(garden: Garden, made: Calibration) -> None:
    garden.services.calibration.withdraw(garden.context(), made.key, "Mixed up the buffers")


@pytest.mark.parametrize(
    ("fields", "shown", "value"), [(ONE_OFF, 6.4, 6.0), (IN_MILLIVOLT, 59, 6.0)]
)
def test_what_is_stored_keeps_its_value_though_its_calibration_is_withdrawn(
    garden: Garden, fields: CalibrationFields, shown: float, value: float
) -> None:
    probe = garden.probe(PH, EC, LEVEL)
    made = garden.services.calibration.calibrate(garden.context(), probe.key, fields)
    garden.wait(minutes=20)
    desk, at = ReadingDesk(garden.services.telemetry), garden.now
    take(garden, desk, probe, at, (PH, shown))
    before = stored_ph(garden, probe)
    garden.wait(seconds=1)
    withdraw(garden, made)

    for other in ((EC, 1.4), (LEVEL, 60.0)):
        garden.wait(seconds=1)
        take(garden, desk, probe, at, other)

    assert [(item.value, item.raw) for item in before] == [(pytest.approx(value), shown)]
    assert stored_ph(garden, probe) == before
    garden.wait(minutes=1)
    [now] = take(garden, desk, probe, garden.now, (PH, 6.4))
    assert now.value == 6.4, "what comes from now on"


def test_what_is_stored_keeps_its_value_though_a_calibration_is_dated_back(garden: Garden) -> None:
    probe = garden.probe(PH, EC)
    desk, at = ReadingDesk(garden.services.telemetry), garden.wait(hours=1)
    take(garden, desk, probe, at, (PH, 6.4))
    before = stored_ph(garden, probe)
    dated = ONE_OFF.model_copy(update={"at": at - timedelta(minutes=30)})
    garden.services.calibration.calibrate(garden.context(), probe.key, dated)

    garden.wait(seconds=1)
    take(garden, desk, probe, at, (EC, 1.4))

    assert [(item.value, item.raw) for item in before] == [(6.4, None)]
    assert stored_ph(garden, probe) == before


def test_only_the_verdict_of_what_is_stored_follows_its_message(garden: Garden) -> None:
    probe = garden.probe(MOISTURE, SOIL_EC, PH)
    made = garden.services.calibration.calibrate(garden.context(), probe.key, ONE_OFF)
    garden.wait(minutes=20)
    desk, at = ReadingDesk(garden.services.telemetry), garden.now
    take(garden, desk, probe, at, (PH, 6.4))
    take(garden, desk, probe, at, (MOISTURE, 0.0))
    withdraw(garden, made)

    take(garden, desk, probe, at, (SOIL_EC, 0.0))

    [lone] = stored(garden, probe)[MOISTURE]
    assert lone[1:4] == (0.0, None, SUSPECT)
    assert [item.value for item in stored_ph(garden, probe)] == [pytest.approx(6.0)]


def take(
    garden: Garden, desk: ReadingDesk, probe: Probe, at: datetime, value: Value
) -> tuple[IngestResult, ...]:
    kind, number = value
    reading = SentReading(probe_key=probe.key, kind=kind, value=number, at=at)
    return desk.take(garden.context(), [reading])


def stored_ph(garden: Garden, probe: Probe) -> tuple[Reading, ...]:
    day = timedelta(days=1)
    return garden.services.telemetry.list_readings(
        garden.context(), probe.key, PH, garden.now - day, garden.now + day
    )
