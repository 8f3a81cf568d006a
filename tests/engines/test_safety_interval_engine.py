"""Karenz: full local days between an application and a harvest."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, NaiveTimeError
from kamerplanter_engines.models.ipm import Stay, Treatment
from kamerplanter_engines.safety_interval_engine import (
    applied_on,
    check_applied_at,
    check_harvest,
    corrected,
    record_of,
    safe_on,
    treatments_that_reached,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def spray(
    at: datetime, interval_d: int | None, product: str = "Copper", key: str = "t1"
) -> Treatment:
    return Treatment(
        key=key,
        tenant_key="g",
        created_at=NOW,
        updated_at=NOW,
        plant_key="p",
        product=product,
        ingredient=product.lower(),
        interval_d=interval_d,
        at=at,
        applied_on=applied_on(at, BERLIN),
    )


EVENING = local("2026-05-01T18:00")
COPPER_AND_SOAP = (
    spray(local("2026-06-01T09:00"), 21),
    spray(local("2026-06-10T09:00"), 1, "Soap"),
)


@pytest.mark.parametrize(
    ("treatments", "on", "allowed", "safe", "days_left"),
    [
        pytest.param([], date(2026, 5, 1), True, None, 0, id="nothing was applied"),
        pytest.param(
            [spray(EVENING, 3)], date(2026, 5, 4), False, date(2026, 5, 5), 1, id="a: last day"
        ),
        pytest.param(
            [spray(EVENING, 3)], date(2026, 5, 3), False, date(2026, 5, 5), 2, id="b: two days"
        ),
        pytest.param(
            [spray(EVENING, 3)], date(2026, 5, 5), True, date(2026, 5, 5), 0, id="first permitted"
        ),
        pytest.param(
            [spray(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), 7)],
            date(2026, 3, 30),
            False,
            date(2026, 4, 6),
            7,
            id="c: clocks change inside",
        ),
        pytest.param(
            COPPER_AND_SOAP, date(2026, 6, 10), False, date(2026, 6, 23), 13, id="d: longest binds"
        ),
        pytest.param(
            COPPER_AND_SOAP, date(2026, 6, 22), False, date(2026, 6, 23), 1, id="d: day before"
        ),
        pytest.param(
            COPPER_AND_SOAP, date(2026, 6, 23), True, date(2026, 6, 23), 0, id="d: on the day"
        ),
        pytest.param(
            [spray(EVENING, None)], date(2030, 1, 1), False, None, 0, id="h: unknown interval"
        ),
        pytest.param(
            [spray(local("2026-06-20T09:00"), 7)],
            date(2026, 6, 15),
            True,
            None,
            0,
            id="i: sprayed later",
        ),
        pytest.param(
            [spray(EVENING, 0)], date(2026, 5, 1), True, date(2026, 5, 1), 0, id="j: no interval"
        ),
        pytest.param(
            [spray(local("2026-03-01T09:00"), 30), spray(local("2026-03-20T09:00"), 14)],
            date(2026, 3, 25),
            False,
            date(2026, 4, 4),
            10,
            id="later application binds",
        ),
        pytest.param(
            [spray(local("2026-06-01T09:00"), 5), spray(local("2026-06-04T09:00"), 5)],
            date(2026, 6, 2),
            False,
            date(2026, 6, 10),
            8,
            id="date holds against what was sprayed before it comes",
        ),
        pytest.param(
            [spray(local("2026-06-01T09:00"), 5), spray(local("2026-06-04T09:00"), None)],
            date(2026, 6, 2),
            False,
            None,
            0,
            id="no date if an unknown interval follows",
        ),
        pytest.param(
            [spray(local("2026-06-01T09:00"), 5), spray(local("2026-06-08T09:00"), 5)],
            date(2026, 6, 2),
            False,
            date(2026, 6, 7),
            5,
            id="day between two applications is free",
        ),
    ],
)
def test_harvest_is_free_after_full_local_days(
    treatments: list[Treatment], on: date, *, allowed: bool, safe: date | None, days_left: int
) -> None:
    verdict = check_harvest(treatments, on)

    assert (verdict.allowed, verdict.safe_on, verdict.days_left) == (allowed, safe, days_left)
    assert bool(verdict.blockers) is not allowed


def test_all_blockers_are_listed_and_the_longest_comes_first() -> None:
    treatments = [
        spray(local("2026-05-30T09:00"), 1, "Gone"),
        *COPPER_AND_SOAP,
        spray(local("2026-06-09T09:00"), None, "Mystery"),
    ]

    verdict = check_harvest(treatments, date(2026, 6, 11))

    assert [(item.product, item.reason) for item in verdict.blockers] == [
        ("Mystery", "unknown_interval"),
        ("Copper", "waiting_period"),
        ("Soap", "waiting_period"),
    ]
    assert verdict.blockers[1].safe_on == date(2026, 6, 23)
    assert verdict.blockers[1].ingredient == "copper"


def test_application_keeps_the_interval_it_was_booked_with() -> None:
    booked = spray(EVENING, 14)
    edited = spray(EVENING, 3)

    assert check_harvest([booked], date(2026, 5, 10)).allowed is False
    assert check_harvest([edited], date(2026, 5, 10)).allowed is True


@pytest.mark.parametrize(
    ("applied", "interval_d", "expected"),
    [
        pytest.param(date(2026, 4, 1), 5, date(2026, 4, 7), id="five days"),
        pytest.param(date(2026, 4, 1), 1, date(2026, 4, 3), id="one day"),
        pytest.param(date(2026, 4, 1), 0, date(2026, 4, 1), id="none"),
        pytest.param(date(2026, 4, 1), None, None, id="unknown"),
        pytest.param(date(2028, 2, 28), 1, date(2028, 3, 1), id="leap day counts"),
    ],
)
def test_safe_date_lies_full_days_after_the_application(
    applied: date, interval_d: int | None, expected: date | None
) -> None:
    assert safe_on(applied, interval_d) == expected


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        pytest.param("2026-03-28T23:30+00:00", "Europe/Berlin", date(2026, 3, 29), id="after"),
        pytest.param("2026-03-28T22:30+00:00", "Europe/Berlin", date(2026, 3, 28), id="before"),
        pytest.param("2026-09-24T06:30+00:00", "America/Los_Angeles", date(2026, 9, 23), id="west"),
        pytest.param("2026-10-25T00:30+00:00", "Europe/Berlin", date(2026, 10, 25), id="twice"),
    ],
)
def test_application_counts_for_its_local_date(at: str, zone: str, expected: date) -> None:
    assert applied_on(datetime.fromisoformat(at), ZoneInfo(zone)) == expected


def test_application_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 5, 1, 12)  # noqa: DTZ001

    with pytest.raises(NaiveTimeError):
        applied_on(naive, BERLIN)
    with pytest.raises(NaiveTimeError):
        check_applied_at(naive, NOW)


def test_application_in_the_future_is_refused() -> None:
    with pytest.raises(FutureTimeError) as caught:
        check_applied_at(NOW + timedelta(minutes=2, seconds=1), NOW)

    assert caught.value.field == "at"


def test_application_of_a_clock_that_runs_ahead_was_done_now() -> None:
    at = (NOW + timedelta(minutes=2)).astimezone(BERLIN)

    assert check_applied_at(at, NOW) == NOW
    assert check_applied_at(at, NOW).tzinfo is UTC
    assert check_applied_at(NOW - timedelta(minutes=2), NOW) == NOW - timedelta(minutes=2)


def test_application_just_before_midnight_never_counts_for_the_day_after() -> None:
    now = local("2026-05-01T23:59:30").astimezone(UTC)

    at = check_applied_at(local("2026-05-02T00:00:30"), now)

    assert applied_on(at, BERLIN) == date(2026, 5, 1)


# --- Corrections ------------------------------------------------------------------------


def correct(treatment: Treatment, reason: str = "Mistyped", **wanted: object) -> Treatment:
    return corrected(
        treatment,
        record_of(treatment).model_copy(update=wanted),
        reason=reason,
        by="anna",
        now=NOW,
        zone=BERLIN,
    )


@pytest.mark.parametrize(
    ("interval_d", "corrected_to", "safe"),
    [
        pytest.param(3, 21, date(2026, 5, 23), id="longer"),
        pytest.param(21, 3, date(2026, 5, 5), id="shorter"),
        pytest.param(None, 14, date(2026, 5, 16), id="at last known"),
        pytest.param(14, None, None, id="unknown after all"),
    ],
)
def test_corrected_interval_counts_at_once(
    interval_d: int | None, corrected_to: int | None, safe: date | None
) -> None:
    after = correct(spray(EVENING, interval_d), interval_d=corrected_to)

    verdict = check_harvest([after], date(2026, 5, 2))
    assert (verdict.allowed, verdict.safe_on) == (False, safe)


def test_correction_keeps_what_was_said_and_who_changed_it_and_why() -> None:
    first = correct(spray(EVENING, 3), " Wrong label ", interval_d=21)
    second = correct(first, "Wrong product too", product="Sulphur", interval_d=7)

    assert [(item.by, item.at, item.reason) for item in second.corrections] == [
        ("anna", NOW, "Wrong label"),
        ("anna", NOW, "Wrong product too"),
    ]
    before = [(item.before.product, item.before.interval_d) for item in second.corrections]
    assert before == [("Copper", 3), ("Copper", 21)]
    assert (second.product, second.interval_d, second.key) == ("Sulphur", 7, "t1")


def test_correction_needs_a_reason() -> None:
    for reason in ("", "  "):
        with pytest.raises(InvalidInputError) as caught:
            correct(spray(EVENING, 3), reason, interval_d=21)
        assert caught.value.field == "reason"


def test_correction_to_the_same_leaves_no_trace() -> None:
    treatment = spray(EVENING, 3)

    assert correct(treatment, interval_d=3) is treatment


def test_corrected_moment_moves_the_date_and_no_other_correction_does() -> None:
    treatment = spray(local("2026-04-20T23:30"), 3)
    lima = ZoneInfo("America/Lima")

    moved = correct(treatment, at=local("2026-04-19T08:00").astimezone(UTC))
    same = corrected(
        treatment,
        record_of(treatment).model_copy(update={"interval_d": 4}),
        reason="Label",
        by="anna",
        now=NOW,
        zone=lima,
    )

    assert (moved.applied_on, moved.corrections[0].applied_on_before) == (
        date(2026, 4, 19),
        date(2026, 4, 20),
    )
    assert same.applied_on == date(2026, 4, 20)


def test_corrected_moment_is_not_in_the_future() -> None:
    with pytest.raises(FutureTimeError):
        correct(spray(local("2026-04-20T23:30"), 3), at=NOW + timedelta(hours=1))


def test_voided_application_forbids_nothing_and_comes_back_when_that_was_wrong() -> None:
    copper, soap = COPPER_AND_SOAP
    day = date(2026, 6, 11)
    voided = correct(copper, "Only planned", voided=True)

    without = check_harvest([voided, soap], day)
    restored = check_harvest([correct(voided, "It was done", voided=False), soap], day)

    assert without.safe_on == date(2026, 6, 12)
    assert [item.product for item in without.blockers] == ["Soap"]
    assert restored.safe_on == date(2026, 6, 23)
    assert check_harvest([voided], day).allowed


def test_blocker_names_its_record() -> None:
    verdict = check_harvest([spray(EVENING, 3, key="t7")], date(2026, 5, 2))

    assert [item.treatment_key for item in verdict.blockers] == ["t7"]


JUNE_FIRST = spray(local("2026-06-01T10:00"), 7)


@pytest.mark.parametrize(
    ("from_at", "until_at", "is_reached"),
    [
        pytest.param("2026-06-02T08:00", None, False, id="e: moved in later"),
        pytest.param("2026-05-01T08:00", "2026-06-03T08:00", True, id="f: moved out later"),
        pytest.param("2026-05-01T08:00", "2026-06-01T10:00", False, id="left at that moment"),
        pytest.param("2026-06-01T10:00", None, True, id="came at that moment"),
    ],
)
def test_application_at_a_place_reaches_what_stood_there(
    from_at: str, until_at: str | None, *, is_reached: bool
) -> None:
    until = None if until_at is None else local(until_at)
    stay = Stay(location_key="bed", from_at=local(from_at), until_at=until)

    reached = treatments_that_reached({"bed": [JUNE_FIRST], "other": [COPPER_AND_SOAP[1]]}, [stay])

    assert reached == ((JUNE_FIRST,) if is_reached else ())


def test_applications_at_several_places_come_in_order_and_once() -> None:
    later = spray(local("2026-06-05T10:00"), 7, key="t2")
    stays = [
        Stay(location_key="room", from_at=local("2026-06-04T00:00")),
        Stay(location_key="bed", from_at=local("2026-05-01T00:00")),
        Stay(location_key="bed", from_at=local("2026-05-20T00:00")),
        Stay(location_key="nowhere", from_at=local("2026-05-20T00:00")),
    ]

    assert treatments_that_reached({"bed": [JUNE_FIRST], "room": [later]}, stays) == (
        JUNE_FIRST,
        later,
    )


days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
treatments = st.lists(
    st.tuples(
        st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        st.none() | st.integers(0, 400),
    ).map(lambda pair: spray(*pair)),
    max_size=6,
)


@given(treatments, days)
def test_first_permitted_date_is_permitted_and_none_before_is(
    items: list[Treatment], on: date
) -> None:
    verdict = check_harvest(items, on)

    if verdict.allowed or verdict.safe_on is None:
        return
    assert check_harvest(items, verdict.safe_on).allowed
    assert verdict.days_left == (verdict.safe_on - on).days >= 1
    for ahead in range(verdict.days_left):
        assert not check_harvest(items, on + timedelta(days=ahead)).allowed


@given(treatments, treatments, days)
def test_more_applications_never_permit_more(
    some: list[Treatment], more: list[Treatment], on: date
) -> None:
    if check_harvest(some + more, on).allowed:
        assert check_harvest(some, on).allowed


@given(treatments, days, st.randoms())
def test_order_of_applications_does_not_matter(
    items: list[Treatment], on: date, random: Random
) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)

    assert check_harvest(shuffled, on) == check_harvest(items, on)
