"""What can be asked is answered, and by whom is declared."""

import inspect

import pytest

from kamerplanter_backend.client import requests
from kamerplanter_backend.client.handlers import HANDLERS
from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.common.permissions import Permission

ALL_REQUESTS = sorted(
    (
        item
        for name, item in vars(requests).items()
        if inspect.isclass(item)
        and issubclass(item, Request)
        and item.__module__ == requests.__name__
        and not name.startswith("_")
        and "[" not in name
    ),
    key=lambda item: item.__name__,
)


def test_each_request_has_one_handler_and_the_other_way_round() -> None:
    assert set(HANDLERS) == set(ALL_REQUESTS)


@pytest.mark.parametrize("request_class", ALL_REQUESTS, ids=lambda item: item.__name__)
def test_commands_need_more_than_reading(request_class: type[Request[object]]) -> None:
    if issubclass(request_class, Command):
        assert request_class.permission is not Permission.READ
    else:
        assert request_class.permission is Permission.READ


def test_a_harvest_never_waits_in_a_queue() -> None:
    assert requests.LogHarvest.queueable is False
    assert requests.LogTreatment.queueable is True
