"""What Home Assistant must show of the garden as soon as its devices have spoken."""

from demo.garden_setup import BASIL, BASIL_PROBE, TANK_NAME, TENT_NAME, TOMATO, TOMATO_PROBE
from demo.states import HUB

LIVE = (
    *((TANK_NAME, row) for row in ("ec", "ph", "water_temperature", "level", "volume")),
    *((TENT_NAME, row) for row in ("air_temperature", "air_humidity", "ppfd")),
    *(
        (probe, row)
        for probe in (BASIL_PROBE, TOMATO_PROBE)
        for row in ("soil_moisture", "soil_temperature", "soil_ec")
    ),
)
DERIVED = (
    *((TANK_NAME, row) for row in ("ec_problem", "ph_problem", "temperature_problem")),
    (TANK_NAME, "level_low"),
    *((TENT_NAME, row) for row in ("vpd", "dew_point", "dli_today")),
    *(
        (plant, row)
        for plant in (BASIL, TOMATO)
        for row in ("phase", "days_in_phase", "next_watering", "harvest_allowed", "karenz_active")
    ),
    (HUB, "tasks"),
)
JUDGED = (TANK_NAME, TENT_NAME, BASIL_PROBE, TOMATO_PROBE)
"""What has a quality of its measurements."""
