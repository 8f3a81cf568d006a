"""What can be asked is answered, and by whom is declared."""

import inspect
from datetime import UTC, date, datetime
from typing import get_args

import pytest
from pydantic import AwareDatetime

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
        and item not in {Request, Command}
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


MOMENTS = {datetime, date, AwareDatetime}


def test_what_waits_keeps_its_moment() -> None:
    now = datetime(2026, 5, 1, 10, tzinfo=UTC)
    checked, forgotten = set(), []
    for kind in ALL_REQUESTS:
        if not (issubclass(kind, Command) and kind.queueable):
            continue
        for name, field in kind.model_fields.items():
            if field.default is None and any(
                option in MOMENTS for option in _options(field.annotation)
            ):
                checked.add(kind.__name__)
                command = kind.model_construct(**dict.fromkeys(kind.model_fields))
                if getattr(command.as_of(now, now.date()), name) is None:
                    forgotten.append((kind.__name__, name))

    assert forgotten == []
    assert checked >= {"CompleteTask", "ConfirmCare", "SetPhase"}


def _options(annotation: object) -> list[object]:
    """Return the plain types that a field may hold, whatever else is said of them."""
    parts = get_args(annotation)
    return [annotation] if not parts else [item for part in parts for item in _options(part)]
