"""Which devices came or went, and what of that the store does not know yet.

Lives on the event loop, beside the intakes; does no I/O and reads no clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kamerplanter_engines.models.presence import ProbePresenceFields

type Said = tuple[ProbePresenceFields, ...]
"""What is to be told of devices."""


@dataclass(slots=True)
class _Known:
    """What is known of one probe."""

    is_online: bool
    """As it is heard here."""
    at: datetime | None
    """When that last changed; none = never."""
    is_told_online: bool
    """What the store knows, as far as we do."""
    stored_gone_since: datetime | None
    """What the store said last."""


class PresenceNotes:
    """Compares what is heard of devices with what the store knows of them.

    It is of now: of what changes twice before it is told, only the last is left.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._news: dict[str, ProbePresenceFields] = {}

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._news)

    def note(self, probe_key: str, at: datetime, *, online: bool) -> bool:
        """Take in whether a device is there; tell whether that is another thing than before.

        Args:
            probe_key: The probe; one that was never followed is taken as there until then.
            at: The moment, UTC.
            online: As its intake says after a message.
        """
        known = self._known.get(probe_key)
        if known is None:
            known = self._known[probe_key] = _Known(True, None, True, None)
        if known.is_online is online:
            return False
        known.is_online, known.at = online, at
        if online is known.is_told_online:
            self._news.pop(probe_key, None)
        else:
            self._news[probe_key] = ProbePresenceFields(
                probe_key=probe_key, is_online=online, since=at
            )
        return True

    def follow(
        self,
        probe_key: str,
        gone_since: datetime | None,
        exchanged_at: datetime | None = None,
    ) -> bool | None:
        """Take over what the store says of a device; return what its intake has to be told.

        The store also knows what others have heard, and what was known before we began. What was
        heard here later than that stands.

        Args:
            probe_key: The probe.
            gone_since: Since when the device is gone; none = it is there.
            exchanged_at: When it was last said that it is another device; none = never.

        Returns:
            Whether it is there, or none if that is as it was here.
        """
        known = self._known.get(probe_key)
        if known is None:
            is_there = gone_since is None
            self._known[probe_key] = _Known(is_there, gone_since, is_there, gone_since)
            return None if is_there else False
        before = known.stored_gone_since
        if exchanged_at is not None and gone_since is None and _is_gone_before(known, exchanged_at):
            # Whoever said goodbye is not meant any more, and the store lets that pass.
            self._known[probe_key] = _Known(True, exchanged_at, True, None)
            self._news.pop(probe_key, None)
            return True
        if gone_since == before:
            return None
        known.stored_gone_since, known.is_told_online = gone_since, gone_since is None
        # What was heard at the same moment is what the store has been told by us.
        said_at = before if gone_since is None else gone_since
        is_ours_newer = known.at is not None and said_at is not None and known.at > said_at
        if is_ours_newer or known.is_online is known.is_told_online:
            return None
        known.is_online, known.at = known.is_told_online, said_at
        self._news.pop(probe_key, None)
        return known.is_online

    def forget(self, probe_key: str) -> None:
        """Know nothing of a probe that is not listened to any more."""
        self._known.pop(probe_key, None)
        self._news.pop(probe_key, None)

    def take(self, most: int) -> Said:
        """Hand over what is to be told, as if it were told."""
        taken = tuple(self._news.values())[:most]
        for item in taken:
            del self._news[item.probe_key]
            self._known[item.probe_key].is_told_online = item.is_online
        return taken

    def give_back(self, untold: Iterable[ProbePresenceFields]) -> None:
        """Take back what could not be told; what changed again meanwhile is none any more."""
        for item in untold:
            known = self._known.get(item.probe_key)
            if known is None:
                continue
            known.is_told_online = not item.is_online
            if known.is_online is known.is_told_online:
                self._news.pop(item.probe_key, None)
            else:
                self._news.setdefault(item.probe_key, item)


def _is_gone_before(known: _Known, moment: datetime) -> bool:
    return not known.is_online and known.at is not None and known.at < moment
