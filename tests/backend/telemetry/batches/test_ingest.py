"""What scripts send is judged exactly as what devices send."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.batches.reading_desk import (
    IngestResult,
    Outcome,
    ReadingDesk,
    SentReading,
)
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.irrigation import WateringFields
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Probe,
    Verdict,
)
from tests.backend.garden import Garden

VALUES = st.lists(
    st.one_of(
        st.sampled_from([5.9, 5.91, 6.0, 0.0, 3.2, 3.21, 3.22, 2.8, 14.0, 15.0, -1.0]),
        st.floats(2, 11).map(lambda value: round(value, 2)),
    ),
    min_size=1,
    max_size=30,
)
PACE = timedelta(minutes=1)

type Seen = list[tuple[Verdict, tuple[str, ...]]]


def live(garden: Garden, probe: Probe, values: list[float]) -> Seen:
    """Return the verdicts on values that a device sends, one each minute."""
    intake = ProbeIntake(probe, started_at=garden.now)
    seen: Seen = []
    for index, value in enumerate(values):
        (judged,) = intake.on_message(
            "probe/ph", repr(value), retained=False, received_at=garden.now + index * PACE
        )
        seen.append((judged.verdict, tuple(reason.value for reason in judged.reasons)))
    return seen


def verdicts(results: tuple[IngestResult, ...]) -> Seen:
    return [(result.verdict, result.reasons) for result in results]


@settings(max_examples=40, deadline=None)
@given(values=VALUES)
def test_one_by_one(values: list[float]) -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    expected = live(garden, probe, values)
    desk = ReadingDesk(garden.services.telemetry)

    seen: Seen = []
    for value in values:
        sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=value)
        seen += verdicts(desk.take(garden.context(), [sent]))
        garden.now += PACE

    assert seen == expected
    garden.store.close()


@settings(max_examples=40, deadline=None)
@given(values=VALUES, size=st.integers(1, 30))
def test_in_batches_of_any_size(values: list[float], size: int) -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    expected = live(garden, probe, values)
    sent = [
        SentReading(
            probe_key=probe.key, kind=ChannelKind.PH, value=value, at=garden.now + index * PACE
        )
        for index, value in enumerate(values)
    ]
    garden.now += timedelta(hours=1)
    desk = ReadingDesk(garden.services.telemetry)

    seen: Seen = []
    for start in range(0, len(sent), size):
        seen += verdicts(desk.take(garden.context(), sent[start : start + size]))
    again = desk.take(garden.context(), sent)

    assert seen == expected
    # What had no value has nothing stored, so it is judged again, and again refused.
    assert {r.outcome for r in again} <= {Outcome.KNOWN, Outcome.REFUSED}
    assert [r.outcome is Outcome.REFUSED for r in again] == [
        verdict is Verdict.BAD for verdict, _ in expected
    ]
    garden.store.close()


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.8, 1.2, 1.9, 2.4]), min_size=8, max_size=30),
    fills=st.sets(st.integers(0, 30), max_size=3),
    size=st.integers(1, 30),
    delay_min=st.sampled_from([0, 7, 600, 5000]),
)
def test_what_was_measured_after_a_fill_is_judged_by_its_own_time(
    values: list[float], fills: set[int], size: int, delay_min: int
) -> None:
    garden = Garden()
    tank = garden.tank()
    probe = garden.probe(ChannelKind.EC, tank_key=tank.key)
    intake = ProbeIntake(probe, started_at=garden.now)
    pace = timedelta(minutes=5)
    sent, expected, filled = [], [], []
    for index, value in enumerate(values):
        if index in fills:
            kind = TaskFields(kind=TaskKind.TANK_EC, tank_key=tank.key)
            task = garden.services.task.add(garden.context(), kind)
            garden.services.task.complete(garden.context(), task.key)
            filled.append(garden.now)
            intake.on_supply(filled, filled)
        (judged,) = intake.on_message(
            "probe/ec", repr(value), retained=False, received_at=garden.now
        )
        expected.append((judged.verdict, judged.reasons))
        sent.append(
            SentReading(probe_key=probe.key, kind=ChannelKind.EC, value=value, at=garden.now)
        )
        garden.now += pace
    garden.wait(minutes=delay_min)
    desk = ReadingDesk(garden.services.telemetry)

    seen: Seen = []
    for start in range(0, len(sent), size):
        seen += verdicts(desk.take(garden.context(), sent[start : start + size]))
        garden.wait(minutes=3)

    assert seen == expected
    garden.store.close()


@pytest.mark.parametrize("hours_late", [0, 30])
def test_a_watering_long_ago_still_moved_what_was_measured_then(hours_late: int) -> None:
    garden = Garden()
    plant = garden.plant()
    probe = garden.probe(ChannelKind.EC, plant_key=plant.key)
    first, step = garden.now, timedelta(minutes=30)
    garden.wait(hours=8)
    for at in (first + timedelta(hours=2), first + timedelta(hours=7, minutes=30)):
        watering = WateringFields(at=at, volume_l=1)
        garden.services.irrigation.log(garden.context(), [plant.key], watering)
    # It stands still to the digit from half past ten on, across the first watering.
    values = [1.23, *[1.21] * 15]
    sent = [
        SentReading(probe_key=probe.key, kind=ChannelKind.EC, value=value, at=first + index * step)
        for index, value in enumerate(values)
    ]
    garden.wait(hours=hours_late)
    desk = ReadingDesk(garden.services.telemetry)

    found = verdicts(desk.take(garden.context(), sent))

    stuck_from = 1 + int(timedelta(hours=6) / step)
    assert [reasons for _, reasons in found] == [
        ("stuck",) if index >= stuck_from else () for index in range(len(values))
    ]
    garden.store.close()


def test_a_changed_binding_forgets_what_the_old_one_showed() -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    desk = ReadingDesk(garden.services.telemetry)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=4.0)
    desk.take(garden.context(), [sent])
    garden.wait(minutes=1)
    garden.services.probe.update(
        garden.context(), probe.key, {"channels": [{"kind": "ph", "topic": "another/one"}]}
    )

    (result,) = desk.take(garden.context(), [sent.model_copy(update={"value": 9.0})])

    assert result.verdict is Verdict.GOOD
    garden.store.close()


def test_what_another_road_has_stored_counts() -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    desk = ReadingDesk(garden.services.telemetry)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=4.0)
    desk.take(garden.context(), [sent])
    garden.wait(minutes=1)
    garden.measure(probe, ChannelKind.PH, 9.0)
    garden.wait(minutes=1)

    (result,) = desk.take(garden.context(), [sent.model_copy(update={"value": 9.01})])

    assert result.verdict is Verdict.GOOD
    garden.store.close()


def test_the_same_batch_from_several_sides_is_stored_once() -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    desk = ReadingDesk(garden.services.telemetry)
    sent = [
        SentReading(
            probe_key=probe.key,
            kind=ChannelKind.PH,
            value=5.9 + index % 3 / 100,
            at=garden.now - (50 - index) * PACE,
        )
        for index in range(50)
    ]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: desk.take(garden.context(), sent), range(8)))

    outcomes = Counter(result.outcome for answer in answers for result in answer)
    assert outcomes == {Outcome.STORED: 50, Outcome.KNOWN: 7 * 50}
    garden.store.close()


@pytest.mark.parametrize("bound_unit", ["µS/cm", "ppm500", None])
@pytest.mark.parametrize("unit", ["ppm", "mg/L", "L", ""])
def test_a_unit_that_does_not_fit_is_refused_and_said(bound_unit: str | None, unit: str) -> None:
    garden = Garden()
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", unit=bound_unit)
    probe = garden.probe(channels=(channel,))
    desk = ReadingDesk(garden.services.telemetry)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.EC, value=900, unit=unit)
    fitting = sent.model_copy(update={"unit": "uS/cm"})

    refused, stored = desk.take(garden.context(), [sent, fitting])

    assert (refused.outcome, refused.reasons) == (Outcome.REFUSED, ("unknown_unit",))
    assert refused.message is not None
    assert refused.message.startswith(f"Unit {unit!r} ")
    assert "mS/cm, µS/cm" in refused.message
    assert (stored.outcome, stored.value, stored.message) == (Outcome.STORED, 0.9, None)
    garden.store.close()


def test_a_raw_number_for_a_curve_may_have_any_unit() -> None:
    garden = Garden()
    points = (CurvePoint(raw=2.8, value=0), CurvePoint(raw=1.2, value=100))
    channel = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed", curve=points)
    probe = garden.probe(channels=(channel,), plant_key=garden.plant().key)
    desk = ReadingDesk(garden.services.telemetry)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.SOIL_MOISTURE, value=2, unit="V")

    (result,) = desk.take(garden.context(), [sent])

    assert (result.outcome, result.value) == (Outcome.STORED, 50)
    garden.store.close()


@pytest.mark.parametrize(("unit", "value"), [("%", 41.0), ("V", 0.0), (None, 0.0)])
def test_a_value_that_says_percent_is_not_put_through_a_curve_for_volts(
    unit: str | None, value: float
) -> None:
    garden = Garden()
    points = (CurvePoint(raw=2.8, value=0), CurvePoint(raw=1.2, value=100))
    channel = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed", curve=points)
    probe = garden.probe(channels=(channel,), plant_key=garden.plant().key)
    desk = ReadingDesk(garden.services.telemetry)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.SOIL_MOISTURE, value=41, unit=unit)

    (result,) = desk.take(garden.context(), [sent])

    verdict = Verdict.GOOD if unit == "%" else Verdict.SUSPECT
    assert (result.value, result.verdict) == (value, verdict)
    garden.store.close()


def test_archived_probes_take_nothing() -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    garden.services.probe.archive(garden.context(), probe.key)
    desk = ReadingDesk(garden.services.telemetry)

    sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=6.0)
    (result,) = desk.take(garden.context(), [sent])

    assert (result.outcome, result.reasons) == (Outcome.REFUSED, ("unknown_probe",))
    garden.store.close()
