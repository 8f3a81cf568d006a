"""Writes the events of a garden as an iCalendar file (RFC 5545)."""

from collections.abc import Sequence
from datetime import timedelta

from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event
from ical.types.extra import ExtraProperty, ExtraPropertyParameter

from kamerplanter_backend.api.v1.calendar.texts import summary
from kamerplanter_backend.domain.models.calendar import CalendarFeed
from kamerplanter_engines import __version__
from kamerplanter_engines.models.calendar import CalendarEvent

REFRESH = "PT1H"
"""How often programs should look again."""

LINE_OCTETS = 75
"""Longest line; longer ones are folded. [bytes]"""

_CONTINUES = 0b1000_0000
"""How the bytes of a character after its first one begin, in UTF-8."""


def ical_file(feed: CalendarFeed, events: Sequence[CalendarEvent], time_zone: str) -> bytes:
    """Return the events of a feed as a file.

    The same events give the same bytes: each carries the time of its own last change.

    Args:
        feed: The feed; the ids of its events are unique in the world by its key.
        events: What is in it.
        time_zone: Zone of the garden; its days are those of this zone.
    """
    calendar = Calendar(
        prodid=f"-//Kamerplanter//Kamerplanter {__version__}//{feed.language.upper()}",
        name=[feed.name],
        x_wr_timezone=time_zone,
        extras=[
            # Programs that know nothing of RFC 7986 read the names that begin with an x.
            ExtraProperty(name="x-wr-calname", value=_escaped(feed.name)),
            ExtraProperty(name="x-published-ttl", value=REFRESH),
            ExtraProperty(
                name="refresh-interval",
                value=REFRESH,
                params=[ExtraPropertyParameter(name="VALUE", values=["DURATION"])],
            ),
        ],
    )
    calendar.events = [_event(feed, event) for event in events]
    return _folded(IcsCalendarStream.calendar_to_ics(calendar))


def _event(feed: CalendarFeed, event: CalendarEvent) -> Event:
    return Event(
        uid=f"{event.id}@{feed.key}.kamerplanter",
        dtstamp=event.changed_at,
        last_modified=event.changed_at,
        dtstart=event.on,
        dtend=event.on + timedelta(days=1),
        summary=summary(event, feed.language),
        description=event.description,
        categories=[event.category.value],
        # Work in the garden does not make a person busy all day.
        transparency="TRANSPARENT",
    )


def _escaped(text: str) -> str:
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return "".join(character for character in text if character.isprintable())


def _folded(text: str) -> bytes:
    """Return the text with the line ends and the folding by bytes that the standard wants."""
    lines = []
    for line in text.replace("\n ", "").split("\n"):
        rest = line.encode()
        while len(rest) > LINE_OCTETS:
            end = LINE_OCTETS
            # No character is cut in two.
            while rest[end] & 0b1100_0000 == _CONTINUES:
                end -= 1
            lines.append(rest[:end])
            rest = b" " + rest[end:]
        lines.append(rest)
    return b"\r\n".join(lines) + b"\r\n"
