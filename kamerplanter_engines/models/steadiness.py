"""What a probe in a solution shows, and whether it has come to rest."""

from datetime import datetime
from typing import NamedTuple


class RawSample(NamedTuple):
    """What a probe showed, without any calibration."""

    at: datetime
    """When it came in, UTC."""
    raw: float


class Steadiness(NamedTuple):
    """What the newest readings say together."""

    is_steady: bool
    raw: float | None
    """The median of those that agree; none = there is no reading."""
    spread: float | None
    """Between the highest and the lowest of the newest readings; none = there is no second one."""
    agreeing: int
    """How many of the newest readings agree."""
    is_settling: bool = False
    """The newest readings agree, but not for long enough yet."""
