"""Which dialog belongs to which kind of subentry."""

from homeassistant.config_entries import ConfigSubentryFlow

from .const import SUBENTRY_LOCATION, SUBENTRY_PLANT, SUBENTRY_PROBE, SUBENTRY_TANK
from .flows.location_flow import LocationFlow
from .flows.plant_flow import PlantFlow
from .flows.probe_flow import ProbeFlow
from .flows.tank_flow import TankFlow

SUBENTRY_FLOWS: dict[str, type[ConfigSubentryFlow]] = {
    SUBENTRY_LOCATION: LocationFlow,
    SUBENTRY_TANK: TankFlow,
    SUBENTRY_PLANT: PlantFlow,
    SUBENTRY_PROBE: ProbeFlow,
}
