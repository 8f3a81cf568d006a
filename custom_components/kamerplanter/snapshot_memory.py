"""Keeps what a server showed last on the disk, so that a restart without it shows that."""

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Self

from homeassistant.core import HomeAssistant
from homeassistant.util.file import WriteError, write_utf8_file_atomic
from pydantic import ValidationError

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.base import Instant, Model

_LOGGER = logging.getLogger(__name__)

SAVE_EVERY = timedelta(minutes=5)
"""A flash card does not want to be written at each reading."""
UNSTEADY = timedelta(minutes=1)
"""A clock is put right by so much now and then, which says nothing."""
MAX_BYTES = 16 * 1024 * 1024
"""Of a garden with thousands of plants; more is not kept."""


class _Kept(Model):
    """A snapshot as it lies in the file."""

    seen_at: Instant
    snapshot: GardenSnapshot


class SnapshotMemory:
    """The last snapshot of one garden, in one file that is replaced as a whole.

    What forbids a harvest is written at once; everything else may be some minutes old.
    """

    def __init__(self, hass: HomeAssistant, path: Path, kept: _Kept | None) -> None:
        self._hass = hass
        self._path = path
        self._kept = kept
        self._saved = kept
        self._saving = asyncio.Lock()
        self._is_trouble_logged = False
        self._kept_tick_s: float | None = None

    @classmethod
    async def async_open(cls, hass: HomeAssistant, path: Path) -> Self:
        """Read the file; one that is missing or cannot be read is as good as none."""
        return cls(hass, path, await hass.async_add_executor_job(_read, path))

    @property
    def snapshot(self) -> GardenSnapshot | None:
        """What was shown last; none = nothing is known."""
        return None if self._kept is None else self._kept.snapshot

    @property
    def seen_at(self) -> datetime | None:
        """When the server said so, by our clock."""
        return None if self._kept is None else self._kept.seen_at

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the server said so; none = never, or the clock was set back since.

        A clock that goes back while Home Assistant runs makes nothing younger.
        """
        if self._kept is None or self._kept.seen_at - now > UNSTEADY:
            return None
        by_clock = max(timedelta(), now - self._kept.seen_at)
        if self._kept_tick_s is None:
            return by_clock
        return max(by_clock, timedelta(seconds=monotonic() - self._kept_tick_s))

    async def keep(self, snapshot: GardenSnapshot, seen_at: datetime) -> None:
        """Remember a snapshot, and write it if that is due."""
        self._kept = _Kept(seen_at=seen_at, snapshot=snapshot)
        self._kept_tick_s = monotonic()
        if (
            self._saved is None
            or abs(seen_at - self._saved.seen_at) >= SAVE_EVERY
            or _gates(snapshot) != _gates(self._saved.snapshot)
        ):
            await self.save()

    async def save(self) -> None:
        """Write what is remembered, if it is not written yet."""
        async with self._saving:  # an older one must not be written over a newer one
            kept = self._kept
            if kept is None or kept is self._saved:
                return
            trouble = await self._hass.async_add_executor_job(_write, self._path, kept)
            if trouble is None:
                self._saved = kept
            elif not self._is_trouble_logged:
                _LOGGER.warning("What the server shows cannot be remembered: %s", trouble)
            self._is_trouble_logged = trouble is not None


def _gates(snapshot: GardenSnapshot) -> tuple[object, ...]:
    """Return what decides about harvests."""
    return tuple((view.plant.key, view.harvest_allowed, view.blockers) for view in snapshot.plants)


def _read(path: Path) -> _Kept | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return _Kept.model_validate_json(path.read_bytes(), extra="ignore")
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        _LOGGER.warning("What the server showed last cannot be read: %s", type(error).__name__)
        return None


def _write(path: Path, kept: _Kept) -> Exception | None:
    """Write what is kept; return why it has to be tried again."""
    text = kept.model_dump_json()
    if len(text.encode()) > MAX_BYTES:
        _LOGGER.warning("The garden is too large to be remembered for a start without its server")
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_utf8_file_atomic(str(path), text, private=True)
    except (OSError, WriteError) as error:
        return error
    return None
