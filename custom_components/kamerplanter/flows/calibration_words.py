"""What the dialog about a calibration says, in the language of this Home Assistant."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_engines.models.calibration import (
    CalibrationState,
    CalibrationStatus,
    Fit,
    RawScale,
)
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.units import KNOWN_UNITS

from ..subjects import SubjectKind  # noqa: TID252 - the neighbours import alike
from ..texts import Texts  # noqa: TID252

_MILLIVOLT = "mV"
_PH = "pH"
_ALL_DIGITS_FROM = 1e4
"""Counts of a converter step by one, however many they are."""


def raw_unit(kind: ChannelKind, scale: RawScale) -> str:
    """Return the unit of what a probe shows; soil probes show a number of their own."""
    if scale is RawScale.MILLIVOLT:
        return _MILLIVOLT
    if kind is ChannelKind.PH:
        return _PH
    return "" if kind is ChannelKind.SOIL_MOISTURE else KNOWN_UNITS[kind][0]


def reference_unit(kind: ChannelKind) -> str:
    """Return the unit of what a solution has, as a person reads it."""
    return _PH if kind is ChannelKind.PH else KNOWN_UNITS[kind][0]


def _digits(texts: Texts, number: float) -> str:
    """Return a number with four digits that count, or all before the point; no power of ten."""
    told = f"{number:.0f}" if abs(number) >= _ALL_DIGITS_FROM else f"{number:.4g}"
    return texts.spelled(f"{Decimal(told):f}")


def with_unit(texts: Texts, number: float, unit: str) -> str:
    """Return a number as people read it."""
    return f"{_digits(texts, number)} {unit}".strip()


def measured(texts: Texts, number: float, unit: str) -> str:
    """Return what was measured as people read it: a pH of 7, but a difference of 7 pH."""
    return f"pH {_digits(texts, number)}" if unit == _PH else with_unit(texts, number, unit)


def instruction(texts: Texts, kind: ChannelKind, solution: float) -> str:
    """Return what to do with the probe for the next point."""
    form = "g"
    if kind is ChannelKind.PH:
        # As it stands on a bottle: 7.00.
        key, form = "ph", ".2f"
    elif kind is ChannelKind.SOIL_MOISTURE:
        key = "soil_dry" if solution == 0 else "soil_wet"
    else:
        key = "ec_dry" if solution == 0 else "ec"
    return texts.choice("calibration_instruction", key, solution=texts.number(solution, form))


def solution_help(texts: Texts, kind: ChannelKind) -> str:
    """Return what to enter as the value of a solution."""
    is_soil = kind is ChannelKind.SOIL_MOISTURE
    key = "ph" if kind is ChannelKind.PH else "soil" if is_soil else "ec"
    return texts.choice("calibration_solution_help", key)


def way_back(texts: Texts, kind: SubjectKind | None = None, place: str = "") -> str:
    """Return what to do with the probe at the end.

    Args:
        texts: In which language.
        kind: What it measures; none = nobody knows.
        place: What people call that.
    """
    key = kind if kind in {SubjectKind.TANK, SubjectKind.PLANT} else "elsewhere"
    return texts.choice("calibration_way_back", key, place=place)


def live(
    texts: Texts, now: RawSample | None, steady: Steadiness, kind: ChannelKind, scale: RawScale
) -> str:
    """Return what the probe shows now, and whether it has come to rest."""
    return _live_in("calibration_live", texts, now, steady, raw_unit(kind, scale))


def waiting(
    texts: Texts, now: RawSample | None, steady: Steadiness, kind: ChannelKind, scale: RawScale
) -> str:
    """Return the same in few words: on a telephone a page that waits has a narrow column."""
    return _live_in("calibration_wait", texts, now, steady, raw_unit(kind, scale))


def _live_in(table: str, texts: Texts, now: RawSample | None, steady: Steadiness, unit: str) -> str:
    if now is None:
        return texts.choice(table, "none")
    key = "first" if steady.spread is None else "moving"
    if steady.is_steady or steady.is_settling:
        key = "steady" if steady.is_steady else "settling"
    return texts.choice(
        table,
        key,
        value=measured(texts, now.raw, unit),
        time=dt_util.as_local(now.at).strftime("%H:%M:%S"),
        spread=with_unit(texts, steady.spread or 0.0, unit),
    )


def status_lines(texts: Texts, view: ProbeView) -> str:
    """Return how it stands with each channel that has to be calibrated again and again."""
    drifted = {item.kind: item for item in view.drifts if item.drifted}
    lines = [line for status in view.calibration_statuses for line in _of_channel(texts, status)]
    for kind, drift in drifted.items():
        unit = raw_unit(kind, RawScale.VALUE)
        text = texts.choice(
            "calibration_status",
            "drifted",
            difference=with_unit(texts, drift.difference, unit),
            limit=with_unit(texts, drift.limit, unit),
        )
        lines.append(f"- {texts.kind(kind)}: {text}")
    return "\n".join(lines) or "–"


def _of_channel(texts: Texts, status: CalibrationStatus) -> Iterator[str]:
    if status.state is CalibrationState.NOT_NEEDED:
        return
    text = texts.choice(
        "calibration_status",
        status.state.value,
        done=_day(texts, status.done_at),
        due=_day(texts, status.due_at),
    )
    yield f"- {texts.kind(status.kind)}: {text}"


def _day(texts: Texts, moment: datetime | None) -> str:
    return "–" if moment is None else texts.day(dt_util.as_local(moment).date())


def _added(texts: Texts, number: float) -> str:
    """Return a number that is added, or taken away."""
    return f"{'+' if number > 0 else '−'} {_digits(texts, abs(number))}"


def result_lines(texts: Texts, fitted: Fit) -> str:
    """Return what a calibration says about the probe, with what is worth a second look."""
    lines = [
        texts.choice(
            "calibration_result",
            "factor",
            factor=_digits(texts, fitted.factor),
            offset=_added(texts, fitted.offset) if fitted.offset else "",
        ).rstrip()
    ]
    if fitted.efficiency_ratio is not None:
        key = "efficiency" if fitted.zero_shift is None else "slope"
        percent = texts.number(100 * fitted.efficiency_ratio, ".0f")
        lines.append(texts.choice("calibration_result", key, percent=percent))
    if fitted.slope_mv_ph is not None:
        slope = texts.number(fitted.slope_mv_ph, ".1f")
        lines.append(texts.choice("calibration_result", "slope_mv", slope=slope))
    if fitted.zero_shift is not None:
        shift = texts.number(fitted.zero_shift, "+.2f")
        lines.append(texts.choice("calibration_result", "zero_shift", shift=shift))
    warnings = [texts.choice("calibration_warning", item.value) for item in fitted.warnings]
    lines += [f"**{warning}**" for warning in warnings]
    return "\n".join(f"- {line}" for line in lines)
