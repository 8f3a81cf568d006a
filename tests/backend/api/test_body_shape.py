"""How deep a body may be, and how much it may hold."""

import json
from contextlib import suppress

import httpx
import pytest

from kamerplanter_backend.api import body_shape
from kamerplanter_backend.api.body_shape import (
    MAX_ALL_MEMBERS,
    MAX_DEPTH,
    MAX_LEVELS,
    MAX_MEMBERS,
    check_shape,
)
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.api.harness import GARDEN


def body(count: int) -> dict[str, int]:
    return {f"m{number}": number for number in range(count)}


@pytest.mark.parametrize(
    "sound",
    [
        {},
        body(MAX_MEMBERS),
        [body(MAX_MEMBERS)] * 90,
        {"deep": {"er": [body(MAX_MEMBERS)]}},
        {"text": '{"a":1,' * 5000 + ":" * 5000 + '"' * 999},
    ],
)
def test_what_people_send_passes(sound: object) -> None:
    check_shape(json.dumps(sound).encode())


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (body(MAX_MEMBERS + 1), "more than 200 fields"),
        ({"fields": {"in": [1, body(MAX_MEMBERS + 1)]}}, "more than 200 fields"),
        # What is inside counts apart, and does not hide how much is around it.
        (body(MAX_MEMBERS) | {"one": {"a": 1}}, "more than 200 fields"),
        ([body(100)] * (MAX_ALL_MEMBERS // 100) + [{"one": 1}], "more than 20000 fields"),
    ],
)
def test_too_many_are_refused(odd: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        check_shape(json.dumps(odd).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"\\",
        b"\\\\",
        b'"',
        b"\\n",
        b"n",
        b'\\"',
        b"[{:}]",
    ],
)
@pytest.mark.parametrize("repeated", [1, 2, 3, 4])
def test_what_stands_in_a_text_is_no_shape(text: bytes, repeated: int) -> None:
    written = json.dumps((text * repeated).decode() * 100).encode()

    check_shape(b'{"a": ' + written + b"," + b'"b": [' + b"[]," * 40 + b"[]]}")
    with pytest.raises(InvalidInputError, match="more than 32 levels"):
        check_shape(b'{"a": ' + written + b',"b": ' + b"[" * MAX_DEPTH)


BIG = 1_000_000


@pytest.mark.parametrize(
    "hostile",
    [
        b"][" * (BIG // 2),
        b"[]" * (BIG // 2),
        b"]" * BIG,
        b"[" * BIG,
        (b"{" * 32 + b":" + b"}" * 32) * (BIG // 65),
        b'"' * BIG,
        b'"[",' * (BIG // 4) + b"[" * 33,
        b":" * BIG,
    ],
    ids=["turned", "empty", "closing", "opening", "nested", "quotes", "texts", "colons"],
)
def test_a_body_of_signs_is_refused_without_looking_at_each(
    hostile: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    monkeypatch.setattr(body_shape, "_walk", lambda signs: looked_at.append(len(signs)))

    with suppress(InvalidInputError):
        check_shape(hostile)

    assert sum(looked_at) <= 2 * MAX_LEVELS + MAX_ALL_MEMBERS


@pytest.mark.parametrize("broken", [b"}:{" * 300, b":" * 300, b"]" * 300, b'"' + b":" * 300])
def test_what_is_no_json_is_left_to_the_parser(broken: bytes) -> None:
    check_shape(broken)


async def test_a_mebibyte_of_unknown_fields_is_refused_in_one_sentence(
    api: httpx.AsyncClient,
) -> None:
    content = json.dumps(body(60_000))[:1_000_000]
    content = content[: content.rindex(",")] + "}"

    answer = await api.post(
        f"{GARDEN}/tanks", content=content, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json()["error_code"] == "INVALID_INPUT"
    assert answer.json()["message"] == ("The body has more than 20000 fields; send less at once.")
