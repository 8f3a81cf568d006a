"""Calibrations: putting the channels of a probe right, on record."""

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    Service,
    check_revision,
    command,
    live,
    query,
)
from kamerplanter_engines.calibration_age_engine import statuses_of
from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import stated_reason, utc_past
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationProblem,
    Calibrations,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe, Reason, Verdict
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES, mapping_of
from kamerplanter_engines.raw_scale_engine import check_scale, scale_known
from kamerplanter_engines.units import is_raw_unit


class CalibrationService(Service):
    """Takes calibrations in and tells how old they are."""

    @command(CalibrationRepository, AuditRepository)
    def calibrate(
        self,
        uow: UnitOfWork,
        probe_key: str,
        fields: CalibrationFields,
        *,
        scale_is_sure: bool = False,
    ) -> Calibration:
        """Put a channel of a probe right for what it measures from then on.

        What is stored already stays as it is.

        Args:
            uow: The unit of work.
            probe_key: The probe.
            fields: What was measured.
            scale_is_sure: The device was seen to tell numbers of this scale, whatever is stored.

        Raises:
            NotFoundError: The probe does not exist, or is archived.
            InvalidInputError: The probe has no such channel, its binding has a curve or says
                something else of compensation, the points make no calibration, or the channel
                tells numbers of another scale.
            OutOfRangeError: What follows from the points is not plausible.
            FutureTimeError: The moment has not come yet.
        """
        probe = live(uow.of(ProbeRepository), probe_key)
        binding = _binding(probe, fields)
        fields = _as_bound(binding, fields)
        done_at = utc_past(fields.at or uow.context.now, uow.context.now)
        fitted = fit(fields)
        if not scale_is_sure:
            _check_scale(uow, probe, fields)
        later_swaps = [swap.at for swap in probe.replacements if done_at < swap.at]
        made = uow.of(CalibrationRepository).add(
            fields,
            probe_key=probe_key,
            done_at=done_at,
            fit=fitted,
            mapping=mapping_of(binding),
            replaced_at=min(later_swaps, default=None),
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

    @command(CalibrationRepository, AuditRepository)
    def withdraw(
        self,
        uow: UnitOfWork,
        key: str,
        reason: str,
        expected_revision: int | None = None,
    ) -> Calibration:
        """Take a wrong calibration out of force; it stays on record with who, when and why.

        What was stored with it stays as it is; what comes in from now on is corrected by the one
        before it. Twice is harmless: the first reason stays.

        Raises:
            NotFoundError: There is no such calibration.
            InvalidInputError: No reason was said.
            StaleRevisionError: It has another revision than expected.
        """
        calibrations = uow.of(CalibrationRepository)
        calibration = calibrations.get(key)
        check_revision(calibration, expected_revision, calibrations.collection.name)
        stated = stated_reason(reason, "Say why the calibration is withdrawn.")
        if calibration.withdrawn_at is not None:
            return calibration
        record_audit(
            uow,
            AuditAction.CALIBRATION_WITHDRAWN,
            "probes",
            calibration.probe_key,
            kind=calibration.kind.value,
            done_at=calibration.done_at.isoformat(),
            reason=stated,
        )
        return calibrations.change(
            calibration,
            withdrawn_at=uow.context.now,
            withdrawn_by=uow.context.actor,
            withdrawn_reason=stated,
        )

    @query()
    def list_of_probe(self, uow: UnitOfWork, probe_key: str) -> Calibrations:
        """Return the calibrations of a probe, and how old those in force of its channels are.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        probe = uow.of(ProbeRepository).get(probe_key)
        calibrations = tuple(uow.of(CalibrationRepository).of_probe(probe_key))
        statuses = statuses_of(probe, calibrations, uow.context.now)
        return Calibrations(statuses=statuses, calibrations=calibrations)


def _binding(probe: Probe, fields: CalibrationFields) -> ChannelBinding:
    """Return the channel that a calibration is of.

    Raises:
        InvalidInputError: The probe has no such channel, or its binding has a curve.
    """
    binding = probe.binding(fields.kind)
    if binding is None:
        known = ", ".join(channel.kind for channel in probe.channels) or "none"
        raise InvalidInputError(
            f"Probe {probe.name} does not measure {fields.kind}; its channels: {known}.",
            field="kind",
            value=fields.kind,
            allowed=known,
        )
    if binding.curve:
        raise InvalidInputError(
            f"Channel {fields.kind} of probe {probe.name} has a curve, which is a calibration "
            "already; remove the curve first.",
            field="kind",
            value=fields.kind,
            problem=CalibrationProblem.HAS_CURVE,
        )
    return binding


def _check_scale(uow: UnitOfWork, probe: Probe, fields: CalibrationFields) -> None:
    """Make sure that the newest reading of the channel is of the scale of the points.

    Raises:
        InvalidInputError: It is not.
    """
    last = uow.readings.latest(probe.key, fields.kind)
    if last is not None and Reason.CALIBRATING in last.reasons:
        # An electrode that tells millivolts shows few of them in the buffer of pH 7.
        last = uow.readings.latest(probe.key, fields.kind, Verdict.GOOD)
    if last is None or last.at < max(probe.updated_at, probe.replaced_at or last.at):
        return  # nothing that was heard since the probe is as it is
    known = uow.of(CalibrationRepository).of_probe(probe.key)
    shown = last.value if last.raw is None else last.raw
    check_scale(fields, shown, scale_known(probe, known, fields.kind, uow.context.now))


def _as_bound(binding: ChannelBinding, fields: CalibrationFields) -> CalibrationFields:
    """Return a calibration as its channel measures, for it puts right what comes by that alone.

    Raises:
        InvalidInputError: It says that the device does not compensate, the channel that it does;
            or it is one of values, and the channel is bound in volts.
    """
    if is_raw_unit(binding.kind, binding.unit) and fields.scale is not RawScale.MILLIVOLT:
        raise InvalidInputError(
            f"Channel {binding.kind} is bound in {binding.unit}, the voltage of an electrode; "
            "calibrate it in millivolts, or bind it in another unit.",
            field="scale",
            value=fields.scale,
            allowed=RawScale.MILLIVOLT,
        )
    if binding.kind in CONDUCTIVITIES and binding.compensated and not fields.compensated:
        raise InvalidInputError(
            f"Channel {binding.kind} is bound as one that its device compensates; change the "
            "channel first, or leave compensated out.",
            field="compensated",
            value=fields.compensated,
            allowed=True,
        )
    return fields.model_copy(update={"compensated": mapping_of(binding).compensated})
