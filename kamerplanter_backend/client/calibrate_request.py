"""What stores a calibration, once its scale was compared with what the device tells."""

from datetime import datetime

from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_backend.client.views import ProbeView
from kamerplanter_engines.calibration_point_engine import check_form
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.calibration import CalibrationFields, RawScale
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.raw_scale_engine import (
    check_ph_scale,
    check_scale,
    scale_known,
    usual_scale,
)


def calibrate_request(
    view: ProbeView, fields: CalibrationFields, shown: float | None, now: datetime
) -> Calibrate:
    """Return what stores a calibration.

    Args:
        view: The probe.
        fields: What was measured.
        shown: What the device sent last, without calibration and whatever it is worth; none = it
            is not heard here, and the garden goes by the newest reading that is stored.
        now: The present moment, aware.

    Raises:
        InvalidInputError: The points make no calibration, or the device tells another scale.
    """
    request = Calibrate(probe_key=view.probe.key, fields=fields)
    if shown is None:
        return request
    check_form(fields)
    known = scale_known(view.probe, view.calibrations, fields.kind, now)
    check_scale(fields, shown, known)
    for channel in view.channels:
        if channel.kind is fields.kind and channel.last is not None:
            last = channel.last
            try:
                check_scale(fields, last.value if last.raw is None else last.raw, known)
            except InvalidInputError:
                # Said only where it matters: an older server does not know the word.
                return request.model_copy(update={"scale_is_sure": True})
    return request


def electrode_scale(view: ProbeView | None, shown: float | None, now: datetime) -> RawScale:
    """Return what the numbers of a pH electrode most likely are.

    Args:
        view: Its probe; none = it is not known (any more).
        shown: As for `calibrate_request`.
        now: The present moment, aware.
    """
    return usual_scale(shown, _known(view, now))


def check_electrode(view: ProbeView | None, scale: RawScale, shown: float, now: datetime) -> None:
    """Make sure that a pH electrode tells such numbers, before anything is measured.

    Raises:
        InvalidInputError: It tells others.
    """
    check_ph_scale(scale, shown, _known(view, now))


def _known(view: ProbeView | None, now: datetime) -> RawScale | None:
    if view is None:
        return None
    return scale_known(view.probe, view.calibrations, ChannelKind.PH, now)
