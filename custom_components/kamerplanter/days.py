"""How a language writes a day."""

from datetime import date

_FORMS = {"de": "%d.%m.%Y"}
"""The others as ISO 8601 does."""


def day_in(language: str, day: date) -> str:
    """Return a date as a language writes it."""
    return day.strftime(_FORMS.get(language, "%Y-%m-%d"))
