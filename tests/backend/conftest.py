"""What the tests of the backend share."""

from collections.abc import Iterator

import pytest

from tests.backend.garden import Garden


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden in memory, at noon of 1 May 2026 in Berlin."""
    made = Garden()
    yield made
    made.store.close()
