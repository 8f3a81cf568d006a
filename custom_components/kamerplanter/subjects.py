"""What entities and devices are about: the garden, its places, tanks, plants and probes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from homeassistant.config_entries import ConfigSubentry

from kamerplanter_backend.client.views import (
    GardenSnapshot,
    LocationView,
    PlantView,
    ProbeView,
    TankView,
)
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from .const import (
    CONF_KEY,
    SUBENTRY_LOCATION,
    SUBENTRY_PLANT,
    SUBENTRY_PROBE,
    SUBENTRY_TANK,
)

type GardenView = GardenSnapshot | LocationView | TankView | PlantView | ProbeView


class SubjectKind(StrEnum):
    """Kinds of devices; all but the hub are types of subentries too.

    What another one may stand in or hang on comes before it.
    """

    HUB = "hub"
    LOCATION = SUBENTRY_LOCATION
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


def view_of(snapshot: GardenSnapshot, subject: Subject) -> GardenView | None:
    """Return what a snapshot says about a subject; none = it is not in the garden."""
    match subject.kind:
        case SubjectKind.LOCATION:
            return snapshot.location(subject.key)
        case SubjectKind.TANK:
            return snapshot.tank(subject.key)
        case SubjectKind.PLANT:
            return snapshot.plant(subject.key)
        case SubjectKind.PROBE:
            return snapshot.probe(subject.key)
        case SubjectKind.HUB:
            return snapshot


def place_of(probe: ProbeFields) -> tuple[Subject, ...]:
    """Return what a probe measures, nearest first: a plant, a tank or a place; none = nothing."""
    places: tuple[tuple[SubjectKind, str | None], ...] = (
        (SubjectKind.PLANT, probe.plant_key),
        (SubjectKind.TANK, probe.tank_key),
        (SubjectKind.LOCATION, probe.location_key),
    )
    return tuple(Subject(kind, key) for kind, key in places if key is not None)


def name_of(view: GardenView) -> str:
    """Return what people call the thing that a view shows."""
    match view:
        case LocationView():
            return view.location.name
        case TankView():
            return view.tank.name
        case PlantView():
            return view.plant.name
        case ProbeView():
            return view.probe.name
        case GardenSnapshot():
            return view.name


def name_in_place(probe: Probe, snapshot: GardenSnapshot) -> str:
    """Return what people call a probe, and the plant, tank or place that it stands in.

    The probe of a tank often has the name of the tank, which is said once.
    """
    views = (view_of(snapshot, subject) for subject in place_of(probe))
    names = [name_of(view) for view in views if view is not None]
    places = ", ".join(name for name in names if name != probe.name)
    return f"{probe.name} ({places})" if places else probe.name
