"""Karenz: from which local date on a treated plant may be harvested."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from kamerplanter_engines.models.base import stated_reason, utc, utc_past
from kamerplanter_engines.models.ipm import (
    Blocker,
    HarvestVerdict,
    Stay,
    Treatment,
    TreatmentCorrection,
    TreatmentRecord,
)

WAITING_PERIOD = "waiting_period"
UNKNOWN_INTERVAL = "unknown_interval"


def check_applied_at(at: datetime, now: datetime) -> datetime:
    """Return the moment of an application in UTC, if it can have happened; at most now.

    Raises:
        NaiveTimeError: One of the times has no zone.
        FutureTimeError: It lies more than two minutes ahead.

    Source: own rule.
    """
    return utc_past(at, now)


def applied_on(at: datetime, zone: tzinfo) -> date:
    """Return the local date of an application, the day from which its waiting period counts.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    return utc(at).astimezone(zone).date()


def safe_on(applied_on: date, interval_d: int | None) -> date | None:
    """Return the first permitted date of harvest after one application.

    Full local days lie between: day of application + interval + 1; without a waiting period
    the same day.

    Args:
        applied_on: Local date of the application.
        interval_d: Pre-harvest interval; none = unknown. [d], 0 or more.

    Returns:
        None if the interval is unknown: then no date is permitted.

    Source: [EU547] defines the period before harvest; counting full days is our own rule, the
    careful reading of a label.
    """
    if interval_d is None:
        return None
    if interval_d == 0:
        return applied_on
    return applied_on + timedelta(days=interval_d + 1)


def check_harvest(treatments: Sequence[Treatment], on: date) -> HarvestVerdict:
    """Tell whether a plant may be harvested on a date, what forbids it, and from when on it may.

    Only applications up to that date count: what is sprayed later does not forbid an earlier
    harvest. The first permitted date looks further, as it must hold against those too. What was
    voided does not count.

    Args:
        treatments: All applications that reached the plant, in any order.
        on: Local date of the harvest.

    Source: own rule.
    """
    done = [item for item in treatments if not item.voided]
    counted = [item for item in done if item.applied_on <= on]
    blockers = tuple(sorted((b for b in map(_blocker, counted) if _blocks(b, on)), key=_weight))
    if not blockers:
        dates = [day for item in counted if (day := safe_on(item.applied_on, item.interval_d))]
        return HarvestVerdict(
            allowed=True, on=on, safe_on=max(dates, default=None), days_left=0, blockers=()
        )
    first = _first_permitted(done, on)
    return HarvestVerdict(
        allowed=False,
        on=on,
        safe_on=first,
        days_left=(first - on).days if first else 0,
        blockers=blockers,
    )


def corrected(
    treatment: Treatment,
    wanted: TreatmentRecord,
    *,
    reason: str,
    by: str,
    now: datetime,
    zone: tzinfo,
) -> Treatment:
    """Return a record as it should have been; what it said before is kept with the reason.

    A record that says it already stays as it is. Longer and shorter intervals alike are possible.

    Args:
        treatment: The record as it is.
        wanted: What it should say.
        reason: Why it is corrected.
        by: Who corrects it.
        now: The present moment.
        zone: Zone of the site; decides the local date of a new moment.

    Raises:
        InvalidInputError: There is no reason.
        NaiveTimeError: A time has no zone.
        FutureTimeError: The new moment lies more than two minutes ahead.

    Source: own rule.
    """
    stated = stated_reason(reason, "A correction needs a reason; say what was wrong.")
    before = record_of(treatment)
    if wanted == before:
        return treatment
    day = treatment.applied_on
    if wanted.at != before.at:
        # The date of an unchanged moment stays, even if the garden has moved to another zone.
        wanted = wanted.model_copy(update={"at": check_applied_at(wanted.at, now)})
        day = applied_on(wanted.at, zone)
    correction = TreatmentCorrection(
        at=utc(now), by=by, reason=stated, before=before, applied_on_before=treatment.applied_on
    )
    return treatment.model_copy(
        update={
            **dict(wanted),
            "applied_on": day,
            "corrections": (*treatment.corrections, correction),
        }
    )


def record_of(treatment: Treatment) -> TreatmentRecord:
    """Return what a record says at present."""
    return TreatmentRecord.model_validate(
        {name: getattr(treatment, name) for name in TreatmentRecord.model_fields}
    )


def treatments_that_reached(
    treatments_by_location: Mapping[str, Sequence[Treatment]], stays: Sequence[Stay]
) -> tuple[Treatment, ...]:
    """Return the applications at places that met a plant, by where it stood at that moment.

    Args:
        treatments_by_location: What was applied at each place.
        stays: Where the plant stood; each end is exclusive.

    Returns:
        In order of application.
    """
    reached = {
        item.key: item
        for stay in stays
        for item in treatments_by_location.get(stay.location_key, ())
        if stay.from_at <= item.at and (stay.until_at is None or item.at < stay.until_at)
    }
    return tuple(sorted(reached.values(), key=lambda item: (item.at, item.key)))


def _blocker(item: Treatment) -> Blocker:
    first = safe_on(item.applied_on, item.interval_d)
    return Blocker(
        treatment_key=item.key,
        product=item.product,
        ingredient=item.ingredient,
        applied_on=item.applied_on,
        interval_d=item.interval_d,
        safe_on=first,
        reason=UNKNOWN_INTERVAL if first is None else WAITING_PERIOD,
    )


def _blocks(blocker: Blocker, on: date) -> bool:
    return blocker.safe_on is None or on < blocker.safe_on


def _weight(blocker: Blocker) -> tuple[int, date, str, str]:
    """Sort unknown intervals first, then what counts longest."""
    last = date.max if blocker.safe_on is None else blocker.safe_on
    return -last.toordinal(), blocker.applied_on, blocker.product, blocker.ingredient or ""


def _first_permitted(treatments: Sequence[Treatment], on: date) -> date | None:
    """Move on until no application up to the date forbids it."""
    day = on
    while True:
        dates = [
            safe_on(item.applied_on, item.interval_d)
            for item in treatments
            if item.applied_on <= day
        ]
        known = [item for item in dates if item is not None]
        if len(known) < len(dates):
            return None
        if max(known) <= day:
            return day
        day = max(known)
