"""What entities and devices are about: the garden itself, its tanks, plants and probes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from homeassistant.config_entries import ConfigSubentry

from kamerplanter_backend.client.views import GardenSnapshot, PlantView, ProbeView, TankView
from kamerplanter_engines.models.telemetry import Probe

from .const import CONF_KEY, SUBENTRY_PLANT, SUBENTRY_PROBE, SUBENTRY_TANK

type GardenView = GardenSnapshot | TankView | PlantView | ProbeView


class SubjectKind(StrEnum):
    """Kinds of devices; all but the hub are types of subentries too."""

    HUB = "hub"
    TANK = SUBENTRY_TANK
    PLANT = SUBENTRY_PLANT
    PROBE = SUBENTRY_PROBE


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing of the garden."""

    kind: SubjectKind
    key: str

    @classmethod
    def hub(cls) -> Self:
        """Return the garden itself."""
        return cls(SubjectKind.HUB, "garden")

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> Self | None:
        """Return what a subentry stands for; none = a type or form that is not known here."""
        key = subentry.data.get(CONF_KEY)
        if subentry.subentry_type not in set(SubjectKind) or not isinstance(key, str):
            return None
        return cls(SubjectKind(subentry.subentry_type), key)

    @property
    def subentry_unique_id(self) -> str:
        """Return the identity of its subentry, unique across the types of an entry."""
        return f"{self.kind}-{self.key}"


def name_of(view: GardenView) -> str:
    """Return what people call the thing that a view shows."""
    match view:
        case TankView():
            return view.tank.name
        case PlantView():
            return view.plant.name
        case ProbeView():
            return view.probe.name
        case GardenSnapshot():
            return view.name


def name_in_place(probe: Probe, snapshot: GardenSnapshot) -> str:
    """Return what people call a probe, and the plant and the tank that it stands in.

    The probe of a tank often has the name of the tank, which is said once.
    """
    names = [view.plant.name for view in snapshot.plants if view.plant.key == probe.plant_key]
    names += [view.tank.name for view in snapshot.tanks if view.tank.key == probe.tank_key]
    places = ", ".join(name for name in names if name != probe.name)
    return f"{probe.name} ({places})" if places else probe.name
