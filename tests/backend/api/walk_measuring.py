"""What is expected of the routes about measurements by hand and what ends a calibration."""

from tests.backend.api.walk_table import VIEW, WORK, Row
from tests.backend.api.walk_world import Things

PH = {"kind": "ph", "value": 5.9}

MEASURING: dict[str, Row] = {
    "telemetry_withdraw_calibration": Row(
        who=WORK, key=Things.calibration, body=lambda things: {"reason": "Swapped buffers"}
    ),
    "telemetry_replace_probe": Row(who=WORK, key=Things.probe, body=lambda things: {"note": "New"}),
    "sites_list_climate": Row(
        who=VIEW, key=Things.location, query={"from": "2026-04-30", "to": "2026-05-02"}
    ),
    "measurements_log_tank_measurement": Row(who=WORK, key=Things.tank, body=lambda things: PH),
    "measurements_get_trend": Row(who=VIEW, key=Things.probe, query={"kind": "ec"}),
    "measurements_list_tank_measurements": Row(who=VIEW, key=Things.tank),
    "measurements_log_plant_measurement": Row(
        who=WORK, key=Things.plant, body=lambda things: {"kind": "soil_moisture", "value": 38}
    ),
    "measurements_list_plant_measurements": Row(who=VIEW, key=Things.plant),
    "measurements_get_measurement": Row(who=VIEW, key=Things.measurement),
    "measurements_delete_measurement": Row(who=WORK, key=Things.measurement),
}
