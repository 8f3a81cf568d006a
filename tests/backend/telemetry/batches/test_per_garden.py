"""Gardens do not wait for each other; one garden's batches come one after the other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from kamerplanter_backend.telemetry.batches.per_garden import PerGarden
from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden


class TestPerGarden:
    def test_two_gardens_are_held_at_the_same_time(self) -> None:
        kept = PerGarden(list)
        both = Barrier(2, timeout=10)

        def hold(key: str) -> None:
            with kept.held(key):
                both.wait()  # breaks unless the other one is inside as well

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(hold, ("a", "b")))

    def test_one_garden_is_held_by_one_at_a_time(self) -> None:
        kept = PerGarden(list)
        inside = Event()

        def hold() -> None:
            with kept.held("a"):
                inside.set()

        with ThreadPoolExecutor(1) as pool:
            with kept.held("a") as first:
                first.append("seen")
                waiting = pool.submit(hold)
                assert not inside.wait(0.1)
            waiting.result(10)
        with kept.held("a") as again:
            assert again == ["seen"]

    def test_the_one_not_used_for_longest_goes_but_none_that_is_in_use(self) -> None:
        kept = PerGarden(list, limit=2)
        with kept.held("a") as first:
            first.append("in use")
            for key in ("b", "c", "d"):
                with kept.held(key) as other:
                    other.append(key)
            assert len(kept) == 2
            with kept.held("d") as last:
                assert last == ["d"]
            with kept.held("b") as gone:
                assert gone == []
        with kept.held("a") as again:
            assert again == ["in use"]


def test_a_batch_waits_for_no_other_garden(monkeypatch: pytest.MonkeyPatch) -> None:
    garden = Garden()
    probe = garden.probe(ChannelKind.PH)
    desk = ReadingDesk(garden.services.telemetry)
    context = garden.context()
    sent = [SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=6.0)]
    slow, go = Event(), Event()
    memories = garden.services.telemetry.memories

    def first_one_waits(asked: Any, *about: Any) -> Any:
        if asked.tenant_key == "slow":
            slow.set()
            assert go.wait(10)
            return {}
        return memories(asked, *about)

    monkeypatch.setattr(garden.services.telemetry, "memories", first_one_waits)
    from dataclasses import replace  # noqa: PLC0415

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(desk.take, replace(context, tenant_key="slow"), sent)
        assert slow.wait(10)
        (taken,) = desk.take(context, sent)
        assert not waiting.done()
        go.set()
        waiting.result(10)

    assert taken.outcome == "stored"
    garden.store.close()
