"""Stored calibrations."""

from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.calibration import Calibration


class CalibrationRepository(Repository[Calibration]):
    """How the probes of a garden were put right; only added to."""

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

    def counting_since(self, probe_key: str, since: datetime) -> tuple[Calibration, ...]:
        """Return those that count for something that was measured at a moment or later.

        Args:
            probe_key: The probe.
            since: The earliest moment of measurement, aware.

        Returns:
            Newest first; of each kind the one in force at that moment comes last.
        """
        found, is_old = [], set()
        for item in self.of_probe(probe_key):
            if item.kind in is_old:
                continue
            found.append(item)
            if item.done_at <= since:
                is_old.add(item.kind)
        return tuple(found)
