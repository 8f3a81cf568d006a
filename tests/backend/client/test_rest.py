"""The client of a server: what it sends, repeats and makes of whatever comes back."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from kamerplanter_backend.client.protocol import PROTOCOL, Caller
from kamerplanter_backend.client.requests import (
    AddTask,
    CheckHarvest,
    CreateProbe,
    ListSpecies,
    UpdateTank,
)
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    IdempotencyConflictError,
    IncompatibleServerError,
    NotFoundError,
    OtherServerError,
    RateLimitedError,
    StaleRevisionError,
    StoreFullError,
    TenantSuspendedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import (
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
)
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from tests.backend.client.odd_server import CLIENT, OddServer, serving

pytestmark = pytest.mark.usefixtures("socket_enabled")

WAITS = Waits(connect_s=20, total_s=20, retry_s=0.01, silence_s=20, longest_pause_s=0.05)
"""Nobody is in a hurry: a machine that is busy must not look like a server that is away."""
ADD = AddTask(fields=TaskFields(title="Look at the roots"))


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[OddServer]:
    async with serving() as running:
        yield running


@pytest.fixture
async def client(server: OddServer) -> AsyncIterator[RestClient]:
    made = RestClient(server.url, slug="platform", token="kp_secret", waits=WAITS)
    yield made
    await made.close()


async def test_it_sends_key_role_and_content(server: OddServer, client: RestClient) -> None:
    server.answers = [server.refuse(403, "FORBIDDEN", permission="task:create")]

    with pytest.raises(ForbiddenError) as refused:
        await client.call(ADD, Caller(actor="guest", role=Role.VIEWER))

    assert server.asked == [("POST", f"{CLIENT}/requests/AddTask")]
    assert server.headers[0]["Authorization"] == "Bearer kp_secret"
    assert server.headers[0]["X-Acting-Role"] == "viewer"
    assert server.bodies[0]["fields"]["title"] == "Look at the roots"
    assert refused.value.placeholders == {"permission": "task:create"}


@pytest.mark.parametrize(
    ("answer", "details", "kind"),
    [
        ((401, "UNAUTHORIZED"), {}, UnauthorizedError),
        ((403, "TENANT_SUSPENDED"), {}, TenantSuspendedError),
        ((404, "PLANT_NOT_FOUND"), {"kind": "plants", "key": "p"}, NotFoundError),
        ((409, "CONFLICT"), {"field": "name", "value": "T", "kind": "tanks"}, ConflictError),
        ((409, "IDEMPOTENCY_CONFLICT"), {}, IdempotencyConflictError),
        ((412, "STALE_REVISION"), {}, StaleRevisionError),
        ((422, "KARENZ_VIOLATION"), {"date": "2026-05-05"}, KarenzViolationError),
        ((422, "INVALID_INPUT"), {"field": "name"}, InvalidInputError),
        ((429, "RATE_LIMITED"), {"retry_after_s": "7"}, RateLimitedError),
        ((503, "STORE_FULL"), {}, StoreFullError),
        ((422, "A_CODE_OF_NEXT_YEAR"), {}, InvalidInputError),
        ((418, "A_CODE_OF_NEXT_YEAR"), {}, KamerplanterError),
        ((500, "INTERNAL_ERROR"), {}, UnavailableError),
    ],
)
async def test_errors_come_back_as_their_classes(
    server: OddServer,
    client: RestClient,
    answer: tuple[int, str],
    details: dict[str, Any],
    kind: type[KamerplanterError],
) -> None:
    server.answers = [server.refuse(*answer, "It cannot be.", **details)]

    with pytest.raises(KamerplanterError) as refused:
        await client.call(ADD)

    assert type(refused.value) is kind
    assert refused.value.message == "It cannot be."
    assert refused.value.field == details.get("field")
    for name in details.keys() - {"field"}:
        assert refused.value.placeholders[name] == details[name]


async def test_a_refused_body_names_its_field(server: OddServer, client: RestClient) -> None:
    problems = [{"field": "fields.title", "reason": "too long"}]
    server.answers = [server.refuse(422, "VALIDATION_ERROR", fields=problems)]

    with pytest.raises(InvalidInputError) as refused:
        await client.call(ADD)

    assert refused.value.field == "fields.title"


async def test_what_got_lost_is_sent_again_with_the_same_key(
    server: OddServer, client: RestClient
) -> None:
    server.answers = [server.drop, server.text("Bad gateway", 502), server.refuse(409, "CONFLICT")]

    with pytest.raises(ConflictError):
        await client.call(ADD)

    keys = [body["command_key"] for body in server.bodies]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0]


@pytest.mark.parametrize("is_ours", [True, False], ids=["our server", "a proxy"])
async def test_what_arrived_too_late_is_sent_again_with_the_same_key(
    server: OddServer, client: RestClient, *, is_ours: bool
) -> None:
    late = (
        server.refuse(408, "REQUEST_TIMEOUT") if is_ours else server.text("<h1>Timeout</h1>", 408)
    )
    server.answers = [late, late, server.refuse(409, "CONFLICT", kind="tasks")]

    with pytest.raises(ConflictError):
        await client.call(ADD)

    assert len(server.bodies) == 3
    assert len({body["command_key"] for body in server.bodies}) == 1


async def test_what_always_arrives_too_late_is_given_up_as_a_lost_connection_is(
    server: OddServer, client: RestClient
) -> None:
    server.answers = [server.refuse(408, "REQUEST_TIMEOUT")]

    with pytest.raises(UnavailableError) as given_up:
        await client.call(ADD)

    assert given_up.value.placeholders["reason"] == "timeout"
    assert len(server.asked) == WAITS.attempts


async def test_two_calls_have_two_keys(server: OddServer, client: RestClient) -> None:
    server.answers = [server.refuse(409, "CONFLICT")]
    for _ in range(2):
        with pytest.raises(ConflictError):
            await client.call(ADD)

    assert len({body["command_key"] for body in server.bodies}) == 2


async def test_what_was_refused_is_not_sent_again(server: OddServer, client: RestClient) -> None:
    server.answers = [server.refuse(422, "INVALID_INPUT")]

    with pytest.raises(InvalidInputError):
        await client.call(ADD)

    assert len(server.asked) == 1


async def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = RestClient(f"http://127.0.0.1:{port}", slug="platform", waits=WAITS)

    with pytest.raises(UnavailableError) as refused:
        await client.snapshot()
    await client.close()

    assert refused.value.placeholders["reason"] == "no connection"
    assert str(port) in refused.value.message


async def test_a_server_that_hangs_is_given_up(
    server: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [server.hang]
    client = RestClient(server.url, slug="platform", waits=WAITS)
    await client.server_info()
    monkeypatch.setattr(client._transport, "waits", replace(WAITS, total_s=0.2))

    with pytest.raises(UnavailableError) as refused:
        await client.call(ListSpecies())
    await client.close()

    assert refused.value.placeholders["reason"] == "timeout"
    assert len(server.asked) <= WAITS.attempts  # one may be given up before it arrived


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "[1, 2", '{"name": 3}', "null"])
async def test_garbage_is_no_snapshot(server: OddServer, client: RestClient, body: str) -> None:
    server.answers = [server.text(body)]

    with pytest.raises(UnavailableError) as refused:
        await client.snapshot()

    assert refused.value.placeholders["reason"] == "unreadable answer"


async def test_a_page_of_a_proxy_is_no_answer_about_a_plant(
    server: OddServer, client: RestClient
) -> None:
    server.answers = [server.text("<h1>404</h1>", 404)]

    with pytest.raises(UnavailableError):
        await client.call(CheckHarvest(plant_key="p"))


async def test_the_key_is_not_carried_to_another_address(
    server: OddServer, client: RestClient
) -> None:
    server.answers = [server.text("", 307, Location=f"{server.url}/elsewhere")]

    with pytest.raises(UnavailableError) as refused:
        await client.snapshot()

    assert len(server.asked) == 1
    assert f"{server.url}/elsewhere" in refused.value.message


@pytest.mark.parametrize(("protocol", "told"), [(2, None), (PROTOCOL, 4)], ids=["old", "new"])
async def test_a_server_that_knows_no_revisions_of_changes_is_told_none(
    server: OddServer, client: RestClient, protocol: int, told: int | None
) -> None:
    server.mode |= {"protocol": protocol}
    server.answers = [server.refuse(409, "CONFLICT")]

    with pytest.raises(ConflictError):
        await client.call(UpdateTank(key="tank-1", patch={"volume_l": 80}, expected_revision=4))

    [body] = server.bodies
    assert body["patch"] == {"volume_l": 80}
    assert body.get("expected_revision") == told


async def test_a_server_of_before_places_is_told_of_none(
    server: OddServer, client: RestClient
) -> None:
    server.mode |= {"protocol": 2}
    server.answers = [server.refuse(409, "CONFLICT")]
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec")
    fields = ProbeFields(name="Probe", tank_key="tank-1", channels=(channel,))

    with pytest.raises(ConflictError):
        await client.call(CreateProbe(fields=fields))

    [body] = server.bodies
    assert body.pop("command_key")
    assert body == {
        "fields": {
            "name": "Probe",
            "tank_key": "tank-1",
            "channels": [{"kind": "ec", "topic": "tank/ec"}],
        }
    }


@pytest.mark.parametrize(
    ("protocol", "older"), [(PROTOCOL + 1, "client"), (0, "server")], ids=["newer", "older"]
)
async def test_a_server_of_another_time_is_named(
    server: OddServer, client: RestClient, protocol: int, older: str
) -> None:
    server.mode |= {"protocol": protocol, "version": "2031.1.0"}

    with pytest.raises(IncompatibleServerError) as refused:
        await client.call(ADD)

    assert server.asked == []
    assert refused.value.placeholders["found"] == "2031.1.0"
    assert f"Update the {older}" in refused.value.message


async def test_a_server_whose_name_is_lost_on_the_way_is_sent_nothing(server: OddServer) -> None:
    """What it answers could not be believed, so nothing may be done that is told as refused."""
    server.is_nameless = True
    client = RestClient(server.url, slug="platform", waits=WAITS, instance_id="one")

    for _ in range(2):
        with pytest.raises(IncompatibleServerError) as refused:
            await client.call(ADD)
    await client.close()

    assert server.asked == []
    assert "X-Instance-Id" in refused.value.message


async def test_another_server_at_the_address_gets_nothing_and_is_not_believed(
    server: OddServer,
) -> None:
    server.answers = [server.refuse(409, "CONFLICT")]
    client = RestClient(server.url, slug="platform", waits=WAITS, instance_id="one")
    with pytest.raises(ConflictError):
        await client.call(ADD)
    server.asked.clear()
    server.answers = [server.text("", 502)]  # it is replaced
    with pytest.raises(UnavailableError):
        await client.call(ADD)
    asked = list(server.asked)
    server.mode["instance_id"] = "two"

    for ask in (client.snapshot(), client.call(ADD), client.server_info()):
        with pytest.raises(OtherServerError) as refused:
            await ask
    await client.close()

    assert server.asked == asked
    assert server.url in refused.value.message


async def test_something_else_at_the_address_is_no_server(
    server: OddServer, client: RestClient
) -> None:
    server.mode = {"hello": "world"}

    with pytest.raises(UnavailableError) as refused:
        await client.server_info()

    assert refused.value.placeholders["reason"] == "unreadable answer"


async def test_a_server_that_was_updated_meanwhile_is_checked_again(
    server: OddServer, client: RestClient
) -> None:
    server.answers = [server.refuse(409, "CONFLICT"), server.text("", 502)]
    with pytest.raises(ConflictError):
        await client.call(ADD)
    with pytest.raises(UnavailableError):
        await client.call(ADD)
    server.mode["protocol"] = PROTOCOL + 1

    with pytest.raises(IncompatibleServerError):
        await client.call(ADD)


async def test_fields_of_a_newer_server_do_no_harm(server: OddServer, client: RestClient) -> None:
    at = datetime(2026, 5, 1, 10, tzinfo=UTC).isoformat()
    server.answers = [
        server.say(
            {
                "key": "t",
                "tenant_key": "platform",
                "created_at": at,
                "updated_at": at,
                "title": "Look at the roots",
                "colour": "green",
            }
        )
    ]

    assert (await client.call(ADD)).title == "Look at the roots"


async def test_nothing_is_sent_after_closing(server: OddServer, client: RestClient) -> None:
    await client.close()

    with pytest.raises(UnavailableError) as refused:
        await client.call(ADD)

    assert refused.value.placeholders["reason"] == "closed"
    assert server.asked == []


async def test_closing_waits_for_what_is_under_way(server: OddServer, client: RestClient) -> None:
    arrived = asyncio.Event()

    async def slowly(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        arrived.set()
        await asyncio.sleep(0.1)
        return await server.refuse(409, "CONFLICT")(request)

    server.answers = [slowly]
    running = asyncio.create_task(client.call(ADD))
    await arrived.wait()

    await client.close()

    with pytest.raises(ConflictError):
        await running


async def test_a_session_that_was_lent_stays_open(server: OddServer) -> None:
    server.answers = [server.refuse(409, "CONFLICT")]
    async with aiohttp.ClientSession() as session:
        client = RestClient(server.url, slug="platform", session=session, waits=WAITS)
        with pytest.raises(ConflictError):
            await client.call(ADD)
        await client.close()

        assert not session.closed


async def test_a_name_of_a_garden_cannot_leave_its_place(server: OddServer) -> None:
    server.answers = [server.refuse(404, "TENANT_NOT_FOUND", kind="tenants", key="x")]
    client = RestClient(server.url, slug="../../admin", waits=WAITS)

    with pytest.raises(NotFoundError):
        await client.call(ADD)
    await client.close()

    assert server.asked == [("POST", "/api/v1/t/..%2F..%2Fadmin/client/requests/AddTask")]


@pytest.mark.parametrize("address", ["process", "", "http://", "ftp://host"])
async def test_what_is_no_address_is_named(address: str) -> None:
    client = RestClient(address, slug="platform", waits=WAITS)

    with pytest.raises(UnavailableError) as refused:
        await client.server_info()
    await client.close()

    assert refused.value.placeholders["reason"] == "no address"
    assert "http://host:8075" in refused.value.message
