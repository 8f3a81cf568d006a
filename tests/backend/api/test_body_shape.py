"""How many members a body may have."""

import json

import httpx
import pytest

from kamerplanter_backend.api.body_shape import MAX_ALL_MEMBERS, MAX_MEMBERS, check_members
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
    check_members(json.dumps(sound).encode())


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
        check_members(json.dumps(odd).encode())


@pytest.mark.parametrize("broken", [b"{" * 300 + b":" * 300, b"}:{" * 300, b'"' + b":" * 300])
def test_what_is_no_json_is_left_to_the_parser(broken: bytes) -> None:
    check_members(broken)


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
