"""Moments that people write without a zone: those of the clock of the house."""

from datetime import datetime

from homeassistant.util import dt as dt_util

from kamerplanter_engines.errors import InvalidInputError


def moment_of(written: datetime, field: str = "at") -> datetime:
    """Return a moment in UTC; one without a zone is that of Home Assistant's clock.

    Of an hour that comes twice, when clocks go back, it is the first one.

    Args:
        written: As a person or an automation wrote it.
        field: What it is, for the error.

    Raises:
        InvalidInputError: The clock never shows it, as it goes forward then, or it lies beyond the
            ends of the calendar elsewhere.
    """
    try:
        moment = dt_util.as_utc(written)
    except OverflowError as error:
        told = f"{written:%Y-%m-%d %H:%M}"
        raise InvalidInputError(
            f"{told} is at an end of the calendar.", field=field, value=told
        ) from error
    if written.tzinfo is not None:
        return moment
    if dt_util.as_local(moment).replace(tzinfo=None) != written.replace(fold=0):
        raise InvalidInputError(
            f"{written:%Y-%m-%d %H:%M} does not exist here: the clock goes forward in that night.",
            field=field,
            problem="no_such_time",
            value=f"{written:%Y-%m-%d %H:%M}",
        )
    return moment
