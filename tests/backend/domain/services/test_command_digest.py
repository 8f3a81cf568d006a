"""What stands for the content of a command, so that its key is not used for another one."""

import pytest

from kamerplanter_backend.domain.services.base import command_digest
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Model


def test_content_that_came_in_as_part_of_something_counts_like_any_other() -> None:
    class Part(Model):
        title: str

    class Whole(Model):
        part: Part

    # As from JSON: nobody has made a `Part` by itself in this process yet.
    arrived = Whole.model_validate({"part": {"title": "a"}}).part

    digest = command_digest("add", (arrived, None), {})

    assert digest == command_digest("add", (Part(title="a"), None), {})
    assert digest != command_digest("add", (Part(title="b"), None), {})
    assert digest != command_digest("change", (Part(title="a"), None), {})
    assert command_digest("add", ((arrived,),), {}) != digest


def test_a_text_that_is_no_text_is_refused_and_not_an_accident() -> None:
    with pytest.raises(InvalidInputError):
        command_digest("change", ({"name": "\ud800"},), {})
