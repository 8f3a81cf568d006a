"""The errors that every layer of Kamerplanter raises, catches by class and translates by code."""

from typing import ClassVar


class KamerplanterError(Exception):
    """Something that a person has to hear about.

    Args:
        message: One English sentence that names the field, the value and the way out.
        field: The input that is at fault, if one is.
        placeholders: The values that a translated text fills in.
    """

    code: ClassVar[str] = "ERROR"

    def __init__(self, message: str, *, field: str | None = None, **placeholders: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.placeholders = {name: str(value) for name, value in placeholders.items()}


class InvalidInputError(KamerplanterError):
    """A value cannot be used; the message says what is allowed."""

    code = "INVALID_INPUT"


class OutOfRangeError(InvalidInputError):
    """A number lies outside the range that its quantity can have."""

    code = "OUT_OF_RANGE"


class NaiveTimeError(InvalidInputError):
    """A time came without a zone, so nobody can tell which instant it means."""

    code = "NAIVE_TIME"


class UnknownUnitError(InvalidInputError):
    """A unit does not belong to the quantity, or is not known at all. `value`, `allowed`."""

    code = "UNKNOWN_UNIT"


class FutureTimeError(InvalidInputError):
    """Something that is said to have happened lies in the future."""

    code = "FUTURE_TIME"


class KarenzViolationError(KamerplanterError):
    """A harvest was asked for inside a waiting period.

    Placeholders: `plant`, `product`, `date` (the first permitted date, or "unknown").
    """

    code = "KARENZ_VIOLATION"


class UnknownIntervalError(KarenzViolationError):
    """A harvest was asked for after a treatment whose waiting period nobody has entered.

    Placeholders: `plant`, `product`.
    """

    code = "KARENZ_UNKNOWN_INTERVAL"


class IllegalTransitionError(KamerplanterError):
    """A state or phase cannot follow the present one."""

    code = "ILLEGAL_TRANSITION"
