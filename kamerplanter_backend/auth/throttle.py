"""How long a name has to wait after failed logins. Pure: the counts are stored elsewhere."""

from datetime import datetime, timedelta

FREE_FAILURES = 4
"""So often a person may mistype in a row without waiting."""
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
"""Nobody can lock an owner out for longer than this."""
FORGOTTEN_AFTER = timedelta(hours=24)
"""A count that has not grown for so long starts anew."""


def delay_after(failure_count: int) -> timedelta:
    """Return how long a name waits after so many failures in a row: twice as long each time.

    Args:
        failure_count: Failures in a row, at least 0.
    """
    beyond = failure_count - FREE_FAILURES
    if beyond <= 0:
        return timedelta(0)
    # The exponent is cut off where the delay no longer grows: 2 ** 10 000 would not fit.
    factor: int = 2 ** min(beyond - 1, 16)
    return min(FIRST_DELAY * factor, LONGEST_DELAY)


def wait_before_next(failure_count: int, last_failed_at: datetime, now: datetime) -> timedelta:
    """Return how long the next attempt has to wait; zero = not at all.

    A clock that was set back does not make the wait longer than the whole delay.

    Args:
        failure_count: Failures in a row.
        last_failed_at: When the last one was.
        now: The present moment.
    """
    delay = delay_after(failure_count)
    return max(timedelta(0), min(delay, last_failed_at + delay - now))


def count_after_failure(failure_count: int, last_failed_at: datetime, now: datetime) -> int:
    """Return the count after one more failure; an old count starts anew."""
    return 1 if now - last_failed_at >= FORGOTTEN_AFTER else failure_count + 1
