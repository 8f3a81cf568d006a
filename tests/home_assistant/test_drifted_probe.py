"""A probe that drifted says so in its quality, and its value stays on the screen."""

from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import Calibrate, LogMeasurement
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import Garden

EC = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", unit="mS/cm")


async def by_hand(garden: Garden, tank: str, value: float) -> None:
    fields = HandMeasurementFields(tank_key=tank, kind=ChannelKind.EC, value=value)
    await garden.ask(LogMeasurement(fields=fields))
    await garden.derive()


def shown(garden: Garden, tank: str) -> tuple[str, str]:
    quality = garden.state("sensor", tank, "measurement_quality")
    return garden.state("sensor", tank, "ec").state, quality.state


async def test_drift_lowers_the_quality_until_the_probe_is_calibrated(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(channels=(EC,))
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.80")
    await mqtt_garden.derive()
    await by_hand(mqtt_garden, tank, 1.9)
    assert shown(mqtt_garden, tank) == ("1.8", "good")

    mqtt_garden.freezer.tick(60)
    await by_hand(mqtt_garden, tank, 2.4)
    mqtt_garden.freezer.tick(60)
    await by_hand(mqtt_garden, tank, 2.4)

    # The median of 0.1, 0.6 and 0.6 is more than 10 % of 2.4.
    assert shown(mqtt_garden, tank) == ("1.8", "suspect")
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert quality.attributes["ec_reasons"] == ["drifted"]
    due = mqtt_garden.state("binary_sensor", tank, "calibration_due")
    assert (due.state, due.attributes["ec"]) == ("on", "drifted")

    mqtt_garden.freezer.tick(60)
    [view] = mqtt_garden.snapshot.probes
    points = (CalibrationPoint(raw=1.35, value=1.413),)
    fields = CalibrationFields(kind=ChannelKind.EC, points=points)
    await mqtt_garden.ask(Calibrate(probe_key=view.probe.key, fields=fields))
    await mqtt_garden.derive()

    assert shown(mqtt_garden, tank) == ("1.8", "good")
