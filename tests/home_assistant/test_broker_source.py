"""A garden with a connection of its own to a broker: real sockets, real time."""

import asyncio
import logging
import math
import signal
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from aiomqtt import Client
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.telemetry.broker_source import (
    LOOK_EVERY,
    BrokerSource,
    broker_settings,
)
from demo.ports import free_port
from kamerplanter_backend.telemetry.broker import aiomqtt_source, connection as broker_connection
from kamerplanter_backend.telemetry.broker.aiomqtt_source import FLAPPING_COUNT, OwnBroker
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    HostUnreachable,
    LoginRefused,
    TlsFailed,
    client_id_for,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.backend.telemetry.brokers import (
    HOST,
    amqtt_broker,
    certificate,
    flood,
    has_session,
    mosquitto,
    password_lines,
    tls_lines,
)
from tests.backend.telemetry.listener import take_over
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import STORE_ID, Garden, new_entry

pytestmark = pytest.mark.usefixtures("socket_enabled")

ISSUE = f"broker_conflict_{STORE_ID}"
OUTAGE_AGE_S = 6.0
"""Maximum age of a value in a real outage. [s]"""


def broker_data(port: int) -> dict[str, object]:
    return {"host": HOST, "port": port, "tls": False, "verify_certificate": True}


async def until(
    hass: HomeAssistant, entity_id: str, holds: Callable[[State], bool], act: Callable[[], object]
) -> State:
    """Return the first state of an entity for which something holds, after having acted."""
    found: asyncio.Future[State] = hass.loop.create_future()

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and holds(state) and not found.done():
            found.set_result(state)

    stop = async_track_state_change_event(hass, [entity_id], look)
    try:
        async with asyncio.timeout(20):
            result = act()
            if asyncio.iscoroutine(result):
                await result
            return await found
    finally:
        stop()


async def publish(port: int, topic: str, payload: str) -> None:
    async with Client(HOST, port) as client:
        await client.publish(topic, payload, qos=1)


@contextmanager
def refusals(
    broker: type[OwnBroker],
) -> Iterator[Callable[[type[BrokerError]], Awaitable[None]]]:
    """Give what waits until the connection has failed for a reason."""
    errors: asyncio.Queue[BrokerError | None] = asyncio.Queue()
    take = broker._lost

    def lost_once(self: OwnBroker, error: Exception) -> None:
        take(self, error)
        errors.put_nowait(self.last_error)

    async def wait(kind: type[BrokerError]) -> None:
        async with asyncio.timeout(20):
            while not isinstance(await errors.get(), kind):
                pass

    with patch.object(broker, "_lost", lost_once):
        yield wait


def source_of(garden: Garden) -> BrokerSource:
    source: BrokerSource = garden.entry.runtime_data.live._messages
    return source


async def _connection(garden: Garden, wanted: bool) -> None:
    """Wait until the garden is connected, or is not."""
    changed = asyncio.Event()
    source = source_of(garden)
    tell = source._on_connection

    def note(connected: bool) -> None:
        tell(connected)
        changed.set()

    with patch.object(source, "_on_connection", note):
        async with asyncio.timeout(20):
            while (source._broker is not None and source._broker.is_connected) is not wanted:
                await changed.wait()
                changed.clear()


async def listened(garden: Garden) -> None:
    await _connection(garden, wanted=True)


async def lost(garden: Garden) -> None:
    await _connection(garden, wanted=False)


def our_log(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return what the integration and its backend have told since, with the level."""
    return [
        (record.levelno, record.getMessage())
        for record in caplog.records
        if "kamerplanter" in record.name and record.levelno >= logging.INFO
    ]


def issue_change(hass: HomeAssistant) -> asyncio.Future[None]:
    """Return what is done when the notice of a take-over comes or goes."""
    done: asyncio.Future[None] = hass.loop.create_future()

    @callback
    def look(event: Event[ir.EventIssueRegistryUpdatedData]) -> None:
        if event.data["issue_id"] == ISSUE and not done.done():
            done.set_result(None)

    hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, look)
    return done


async def tank_ec(garden: Garden) -> str:
    """Add a tank with a probe; return the entity of its EC."""
    entity_id = garden.entity_id("sensor", await garden.add_tank(), "ec")
    assert entity_id is not None
    return entity_id


def state_of(garden: Garden, entity_id: str) -> str:
    state = garden.hass.states.get(entity_id)
    assert state is not None
    return state.state


async def connected(garden: Garden, entity_id: str) -> None:
    """Wait until the garden listens, which makes its entities available."""
    if state_of(garden, entity_id) == STATE_UNAVAILABLE:
        await until(
            garden.hass, entity_id, lambda state: state.state != STATE_UNAVAILABLE, lambda: None
        )


async def test_a_message_of_the_own_broker_is_a_state(hass: HomeAssistant) -> None:
    async with amqtt_broker() as port:
        garden = Garden(hass, new_entry("broker", broker=broker_data(port)), None)
        await garden.set_up()
        try:
            tank = await garden.add_tank()
            entity_id = garden.entity_id("sensor", tank, "ec")
            assert entity_id is not None
            await connected(garden, entity_id)
            state = await until(
                hass,
                entity_id,
                lambda state: state.state == "1.85",
                lambda: publish(port, "tank/ec", "1.85"),
            )
            assert state.attributes["unit_of_measurement"] == "mS/cm"
        finally:
            # The broker waits for its clients to leave.
            await garden.unload()


async def test_a_probe_of_the_own_broker_is_calibrated(hass: HomeAssistant) -> None:
    async with amqtt_broker() as port:
        garden = Garden(hass, new_entry("broker", broker=broker_data(port)), None)
        await garden.set_up()
        try:
            tank = await garden.add_tank()
            await listened(garden)
            dialog = await Dialog.manage(garden, garden.subentry(tank))
            await dialog.choose("calibrate")
            await dialog.fill(channel="ec")
            await dialog.fill(method="standard")
            entity_id = garden.entity_id("sensor", tank, "ec")
            quality_id = garden.entity_id("sensor", tank, "measurement_quality")
            assert entity_id is not None
            assert quality_id is not None
            # In the bottle it is heard, but no value of the tank.
            await until(
                hass,
                quality_id,
                lambda state: "calibrating" in state.attributes.get("ec_reasons", ()),
                lambda: publish(port, "tank/ec", "1.57"),
            )
            assert state_of(garden, entity_id) == STATE_UNKNOWN
            await dialog.choose("calibration_reading")
            assert dialog.suggested["raw"] == 1.57
            await dialog.fill(raw=1.57, solution=1.413)
            await dialog.choose("calibration_store", "calibration_is_back")
            assert dialog.result["reason"] == "calibrated"
            assert len(garden.entry.runtime_data.live.taps) == 0

            await garden.entry.runtime_data.coordinator.async_refresh()
            await garden.settle()
            # 1.57 mS/cm in a standard of 1.413 are a factor of 0.9; 2 are then 1.8.
            await until(
                hass,
                entity_id,
                lambda state: is_close(state.state, 1.8),
                lambda: publish(port, "tank/ec", "2"),
            )
        finally:
            await garden.unload()


def is_close(text: str, wanted: float) -> bool:
    try:
        return abs(float(text) - wanted) < 0.001
    except ValueError:
        return False


async def test_without_a_broker_the_garden_loads_and_values_are_unavailable(
    hass: HomeAssistant,
) -> None:
    garden = Garden(hass, new_entry("broker", broker=broker_data(free_port())), None)

    await garden.set_up()
    tank = await garden.add_tank()

    assert garden.state("sensor", tank, "ec").state == STATE_UNAVAILABLE
    assert garden.state("sensor", tank, "ec_target").state != STATE_UNAVAILABLE
    await garden.unload()


def noted(hass: HomeAssistant, entity_id: str) -> tuple[list[str], CALLBACK_TYPE]:
    """Write down each state from now on, at once; returns the list and how to stop."""
    states: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        states.append("removed" if new is None else new.state)

    return states, async_track_state_change_event(hass, [entity_id], note)


@pytest.mark.mosquitto
async def test_a_refused_login_asks_for_a_new_one(hass: HomeAssistant, tmp_path: Path) -> None:
    lines = password_lines(tmp_path, "garden", "right")
    async with mosquitto(tmp_path, *lines) as broker:
        login = {"username": "garden", "password": "wrong"}
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port) | login), None)
        with refusals(OwnBroker) as refused:
            await garden.set_up()
            await refused(LoginRefused)

        async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
        await garden.settle()

        flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]
        await garden.unload()


@pytest.mark.mosquitto
async def test_an_encrypted_broker_is_read(hass: HomeAssistant, tmp_path: Path) -> None:
    own = certificate(tmp_path, "own")
    async with mosquitto(tmp_path, *tls_lines(*own)) as broker:
        tls = {"tls": True, "ca_certificate": own[0].read_text()}
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port) | tls), None)
        await garden.set_up()

        await connected(garden, await tank_ec(garden))

        await garden.unload()


@pytest.mark.mosquitto
async def test_a_broker_with_a_foreign_certificate_is_not_trusted(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    own, other = certificate(tmp_path, "own"), certificate(tmp_path, "other")
    async with mosquitto(tmp_path, *tls_lines(*own)) as broker:
        tls = {"tls": True, "ca_certificate": other[0].read_text()}
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port) | tls), None)
        with refusals(OwnBroker) as refused:
            await garden.set_up()
            await refused(TlsFailed)

        assert state_of(garden, await tank_ec(garden)) == STATE_UNAVAILABLE
        await garden.unload()


def test_certificates_are_looked_at_unless_a_person_said_no(tmp_path: Path) -> None:
    data = broker_data(8883) | {"tls": True}

    trusting = broker_settings(data | {"verify_certificate": False}, STORE_ID).tls_context
    careful = broker_settings(data, STORE_ID).tls_context
    own = broker_settings(
        data | {"ca_certificate": certificate(tmp_path, "own")[0].read_text()}, STORE_ID
    ).tls_context

    assert trusting is not None
    assert trusting.verify_mode is ssl.CERT_NONE
    assert careful is not None
    assert (careful.verify_mode, careful.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert own is not None
    assert own is not careful
    assert (own.verify_mode, own.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(own.get_ca_certs()) == 1
    assert broker_settings(broker_data(1883), STORE_ID).tls_context is None


@pytest.mark.mosquitto
async def test_f72_a_client_with_our_id_is_named_until_it_stays_away(
    hass: HomeAssistant,
    tmp_path: Path,
    issue_registry: ir.IssueRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        entity_id = await tank_ec(garden)
        await connected(garden, entity_id)
        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.85",
            lambda: publish(broker.port, "tank/ec", "1.85"),
        )
        states, stop = noted(hass, entity_id)

        told = issue_change(hass)
        for _ in range(3):
            assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None
            await listened(garden)
            await take_over(broker.port, client_id_for(STORE_ID))
            await lost(garden)
        await told

        issue = issue_registry.async_get_issue(DOMAIN, ISSUE)
        assert issue is not None
        assert issue.translation_key == "broker_conflict"
        assert issue.translation_placeholders == {
            "name": "Garden",
            "host": HOST,
            "client_id": client_id_for(STORE_ID),
        }
        assert states == [], "the value blinks"

        await listened(garden)
        assert issue_registry.async_get_issue(DOMAIN, ISSUE) is not None, "a moment proves nothing"
        monkeypatch.setattr(aiomqtt_source, "FLAPPING_WINDOW_S", 0.0)
        async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
        assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None
        stop()
        await garden.unload()


@pytest.mark.mosquitto
@pytest.mark.soak
async def test_f72_a_client_that_comes_again_and_again_is_told_of_once(
    hass: HomeAssistant,
    tmp_path: Path,
) -> None:
    """F-72: it takes our id each second for a minute."""
    rounds, each_s = 60, 1.0
    connections: list[bool] = []
    told_after: list[int] = []
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        entity_id = await tank_ec(garden)
        await connected(garden, entity_id)
        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.85",
            lambda: publish(broker.port, "tank/ec", "1.85"),
        )
        await garden.settle()
        states, stop = noted(hass, entity_id)
        issues = async_capture_events(hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
        source = source_of(garden)
        tell = source._on_connection

        def note(connected: bool) -> None:
            connections.append(connected)
            tell(connected)

        began_s = hass.loop.time()
        with patch.object(source, "_on_connection", note):
            for number in range(1, rounds + 1):
                await take_over(broker.port, client_id_for(STORE_ID))
                await asyncio.sleep(each_s)
                if issues and not told_after:
                    told_after.append(number)
        lasted_s = hass.loop.time() - began_s

        # Within the minute, once, and for as long as it lasts.
        assert told_after, "it was not noticed"
        assert [(event.data["action"], event.data["issue_id"]) for event in issues] == [
            ("create", ISSUE)
        ]
        # Each pause is twice as long as the one before, less its jitter.
        assert connections.count(True) <= math.log2(lasted_s / (0.8 * each_s) + 1)
        assert connections.count(True) >= FLAPPING_COUNT - 1
        assert states == [], "the value blinks"
        assert state_of(garden, entity_id) == "1.85"
        stop()
        await garden.unload()


async def test_the_notice_of_a_take_over_goes_with_the_entry(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    garden = Garden(hass, new_entry("broker", broker=broker_data(free_port())), None)
    monkeypatch.setattr(OwnBroker, "is_flapping", True)
    with refusals(OwnBroker) as refused:
        await garden.set_up()
        await refused(HostUnreachable)
    async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is not None

    await garden.unload()

    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None


@pytest.mark.mosquitto
async def test_f10_without_its_own_broker_a_value_ages_and_comes_back_by_itself(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    binding = ChannelBinding(
        kind=ChannelKind.EC, topic="tank/ec", unit="mS/cm", max_age_s=OUTAGE_AGE_S
    )
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        tank = await garden.add_tank(channels=(binding,))
        entity_id = garden.entity_id("sensor", tank, "ec")
        assert entity_id is not None
        await connected(garden, entity_id)
        loaded = garden.entry.runtime_data
        caplog.clear()

        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.85",
            lambda: publish(broker.port, "tank/ec", "1.85"),
        )

        async def lose_it() -> None:
            await broker.stop(signal.SIGKILL)
            await lost(garden)
            assert state_of(garden, entity_id) == "1.85"

        gone = await until(hass, entity_id, lambda state: state.state == STATE_UNAVAILABLE, lose_it)
        measured_at = garden.entry.runtime_data.live.shown(
            garden.subentry(tank).data["probe_key"], ChannelKind.EC
        ).at
        assert (gone.last_changed - measured_at).total_seconds() >= OUTAGE_AGE_S
        assert [level for level, _ in our_log(caplog)] == [logging.WARNING]

        await broker.start()
        await listened(garden)
        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.87",
            lambda: publish(broker.port, "tank/ec", "1.87"),
        )

        lines = our_log(caplog)
        assert [level for level, _ in lines] == [logging.WARNING, logging.INFO]
        assert "No connection to the broker" in lines[0][1]
        assert "is back" in lines[1][1]
        assert garden.entry.runtime_data is loaded
        await garden.unload()


@pytest.mark.mosquitto
async def test_a_removed_garden_leaves_nothing_at_the_broker(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        await connected(garden, await tank_ec(garden))

        await hass.config_entries.async_remove(garden.entry.entry_id)
        await garden.settle()

        assert not await has_session(broker.port, client_id_for(STORE_ID))


@pytest.mark.mosquitto
async def test_what_comes_while_the_garden_is_not_loaded_is_no_reading(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        entity_id = await tank_ec(garden)
        await connected(garden, entity_id)
        await garden.unload()
        await publish(broker.port, "tank/ec", "1.85")

        await garden.set_up()
        await connected(garden, entity_id)
        await until(
            hass,
            garden.entity_id("sensor", garden.snapshot.tanks[0].tank.key, "ph") or "",
            lambda state: state.state == "6.0",
            lambda: publish(broker.port, "tank/ph", "6.0"),
        )

        assert state_of(garden, entity_id) == STATE_UNKNOWN
        await garden.unload()


async def test_nothing_is_taken_in_after_the_stop(hass: HomeAssistant) -> None:
    heard: list[object] = []
    entry = new_entry("broker", broker=broker_data(free_port()))
    entry.add_to_hass(hass)
    source = BrokerSource(hass, entry, lambda *message: heard.append(message), heard.append)
    await source.set_topics(frozenset({"t"}))

    await source.stop()
    source._received("t", b"1", retained=False)
    source._connection_changed(connected=True)
    source._look(dt_util.utcnow())

    assert heard == []


@pytest.mark.mosquitto
async def test_a_broker_that_hangs_is_survived_without_a_blink(
    hass: HomeAssistant,
    tmp_path: Path,
    issue_registry: ir.IssueRegistry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not shorter: a broker throws a client out that is busy for longer than one and a half times.
    monkeypatch.setattr(aiomqtt_source, "KEEPALIVE_S", 3)
    monkeypatch.setattr(broker_connection, "CONNECT_TIMEOUT_S", 2.0)
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        entity_id = await tank_ec(garden)
        await connected(garden, entity_id)
        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.85",
            lambda: publish(broker.port, "tank/ec", "1.85"),
        )
        states, stop = noted(hass, entity_id)
        caplog.clear()
        broker.send(signal.SIGSTOP)
        await lost(garden)
        async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
        broker.send(signal.SIGCONT)
        await listened(garden)
        await until(
            hass,
            entity_id,
            lambda state: state.state == "1.86",
            lambda: publish(broker.port, "tank/ec", "1.86"),
        )
        stop()

        assert states == ["1.86"]
        assert [level for level, _ in our_log(caplog)] == [logging.WARNING, logging.INFO]
        assert [key for key in issue_registry.issues if "broker" in key[1]] == []
        assert not hass.config_entries.flow.async_progress()
        await garden.unload()


@pytest.mark.mosquitto
async def test_a_flood_of_rubbish_costs_neither_a_value_nor_a_log(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with mosquitto(tmp_path) as broker:
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port)), None)
        await garden.set_up()
        tank = await garden.add_tank()
        entity_id = garden.entity_id("sensor", tank, "ec") or ""
        await connected(garden, entity_id)
        caplog.clear()

        await flood(broker.port, "tank/ph", [b"\xff\xfe", b"[" * 40, b"x" * 300_000] * 200)
        state = await until(
            hass,
            entity_id,
            lambda state: state.state == "1.85",
            lambda: publish(broker.port, "tank/ec", "1.85"),
        )

        assert state.attributes["unit_of_measurement"] == "mS/cm"
        probe = garden.snapshot.probes[0].probe.key
        assert garden.entry.runtime_data.live.counts(probe)["ph"] == {
            "unreadable": 400,
            "not_a_number": 200,
        }
        # One line for each reason.
        assert len(our_log(caplog)) == 2
        await garden.unload()
