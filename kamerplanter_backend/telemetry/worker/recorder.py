"""Brings what a worker has judged into the store, many gardens at a time; used on one thread."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.services.presence_service import PresenceService
from kamerplanter_backend.domain.services.telemetry_service import TelemetryService
from kamerplanter_backend.telemetry.probe.as_reading import as_reading
from kamerplanter_backend.telemetry.probe.presence_notes import Said
from kamerplanter_backend.telemetry.worker.garden_directory import GardenDirectory
from kamerplanter_backend.telemetry.worker.live_garden import Taken
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import Reading

_LOGGER = logging.getLogger(__name__)

AT_ONCE: Final = 10_000
"""Readings of one transaction, about: others wait for the store no longer than that takes."""

type Batches = Mapping[str, Taken]
"""What was judged, by garden and probe."""

type _Part = tuple[Context, list[Reading]]


@dataclass(slots=True)
class Recorded:
    """What became of some batches."""

    stored: dict[str, int] = field(default_factory=dict)
    """New readings by garden."""
    transactions: int = 0
    refused: int = 0
    """Readings that the store refuses for good."""
    suspended: int = 0
    """Readings of gardens that were suspended meanwhile."""
    untold: dict[str, Said] = field(default_factory=dict)
    """Which devices came or went, by garden, where it is to be told again."""


class Recorder:
    """Stores batches.

    Args:
        telemetry: Stores.
        presence: Takes in which devices came or went.
        directory: Knows the gardens.
    """

    def __init__(
        self,
        telemetry: TelemetryService,
        presence: PresenceService,
        directory: GardenDirectory,
    ) -> None:
        self._telemetry = telemetry
        self._presence = presence
        self._directory = directory
        self._is_refusal_logged = False

    def store(
        self, batches: Batches, now: datetime, said: Mapping[str, Said] = MappingProxyType({})
    ) -> Recorded:
        """Store batches; what a garden's fault is costs the readings of this garden alone.

        Args:
            batches: What was judged.
            now: The moment, UTC.
            said: Which devices came or went, by garden; their readings come first.

        Raises:
            UnavailableError: The store does not answer; all can be stored again, none twice.
        """
        done = Recorded()
        parts: list[_Part] = []
        size = 0
        for context, readings in self._readings(batches, now, done):
            parts.append((context, readings))
            size += len(readings)
            if size >= AT_ONCE:
                self._store_parts(parts, done)
                parts, size = [], 0
        self._store_parts(parts, done)
        for tenant_key, items in said.items():
            self._tell(tenant_key, items, now, done)
        return done

    def _tell(self, tenant_key: str, said: Said, now: datetime, done: Recorded) -> None:
        """Say which devices of a garden came or went; what is refused would be so next time.

        Only a store that does not answer, and a suspension, pass.
        """
        if self._directory.is_suspended(tenant_key):
            done.untold[tenant_key] = said
            return
        try:
            self._presence.report(self._directory.context(tenant_key, now), said)
        except UnavailableError:
            done.untold[tenant_key] = said
        except KamerplanterError:
            _LOGGER.warning(
                "Nobody knows which devices of garden %s came or went", tenant_key, exc_info=True
            )

    def _readings(self, batches: Batches, now: datetime, done: Recorded) -> Iterator[_Part]:
        for tenant_key, taken in batches.items():
            readings = [
                reading
                for probe_key, judged in taken
                for item in judged
                if (reading := as_reading(probe_key, item)) is not None
            ]
            if not readings:
                continue
            if self._directory.is_suspended(tenant_key):
                done.suspended += len(readings)
                continue
            context = self._directory.context(tenant_key, now)
            for start in range(0, len(readings), AT_ONCE):
                yield context, readings[start : start + AT_ONCE]

    def _store_parts(self, parts: list[_Part], done: Recorded) -> None:
        if not parts:
            return
        try:
            counts = self._telemetry.record_all(parts)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 (found out below, said once, counted)
            # Whose fault it is shows when each garden stands alone.
            if len(parts) == 1 and len(parts[0][1]) == 1:
                self._refuse(parts[0], done, error)
                return
            for half in _halves(parts):
                self._store_parts(half, done)
            return
        done.transactions += 1
        for (context, _), count in zip(parts, counts, strict=True):
            done.stored[context.tenant_key] = done.stored.get(context.tenant_key, 0) + count
            if count:
                self._directory.note_own(context.tenant_key)

    def _refuse(self, part: _Part, done: Recorded, error: Exception) -> None:
        context, (reading,) = part
        done.refused += 1
        if not self._is_refusal_logged:
            self._is_refusal_logged = True
            _LOGGER.error(
                "A reading of probe %s in garden %s is refused and lost; further ones are counted",
                reading.probe_key,
                context.tenant_key,
                exc_info=error,
            )


def _halves(parts: list[_Part]) -> tuple[list[_Part], list[_Part]]:
    if len(parts) > 1:
        middle = len(parts) // 2
        return parts[:middle], parts[middle:]
    context, readings = parts[0]
    middle = len(readings) // 2
    return [(context, readings[:middle])], [(context, readings[middle:])]
