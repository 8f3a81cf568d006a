"""What a request may carry."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st
from starlette.types import Message, Receive, Scope, Send

from kamerplanter_backend.api.body_limit import (
    MAX_BYTES,
    MAX_LOGIN_BYTES,
    BodyLimit,
)
from kamerplanter_backend.api.body_shape import MAX_DEPTH, check_shape
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.api.harness import GARDEN

JSON = {"Content-Type": "application/json"}
TANKS = f"{GARDEN}/tanks"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


class TestSize:
    async def test_a_body_of_one_mebibyte_arrives(self, api: httpx.AsyncClient) -> None:
        body = json.dumps({"name": "A", "volume_l": 1}).encode().ljust(MAX_BYTES)

        answer = await api.post(TANKS, content=body, headers=JSON)

        assert answer.status_code == 201

    async def test_one_byte_more_does_not(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(TANKS, content=b" " * (MAX_BYTES + 1), headers=JSON)

        assert (answer.status_code, answer.json()["error_code"]) == (413, "PAYLOAD_TOO_LARGE")
        assert answer.headers["connection"] == "close"

    async def test_a_body_that_does_not_say_how_long_it_is_does_not_either(
        self, api: httpx.AsyncClient
    ) -> None:
        async def parts() -> Any:
            for _ in range(20):
                yield b" " * 64 * 1024

        answer = await api.post(TANKS, content=parts(), headers=JSON)

        assert answer.status_code == 413

    async def test_strangers_may_send_less(self, api: httpx.AsyncClient) -> None:
        login = "/api/v1/auth/login"
        largest = await api.post(login, content=b" " * MAX_LOGIN_BYTES, headers=JSON)
        answer = await api.post(login, content=b" " * (MAX_LOGIN_BYTES + 1), headers=JSON)

        # There is no login in light mode; the size is looked at before.
        assert largest.status_code == 404
        assert (answer.status_code, answer.json()["details"]["allowed"]) == (413, str(16 * 1024))


class TestType:
    @pytest.mark.parametrize(
        "kind",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
    )
    async def test_only_json_is_taken(self, api: httpx.AsyncClient, kind: str) -> None:
        answer = await api.post(
            TANKS, content=b'{"name": "A", "volume_l": 1}', headers={"Content-Type": kind}
        )

        assert (answer.status_code, answer.json()["error_code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert (await api.get(TANKS)).json()["total"] == 0

    async def test_json_may_name_its_encoding(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            TANKS,
            content=b'{"name": "A", "volume_l": 1}',
            headers={"Content-Type": "Application/JSON; charset=utf-8"},
        )

        assert answer.status_code == 201


class TestDepth:
    async def test_too_deep_a_body_is_refused(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(TANKS, content=nested(MAX_DEPTH + 1), headers=JSON)

        assert answer.status_code == 422
        assert "32 levels" in answer.json()["message"]

    async def test_a_hundred_thousand_levels_are_refused_quietly(
        self, api: httpx.AsyncClient
    ) -> None:
        answer = await api.post(TANKS, content=b'{"a":' * 100_000, headers=JSON)

        assert answer.status_code == 422

    def test_32_levels_are_allowed(self) -> None:
        check_shape(nested(MAX_DEPTH))

    def test_width_is_not_depth(self) -> None:
        check_shape(b"[" + b",".join([b"[[]]"] * 10_000) + b"]")

    def test_brackets_in_texts_do_not_count(self) -> None:
        check_shape(json.dumps({"a": "[" * 100, "b": '\\"[[[' + "{" * 100}).encode())

    def test_a_text_that_never_ends_hides_nothing(self) -> None:
        with pytest.raises(InvalidInputError):
            check_shape(nested(40) + b'"' + b"[" * 100)

    @given(
        st.recursive(
            st.text() | st.integers(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=60,
        )
    )
    def test_it_agrees_with_a_count_by_hand(self, value: object) -> None:
        def depth(part: object) -> int:
            if isinstance(part, dict):
                part = list(part.values())
            if isinstance(part, list):
                return 1 + max((depth(item) for item in part), default=0)
            return 0

        wrapped = value
        for _ in range(MAX_DEPTH - 2):
            wrapped = [wrapped]
        body = json.dumps(wrapped).encode()

        if depth(wrapped) > MAX_DEPTH:
            with pytest.raises(InvalidInputError):
                check_shape(body)
        else:
            check_shape(body)


class TestTime:
    async def test_a_body_that_does_not_arrive_is_given_up(self) -> None:
        sent: list[Message] = []

        async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise AssertionError("the body never arrived")

        async def receive() -> Message:
            if not sent:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/x",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"10")],
            "server": ("localhost", 80),
            "scheme": "http",
        }

        await BodyLimit(app, arrival_s=0.01)(scope, receive, send)

        assert sent[0]["status"] == 408
        assert json.loads(sent[1]["body"])["error_code"] == "REQUEST_TIMEOUT"
        assert (b"connection", b"close") in sent[0]["headers"]
