"""The dialog about a place and what is measured in its air and light."""

from collections.abc import Mapping
from typing import Any, override
from uuid import uuid4

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.util.unit_system import UnitSystem

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import (
    CreateLocation,
    CreateProbe,
    ListObjects,
    UpdateLocation,
)
from kamerplanter_backend.client.views import GardenSnapshot, LocationView
from kamerplanter_engines.models.site import Location, LocationFields
from kamerplanter_engines.models.telemetry import AIR_KINDS, DEVICE_KINDS, Probe

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_KEY,
    CONF_PROBE_KEY,
    SUBENTRY_LOCATION,
)
from ..meanwhile import Edit, Parts, check_clashes, found  # noqa: TID252
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
from .manage_steps import ManageSteps

_ASKED = {"name", "base_temperature_c"}


class LocationFlow(ManageSteps):
    """Shows a place of the garden here, makes a new one, or changes it."""

    kinds = AIR_KINDS + DEVICE_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._location: LocationFields | None = None
        self._edit = Edit({})
        self._shown: dict[str, Any] = {}
        # Made once, so that trying again after a failure is about the same place.
        self._key = uuid4().hex
        self._is_in_garden = False
        self._probe_key: str | None = None
        self._archived_key: str | None = None
        """The probe that the place had before its subentry was removed."""

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
        self._key, self._is_in_garden = view.location.key, True
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
            if probe.location_key == self._key and probe.archived_at is not None
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
        return await self._ask_location("new", user_input)

    async def async_step_details(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what a place of the garden is."""
        return await self._ask_location("details", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do with the place, or take in what it is."""
        if user_input is not None:
            return await self._ask_location("reconfigure", user_input)
        data = self._get_reconfigure_subentry().data
        self._key, self._probe_key = data[CONF_KEY], data.get(CONF_PROBE_KEY)
        garden = await self.snapshot()
        if (view := garden.location(self._key)) is None:
            return self.async_abort(reason="not_in_garden")
        self._is_in_garden = True
        self._begin_with(view.location)
        probe = garden.probe(self._probe_key) if self._probe_key else None
        if probe is not None:
            self.take_over(probe.probe)
        elif self._probe_key is not None:
            await self._recall_probe(view, self._probe_key)
            self._probe_key = None
        return await self.manage(view.location.name, None if probe is None else probe.probe)

    @override
    async def async_step_change(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the place is."""
        return await self._ask_location("reconfigure", None)

    @property
    @override
    def calibrated_probe_key(self) -> str:
        return self._probe_key or ""

    async def _ask_location(
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
        errors, placeholders = self.take_errors()
        shown = {"base_temperature": base_temperature(units)} | self._shown
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    # --- Written --------------------------------------------------------------------------

    @override
    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Write the place, then its probe, then the subentry."""
        location = self._location
        assert location is not None  # noqa: S101 - the step before set it
        if self.is_new and self._is_shown(self._key):
            return self.async_abort(reason="already_configured")
        try:
            name = await (self._create(location) if self.is_new else self._update(location))
        except FormError as error:
            self.note(error)
            return await self.async_step_values()
        data = {CONF_KEY: self._key, **self.bindings()}
        if self._probe_key is not None:
            data[CONF_PROBE_KEY] = self._probe_key
        if self.is_new:
            return self.async_create_entry(
                title=name, data=data, unique_id=f"{SUBENTRY_LOCATION}-{self._key}"
            )
        return self.async_update_and_abort(
            self.entry, self._get_reconfigure_subentry(), title=name, data=data
        )

    async def _create(self, location: LocationFields) -> str:
        if self._is_in_garden:
            return await self._update(location)
        await self.ask(CreateLocation(fields=location, key=self._key))
        # If its probe fails, the next try is about a place that there is; left, it is offered.
        self._is_in_garden = True
        self._edit = Edit(_parts_of(location))
        await self._write_probe(location.name)
        return location.name

    async def _update(self, location: LocationFields) -> str:
        """Write what the person changed, and return what the place is called now."""
        units = self.hass.config.units
        fields = self.probe_fields(location.name, location_key=self._key)

        def requests(garden: GardenSnapshot) -> list[Request[Any]]:
            now = found(garden.location(self._key), "locations", self._key).location
            changes = self._edit.changes(
                _parts_of(location), _parts_of(now), _filled_in(now, units)
            )
            own: list[Request[Any]] = []
            if changes.parts:
                patch = dict(changes.parts)
                own = [UpdateLocation(key=self._key, patch=patch, expected_revision=now.revision)]
            if self._probe_key is None:
                check_clashes(changes)
                return own
            probe = found(garden.probe(self._probe_key), "probes", self._probe_key).probe
            of_probe = self.probe_changes(fields, probe)
            check_clashes(changes, of_probe)
            return [*own, *self.change_requests(probe, of_probe)]

        def shown(garden: GardenSnapshot) -> dict[str, Any]:
            view = garden.location(self._key)
            return {} if view is None else location_values(view.location, units)

        answers = await self.write(requests, shown)
        if self._probe_key is None:
            await self._write_probe(location.name)
        else:
            self.take_over_written(self._probe_key, answers)
        seen = self.seen.location(self._key)
        named = [item for item in answers if isinstance(item, Location)]
        return (named[0] if seen is None or named else seen.location).name

    async def _write_probe(self, name: str) -> None:
        fields = self.probe_fields(name, location_key=self._key)
        if fields.channels:
            probe = await self.ask(CreateProbe(fields=fields, key=self._archived_key))
            self._probe_key = probe.key


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
