"""What all tests share: our packages, property-test profiles, and no quiet skips in CI."""

# Before anything else: Home Assistant's test plugin brings a folder of this name of its own, and
# the one that is imported first is the one that everybody gets.
import custom_components  # noqa: F401  isort: skip

import asyncio
import os
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from kamerplanter_backend.migrations import seed_files, seeds
from tests.ready_stores import ready_stores

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


@pytest.fixture(scope="session", autouse=True)
def _catalogue_is_read_once() -> Iterator[None]:
    """Let all stores that tests open share what the files of the catalogue say."""
    read: dict[str, seed_files.Catalogue] = {}

    def read_catalogue(contents: Mapping[str, str]) -> seed_files.Catalogue:
        digest = seed_files.digest_of(contents)
        if digest not in read:
            read[digest] = seed_files.read_catalogue(contents)
        return read[digest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeds, "read_catalogue", read_catalogue)
        yield


@pytest.fixture(scope="session", autouse=True)
def _new_stores_are_copies(_catalogue_is_read_once: None) -> Iterator[None]:
    """Let all stores that tests open begin with what the first one was made with."""
    with ready_stores():
        yield


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Watch the loop as Home Assistant's own tests do, but keep no stack of each call and future.

    A call from a wrong thread and a slow one are still told. To write down who made every future
    took half the time of a test in Home Assistant; who hunts a lost one sets PYTHONASYNCIODEBUG.
    """
    loop: Any = asyncio.get_running_loop()
    loop.set_debug(True)
    if not os.environ.get("PYTHONASYNCIODEBUG"):
        loop.get_debug = lambda: False  # to its end, which belongs to the test


@pytest.fixture(scope="session", autouse=True)
def disable_http_server() -> Iterator[None]:
    """Let no Home Assistant listen; patched anew for each test it took longer than most tests."""
    with (
        patch("homeassistant.components.http.HomeAssistantHTTP.async_bind"),
        patch("homeassistant.components.http.HomeAssistantHTTP.start"),
    ):
        yield


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
