"""What brings back to the store what a subentry stands for, when the store has lost it."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from pydantic import JsonValue, ValidationError

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import (
    CreateLocation,
    CreatePlant,
    CreateProbe,
    CreateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.base import Entity, Model
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from .const import CONF_BINDINGS, CONF_KEY, CONF_PROBE_KEY
from .subjects import Subject, SubjectKind, view_of

_LOGGER = logging.getLogger(__name__)

type Stored = Mapping[str, tuple[dict[str, JsonValue], ...]]
"""All tanks, plants and probes of the store, the archived ones too."""


def misses(subentry: ConfigSubentry, snapshot: GardenSnapshot) -> bool:
    """Tell whether the thing of a subentry, or the probe on it, is not in the garden."""
    subject = Subject.of(subentry)
    if subject is None:
        return False
    probe_key = subentry.data.get(CONF_PROBE_KEY)
    return view_of(snapshot, subject) is None or (
        probe_key is not None and snapshot.probe(probe_key) is None
    )


def parents_first(subentry: ConfigSubentry) -> int:
    """Return the order of restoring: a plant may name a place and a tank, a probe all of them."""
    return list(SubjectKind).index(SubjectKind(subentry.subentry_type))


def restoring(
    subentry: ConfigSubentry, snapshot: GardenSnapshot, objects: Stored
) -> Iterator[Command[Any]]:
    """Yield what brings back the object of a subentry, and the probe that is its own."""
    key, kind = str(subentry.data[CONF_KEY]), SubjectKind(subentry.subentry_type)
    if kind is not SubjectKind.PROBE and view_of(snapshot, Subject(kind, key)) is None:
        command = _restoring_object(subentry, snapshot, objects)
        if command is None:
            return
        yield command
    probe_key = key if kind is SubjectKind.PROBE else subentry.data.get(CONF_PROBE_KEY)
    if probe_key is None or snapshot.probe(probe_key) is not None:
        return
    if (stored := _stored(objects["probes"], probe_key)) is not None:
        yield CreateProbe(key=probe_key, fields=_fields(Probe, ProbeFields, stored))
        return
    place = {} if kind is SubjectKind.PROBE else {f"{kind}_key": key}
    if (fields := _from_bindings(subentry, place)) is not None:
        yield CreateProbe(key=probe_key, fields=fields)


def _restoring_object(
    subentry: ConfigSubentry, snapshot: GardenSnapshot, objects: Stored
) -> Command[Any] | None:
    """Return what brings back a place, tank or plant; none = nobody knows what it was."""
    key, title = str(subentry.data[CONF_KEY]), subentry.title
    match subentry.subentry_type:
        case SubjectKind.LOCATION:
            if snapshot.home_site_key is None:
                _LOGGER.warning("Place %s cannot be made anew: the garden has no site", title)
                return None
            place = LocationFields(name=title, site_key=snapshot.home_site_key)
            return CreateLocation(key=key, fields=place)
        case SubjectKind.TANK:
            if (stored := _stored(objects["tanks"], key)) is not None:
                return CreateTank(key=key, fields=_fields(Tank, TankFields, stored))
            _LOGGER.warning("Tank %s is not in the store any more", title)
        case _:
            if (stored := _stored(objects["plants"], key)) is not None:
                return CreatePlant(key=key, fields=_fields(Plant, PlantFields, stored))
            _LOGGER.warning("Plant %s is not in the store any more", title)
    return None


def _stored(documents: tuple[dict[str, JsonValue], ...], key: str) -> dict[str, JsonValue] | None:
    return next((item for item in documents if item.get("key") == key), None)


def _fields[F: Model](entity: type[Entity], fields: type[F], document: dict[str, JsonValue]) -> F:
    whole = entity.model_validate(document)
    return fields.model_validate(whole.model_dump(include=set(fields.model_fields)))


def _from_bindings(subentry: ConfigSubentry, place: Mapping[str, str]) -> ProbeFields | None:
    try:
        return ProbeFields.model_validate(
            {**subentry.data.get(CONF_BINDINGS, {}), "name": subentry.title, **place}
        )
    except ValidationError as error:
        _LOGGER.warning("The bindings of %s cannot be read: %s", subentry.title, error)
        return None
