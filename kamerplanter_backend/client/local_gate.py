"""Knows which treatments the server may not know yet, and closes the gate of the harvest."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from kamerplanter_backend.client.command_store import CommandStore, restored
from kamerplanter_backend.client.gate_overlay import unsent_treatments, verdict_with, with_gate
from kamerplanter_backend.client.queue_file import StoredCommand
from kamerplanter_backend.client.requests import LogHarvest, LogTreatment
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_engines.errors import (
    InvalidInputError,
    KarenzViolationError,
    UnknownIntervalError,
)
from kamerplanter_engines.models.harvest import HarvestPurpose
from kamerplanter_engines.models.ipm import HarvestVerdict
from kamerplanter_engines.safety_interval_engine import applied_on, check_harvest

_LOGGER = logging.getLogger(__name__)

_RECENT = "recent_treatments"

type ZoneAt = Callable[[str], Awaitable[ZoneInfo]]
"""Returns the zone whose days count for a plant; raises what asking the server for it raises."""


@cache
def _commands() -> TypeAdapter[tuple[LogTreatment, ...]]:
    return TypeAdapter(tuple[LogTreatment, ...])


class LocalGate:
    """Treatments that wait or were refused, and those that no snapshot shows yet.

    Args:
        store: Where the latter survive a restart.
    """

    def __init__(self, store: CommandStore) -> None:
        self._store = store
        self._unsent: tuple[LogTreatment, ...] = ()
        self._recent: list[tuple[int, LogTreatment]] = []
        self._begun = 0

    def hold(self, stored: Iterable[StoredCommand]) -> None:
        """Take note of everything that waits or was refused."""
        held = []
        for item in stored:
            if item.name != LogTreatment.__name__:
                continue
            try:
                command = restored(item)
            except InvalidInputError:
                continue  # an older version's: it is reported as refused
            if isinstance(command, LogTreatment):
                held.append(command)
        self._unsent = tuple(held)

    async def recall(self) -> None:
        """Take up what no snapshot had shown before the last stop."""
        text = await self._store.recall(_RECENT)
        if text is None:
            return
        try:
            commands = _commands().validate_json(text, extra="ignore")
        except ValidationError:
            _LOGGER.warning("Treatments that were sent last cannot be read; see the server")
            return
        self._recent = [(self._begun, command) for command in commands]

    async def note_sent(self, command: LogTreatment) -> None:
        """Keep a treatment that the server has just taken, until a snapshot shows it."""
        self._recent.append((self._begun, command))
        await self._keep()

    def begin_snapshot(self) -> int:
        """Return the number of a snapshot that is asked for now."""
        self._begun += 1
        return self._begun

    async def end_snapshot(self, number: int) -> None:
        """Let go of the treatments that were on the server when this snapshot was asked for."""
        left = [(begun, item) for begun, item in self._recent if begun >= number]
        if len(left) != len(self._recent):
            self._recent = left
            await self._keep()

    def shown(
        self, snapshot: GardenSnapshot, zones: Mapping[str, ZoneInfo], now: datetime
    ) -> GardenSnapshot:
        """Return the snapshot with the gates closed.

        Args:
            snapshot: What the server said last.
            zones: The zone whose days count for each of its plants.
            now: The present moment.
        """
        today = {key: now.astimezone(zone).date() for key, zone in zones.items()}
        return with_gate(snapshot, unsent_treatments(self._commands(), zones), today)

    async def verdict(
        self, verdict: HarvestVerdict, plant_key: str, zone_at: ZoneAt
    ) -> HarvestVerdict:
        """Return a verdict of the server with what it does not know."""
        if not self._concerns(plant_key):
            return verdict
        zones = {plant_key: await zone_at(plant_key)}
        return verdict_with(verdict, unsent_treatments(self._commands(), zones))

    async def check(self, harvest: LogHarvest, zone_at: ZoneAt) -> None:
        """Refuse a harvest that a treatment forbids which the server does not know.

        Raises:
            KarenzViolationError: A waiting period runs, or its length is unknown.
            KamerplanterError: What `zone_at` raises.
        """
        fields = harvest.fields
        if fields.purpose is HarvestPurpose.DISPOSAL or not self._concerns(fields.plant_key):
            return
        zone = await zone_at(fields.plant_key)
        mine = unsent_treatments(self._commands(), {fields.plant_key: zone})
        verdict = check_harvest(mine, applied_on(fields.at, zone))
        if verdict.allowed:
            return
        product = verdict.blockers[0].product
        safe_on = verdict.safe_on.isoformat() if verdict.safe_on else "unknown"
        kind = KarenzViolationError if verdict.safe_on else UnknownIntervalError
        raise kind(
            f"Plant {fields.plant_key} was treated with {product}, which the server does not know "
            f"yet; it may be harvested from: {safe_on}.",
            field="at",
            plant=fields.plant_key,
            product=product,
            date=safe_on,
        )

    async def _keep(self) -> None:
        recent = tuple(command for _, command in self._recent)
        try:
            await self._store.remember(_RECENT, _commands().dump_json(recent).decode())
        except UnavailableError as error:
            # It is on the server; the gate is closed here until a stop at least.
            _LOGGER.warning("Treatments that were sent cannot be remembered: %s", error)

    def _concerns(self, plant_key: str) -> bool:
        return any(plant_key in command.plant_keys for command in self._commands())

    def _commands(self) -> tuple[LogTreatment, ...]:
        known = {command.command_key for command in self._unsent}
        recent = (item for _, item in self._recent if item.command_key not in known)
        return (*self._unsent, *recent)
