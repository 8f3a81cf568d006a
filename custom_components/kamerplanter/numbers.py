"""Numbers that people and automations give: refused in words that say field, value and limits."""

import math
from dataclasses import dataclass
from typing import Any, override

from homeassistant.core import async_get_hass
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig

from kamerplanter_engines.errors import InvalidInputError

from .errors import as_home_assistant, sentence_of
from .schema import vol

_SHOWN = 100
"""Nobody reads more of what is no number. [characters]"""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a number may be; none = no limit."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    """It has to be more than this."""
    is_whole: bool = False
    """Only where `low` and `high` say what it may be."""

    @override
    def __str__(self) -> str:
        """Return it in signs that need no language."""
        if self.is_whole and self.low is not None and self.high is not None:
            return f"{self.low:g}, {self.low + 1:g}, …, {self.high:g}"
        signs = (("> ", self.above), ("≥ ", self.low), ("≤ ", self.high))
        return ", ".join(f"{sign}{limit:g}" for sign, limit in signs if limit is not None)

    def hold(self, value: float) -> bool:
        """Tell whether a number keeps to them."""
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (not self.is_whole or value.is_integer())
        )


def read_number(told: object, field: str, limits: Limits) -> float:
    """Return what was told as a finite number; the sign of a zero means nothing.

    Args:
        told: A number, or the text of one as templates give it.
        field: What it is, for the error.
        limits: What it may be.

    Raises:
        InvalidInputError: It is no finite number or not within the limits.
    """
    try:
        # Python reads True as 1 and 1_5 as 15, which nobody means.
        value = math.nan if isinstance(told, bool) or "_" in str(told) else float(told)  # type: ignore[arg-type]
    except TypeError, ValueError, OverflowError:
        value = math.nan
    shown = str(told).strip()[:_SHOWN]
    if not math.isfinite(value):
        raise InvalidInputError(
            f"{field}: {shown} is no finite number.",
            field=field,
            value=shown,
            problem="not_a_number",
        )
    if not limits.hold(value):
        raise InvalidInputError(
            f"{field}: {shown} is not {limits}.", field=field, value=shown, allowed=str(limits)
        )
    return int(value) if limits.is_whole else value + 0.0


@dataclass(frozen=True, slots=True)
class ActionNumber:
    """A number in the data of an action, as a part of its schema."""

    field: str
    limits: Limits = Limits()

    def __call__(self, told: object) -> float:
        """Return the number.

        Raises:
            ServiceValidationError: It is none, or not within the limits.
        """
        try:
            return read_number(told, self.field, self.limits)
        except InvalidInputError as error:
            # The library's own words are English, and name the field as it is written in code.
            raise as_home_assistant(error) from error


class _RefusedNumber(vol.Invalid):
    """Says what is wrong, and not where in code: the sentence names the field."""

    @override
    def __str__(self) -> str:
        return self.error_message


class FormNumber(NumberSelector):
    """A box for a number in a dialog.

    Args:
        field: What it is, for the error.
        limits: What it may be.
        config: How it is shown.
    """

    def __init__(self, field: str, limits: Limits, config: NumberSelectorConfig) -> None:
        super().__init__(config)
        self._field = field
        self._limits = limits

    @override
    def __call__(self, data: Any) -> float:
        """Return the number.

        Raises:
            Invalid: It is none, or not within the limits; said in the language of the house.
        """
        try:
            return read_number(data, self._field, self._limits)
        except InvalidInputError as error:
            raise _RefusedNumber(sentence_of(async_get_hass(), error)) from error
