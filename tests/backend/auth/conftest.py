"""People for the tests of accounts."""

from collections.abc import Iterator

import pytest

from tests.backend.accounts import People


@pytest.fixture
def people() -> Iterator[People]:
    """Return an installation without anybody in it yet."""
    opened = People()
    yield opened
    opened.close()
