"""Stored calibrations."""

from collections.abc import Iterable
from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.raw_mapping_engine import counts_for, mapping_of


class CalibrationRepository(Repository[Calibration]):
    """How the probes of a garden were put right; each stays on record."""

    collection = Collection(
        "calibrations",
        Calibration,
        indexes=(("probe_key", "done_at"),),
        references=(Reference("probe_key", "probes", on_delete=OnDelete.CASCADE),),
    )

    def of_probe(self, probe_key: str) -> list[Calibration]:
        """Return the calibrations of a probe, newest first."""
        return self.find(
            Where("probe_key", "==", probe_key), order=(Order("done_at", descending=True),)
        )

    def last_in_force(self, probe_key: str, now: datetime) -> dict[ChannelKind, Calibration]:
        """Return the calibration of each kind that is in force at a moment."""
        found = self.of_probe(probe_key)
        in_force_now = (in_force(found, kind, now) for kind in {item.kind for item in found})
        return {item.kind: item for item in in_force_now if item is not None}

    def end_before(self, probe_key: str, at: datetime) -> None:
        """Say that calibrations made before a moment count for nothing measured from then on."""
        for item in self.of_probe(probe_key):
            if item.done_at < at and (item.replaced_at is None or at < item.replaced_at):
                self.change(item, replaced_at=at)

    def note_mapping(self, probe_key: str, binding: ChannelBinding) -> None:
        """Say on which numbers those calibrations were made that do not quite tell, being older.

        Args:
            probe_key: The probe.
            binding: The channel, as it has been bound until now.
        """
        for item in self.of_probe(probe_key):
            if item.kind is binding.kind and (
                item.mapping is None or (item.mapping.unit is None and counts_for(item, binding))
            ):
                self.change(item, mapping=mapping_of(binding))


def counting_since(newest_first: Iterable[Calibration], since: datetime) -> tuple[Calibration, ...]:
    """Return those that count for something that was measured at a moment or later.

    Args:
        newest_first: The calibrations of a probe.
        since: The earliest moment of measurement, aware.

    Returns:
        Newest first; of each kind the one in force at that moment comes last. Withdrawn ones
        count for nothing, and those of another device only until it was exchanged.
    """
    found, is_old = [], set()
    for item in newest_first:
        if item.kind in is_old or item.withdrawn_at is not None:
            continue
        found.append(item)
        if item.done_at <= since:
            is_old.add(item.kind)
    return tuple(found)
