"""Calibrations: putting the channels of a probe right, on record."""

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, query
from kamerplanter_engines.calibration_engine import fit, status
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import utc_past
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    Calibrations,
)
from kamerplanter_engines.models.telemetry import Probe


class CalibrationService(Service):
    """Takes calibrations in and tells how old they are."""

    @command(CalibrationRepository, AuditRepository)
    def calibrate(self, uow: UnitOfWork, probe_key: str, fields: CalibrationFields) -> Calibration:
        """Put a channel of a probe right for what it measures from then on.

        What is stored already stays as it is.

        Raises:
            NotFoundError: The probe does not exist, or is archived.
            InvalidInputError: The probe has no such channel, its binding has a curve, or the
                points make no calibration.
            OutOfRangeError: What follows from the points is not plausible.
            FutureTimeError: The moment has not come yet.
        """
        _check_channel(live(uow.of(ProbeRepository), probe_key), fields)
        done_at = utc_past(fields.at or uow.context.now, uow.context.now)
        fitted = fit(fields)
        made = uow.of(CalibrationRepository).add(
            fields, probe_key=probe_key, done_at=done_at, fit=fitted
        )
        record_audit(
            uow,
            AuditAction.CALIBRATED,
            "probes",
            probe_key,
            kind=fields.kind.value,
            factor=fitted.factor,
            offset=fitted.offset,
            efficiency_ratio=fitted.efficiency_ratio,
        )
        return made

    @query()
    def list_of_probe(self, uow: UnitOfWork, probe_key: str) -> Calibrations:
        """Return the calibrations of a probe, and how old the last ones of its channels are.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        probe = uow.of(ProbeRepository).get(probe_key)
        calibrations = tuple(uow.of(CalibrationRepository).of_probe(probe_key))
        statuses = []
        for binding in probe.channels:
            last = next((item for item in calibrations if item.kind is binding.kind), None)
            statuses.append(
                status(
                    binding.kind,
                    last.done_at if last else None,
                    now=uow.context.now,
                    warn_d=probe.calibration_due_d,
                    stop_d=probe.calibration_stop_d,
                )
            )
        return Calibrations(statuses=tuple(statuses), calibrations=calibrations)


def _check_channel(probe: Probe, fields: CalibrationFields) -> None:
    binding = probe.binding(fields.kind)
    if binding is None:
        known = ", ".join(channel.kind for channel in probe.channels) or "none"
        raise InvalidInputError(
            f"Probe {probe.name} does not measure {fields.kind}; its channels: {known}.",
            field="kind",
            value=fields.kind,
        )
    if binding.curve:
        raise InvalidInputError(
            f"Channel {fields.kind} of probe {probe.name} has a curve, which is a calibration "
            "already; remove the curve first.",
            field="kind",
            value=fields.kind,
        )
