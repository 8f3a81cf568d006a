"""What somebody sends who does not mean well: refused with a reason, or harmless."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench
from tests.backend.api.walk_calls import Call, call_of, method_of, routes_of, send
from tests.backend.api.walk_table_more import TABLE
from tests.backend.api.walk_world import Things, World

JSON = {"Content-Type": "application/json"}
TANKS = f"{GARDEN}/tanks"

NASTY = (
    "'; DROP TABLE documents; --",
    "' OR '1'='1",
    '"}},{"$ne":null}',
    "../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "a%00b",
    "%0d%0aSet-Cookie:%20a=b",
    "%ff%fe",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "*",
    ".",
    "%20",
    "ⅷ",
    "x" * 4000,
)


async def raw(
    bench: Bench, method: str, path: str, headers: dict[str, bytes], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """Send what no honest client would: header values of any bytes."""
    begun: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            begun.update(message)
        else:
            parts.append(message.get("body", b""))

    length = {"content-length": str(len(body)).encode()} if body else {}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.encode(), value)
            for name, value in ({"host": b"localhost"} | length | headers).items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    await bench.app(scope, receive, take)
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in begun["headers"]}
    return begun["status"], given, b"".join(parts)


class TestPaths:
    @pytest.mark.parametrize("nasty", NASTY)
    async def test_a_key_of_any_form_is_just_unknown(
        self, api: httpx.AsyncClient, nasty: str
    ) -> None:
        for method, path in (
            ("GET", f"{TANKS}/{nasty}"),
            ("DELETE", f"{TANKS}/{nasty}"),
            ("GET", f"{TANKS}/{nasty}/state"),
            ("GET", f"/api/v1/species/{nasty}"),
            ("GET", f"/api/v1/t/{nasty}/tanks"),
            ("GET", f"/api/v1/calendar/feeds/{nasty}.ics"),
        ):
            answer = await api.request(method, path)

            # A dot goes up to the list itself; nothing else names something that is there.
            assert answer.status_code in ({200, 404, 405} if nasty == "." else {404, 405}), path
            assert answer.headers["content-type"] == "application/json"
            assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("nasty", NASTY)
    async def test_nor_does_it_change_anything(
        self, api: httpx.AsyncClient, bench: Bench, nasty: str
    ) -> None:
        before = bench.server.store.last_cursor()

        for body in (
            {"name": "A", "volume_l": 1, "location_key": nasty},
            {"name": "A", "species_key": nasty},
        ):
            path = TANKS if "volume_l" in body else f"{GARDEN}/plants"
            answer = await api.post(path, json=body)
            assert answer.status_code in {404, 409, 422}, answer.text

        assert bench.server.store.last_cursor() == before


class TestHeaders:
    HEADERS = (
        "x-request-id",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "authorization",
        "origin",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-acting-role",
        "cookie",
        "accept",
        "user-agent",
    )
    VALUES = (
        b"x\r\nSet-Cookie: stolen=1",
        b"\r\n\r\n<html>",
        b"\x00\x01\x02",
        b"\xff\xfe\xfd",
        b"'; DROP TABLE documents; --",
        b"a" * 20_000,
        b"",
        b'"' * 99,
        b"9" * 99,
        b"-1",
        b"None",
    )

    @pytest.mark.parametrize("name", HEADERS)
    async def test_no_value_of_a_header_breaks_anything_or_comes_back(
        self, bench: Bench, name: str
    ) -> None:
        for value in self.VALUES:
            for method, path in (("GET", TANKS), ("PATCH", f"{TANKS}/none"), ("POST", TANKS)):
                headers = {"content-type": b"application/json", name: value}
                body = b"{}" if method != "GET" else b""

                status, given, content = await raw(bench, method, path, headers, body)

                assert status in {200, 401, 403, 404, 412, 422}, (method, value, content)
                assert json.loads(content)
                for shown in given.values():
                    assert "stolen" not in shown
                    assert not set("\r\n\0") & set(shown)

    @pytest.mark.parametrize(
        "host", [b"evil.example", b'"><script>', b"a b", b"[::1", b"", b"\xff"]
    )
    async def test_a_host_of_any_form_is_refused_or_harmless(
        self, server_of: Callable[..., Bench], host: bytes
    ) -> None:
        light, full = server_of(), server_of(Mode.FULL)
        ada = full.person("ada")
        garden = full.garden(ada, "Garden")

        refused, _, _ = await raw(light, "GET", TANKS, {"host": host})
        status, given, content = await raw(
            full,
            "POST",
            f"/api/v1/t/{garden.slug}/calendar/feeds",
            {
                "host": host,
                "content-type": b"application/json",
                "authorization": ada.headers["Authorization"].encode(),
            },
            b'{"name": "Mine"}',
        )

        assert refused in {400, 403, 421}
        assert status in {201, 400, 422}, content
        assert not any("script" in value for value in given.values())

    async def test_a_cursor_that_was_tampered_with_opens_nothing(
        self, api: httpx.AsyncClient
    ) -> None:
        for name in ("A", "B", "C"):
            await api.post(TANKS, json={"name": name, "volume_l": 1})
        cursor = (await api.get(TANKS, params={"limit": 1})).json()["cursor"]

        for place in range(len(cursor)):
            for letter in ("A", "_", "%", "\x00", "é"):
                wrong = cursor[:place] + letter + cursor[place + 1 :]
                answer = await api.get(TANKS, params={"limit": 1, "cursor": wrong})
                assert answer.status_code in {200, 422}, wrong
                assert len(answer.json().get("items", [])) <= 1

    async def test_a_cursor_of_another_garden_shows_nothing_of_it(
        self, server_of: Callable[..., Bench]
    ) -> None:
        bench = server_of(Mode.FULL)
        ada, ben = bench.person("ada"), bench.person("ben")
        one, two = bench.garden(ada, "One"), bench.garden(ben, "Two")
        async with bench.client() as client:
            for person, garden in ((ada, one), (ben, two)):
                for name in ("A", "B"):
                    await client.post(
                        f"/api/v1/t/{garden.slug}/tanks",
                        json={"name": f"{garden.name} {name}", "volume_l": 1},
                        headers=person.headers,
                    )
            page = await client.get("/api/v1/t/one/tanks?limit=1", headers=ada.headers)
            answer = await client.get(
                "/api/v1/t/two/tanks",
                params={"limit": 1, "cursor": page.json()["cursor"]},
                headers=ben.headers,
            )

        assert "One" not in answer.text
        assert answer.status_code in {200, 422}


class TestBodies:
    @pytest.mark.parametrize(
        "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000, "1" + "0" * 400]
    )
    async def test_what_is_no_number_is_refused(
        self, api: httpx.AsyncClient, bench: Bench, number: str
    ) -> None:
        before = bench.server.store.last_cursor()
        for path, text in (
            (TANKS, '{"name": "A", "volume_l": %s}'),
            (f"{GARDEN}/client/requests/CreateTank", '{"fields": {"name": "A", "volume_l": %s}}'),
            (
                f"{GARDEN}/telemetry/readings",
                '{"readings": [{"probe_key": "a", "kind": "ec", "value": %s}]}',
            ),
        ):
            answer = await api.post(path, content=text % number, headers=JSON)
            assert answer.status_code == 422, answer.text
            assert answer.json()["error_code"] in {"VALIDATION_ERROR", "INVALID_INPUT"}
        assert bench.server.store.last_cursor() == before

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "9" * 5000])
    async def test_nor_does_a_patch_take_it(self, api: httpx.AsyncClient, number: str) -> None:
        key = (await api.post(TANKS, json={"name": "A", "volume_l": 1})).json()["key"]

        answer = await api.patch(
            f"{TANKS}/{key}", content=f'{{"ec_high_ms_cm": {number}}}', headers=JSON
        )

        assert answer.status_code == 422, answer.text
        assert (await api.get(f"{TANKS}/{key}")).json()["ec_high_ms_cm"] is None

    @pytest.mark.parametrize(
        "text", ["\\ud800", "\\udfff", "a\\ud83dz", "\\udc00\\ud800"], ids=["1", "2", "3", "4"]
    )
    async def test_half_a_character_is_refused(self, api: httpx.AsyncClient, text: str) -> None:
        for body in ('{"name": "%s", "volume_l": 1}', '{"name": "A", "volume_l": 1, "%s": 1}'):
            answer = await api.post(TANKS, content=body % text, headers=JSON)
            assert answer.status_code == 422, answer.text
        key = (await api.post(TANKS, json={"name": "A", "volume_l": 1})).json()["key"]
        for body in ('{"name": "%s"}', '{"%s": 1}'):
            answer = await api.patch(f"{TANKS}/{key}", content=body % text, headers=JSON)
            assert answer.status_code == 422, answer.text

    @pytest.mark.parametrize(
        "name",
        [
            "a\x00b",
            "\u202eevil\u202c",
            "Z" + "\u0335" * 199,
            "🌱" * 200,
            "\ufeffname",
            "line\nbreak\ttab",
            "<script>alert(1)</script>",
            "\U0010ffff",
        ],
    )
    async def test_a_name_of_any_letters_comes_back_as_it_was_or_not_at_all(
        self, api: httpx.AsyncClient, name: str
    ) -> None:
        answer = await api.post(TANKS, json={"name": name, "volume_l": 1})

        assert answer.status_code in {201, 422}, answer.text
        if answer.status_code == 201:
            found = await api.get(f"{TANKS}/{answer.json()['key']}")
            assert found.json()["name"] == name
            assert found.headers["content-type"] == "application/json"

    async def test_of_two_fields_of_one_name_the_last_one_counts(
        self, api: httpx.AsyncClient
    ) -> None:
        answer = await api.post(
            TANKS, content='{"name": "A", "volume_l": 1, "name": "B"}', headers=JSON
        )

        assert (answer.status_code, answer.json()["name"]) == (201, "B")
        assert [item["name"] for item in (await api.get(TANKS)).json()["items"]] == ["B"]

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"[]", b'"text"', b"1", b"{", b"{}{}", b"\xff", b"\x00", b"{'a':1}"]
    )
    async def test_what_is_no_object_is_refused(self, api: httpx.AsyncClient, body: bytes) -> None:
        key = (await api.post(TANKS, json={"name": "A", "volume_l": 1})).json()["key"]
        for method, path in (("POST", TANKS), ("PATCH", f"{TANKS}/{key}")):
            answer = await api.request(method, path, content=body, headers=JSON)
            assert answer.status_code == 422, answer.text


OWNED = {
    "tenant_key": "other",
    "revision": 99,
    "created_at": "2020-01-01T00:00:00Z",
    "created_by": "somebody",
    "updated_at": "2020-01-01T00:00:00Z",
    "is_platform_admin": True,
    "__proto__": {"role": "admin"},
}
"""What no request may say anywhere."""


@pytest.mark.parametrize("name", sorted(name for name, row in TABLE.items() if row.body))
async def test_nobody_writes_what_only_the_server_says(world: World, name: str) -> None:
    row = TABLE[name]
    caller = {
        "garden": world.north.members[Role.ADMIN],
        "platform": world.platform_admin,
    }.get(row.who.kind, world.both)
    call = call_of(world, name, Things(world, world.north.tenant, caller))
    assert method_of(routes_of(world)[name]) != "GET"
    before = world.cursor()

    for field, value in OWNED.items():
        if field in call.body:
            continue
        for body in _with_field(call.body, field, value):
            answer = await send(world, Call(call.method, call.path, body, ()), caller, row)
            assert answer.status_code == 422, f"{field}: {answer.text}"
            assert field in answer.text

    assert world.cursor() == before


def _with_field(body: Any, field: str, value: object) -> Iterator[Any]:
    """Return a body with one field more: at its top, and in each part that is an object."""
    yield body | {field: value}
    for name, part in body.items():
        if isinstance(part, dict):
            yield body | {name: part | {field: value}}
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            yield body | {name: [part[0] | {field: value}]}
