"""The dialog about a plant."""

from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import CreatePlant, ListPhases, ListSpecies, UpdatePlant
from kamerplanter_engines.models.plant import PlantFields

from ..const import CONF_KEY, DOMAIN  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from .base import FormError, GardenSubentryFlow
from .bindings import labels_of
from .forms import CARE, NOT_CHOSEN, phase_schema, plant_from, plant_schema, plant_values

_PHASE = ("phase_entry_id", "phase_started_on")


class PlantFlow(GardenSubentryFlow):
    """Adds or changes a plant."""

    def __init__(self) -> None:
        super().__init__()
        self._plant_input: dict[str, Any] = {}
        self._phase_input: dict[str, Any] = {}
        self._known_species: str | None = None
        self._filled_in: dict[str, Any] = {}
        """The plant as the form gives it back when nobody touches it."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the plant is."""
        return await self._ask_plant("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the plant is."""
        if user_input is None:
            self.key = self._get_reconfigure_subentry().data[CONF_KEY]
            if (view := (await self.snapshot()).plant(self.key)) is None:
                return self.async_abort(reason="not_in_garden")
            self._plant_input = plant_values(view.plant)
            self._known_species = view.plant.species_key
            self._phase_input = {
                "phase_entry_id": view.phase.entry_id,
                "phase_started_on": view.phase_started_on.isoformat(),
            }
            filled_in = plant_from(self._plant_input, self._phase_input)
            self._filled_in = filled_in.model_dump(mode="json", exclude_unset=True)
        return await self._ask_plant("reconfigure", user_input)

    async def _ask_plant(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        species = await self.ask_or_abort(ListSpecies())
        german = self.hass.config.language == "de"
        names = labels_of(
            (item.key, f"{item.name_de if german else item.name_en} ({item.scientific_name})")
            for item in species
        )
        garden = await self.snapshot()
        tanks = labels_of((view.tank.key, view.tank.name) for view in garden.tanks)
        schema = plant_schema(names, tanks)
        if user_input is not None:
            self._plant_input = user_input
            try:
                plant_from(user_input, {})
            except FormError as error:
                self.note(error, schema.schema)
            else:
                if user_input["species_key"] != self._known_species:
                    # Another species goes through other phases.
                    self._phase_input = {}
                return await self.async_step_phase()
        shown = {CARE: {}, "species_key": NOT_CHOSEN} | self._plant_input
        return self.show(step_id, schema, shown)

    async def async_step_phase(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the phase that the plant is in, then write it."""
        schema = await self._phase_form()
        if user_input is not None:
            self._phase_input = user_input
            try:
                plant = plant_from(self._plant_input, user_input)
                return await self._write(plant)
            except FormError as error:
                self.note(error, schema.schema)
        today = dt_util.now().date().isoformat()
        shown = {"phase_started_on": self._plant_input.get("planted_on", today)}
        words = {"name": self._plant_input["name"]}
        return self.show("phase", schema, shown | self._phase_input, words=words, last_step=None)

    async def _phase_form(self) -> vol.Schema:
        species_key = self._plant_input["species_key"]
        phases = await self.ask_or_abort(ListPhases(species_key=species_key))
        texts = await self.texts("entity")
        prefix = f"component.{DOMAIN}.entity.sensor.phase.state"
        return phase_schema(
            [
                (entry.entry_id, texts.get(f"{prefix}.{entry.phase}", entry.phase))
                for entry in phases
            ]
        )

    async def _write(self, plant: PlantFields) -> SubentryFlowResult:
        if self.is_new:
            await self.ask(CreatePlant(fields=plant, key=self.key))
            return self.end(plant.name)
        # What nobody changed here stays as it is now: somebody else may have changed it meanwhile.
        wanted = plant.model_dump(mode="json", exclude_unset=True)
        patch = {
            name: value
            for name, value in wanted.items()
            if name not in self._filled_in or value != self._filled_in[name]
        }
        if patch.keys() & {"species_key", *_PHASE}:
            # A phase says nothing without its day, and means another one of another species.
            patch |= {name: wanted[name] for name in _PHASE}
        if plant.species_key != self._known_species:
            patch["cultivar_key"] = None
        written = await self.ask(UpdatePlant(key=self.key, patch=patch))
        return self.end(written.name)
