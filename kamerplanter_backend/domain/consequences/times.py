"""Moments that a person names for something that has happened."""

from datetime import datetime

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.safety_interval_engine import check_applied_at


def check_not_future(uow: UnitOfWork, at: datetime) -> datetime:
    """Return the moment in UTC, if it can have happened; a little ahead of now means now.

    Raises:
        NaiveTimeError: It has no zone.
        FutureTimeError: It lies in the future.
    """
    return check_applied_at(at, uow.context.now)
