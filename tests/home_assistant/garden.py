"""A garden inside a test's Home Assistant: the real client on a real file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.kamerplanter.caller import OWNER
from custom_components.kamerplanter.const import DOMAIN, ENTRY_VERSION
from custom_components.kamerplanter.reconcile import bindings_of
from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import (
    CreateLocation,
    CreatePlant,
    CreateProbe,
    CreateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.base import Model
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    Probe,
    ProbeFields,
)


def _build_models() -> None:
    """Build all models, which happens at their first use, before a test freezes the time.

    A frozen clock puts its own classes in the place of date and datetime, which no model knows.
    """
    queue: list[type[Model]] = [Model]
    while queue:
        children = queue.pop().__subclasses__()
        queue += children
        for model in children:
            model.model_rebuild()


_build_models()

STORE_ID = "0123456789abcdef0123456789abcdef"
TOMATO = "solanum_lycopersicum"
MONSTERA = "monstera_deliciosa"
TANK_CHANNELS = (
    ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", unit="mS/cm"),
    ChannelBinding(kind=ChannelKind.PH, topic="tank/ph"),
    ChannelBinding(kind=ChannelKind.WATER_TEMPERATURE, topic="tank/temperature"),
    ChannelBinding(kind=ChannelKind.LEVEL, topic="tank/level"),
)
SOIL_CHANNELS = (
    ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed/soil", path="moisture"),
    ChannelBinding(kind=ChannelKind.SOIL_TEMPERATURE, topic="bed/soil", path="temperature"),
    ChannelBinding(kind=ChannelKind.SOIL_EC, topic="bed/soil", path="ec", unit="µS/cm"),
)
AIR_CHANNELS = (
    ChannelBinding(kind=ChannelKind.AIR_TEMPERATURE, topic="tent/air", path="temperature"),
    ChannelBinding(kind=ChannelKind.AIR_HUMIDITY, topic="tent/air", path="humidity"),
    ChannelBinding(kind=ChannelKind.PPFD, topic="tent/light"),
)
SOIL_AVAILABILITY = Availability(topic="bed/status")


def new_entry(readings: str = "none", **data: object) -> MockConfigEntry:
    """Return an entry as the config flow makes it."""
    return MockConfigEntry(
        domain=DOMAIN,
        version=ENTRY_VERSION,
        title="Garden",
        unique_id=STORE_ID,
        data={
            "mode": "embedded",
            "store_id": STORE_ID,
            "name": "Garden",
            "readings": readings,
            **data,
        },
    )


def store_file(hass: HomeAssistant) -> Path:
    """Return where the data of the garden lies."""
    return Path(hass.config.path(DOMAIN, STORE_ID, "garden.db"))


@dataclass
class Garden:
    """What a test does with a garden."""

    hass: HomeAssistant
    entry: MockConfigEntry
    freezer: FrozenDateTimeFactory | None

    def anew(self) -> Garden:
        """Return the garden of a new entry for the same thing."""
        return Garden(self.hass, new_entry(), self.freezer)

    async def set_up(self) -> None:
        """Load the entry."""
        if self.entry.entry_id not in {
            entry.entry_id for entry in self.hass.config_entries.async_entries(DOMAIN)
        }:
            self.entry.add_to_hass(self.hass)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def unload(self) -> None:
        """Unload the entry."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        """Let everything finish that has begun."""
        await self.hass.async_block_till_done(wait_background_tasks=False)

    async def pass_time(self, delta: timedelta, *, step: timedelta | None = None) -> None:
        """Let time go by, in steps if what happens in between matters."""
        left = delta
        while left > timedelta():
            step_now = min(left, step or left)
            self.freezer.tick(step_now)
            left -= step_now
            async_fire_time_changed(self.hass)
            await self.settle()

    async def derive(self) -> None:
        """Let what is derived from readings show, which takes at most two seconds."""
        for _ in range(4):
            await self.pass_time(timedelta(seconds=0.5))

    async def jump_to(self, moment: datetime) -> None:
        """Let time go by until a moment."""
        self.freezer.move_to(moment)
        async_fire_time_changed(self.hass)
        await self.settle()

    async def ask[R](self, request: Request[R]) -> R:
        """Ask or do one thing in the garden, as its owner."""
        return await self.entry.runtime_data.client.call(request, OWNER)

    def known_as(self, user_id: str) -> str:
        """Return under which name the garden keeps what a user of Home Assistant did."""
        return user_id

    @property
    def snapshot(self) -> GardenSnapshot:
        """Return what entities show."""
        return self.entry.runtime_data.coordinator.data

    async def add_tank(
        self,
        name: str = "Tank A",
        *,
        channels: Sequence[ChannelBinding] = TANK_CHANNELS,
        **fields: Any,
    ) -> str:
        """Add a tank as its dialog does: the object first, then the subentry."""
        tank = await self.ask(CreateTank(fields=TankFields(name=name, volume_l=60, **fields)))
        data: dict[str, Any] = {"key": tank.key}
        if channels:
            probe = await self.ask(
                CreateProbe(
                    fields=ProbeFields(name=name, tank_key=tank.key, channels=tuple(channels))
                )
            )
            data |= {"probe_key": probe.key, "bindings": bindings_of(probe)}
        await self._add_subentry("tank", name, data)
        return tank.key

    async def add_plant(self, name: str = "Tomato", *, species: str = TOMATO, **fields: Any) -> str:
        """Add a plant."""
        plant = await self.ask(
            CreatePlant(fields=PlantFields(name=name, species_key=species, **fields))
        )
        await self._add_subentry("plant", name, {"key": plant.key})
        return plant.key

    async def add_location(
        self,
        name: str = "Tent",
        *,
        channels: Sequence[ChannelBinding] = AIR_CHANNELS,
        is_shown: bool = True,
        **fields: Any,
    ) -> str:
        """Add a place, and show it here as its dialog does."""
        site_key = self.snapshot.home_site_key
        assert site_key is not None
        location = await self.ask(
            CreateLocation(fields=LocationFields(name=name, site_key=site_key, **fields))
        )
        data: dict[str, Any] = {"key": location.key}
        if channels:
            probe = await self.ask(
                CreateProbe(
                    fields=ProbeFields(
                        name=name, location_key=location.key, channels=tuple(channels)
                    )
                )
            )
            data |= {"probe_key": probe.key, "bindings": bindings_of(probe)}
        if is_shown:
            await self._add_subentry("location", name, data)
        await self.settle()
        return location.key

    async def add_probe(
        self,
        plant_key: str | None,
        name: str = "Soil sensor",
        *,
        tank_key: str | None = None,
        location_key: str | None = None,
        channels: Sequence[ChannelBinding] = SOIL_CHANNELS,
        availability: Availability | None = SOIL_AVAILABILITY,
    ) -> str:
        """Add a probe of its own, of a plant, a tank or a place."""
        probe: Probe = await self.ask(
            CreateProbe(
                fields=ProbeFields(
                    name=name,
                    plant_key=plant_key,
                    tank_key=tank_key,
                    location_key=location_key,
                    channels=tuple(channels),
                    availability=availability,
                )
            )
        )
        data = {"key": probe.key, "bindings": bindings_of(probe)}
        await self._add_subentry("probe", name, data)
        return probe.key

    async def _add_subentry(self, kind: str, title: str, data: dict[str, Any]) -> None:
        self.hass.config_entries.async_add_subentry(
            self.entry,
            ConfigSubentry(
                data=MappingProxyType(data),
                subentry_type=kind,
                title=title,
                unique_id=f"{kind}-{data['key']}",
            ),
        )
        await self.settle()

    def subentry(self, key: str) -> ConfigSubentry:
        """Return the subentry of an object."""
        return next(item for item in self.entry.subentries.values() if item.data["key"] == key)

    def entity_id(self, domain: str, key: str, row: str) -> str | None:
        """Return the entity of an object by its row; `hub` is the garden itself."""
        key = str(self.entry.unique_id) if key == "hub" else key
        return er.async_get(self.hass).async_get_entity_id(domain, DOMAIN, f"{key}_{row}")

    async def enable(self, key: str, *rows: str) -> None:
        """Enable sensors of an object that are off by default, as a person would."""
        for row in rows:
            entity_id = self.entity_id("sensor", key, row)
            assert entity_id is not None, row
            er.async_get(self.hass).async_update_entity(entity_id, disabled_by=None)
        await self.unload()
        await self.set_up()

    def state(self, domain: str, key: str, row: str) -> State:
        """Return the state of an entity that exists."""
        entity_id = self.entity_id(domain, key, row)
        assert entity_id is not None, f"{domain} {row} does not exist"
        state = self.hass.states.get(entity_id)
        assert state is not None, f"{entity_id} has no state"
        return state

    def device(self, key: str) -> dr.DeviceEntry | None:
        """Return the device of an object."""
        key = str(self.entry.unique_id) if key == "hub" else key
        return dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, key), self.entry.entry_id
        )
