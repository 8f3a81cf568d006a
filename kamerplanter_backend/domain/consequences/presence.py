"""Which devices are there: what they say of themselves, and what their readings say."""

from collections.abc import Iterable

from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.telemetry import Probe, Reading


def note_heard(uow: UnitOfWork, readings: Iterable[Reading]) -> None:
    """Take devices as back that sent something after their goodbye, whatever it was.

    So no goodbye lasts for ever, even if nobody was there to hear that it was over.

    Args:
        uow: The unit of work, allowed to write the presence of probes.
        readings: What has just been stored.
    """
    presences = uow.of(ProbePresenceRepository)
    gone = presences.gone()
    if not gone:
        return
    back = {
        item.probe_key: item.received_at
        for item in sorted(readings, key=lambda item: item.received_at, reverse=True)
        if item.probe_key in gone and item.received_at > gone[item.probe_key]
    }
    for key, since in back.items():
        presences.note(ProbePresenceFields(probe_key=key, is_online=True, since=since))


def note_said(uow: UnitOfWork, probe: Probe, said: ProbePresenceFields) -> bool:
    """Write down what a device says of itself; tell whether it is news.

    What is older than what is known is none, and neither is a goodbye after which it was heard.
    What lies ahead by more than clocks differ is written down as of now.

    Args:
        uow: The unit of work, allowed to write the presence of probes.
        probe: The probe.
        said: What it says.
    """
    presences, now = uow.of(ProbePresenceRepository), uow.context.now
    known = presences.of_probe(probe.key)
    if known is not None and is_ahead(known.since, now):
        known = None  # by a clock that was wrong
    # A little ahead it stays as it is: readings, with which it is compared, are of the same clock.
    since = now if is_ahead(said.since, now) else said.since
    was_online = known is None or known.is_online
    is_late = known is not None and since < known.since
    if is_late or said.is_online == was_online:
        return False
    if not said.is_online and _was_heard_after(uow, probe, said):
        return False
    presences.note(said.model_copy(update={"since": since}))
    return True


def _was_heard_after(uow: UnitOfWork, probe: Probe, goodbye: ProbePresenceFields) -> bool:
    # By the clock of whoever listened, even if it is ahead: it also noted the readings.
    newest = (uow.readings.latest(probe.key, item.kind) for item in probe.channels)
    return any(item is not None and item.received_at > goodbye.since for item in newest)
