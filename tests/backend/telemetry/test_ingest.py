"""What scripts send is judged exactly as what devices send."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.ingest import IngestResult, Outcome, ReadingDesk, SentReading
from kamerplanter_backend.telemetry.intake import ProbeIntake
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict
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


def test_archived_probes_take_nothing() -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    garden.services.probe.archive(garden.context(), probe.key)
    desk = ReadingDesk(garden.services.telemetry)

    sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=6.0)
    (result,) = desk.take(garden.context(), [sent])

    assert (result.outcome, result.reasons) == (Outcome.REFUSED, ("unknown_probe",))
    garden.store.close()
