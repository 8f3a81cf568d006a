"""What all tests share: our packages, property-test profiles, and no quiet skips in CI."""

# Before anything else: Home Assistant's test plugin brings a folder of this name of its own, and
# the one that is imported first is the one that everybody gets.
import custom_components  # noqa: F401  isort: skip

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "night",
    max_examples=5000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

MUST_RUN_IN_CI = ("mosquitto", "chromium")
"""Marks of tests that skip on a desk without the program, and fail in CI without it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip for a missing program into a failure where CI=true."""
    report = yield
    is_needed = any(item.get_closest_marker(mark) for mark in MUST_RUN_IN_CI)
    is_skip = report.skipped and not hasattr(report, "wasxfail")
    if is_needed and is_skip and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"must not be skipped in CI: {call.excinfo}"
    return report
