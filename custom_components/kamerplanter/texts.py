"""Texts that have to be in words before Home Assistant's front end sees them."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import ChannelKind

from .const import DOMAIN
from .days import day_in
from .errors import translation_of

_DECIMAL_COMMA = frozenset({"de"})
"""Languages in which 1.413 reads as a thousand and more."""
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Texts:
    """Errors and names of commands and values in the language of this Home Assistant."""

    _errors: dict[str, str]
    _choices: dict[str, str]
    _language: str

    @classmethod
    async def async_load(cls, hass: HomeAssistant) -> Self:
        """Load the texts of the language that is set now."""
        language = hass.config.language
        return cls(
            await async_get_translations(hass, language, "exceptions", {DOMAIN}),
            await async_get_translations(hass, language, "selector", {DOMAIN}),
            language,
        )

    def error(self, error: KamerplanterError) -> str:
        """Return what an error says to a person."""
        key, placeholders = translation_of(error)
        text = self._errors.get(f"component.{DOMAIN}.exceptions.{key}.message")
        return error.message if text is None else text.format(**placeholders)

    def refusal(self, error: KamerplanterError, *, on_server: bool) -> str:
        """Return why a dialog, which only an administrator here can open, was refused.

        Who that is here is nothing to a server: the owner of the key decides.
        """
        if type(error) is not ForbiddenError or not on_server:
            return self.error(error)
        text = self._errors[f"component.{DOMAIN}.exceptions.server_forbidden.message"]
        return text.format(**translation_of(error)[1])

    def kind(self, kind: ChannelKind) -> str:
        """Return what a kind of value is called."""
        return self._choices[f"component.{DOMAIN}.selector.channel_kind.options.{kind}"]

    def word(self, table: str, key: str) -> str | None:
        """Return a word of a table (a selector's options); none = it has none."""
        return self._choices.get(f"component.{DOMAIN}.selector.{table}.options.{key}")

    def choice(self, table: str, key: str, **placeholders: str) -> str:
        """Return a text of a table (a selector's options), filled in."""
        text = self._choices[f"component.{DOMAIN}.selector.{table}.options.{key}"]
        return text.format(**placeholders)

    def number(self, value: float, form: str = "g") -> str:
        """Return a number in a form of Python, with the decimal mark of the language."""
        return self.spelled(format(value, form))

    def spelled(self, number: str) -> str:
        """Return a number that is text already, with the decimal mark of the language."""
        return number.replace(".", ",") if self._language in _DECIMAL_COMMA else number

    def day(self, day: date) -> str:
        """Return a date as the language writes it."""
        return day_in(self._language, day)

    def command(self, name: str) -> str:
        """Return what a kind of command is called."""
        key = _HUMP.sub("_", name).lower()
        return self._choices.get(f"component.{DOMAIN}.selector.command.options.{key}", name)
