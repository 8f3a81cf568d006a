"""The dialog about a place and what is measured in its air and light."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.util.unit_system import UnitSystem

from kamerplanter_backend.client.requests import (
    CreateLocation,
    ListObjects,
    UpdateLocation,
)
from kamerplanter_backend.client.views import GardenSnapshot, LocationView
from kamerplanter_engines.models.site import Location, LocationFields
from kamerplanter_engines.models.telemetry import AIR_KINDS, DEVICE_KINDS, Probe

from ..meanwhile import Changes, Edit, Parts, found  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from ..subjects import Subject, SubjectKind  # noqa: TID252
from .base import FormError
from .bindings import labels_of
from .forms import (
    NOT_CHOSEN,
    base_temperature,
    labelled,
    location_from,
    location_schema,
    location_values,
)
from .own_probe import OwnProbeFlow

_ASKED = {"name", "base_temperature_c"}


class LocationFlow(OwnProbeFlow):
    """Shows a place of the garden here, makes a new one, or changes it."""

    kinds = AIR_KINDS + DEVICE_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._location: LocationFields | None = None
        self._is_in_garden = False

    # --- Which place ----------------------------------------------------------------------

    async def async_step_user(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask whether it is one that the garden has; if there is none to show, it is new."""
        if not await self._not_shown():
            return await self.async_step_new()
        return self.async_show_menu(step_id="user", menu_options=["known", "new"])

    async def async_step_known(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which place of the garden it is."""
        views = await self._not_shown()
        if user_input is not None:
            if (view := views.get(user_input["location"])) is None:
                return await self.async_step_user()  # somebody else took or deleted it meanwhile
            await self._take(view)
            return await self.async_step_details()
        if not views:
            return await self.async_step_new()
        options = labels_of((key, _label(view, views)) for key, view in views.items())
        schema = vol.Schema({vol.Required("location"): labelled(options)})
        # Of one place there is nothing to choose.
        shown = {"location": NOT_CHOSEN} if len(options) > 1 else {}
        return self.async_show_form(
            step_id="known",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            last_step=False,
        )

    async def _not_shown(self) -> dict[str, LocationView]:
        """Return the places of the garden that are not shown here, by key."""
        garden = await self.snapshot()
        return {
            view.location.key: view
            for view in garden.locations
            if not self._is_shown(view.location.key)
        }

    def _is_shown(self, key: str) -> bool:
        subject = Subject(SubjectKind.LOCATION, key)
        return subject in {Subject.of(item) for item in self.entry.subentries.values()}

    async def _take(self, view: LocationView) -> None:
        """Go on with a place that the garden has, and with the probe that it had here before."""
        self.key, self._is_in_garden = view.location.key, True
        self._begin_with(view.location)
        await self._recall_probe(view)

    def _begin_with(self, location: Location) -> None:
        units = self.hass.config.units
        self._shown = location_values(location, units)
        self._edit = Edit(_parts_of(location), _filled_in(location, units))

    async def _recall_probe(self, view: LocationView, own_key: str | None = None) -> None:
        """Begin with the bindings of the probe that the place had, which is archived.

        Args:
            view: The place.
            own_key: That probe, if it is known; it may have been archived elsewhere.
        """
        objects = await self.ask_or_abort(ListObjects())
        probes = [Probe.model_validate(item) for item in objects["probes"]]
        left = [
            probe
            for probe in probes
            if probe.location_key == self.key and probe.archived_at is not None
        ]
        if left:
            # It was archived with the place, and has its name unless somebody renamed one of them.
            name = view.location.name
            own = max(left, key=lambda it: (it.key == own_key, it.name == name, it.archived_at))
            self._archived_key = own.key
            self.take_over(own)

    # --- What it is -----------------------------------------------------------------------

    async def async_step_new(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what a new place is."""
        return await self.ask_thing("new", user_input)

    async def async_step_details(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what a place of the garden is."""
        return await self.ask_thing("details", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do with the place, or take in what it is."""
        if user_input is not None:
            return await self.ask_thing("reconfigure", user_input)
        garden = await self.garden_around()
        if (view := garden.location(self.key)) is None:
            return self.async_abort(reason="not_in_garden")
        self._is_in_garden = True
        self._begin_with(view.location)
        probe = self.own_probe(garden)
        if probe is None and self._probe_key is not None:
            await self._recall_probe(view, self._probe_key)
            self._probe_key = None
        return await self.manage(view.location.name, probe)

    @override
    async def ask_thing(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        garden = await self.snapshot()
        if garden.home_site_key is None:
            return self.async_abort(reason="no_site")
        units = self.hass.config.units
        schema = location_schema(units)
        if user_input is not None:
            self._shown = user_input
            try:
                self._location = location_from(user_input, garden.home_site_key, units)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        shown = {"base_temperature": base_temperature(units)} | self._shown
        return self.show(step_id, schema, shown)

    # --- Written --------------------------------------------------------------------------

    @override
    async def write_all(self) -> str:
        location = self._location
        assert location is not None  # noqa: S101 - the step before set it
        if self.is_new and self._is_shown(self.key):
            raise AbortFlow("already_configured")
        return await (self._create(location) if self.is_new else self._update(location))

    async def _create(self, location: LocationFields) -> str:
        if self._is_in_garden:
            return await self._update(location)
        await self.ask(CreateLocation(fields=location, key=self.key))
        # If its probe fails, the next try is about a place that there is; left, it is offered.
        self._is_in_garden = True
        self._edit = Edit(_parts_of(location))
        await self.add_probe(self.probe_fields(location.name, location_key=self.key))
        return location.name

    async def _update(self, location: LocationFields) -> str:
        """Write what the person changed, and return what the place is called now."""
        units = self.hass.config.units

        def change(garden: GardenSnapshot) -> tuple[Changes, UpdateLocation]:
            now = self._now(garden)
            changes = self._edit.changes(
                _parts_of(location), _parts_of(now), _filled_in(now, units)
            )
            patch = dict(changes.parts)
            revision = now.revision
            return changes, UpdateLocation(key=self.key, patch=patch, expected_revision=revision)

        def shown(garden: GardenSnapshot) -> dict[str, Any]:
            return location_values(self._now(garden), units)

        fields = self.probe_fields(location.name, location_key=self.key)
        written = await self.write_changes(change, fields, shown)
        return next((it for it in written if isinstance(it, Location)), self._now(self.seen)).name

    def _now(self, garden: GardenSnapshot) -> Location:
        return found(garden.location(self.key), "locations", self.key).location


def _parts_of(location: LocationFields) -> Parts:
    return location.model_dump(mode="json", include=_ASKED)


def _filled_in(location: LocationFields, units: UnitSystem) -> Parts:
    """Return a place as the form gives it back when nobody touches it."""
    shown = location_values(location, units)
    return _parts_of(location_from(shown, location.site_key, units))


def _label(view: LocationView, views: Mapping[str, LocationView]) -> str:
    """Return a place, and what it is in, as each tent may have a shelf of the same name."""
    around = views.get(view.location.parent_key or "")
    name = view.location.name
    return name if around is None else f"{name} ({around.location.name})"
