"""What devices send below a topic that their owner chose, and what is beside the usual values."""

import pytest

from kamerplanter_engines.models.telemetry import AIR_KINDS, TANK_KINDS
from tests.backend.telemetry.profile_cases import AIR_PROBE, TANK_PROBE, Case

BASES = [
    Case(
        profile="esphome",  # topic_prefix: garden/hydro
        kinds=TANK_PROBE,
        sent=[
            ("garden/hydro/sensor/tank_ph/state", "5.9"),
            ("garden/hydro/sensor/tank_ec/state", "1.85"),
            ("garden/hydro/sensor/esp_chip_temperature/state", "48.1"),
            ("garden/hydro/sensor/wifi_signal/state", "-67"),
            ("garden/hydro/status", "online"),
        ],
        expected={"ph": 5.9, "ec": 1.85, "signal": -67},
        availability="garden/hydro/status",
        name="garden/hydro",
    ),
    Case(
        profile="esphome",
        kinds=TANK_KINDS,
        sent=[("site/house2/tent/hydro/sensor/ph/state", "6.1")],
        expected={"ph": 6.1},
        availability="site/house2/tent/hydro/status",
    ),
    Case(
        profile="state_topics",  # copies of states, which have no last will
        kinds=TANK_KINDS,
        sent=[("home/statestream/sensor/tank_ph/state", "5.9")],
        expected={"ph": 5.9},
        name="home/statestream",
    ),
    Case(
        profile="shelly_gen2",
        kinds=TANK_KINDS,
        sent=[
            ("garden/shelly1/status/temperature:100", {"id": 100, "tC": 21.3, "tF": 70.3}),
            ("garden/shelly1/online", "true"),
        ],
        expected={"water_temperature": 21.3},
        availability="garden/shelly1/online",
        name="garden/shelly1",
    ),
    Case(
        profile="shelly_gen2_input",
        kinds=TANK_KINDS,
        sent=[("garden/tank/shelly1/status/input:102", {"id": 102, "percent": 54.0})],
        expected={"level": 54},
        availability="garden/tank/shelly1/online",
        name="garden/tank/shelly1",
    ),
    Case(
        profile="shelly_rpc",
        kinds=TANK_KINDS,
        sent=[
            (
                "garden/shelly1/events/rpc",
                {
                    "src": "shellyplus1-a1",
                    "dst": "garden/shelly1/events",
                    "method": "NotifyStatus",
                    "params": {"ts": 1777889632.0, "temperature:100": {"id": 100, "tC": 21.3}},
                },
            ),
        ],
        expected={"water_temperature": 21.3},
        availability="garden/shelly1/online",
        name="garden/shelly1",
        time_path="params.ts",
    ),
    Case(
        profile="shelly_gen1",
        kinds=TANK_KINDS,
        sent=[("shellies/garden/tank/ext_temperature/0", "19.94")],
        expected={"water_temperature": 19.94},
        availability="shellies/garden/tank/online",
        name="shellies/garden/tank",
    ),
    Case(
        profile="shelly_gen1_ht",  # sleeps, so it has no last will that counts
        kinds=AIR_PROBE,
        sent=[
            ("shellies/garden/tent/sensor/temperature", "21.5"),
            ("shellies/garden/tent/sensor/battery", "88"),
        ],
        expected={"air_temperature": 21.5, "battery": 88},
        name="shellies/garden/tent",
    ),
    Case(
        profile="openmqttgateway",
        sent=[
            ("garden/home/OMG/BTtoMQTT/C47C8D000001", {"id": "C4:7C:8D:00:00:01", "moi": 17}),
            ("garden/home/OMG/LWT", "online"),
        ],
        expected={"soil_moisture": 17},
        availability="garden/home/OMG/LWT",
        name="garden/home/OMG/BTtoMQTT/C47C8D000001",
    ),
    Case(
        profile="openmqttgateway",  # a base that is empty
        sent=[("OMG/BTtoMQTT/C47C8D000001", {"id": "C4:7C:8D:00:00:01", "moi": 17})],
        expected={"soil_moisture": 17},
        availability="OMG/LWT",
    ),
    Case(
        profile="rtl_433_devices",
        sent=[
            ("garden/rtl_433/attic/devices/Fineoffset-WH51/0d0001/moisture", "44"),
            ("garden/rtl_433/attic/devices/Fineoffset-WH51/0d0001/battery_ok", "0.889"),
            ("garden/rtl_433/attic/availability", "online"),
        ],
        expected={"soil_moisture": 44, "battery": 88.9},
        availability="garden/rtl_433/attic/availability",
        name="garden/rtl_433/attic/devices/Fineoffset-WH51/0d0001",
    ),
    Case(
        profile="rtl_433_events",
        sent=[
            (
                "radio/attic/events",
                {"model": "Fineoffset-WH51", "id": "0d0001", "battery_ok": 0.889, "moisture": 44},
            ),
            ("radio/attic/availability", "online"),
        ],
        expected={"soil_moisture": 44, "battery": 88.9},
        availability="radio/attic/availability",
        name="radio/attic · Fineoffset-WH51 0d0001",
    ),
    Case(
        profile="tasmota",  # FullTopic: garden/%topic%/%prefix%/
        kinds=TANK_KINDS,
        sent=[
            ("garden/hydro1/tele/SENSOR", b'{"DS18B20":{"Temperature":70.2},"TempUnit":"F"}'),
            ("garden/hydro1/tele/LWT", "Online"),
        ],
        expected={"water_temperature": pytest.approx(21.2222, abs=1e-3)},
        availability="garden/hydro1/tele/LWT",
        name="garden/hydro1/tele",
    ),
    Case(
        profile="tasmota",
        kinds=TANK_KINDS,
        sent=[("garden/tele/hydro1/SENSOR", b'{"EZO":{"EC":1413.00},"TempUnit":"C"}')],
        expected={"ec": 1.413},
        availability="garden/tele/hydro1/LWT",
        name="garden/tele/hydro1",
    ),
    Case(
        profile="zigbee2mqtt",  # the quality of the link is left out
        sent=[
            ("house/zigbee2mqtt-garage/bed1", {"battery": 88, "soil_moisture": 31}),
            ("house/zigbee2mqtt-garage/bed1/availability", "online"),
        ],
        expected={"soil_moisture": 31, "battery": 88},
        availability="house/zigbee2mqtt-garage/bed1/availability",
        name="house/zigbee2mqtt-garage/bed1",
    ),
    Case(
        profile="zigbee2mqtt_base",
        sent=[
            (
                "house/zigbee/Garden/bed1",
                (
                    b'{"battery":88,"soil_moisture":31,"temperature":18.2,"linkquality":91,'
                    b'"last_seen":"2026-05-04T08:14:00.000Z"}'
                ),
            ),
            ("house/zigbee/Garden/bed1/availability", '{"state":"online"}'),
        ],
        expected={"soil_moisture": 31, "soil_temperature": 18.2, "battery": 88},
        availability="house/zigbee/Garden/bed1/availability",
        name="house/zigbee/Garden/bed1",
        time_path="last_seen",
    ),
]
"""Devices whose topics begin with levels of their owner."""

SIZES = [
    Case(
        profile="atlas_bridge",
        kinds=TANK_KINDS,
        sent=[("home/atlas/ec", "1.41"), ("home/atlas/ph", "5.94")],
        expected={"ec": 1.41, "ph": 5.94},
        name="home/atlas",
    ),
    Case(
        profile="atlas_bridge",
        kinds=TANK_KINDS,
        sent=[("home/atlas/conductivity", "0.00"), ("home/atlas/conductivity", "1413.00")],
        expected={"ec": 1.413},
    ),
]
"""A bridge that converts, and one that hands on what the circuit says."""

CHANNELS = [
    Case(
        profile="shelly_gen2",
        kinds=AIR_PROBE,
        sent=[
            ("shellyplusht-c9e7/status/temperature:0", {"id": 0, "tC": 19.8, "tF": 67.6}),
            (
                "shellyplusht-c9e7/status/devicepower:0",
                {
                    "id": 0,
                    "battery": {"V": 5.86, "percent": 87},
                    "external": {"present": False},
                },
            ),
        ],
        expected={"air_temperature": 19.8, "battery": 87},
        availability="shellyplusht-c9e7/online",
        name="shellyplusht-c9e7",
    ),
    Case(
        profile="shelly_rpc",
        kinds=AIR_PROBE,
        sent=[
            (
                "shellyplusht-c9e7/events/rpc",
                {
                    "src": "shellyplusht-c9e7",
                    "dst": "shellyplusht-c9e7/events",
                    "method": "NotifyFullStatus",
                    "params": {
                        "ts": 1777889632.0,
                        "devicepower:0": {
                            "id": 0,
                            "battery": {"V": 5.86, "percent": 87},
                            "external": {"present": False},
                        },
                        "humidity:0": {"id": 0, "rh": 42.2},
                        "temperature:0": {"id": 0, "tC": 19.8, "tF": 67.6},
                    },
                },
            )
        ],
        expected={"air_temperature": 19.8, "air_humidity": 42.2, "battery": 87},
        availability="shellyplusht-c9e7/online",
        time_path="params.ts",
    ),
    Case(
        profile="shelly_gen1",
        kinds=AIR_PROBE,
        sent=[
            ("shellies/shelly1-b2/ext_temperature/0", "22.4"),
            ("shellies/shelly1-b2/ext_temperature_f/0", "72.3"),
            ("shellies/shelly1-b2/ext_humidity/0", "48.5"),
            ("shellies/shelly1-b2/ext_switch/0", "0"),
        ],
        expected={"air_temperature": 22.4, "air_humidity": 48.5},
        availability="shellies/shelly1-b2/online",
        name="shellies/shelly1-b2",
    ),
    Case(
        profile="tasmota",  # SetOption64: an underline before the index
        kinds=TANK_PROBE,
        sent=[
            (
                "tele/hydro3/SENSOR",
                (
                    b'{"Time":"2026-05-04T10:15:00","DS18B20_1":{"Id":"01191ED79190",'
                    b'"Temperature":70.2},"DS18B20_2":{"Id":"01191ED79191","Temperature":70.5},'
                    b'"EZO_1":{"pH":5.94},"EZO_2":{"EC":1413.00},"TempUnit":"F"}'
                ),
            )
        ],
        expected={
            "ph": 5.94,
            "ec": 1.413,
            "water_temperature": pytest.approx(21.2222, abs=1e-3),
        },
        availability="tele/hydro3/LWT",
        name="tele/hydro3",
    ),
    Case(
        profile="ecowitt",  # a gateway alone: what it measures itself
        kinds=AIR_PROBE,
        sent=[
            (
                "ecowitt/gw1100",
                (
                    b'{"stationtype":"GW1100A_V2.1.4","tempinf":"70.3","humidityin":"48",'
                    b'"baromrelin":"29.920","freq":"868M"}'
                ),
            )
        ],
        expected={"air_temperature": pytest.approx(21.2778, abs=1e-3), "air_humidity": 48},
        name="ecowitt/gw1100 · in",
    ),
    Case(
        profile="ecowitt",  # ecowitt2mqtt as it comes: other names, still °F
        kinds=AIR_KINDS,
        sent=[("ecowitt2mqtt/attic", {"tempin": 70.3, "humidityin": 48, "baromrel": 29.92})],
        expected={"air_temperature": pytest.approx(21.2778, abs=1e-3), "air_humidity": 48},
    ),
    Case(
        profile="ecowitt",  # ecowitt2mqtt, told to be metric
        kinds=AIR_KINDS,
        sent=[("ecowitt2mqtt/shed", {"tempin": 21.3, "humidityin": 48, "baromrel": 1013.2})],
        expected={"air_temperature": 21.3, "air_humidity": 48},
    ),
    *(
        Case(
            profile="sensecap",
            kinds=AIR_PROBE,
            sent=[
                (
                    f"/device_sensor_data/521/2CF7F1C043400021/1/vs/{number}",
                    {"value": value, "timestamp": "1777889632000"},
                )
                for number, value in ((light, "412"), ("4136", "23.4"), ("4099", "20100"))
            ],
            expected={"ppfd": 412, "leaf_temperature": 23.4},
            time_path="timestamp",
        )
        for light in ("4107", "4129")
    ),
]
"""Values of kinds that not every garden asks for."""

MORE_CASES = [*BASES, *SIZES, *CHANNELS]
