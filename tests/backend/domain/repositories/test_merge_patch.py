"""JSON merge patch as RFC 7396 has it."""

import pytest
from pydantic import JsonValue

from kamerplanter_backend.domain.repositories.merge_patch import MAX_DEPTH, merge_patch
from kamerplanter_engines.errors import InvalidInputError

type Json = dict[str, JsonValue]


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({"a": "foo"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_examples_of_the_standard(target: Json, patch: Json, expected: Json) -> None:
    before = repr(target)

    assert merge_patch(target, patch) == expected
    assert repr(target) == before


def test_patch_nested_too_deeply_is_refused() -> None:
    patch: Json = {}
    for _ in range(MAX_DEPTH):
        patch = {"a": patch}

    with pytest.raises(InvalidInputError, match="levels deep"):
        merge_patch({}, patch)
