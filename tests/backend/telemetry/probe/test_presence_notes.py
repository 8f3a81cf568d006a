"""What of the presence of devices is still to be told."""

from datetime import UTC, datetime, timedelta

from kamerplanter_backend.telemetry.probe.presence_notes import PresenceNotes
from kamerplanter_engines.models.presence import ProbePresenceFields

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def said(at: datetime, *, online: bool) -> tuple[ProbePresenceFields, ...]:
    return (ProbePresenceFields(probe_key="p", is_online=online, since=at),)


def test_a_goodbye_is_told_once_and_a_device_that_is_there_never() -> None:
    notes = PresenceNotes()

    assert not notes.note("p", AT, online=True)
    assert notes.note("p", later(1), online=False)
    assert not notes.note("p", later(2), online=False)

    assert notes.take(9) == said(later(1), online=False)
    assert notes.take(9) == ()


def test_what_is_over_before_it_was_told_is_not_told() -> None:
    notes = PresenceNotes()
    notes.note("p", AT, online=False)

    assert notes.note("p", later(1), online=True)

    assert not notes.has_news


def test_what_could_not_be_told_is_told_later() -> None:
    notes = PresenceNotes()
    notes.note("p", AT, online=False)

    notes.give_back(notes.take(9))

    assert notes.take(9) == said(AT, online=False)


def test_what_changed_while_it_could_not_be_told_is_told_as_it_is_now() -> None:
    notes = PresenceNotes()
    notes.note("p", AT, online=False)
    taken = notes.take(9)
    notes.note("p", later(1), online=True)
    notes.give_back(taken)
    assert not notes.has_news

    notes.note("p", later(2), online=False)
    notes.note("p", later(3), online=True)
    notes.note("p", later(4), online=False)

    assert notes.take(9) == said(later(4), online=False)


def test_many_are_told_in_parts() -> None:
    notes = PresenceNotes()
    for key in "abc":
        notes.note(key, AT, online=False)

    assert [len(notes.take(2)) for _ in range(3)] == [2, 1, 0]


def test_what_the_store_knows_at_the_start_holds_until_the_device_is_heard() -> None:
    notes = PresenceNotes()

    assert notes.follow("p", AT) is False
    assert notes.follow("p", AT) is None
    notes.note("p", later(5), online=True)

    assert notes.take(9) == said(later(5), online=True)
    assert notes.follow("p", None) is None


def test_a_device_that_was_never_gone_needs_no_word() -> None:
    notes = PresenceNotes()

    assert notes.follow("p", None) is None
    assert not notes.has_news


def test_what_others_heard_is_taken_over_and_not_told_again() -> None:
    notes = PresenceNotes()
    notes.follow("p", None)

    assert notes.follow("p", AT) is False
    assert notes.follow("p", None) is True

    assert not notes.has_news


def test_our_own_goodbye_comes_back_as_no_news() -> None:
    notes = PresenceNotes()
    notes.follow("p", None)
    notes.note("p", AT, online=False)
    notes.take(9)

    assert notes.follow("p", None) is None, "a snapshot from before it was stored"
    assert notes.follow("p", AT) is None
    assert notes.follow("p", None) is True, "somebody else heard the device"


def test_an_old_snapshot_does_not_undo_what_was_heard_since() -> None:
    notes = PresenceNotes()
    notes.follow("p", None)
    notes.note("p", AT, online=False)
    notes.take(9)
    notes.note("p", later(1), online=True)

    assert notes.follow("p", AT) is None

    assert notes.take(9) == said(later(1), online=True)


def test_nothing_is_known_of_a_probe_that_went() -> None:
    notes = PresenceNotes()
    notes.note("p", AT, online=False)
    taken = notes.take(9)
    notes.forget("p")

    notes.give_back(taken)
    notes.forget("nobody")

    assert not notes.has_news


def test_a_goodbye_of_the_device_before_is_over_when_it_was_exchanged() -> None:
    notes = PresenceNotes()
    notes.note("p", AT, online=False)
    notes.take(9)  # the store lets it pass, as it is older than the exchange

    assert notes.follow("p", None, later(5)) is True
    assert notes.follow("p", None, later(5)) is None

    assert notes.note("p", later(6), online=False), "that of the new one counts"
    assert notes.follow("p", None, later(5)) is None
    assert notes.take(9) == said(later(6), online=False)
