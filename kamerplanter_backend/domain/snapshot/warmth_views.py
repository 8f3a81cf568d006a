"""What the store knows of the thermometers by which conductivity is brought to 25 °C."""

from collections.abc import Collection
from datetime import datetime

from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.binding_options_engine import max_age_of
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict
from kamerplanter_engines.warmth_engine import (
    THERMOMETERS,
    Told,
    Warmth,
    uncompensated,
    witnesses,
)


def warmth_told(
    uow: UnitOfWork, moments: Collection[tuple[str, ChannelKind, datetime]]
) -> dict[tuple[str, ChannelKind, datetime], tuple[Told, ...]]:
    """Return what the thermometers of a place said last before conductivity was measured.

    A device that said goodbye tells nothing, as everywhere.

    Args:
        uow: The unit of work.
        moments: Probe, kind and time of measurement; those that need no temperature are left out.
    """
    asking = {key for key, kind, _ in moments if kind in THERMOMETERS}
    found: dict[tuple[str, ChannelKind, datetime], tuple[Told, ...]] = {}
    for probe in uow.of(ProbeRepository).get_many(sorted(asking)):
        kinds = uncompensated(probe.channels)
        present = _present(uow, probe) if kinds else []
        for kind in kinds:
            telling = witnesses(probe, kind, present, _itself)
            for moment in moments:
                if moment[:2] == (probe.key, kind):
                    found[moment] = tuple(_told(uow, item, kind, moment[2]) for item in telling)
    return found


def _present(uow: UnitOfWork, probe: Probe) -> list[Probe]:
    probes = uow.of(ProbeRepository)
    found = {probe.key: probe}
    if probe.tank_key is not None:
        found |= {item.key: item for item in probes.of_tank(probe.tank_key)}
    if probe.plant_key is not None:
        found |= {item.key: item for item in probes.of_plant(probe.plant_key)}
    gone = uow.of(ProbePresenceRepository).gone()
    return [item for item in found.values() if item.key not in gone]


def _told(uow: UnitOfWork, probe: Probe, kind: ChannelKind, at: datetime) -> Told:
    thermometer = THERMOMETERS[kind]
    binding = probe.binding(thermometer)
    last = uow.readings.latest(probe.key, thermometer, until_at=at - MICROSECOND)
    return Told(
        probe.key,
        probe.updated_at,
        0 if binding is None else max_age_of(binding),
        None
        if last is None
        else Warmth(last.at, last.value if last.verdict is Verdict.GOOD else None),
    )


def _itself(probe: Probe) -> Probe:
    return probe
