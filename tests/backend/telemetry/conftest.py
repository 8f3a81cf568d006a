"""Who listens in the tests of readings."""

import pytest

from tests.backend.telemetry.roads import House, Make, Worker


@pytest.fixture(params=[Worker, House])
def make(request: pytest.FixtureRequest) -> Make:
    """Return who listens."""
    found: Make = request.param
    return found
