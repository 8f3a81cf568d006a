"""Which dialog belongs to which kind of subentry."""

from homeassistant.config_entries import ConfigSubentryFlow

from .const import SUBENTRY_PLANT, SUBENTRY_PROBE, SUBENTRY_TANK
from .flows.plant_flow import PlantFlow
from .flows.probe_flow import ProbeFlow
from .flows.tank_flow import TankFlow

SUBENTRY_FLOWS: dict[str, type[ConfigSubentryFlow]] = {
    SUBENTRY_TANK: TankFlow,
    SUBENTRY_PLANT: PlantFlow,
    SUBENTRY_PROBE: ProbeFlow,
}
