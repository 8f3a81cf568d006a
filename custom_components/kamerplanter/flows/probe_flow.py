"""The dialog about a probe that is a device of its own, in a tank, in soil or in a place."""

from typing import Any, override

from homeassistant.config_entries import SubentryFlowResult

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import CreateProbe
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    DEVICE_KINDS,
    SOIL_KINDS,
    TANK_KINDS,
    ChannelKind,
    ProbeFields,
)

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_KEY,
    DOMAIN,
    SUBENTRY_LOCATION,
    SUBENTRY_PLANT,
    SUBENTRY_TANK,
)
from ..meanwhile import check_clashes, found  # noqa: TID252
from ..subjects import place_of  # noqa: TID252
from .base import FormError
from .bindings import labels_of
from .forms import NOT_CHOSEN, name_of, probe_schema
from .manage_steps import ManageSteps

_KINDS = {
    SUBENTRY_TANK: TANK_KINDS + DEVICE_KINDS,
    SUBENTRY_PLANT: SOIL_KINDS + DEVICE_KINDS,
    SUBENTRY_LOCATION: AIR_KINDS + DEVICE_KINDS,
}


class ProbeFlow(ManageSteps):
    """Adds or changes a probe; where it is decides what it can measure."""

    kinds: tuple[ChannelKind, ...] = SOIL_KINDS + DEVICE_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._place: dict[str, str | None] = {}
        self._known_place: str | None = None
        self._shown: dict[str, Any] = {}

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the probe is called and where it is."""
        return await self.ask_thing("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do with the probe, or take in what it is called and where it is."""
        if user_input is None:
            self.key = self._get_reconfigure_subentry().data[CONF_KEY]
            if (view := (await self.snapshot()).probe(self.key)) is None:
                return self.async_abort(reason="not_in_garden")
            self._known_place = _place_of(view.probe)
            self._shown = {"name": view.probe.name, "place": self._known_place}
            return await self.manage(view.probe.name, view.probe)
        return await self.ask_thing("reconfigure", user_input)

    @property
    @override
    def calibrated_probe_key(self) -> str:
        return self.key

    @override
    async def ask_thing(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        places = await self._places()
        if not places:
            return self.async_abort(reason="no_places")
        schema = probe_schema(places)
        if user_input is not None:
            self._shown = user_input
            try:
                self._name = name_of(user_input)
                self._stand(user_input["place"])
                self.probe_fields(self._name)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        # Of one place there is nothing to choose.
        shown = ({"place": NOT_CHOSEN} if len(places) > 1 else {}) | self._shown
        return self.show(step_id, schema, shown)

    async def _places(self) -> list[tuple[str, str]]:
        """Return value and label of all that a probe can stand in."""
        garden = await self.snapshot()
        texts = await self.texts("config_subentries")
        prefix = f"component.{DOMAIN}.config_subentries"
        words = {kind: texts[f"{prefix}.{kind}.entry_type"] for kind in _KINDS}
        tanks = ((SUBENTRY_TANK, view.tank.key, view.tank.name) for view in garden.tanks)
        plants = ((SUBENTRY_PLANT, view.plant.key, view.plant.name) for view in garden.plants)
        # Of the many places of a garden those that are shown here, and the one where it is.
        here = {item.unique_id for item in self.entry.subentries.values()}
        locations = (
            (SUBENTRY_LOCATION, view.location.key, view.location.name)
            for view in garden.locations
            if f"{SUBENTRY_LOCATION}-{view.location.key}" in here
            or f"{SUBENTRY_LOCATION}:{view.location.key}" == self._known_place
        )
        return labels_of(
            (f"{kind}:{key}", f"{name} ({words[kind]})")
            for kind, key, name in (*tanks, *plants, *locations)
        )

    def _stand(self, place: str) -> None:
        """Take in where the probe is."""
        chosen, _, key = place.partition(":")
        self.kinds = _KINDS[chosen]
        self._place = {f"{kind}_key": key if kind == chosen else None for kind in _KINDS}

    @override
    async def write_all(self) -> str:
        if not self.channels:
            raise FormError("nothing_bound")  # what measures nothing is no probe
        fields = self.probe_fields(self._name, **self._place)
        if self.is_new:
            await self.ask(CreateProbe(fields=fields, key=self.key))
            return self._name

        def requests(garden: GardenSnapshot) -> list[Request[Any]]:
            now = found(garden.probe(self.key), "probes", self.key).probe
            changes = self.probe_changes(fields, now)
            check_clashes(changes)
            return self.change_requests(now, changes)

        answers = await self.write(requests)
        self.take_over_written(self.key, answers)
        seen = self.seen.probe(self.key)
        self._name = (answers[0] if seen is None or answers else seen.probe).name
        return self._name


def _place_of(probe: ProbeFields) -> str | None:
    """Return where a probe is, as the form names it; none = nowhere (any more)."""
    nearest = next(iter(place_of(probe)), None)
    return None if nearest is None else f"{nearest.kind}:{nearest.key}"
