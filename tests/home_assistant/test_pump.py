"""Readings on their way to the store: none is lost when a call fails."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.kamerplanter.telemetry.pump import (
    FLUSH_AFTER_S,
    RETRY_AFTER_S,
    ReadingPump,
)
from kamerplanter_backend.client.protocol import KamerplanterClient
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.client.wire import error_of
from kamerplanter_backend.common.exceptions import (
    NotFoundError,
    StoreFullError,
    UnavailableError,
)
from kamerplanter_backend.telemetry.probe.batching import BATCH_SIZE, CAPACITY
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
READING = Reading(
    probe_key="p", kind=ChannelKind.EC, at=AT, received_at=AT, value=1.8, verdict=Verdict.GOOD
)


class BreaksOnce:
    """A client whose first call fails in a way that nobody foresaw."""

    def __init__(self) -> None:
        self.stored: list[Reading] = []
        self.is_broken = True

    async def call(self, request: RecordReadings) -> int:
        if self.is_broken:
            self.is_broken = False
            raise RuntimeError
        self.stored += request.readings
        return len(request.readings)


async def test_a_batch_survives_a_failure_that_nobody_foresaw(hass: HomeAssistant) -> None:
    client = BreaksOnce()
    pump = ReadingPump(hass, cast("KamerplanterClient", client), lambda _error: None)
    pump.add([READING])

    with pytest.raises(RuntimeError):
        await pump.flush()
    await pump.flush()

    assert client.stored == [READING]
    await pump.stop()


FULL = StoreFullError("The disk is full.")
BACKUP = UnavailableError("A backup is made.", reason="backup")


def readings(count: int) -> list[Reading]:
    """Return readings of so many seconds in a row."""
    return [READING.model_copy(update={"at": AT + timedelta(seconds=i)}) for i in range(count)]


class Store:
    """A client that refuses readings as long as it is told to, and what the pump says of it."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.batches: list[tuple[Reading, ...]] = []
        self.refusal: KamerplanterError | None = None
        self.bad: list[Reading] = []
        self.call_count = 0
        self.full_at_call = 0
        """The disk is full for this call alone."""
        self.told: list[UnavailableError | None] = []
        self.is_busy = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.pump = ReadingPump(hass, cast("KamerplanterClient", self), self.told.append)

    async def call(self, request: RecordReadings) -> int:
        self.call_count += 1
        self.is_busy.set()
        await self.may_go_on.wait()
        if self.refusal is not None:
            raise self.refusal
        if self.call_count == self.full_at_call:
            raise FULL
        if any(reading in self.bad for reading in request.readings):
            raise InvalidInputError("No such time.", field="at", value="?")
        self.batches.append(request.readings)
        return len(request.readings)

    @property
    def stored(self) -> list[Reading]:
        return [reading for batch in self.batches for reading in batch]


async def pass_s(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_readings_of_half_a_second_are_one_batch(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    first, second, third = readings(3)

    store.pump.add([])
    store.pump.add([first])
    freezer.tick(FLUSH_AFTER_S / 2)
    store.pump.add([second])
    assert store.pump.waiting == 2
    await pass_s(hass, freezer, FLUSH_AFTER_S / 2 + 0.1)
    store.pump.add([third])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)

    assert store.batches == [(first, second), (third,)]
    assert store.told == []
    await store.pump.stop()


async def test_a_full_batch_does_not_wait(hass: HomeAssistant) -> None:
    store = Store(hass)

    store.pump.add(readings(BATCH_SIZE))
    await hass.async_block_till_done()

    assert [len(batch) for batch in store.batches] == [BATCH_SIZE]
    await store.pump.stop()


async def test_what_comes_while_a_batch_is_under_way_follows_it(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    every = readings(2 * BATCH_SIZE + 1)
    store.may_go_on.clear()
    store.pump.add(every[:BATCH_SIZE])
    await store.is_busy.wait()

    store.pump.add(every[BATCH_SIZE:])
    store.may_go_on.set()
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)

    assert store.stored == every
    assert max(len(batch) for batch in store.batches) == BATCH_SIZE
    await store.pump.stop()


async def test_a_store_that_takes_nothing_is_told_once_and_loses_nothing(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Store(hass)
    store.refusal = FULL
    first, second = readings(2)

    store.pump.add([first])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)
    assert store.told == [FULL]
    assert store.pump.waiting == 1

    store.refusal = None
    store.pump.add([second])
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)
    assert store.stored == [first, second]
    assert store.told == [FULL, None]
    assert caplog.text.count("Readings wait") == 1
    assert caplog.text.count("takes readings again") == 1

    store.refusal = FULL
    store.pump.add([first])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)
    assert store.told == [FULL, None, FULL], "a second time is worth a second word"
    await store.pump.stop()


async def test_a_backup_is_waited_for_in_silence(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    store.refusal = BACKUP
    store.pump.add([READING])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)

    store.refusal = None
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)

    assert store.stored == [READING]
    assert store.told == []
    await store.pump.stop()


async def test_readings_that_the_store_refuses_for_good_do_not_block_the_next(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(hass)
    store.refusal = InvalidInputError("No such probe.", field="probe_key", value="p")
    store.pump.add([READING])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)
    assert store.pump.waiting == 0
    assert "1 readings were refused and are lost" in caplog.text

    store.refusal = None
    [_, second] = readings(2)
    store.pump.add([second])
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)

    assert store.stored == [second]
    assert store.told == []
    await store.pump.stop()


async def test_of_a_batch_that_is_refused_only_what_is_at_fault_is_lost(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(hass)
    every = readings(101)
    store.bad = [every[0], every[70]]

    store.pump.add(every)
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)

    assert store.stored == [reading for reading in every if reading not in store.bad]
    assert (store.pump.waiting, store.pump.dropped) == (0, 2)
    assert caplog.text.count("2 readings were refused and are lost") == 1
    await store.pump.stop()


async def test_the_rest_of_a_refused_batch_waits_if_the_store_goes_away(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    every = readings(4)
    store.bad = [every[0]]
    store.full_at_call = 5  # after the whole, its first half, the bad one and its neighbour

    store.pump.add(every)
    await pass_s(hass, freezer, FLUSH_AFTER_S + 0.1)
    while_away = (store.stored, store.pump.waiting, store.pump.dropped)
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)

    assert while_away == ([every[1]], 2, 1)
    assert store.stored == every[1:]
    assert store.told == [FULL, None]
    await store.pump.stop()


async def test_many_that_wait_do_not_hurry_a_store_that_takes_nothing(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    store.refusal = FULL
    every = readings(BATCH_SIZE + 10)
    store.pump.add(every[:BATCH_SIZE])
    await hass.async_block_till_done()

    for reading in every[BATCH_SIZE:]:
        store.pump.add([reading])
        await pass_s(hass, freezer, FLUSH_AFTER_S)
    assert store.call_count == 1, "the retry is due after ten seconds"
    store.refusal = None
    await pass_s(hass, freezer, RETRY_AFTER_S)

    assert store.stored == every
    store.pump.add(every[:BATCH_SIZE])
    await hass.async_block_till_done()
    assert len(store.stored) == len(every) + BATCH_SIZE, "a full batch does not wait any more"
    await store.pump.stop()


async def test_a_store_that_is_away_for_too_long_costs_the_oldest_and_they_are_counted(
    hass: HomeAssistant,
) -> None:
    store = Store(hass)
    store.refusal = FULL
    every = readings(CAPACITY + 3)

    store.pump.add(every)
    await hass.async_block_till_done()
    assert (store.pump.waiting, store.pump.dropped) == (CAPACITY, 3)

    store.refusal = None
    await store.pump.stop()
    assert store.stored == every[3:]


async def test_the_stop_stores_what_is_left_and_nothing_follows(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(hass)
    first, second = readings(2)
    store.pump.add([first])

    await store.pump.stop()
    assert store.stored == [first]

    store.pump.add([second])
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)
    assert store.stored == [first]
    assert "are lost" not in caplog.text


async def test_a_stop_with_a_store_that_takes_nothing_ends_and_says_what_it_costs(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(hass)
    store.refusal = FULL
    store.pump.add([READING])

    await store.pump.stop()
    store.refusal = None
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)

    assert store.stored == []
    assert store.pump.waiting == 1
    assert caplog.text.count("1 readings are lost") == 1


async def test_readings_that_arrived_too_late_at_the_server_wait_and_are_sent_again(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    store = Store(hass)
    store.refusal = error_of(408, b'{"error_code": "REQUEST_TIMEOUT", "message": "Too late."}')
    heard = readings(3)

    store.pump.add(heard)
    await store.pump.flush()
    assert (store.pump.waiting, store.pump.dropped, store.stored) == (3, 0, [])
    store.refusal = None
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)

    assert (store.pump.waiting, store.pump.dropped, store.stored) == (0, 0, heard)
    await store.pump.stop()


async def test_readings_of_a_probe_that_the_server_does_not_know_are_said_and_not_sent_again(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(hass)
    store.refusal = NotFoundError("No probe 'p' in this garden.", kind="probes", key="p")

    store.pump.add(readings(3))
    await store.pump.flush()
    assert (store.pump.waiting, store.pump.dropped) == (0, 3)
    store.refusal = None
    await pass_s(hass, freezer, RETRY_AFTER_S + 0.1)

    assert store.call_count == 1
    assert "3 readings were refused and are lost" in caplog.text
    assert "No probe 'p' in this garden" in caplog.text
    await store.pump.stop()
