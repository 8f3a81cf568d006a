"""Each garden has a part of the broker's topics for itself."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_backend.telemetry.worker.garden_topics import full_topic, is_prefix, mark_topic

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


@given(slug=SLUGS, topic=st.text(max_size=60))
def test_whatever_is_bound_lies_behind_the_slug_or_cannot_be_heard(slug: str, topic: str) -> None:
    full = full_topic("farm/plants", slug, topic)

    if full is None:
        assert not topic or set(topic) & {"+", "#", "\0"} or not topic.isprintable()
    else:
        # Three levels in front, and nothing in it that stands for something else.
        assert full.split("/", 3)[:3] == ["farm", "plants", slug]
        assert not set(full) & {"+", "#"}


@given(one=SLUGS, other=SLUGS, topic=st.text(max_size=30), another=st.text(max_size=30))
def test_no_two_gardens_share_a_topic(one: str, other: str, topic: str, another: str) -> None:
    first, second = full_topic("p", one, topic), full_topic("p", other, another)

    assert one == other or first is None or first != second


@pytest.mark.parametrize(
    "topic", ["", "#", "a/#", "+", "a/+/b", "a+", "a\0b", "\ud800", "x" * 65_536]
)
def test_what_is_no_single_topic_cannot_be_heard(topic: str) -> None:
    assert full_topic("kamerplanter", "home", topic) is None


def test_the_workers_own_topic_is_no_gardens() -> None:
    assert mark_topic("kamerplanter", "kp") == "kamerplanter/$ingest/kp"
    assert full_topic("kamerplanter", "home", "$ingest/kp") == "kamerplanter/home/$ingest/kp"


@pytest.mark.parametrize("prefix", ["kamerplanter", "farm/plants", "ä"])
def test_plain_levels_are_a_prefix(prefix: str) -> None:
    assert is_prefix(prefix)


@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a//b", "+", "a/#", "$share/g", "x" * 201])
def test_others_are_none(prefix: str) -> None:
    assert not is_prefix(prefix)
