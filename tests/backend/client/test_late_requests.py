"""A request that arrives too late (408) is as lost as one on a connection that broke."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient, open_queue
from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import AddTask, RecordReadings
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.backend.client.odd_server import CLIENT, OddServer, serving
from tests.backend.client.queue_bench import START
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("socket_enabled")

WAITS = Waits(
    connect_s=20, total_s=20, answer_s=20, retry_s=0.01, silence_s=20, longest_pause_s=0.05
)
ADD = AddTask(fields=TaskFields(title="Look at the roots", due_on=START.date()), command_key="once")
HEARD = RecordReadings(
    command_key="once",
    readings=tuple(
        Reading(
            probe_key="probe",
            kind=ChannelKind.EC,
            at=START + timedelta(seconds=number),
            received_at=START + timedelta(seconds=number),
            value=1.5,
            verdict=Verdict.GOOD,
        )
        for number in range(3)
    ),
)


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[OddServer]:
    async with serving() as running:
        yield running


@pytest.fixture
async def client(server: OddServer, tmp_path: Path) -> AsyncIterator[QueueingClient]:
    inner = RestClient(server.url, slug="platform", waits=WAITS)
    queue = await open_queue(inner, tmp_path / "q.db", waits=WAITS)
    yield queue
    await queue.close()


@pytest.mark.parametrize("command", [ADD, HEARD], ids=["a command", "readings"])
async def test_it_waits_in_the_queue_and_is_sent_again_and_again(
    server: OddServer, client: QueueingClient, command: Command[object]
) -> None:
    server.answers = [server.refuse(408, "REQUEST_TIMEOUT")]

    with pytest.raises(QueuedError):
        await client.call(command)
    await eventually(lambda: len(server.asked) > 2 * WAITS.attempts)

    assert client.state.depth == 1
    assert client.state.refused == ()
    assert set(server.asked) == {("POST", f"{CLIENT}/requests/{type(command).__name__}")}
    assert {body["command_key"] for body in server.bodies} == {"once"}


async def test_readings_that_waited_are_delivered_when_one_request_is_in_time(
    server: OddServer, client: QueueingClient
) -> None:
    server.answers = [server.refuse(408, "REQUEST_TIMEOUT")]
    with pytest.raises(QueuedError):
        await client.call(HEARD)

    server.answers = [server.say(3)]

    await eventually(lambda: client.state.depth == 0)
    assert client.state.refused == ()
    assert client.state.dropped_readings_count == 0


async def test_it_is_sent_at_once_again_before_it_waits(
    server: OddServer, client: QueueingClient
) -> None:
    server.answers = [server.refuse(408, "REQUEST_TIMEOUT"), server.say(3)]

    assert await client.call(HEARD) == 3
    assert client.state.depth == 0
    assert [len(body["readings"]) for body in server.bodies] == [3, 3]
