"""Another server or garden at the address, put there between two requests, over a real socket."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import open_queue
from kamerplanter_backend.client.requests import AddTask
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.exceptions import (
    IncompatibleServerError,
    NotFoundError,
    OtherServerError,
    QueuedError,
)
from kamerplanter_backend.domain.models.tenant import TenantFields
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.main import open_server
from kamerplanter_engines.models.task import TaskFields
from tests.backend.client.odd_server import OddServer, serving
from tests.eventually import eventually
from tests.served_garden import QUICK, ServedGarden
from tests.shared_garden import ALL_SCOPES

pytestmark = pytest.mark.usefixtures("socket_enabled")

ADD = AddTask(fields=TaskFields(title="Look at the roots"))


@pytest.fixture(params=[False, True], ids=["light", "accounts"])
def garden(request: pytest.FixtureRequest, socket_enabled: None) -> Iterator[ServedGarden]:
    made = ServedGarden(is_full=request.param)
    yield made
    made.stop()


@pytest.fixture
async def client(garden: ServedGarden) -> AsyncIterator[RestClient]:
    made = garden.client(instance_id=garden.server.instance_id, garden_key=garden.tenant_key)
    yield made
    await made.close()


@pytest.fixture
def other(garden: ServedGarden) -> Iterator[Server]:
    """Give another server; it is not at the address yet."""
    made = open_server(garden.server.settings, clock=garden.clock)
    yield made
    garden.live.serve(garden.server)
    made.close()


def titles(server: Server, tenant_key: str) -> list[str | None]:
    context = server.contexts.make(tenant_key, actor="test", role=Role.ADMIN, now=server.clock())
    return [task.title for task in server.services.home.snapshot(context).tasks]


async def test_the_next_request_is_neither_done_nor_believed(
    garden: ServedGarden, client: RestClient, other: Server
) -> None:
    await client.snapshot()
    garden.live.serve(other)  # the connection stays open, and nothing fails

    with pytest.raises(OtherServerError):
        await client.call(ADD)
    with pytest.raises(OtherServerError):
        await client.snapshot()
    garden.live.serve(garden.server)
    added = await client.call(ADD)

    assert added.title == "Look at the roots"
    assert titles(garden.server, garden.tenant_key) == ["Look at the roots"]


async def test_a_snapshot_right_after_the_change_is_not_believed(
    garden: ServedGarden, client: RestClient, other: Server
) -> None:
    await client.call(ADD)
    garden.live.serve(other)

    with pytest.raises(OtherServerError):
        await client.snapshot()


async def test_what_waits_is_not_delivered_to_it(
    garden: ServedGarden, client: RestClient, other: Server, tmp_path: Path
) -> None:
    nowhere = RestClient("http://127.0.0.1:9", slug=garden.slug, waits=QUICK)
    queue = await open_queue(nowhere, tmp_path / "queue.db", clock=garden.clock, waits=QUICK)
    with pytest.raises(QueuedError):
        await queue.call(ADD)
    await queue.close()
    await client.snapshot()
    garden.live.serve(other)

    queue = await open_queue(client, tmp_path / "queue.db", clock=garden.clock, waits=QUICK)
    await eventually(lambda: isinstance(queue.state.trouble, OtherServerError))
    waits = (queue.state.depth, queue.state.refused)
    garden.live.serve(garden.server)
    await eventually(lambda: queue.state.depth == 0)
    await queue.close()

    assert waits == (1, ())
    assert titles(garden.server, garden.tenant_key) == ["Look at the roots"]
    if not garden.token:
        assert titles(other, garden.tenant_key) == []


@pytest.mark.parametrize("garden", [True], indirect=True, ids=["accounts"])
async def test_a_new_garden_with_the_name_of_a_deleted_one_gets_nothing(
    garden: ServedGarden, client: RestClient
) -> None:
    await client.snapshot()
    server, owner = garden.server, garden.shared.owner
    account = account_context(owner, server.clock())
    context = server.contexts.make(
        garden.tenant_key, actor=owner, role=Role.ADMIN, now=server.clock()
    )
    server.tenants.remove(context)
    new = server.tenants.create_for(account, TenantFields(name="Allotment 7"))
    key = server.accounts.api_keys.create(
        owner,
        tenant_slug=new.slug,
        label="Home Assistant",
        scopes=ALL_SCOPES,
        expires_at=None,
        now=server.clock(),
    )
    renewed = garden.client(
        token=key.raw, instance_id=server.instance_id, garden_key=garden.tenant_key
    )

    with pytest.raises(NotFoundError) as refused:
        await renewed.call(ADD)
    await renewed.close()

    assert new.slug == garden.slug, "the name is free again"
    assert refused.value.placeholders["kind"] == "tenants"
    assert titles(server, new.key) == []


async def test_a_client_that_knows_no_key_of_its_garden_means_the_first_that_answers(
    garden: ServedGarden,
) -> None:
    learned: list[str] = []
    client = garden.client(instance_id=garden.server.instance_id, on_garden_key=learned.append)

    await client.call(ADD)
    assert learned == []
    for _ in range(2):  # the second one is answered without a body
        await client.snapshot()
    await client.close()

    assert learned == [garden.tenant_key]


async def test_what_was_learned_is_said_from_then_on(garden: ServedGarden, odd: OddServer) -> None:
    teacher = garden.client()
    shown = (await teacher.snapshot()).model_dump(mode="json")
    await teacher.close()
    learned: list[str] = []
    ours, another = ({"X-Instance-Id": "one", "X-Garden-Key": key} for key in ("ours", "another"))
    odd.answers = [odd.say(shown, 200, **ours), odd.say(shown, 200, **another)]
    client = RestClient(
        odd.url, slug="platform", waits=QUICK, instance_id="one", on_garden_key=learned.append
    )

    for _ in range(2):
        await client.snapshot()
    await client.close()

    assert [headers.get("X-Garden-Key") for headers in odd.headers] == [None, "ours"]
    assert learned == ["ours"], "what another one answers afterwards is not taken over"


@pytest.mark.parametrize("said", [{}, {"X-Instance-Id": "two", "X-Garden-Key": "theirs"}])
async def test_no_garden_is_learned_of_an_older_or_another_server(
    odd: OddServer, said: dict[str, str]
) -> None:
    learned: list[str] = []
    odd.answers = [odd.say({}, 200, **said)]
    client = RestClient(
        odd.url, slug="platform", waits=QUICK, instance_id="one", on_garden_key=learned.append
    )

    with pytest.raises(IncompatibleServerError):
        await client.snapshot()
    with pytest.raises(IncompatibleServerError):
        await client.call(ADD)
    await client.close()

    assert learned == []
    assert all("X-Garden-Key" not in headers for headers in odd.headers)


@pytest.fixture
async def odd(socket_enabled: None) -> AsyncIterator[OddServer]:
    async with serving() as running:
        yield running


@pytest.mark.parametrize(
    ("said", "kind"),
    [({}, IncompatibleServerError), ({"X-Instance-Id": "two"}, OtherServerError)],
    ids=["nothing", "another"],
)
async def test_an_answer_that_does_not_say_that_it_is_of_that_server_is_not_believed(
    odd: OddServer, said: dict[str, str], kind: type[IncompatibleServerError]
) -> None:
    odd.answers = [odd.say({}, 200, **said)]
    client = RestClient(odd.url, slug="platform", waits=QUICK, instance_id="one")

    for ask in (client.snapshot(), client.call(ADD)):
        with pytest.raises(IncompatibleServerError) as refused:
            await ask
        assert type(refused.value) is kind
        assert "X-Instance-Id" in refused.value.message or kind is OtherServerError
    await client.close()

    assert [headers["X-Instance-Id"] for headers in odd.headers] == ["one", "one"]
