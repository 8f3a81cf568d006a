"""What a screen shows of a probe."""

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.views import ChannelView, ProbeView
from kamerplanter_engines.models.telemetry import Probe, Verdict


def probe_view(uow: UnitOfWork, probe: Probe) -> ProbeView:
    """Return a probe with the last values of its bound channels."""
    channels = []
    for binding in probe.channels:
        last = uow.readings.latest(probe.key, binding.kind)
        is_good = last is None or last.verdict is Verdict.GOOD
        last_good = last if is_good else uow.readings.latest(probe.key, binding.kind, Verdict.GOOD)
        channels.append(ChannelView(kind=binding.kind, last_good=last_good, last=last))
    return ProbeView(probe=probe, channels=tuple(channels))
