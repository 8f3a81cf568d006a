"""What devices of each profile send: as it is documented, or as it was seen in the field."""

from dataclasses import dataclass
from typing import Any

import pytest

from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    DEVICE_KINDS,
    SOIL_KINDS,
    TANK_KINDS,
    ChannelKind,
)

type Messages = list[tuple[str, object]]

SOIL_PROBE = SOIL_KINDS + DEVICE_KINDS
TANK_PROBE = TANK_KINDS + DEVICE_KINDS
AIR_PROBE = AIR_KINDS + DEVICE_KINDS


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a device sends, and what has to come of it."""

    profile: str
    sent: Messages
    expected: dict[str, Any]  # numbers, or what is approximately one
    """Good readings by kind, canonical."""
    kinds: tuple[ChannelKind, ...] = SOIL_PROBE
    availability: str | None = None
    name: str | None = None
    time_path: str | None = None


CASES = [
    Case(
        profile="shelly_gen1_ht",
        kinds=AIR_PROBE,
        sent=[
            ("shellies/shellyht-1a2b3c/sensor/temperature", "21.5"),
            ("shellies/shellyht-1a2b3c/sensor/humidity", "54.5"),
            ("shellies/shellyht-1a2b3c/sensor/battery", "88"),
            ("shellies/shellyht-1a2b3c/sensor/act_reasons", '["sensor"]'),
        ],
        expected={"air_temperature": 21.5, "air_humidity": 54.5, "battery": 88},
        name="shellies/shellyht-1a2b3c",
    ),
    Case(
        profile="shelly_gen2",  # an H&T: both on topics of their own, of one device
        kinds=AIR_PROBE,
        sent=[
            ("shellyplusht-b8d6/status/temperature:0", {"id": 0, "tC": 19.8, "tF": 67.6}),
            ("shellyplusht-b8d6/status/humidity:0", {"id": 0, "rh": 42.2}),
        ],
        expected={"air_temperature": 19.8, "air_humidity": 42.2},
        availability="shellyplusht-b8d6/online",
        name="shellyplusht-b8d6",
    ),
    Case(
        profile="tasmota",  # F-07
        kinds=AIR_PROBE,
        sent=[
            (
                "tele/tent/SENSOR",
                (
                    b'{"Time":1777889632,"SI7021":{"Temperature":70.2,"Humidity":54.2,'
                    b'"DewPoint":52.8},"TempUnit":"F"}'
                ),
            )
        ],
        expected={"air_temperature": pytest.approx(21.2222, abs=1e-3), "air_humidity": 54.2},
        availability="tele/tent/LWT",
    ),
    Case(
        profile="zigbee2mqtt",
        kinds=AIR_PROBE,
        sent=[
            (
                "zigbee2mqtt/Tent",
                {
                    "temperature": 22.4,
                    "humidity": 61.3,
                    "illuminance": 8120,
                    "battery": 91,
                    "linkquality": 87,
                    "max_humidity_alarm": 70,
                },
            )
        ],
        expected={"air_temperature": 22.4, "air_humidity": 61.3, "battery": 91},
    ),
    Case(
        profile="rtl_433_devices",
        kinds=AIR_PROBE,
        sent=[
            ("rtl_433/pi/devices/Bresser-3CH/1/90/temperature_F", "71.6"),
            ("rtl_433/pi/devices/Bresser-3CH/1/90/humidity", "48"),
        ],
        expected={"air_temperature": pytest.approx(22), "air_humidity": 48},
    ),
    Case(
        profile="openmqttgateway",
        kinds=AIR_PROBE,
        sent=[
            (
                "home/gw/BTtoMQTT/A4C138000001",
                {"id": "A4:C1:38:00:00:01", "tempc": 21.4, "tempf": 70.5, "hum": 52.9, "batt": 77},
            )
        ],
        expected={"air_temperature": 21.4, "air_humidity": 52.9, "battery": 77},
        availability="home/gw/LWT",
    ),
    Case(
        profile="sensecap",
        kinds=AIR_PROBE,
        sent=[
            (
                f"/device_sensor_data/521/2CF7F1C04340000B/1/vs/{number}",
                {"value": value, "timestamp": "1777889632000"},
            )
            for number, value in (("4097", 23.1), ("4098", 66.2), ("4099", 20100))
        ],
        expected={"air_temperature": 23.1, "air_humidity": 66.2},
        time_path="timestamp",
    ),
    Case(
        profile="esphome",
        kinds=AIR_PROBE,
        sent=[
            ("tent-esp/sensor/tent_air_temperature/state", "24.1"),
            ("tent-esp/sensor/tent_humidity/state", "63.2"),
            ("tent-esp/sensor/leaf_temperature/state", "22.9"),
            ("tent-esp/sensor/ppfd_canopy/state", "640"),
            ("tent-esp/sensor/tent_illuminance/state", "31000"),
            ("tent-esp/sensor/dew_point_temperature/state", "16.6"),
        ],
        expected={
            "air_temperature": 24.1,
            "air_humidity": 63.2,
            "leaf_temperature": 22.9,
            "ppfd": 640,
        },
        availability="tent-esp/status",
    ),
    Case(
        profile="generic_json",
        kinds=AIR_PROBE,
        sent=[
            ("tent/air", {"TempC_SHT": 20.31, "Hum_SHT": 55.1, "lux": 4100, "abs_humidity": 9.7}),
        ],
        expected={"air_temperature": 20.31, "air_humidity": 55.1},
    ),
    Case(
        profile="esphome",
        kinds=TANK_PROBE,
        sent=[
            ("hydro-esp/sensor/tank_ec/state", "1.85"),
            ("hydro-esp/sensor/tank_ph/state", "6.04"),
            ("hydro-esp/sensor/water_temperature/state", "20.9"),
            ("hydro-esp/sensor/tank_level/state", "80"),
            ("hydro-esp/sensor/esp_chip_temperature/state", "48.1"),
            ("hydro-esp/sensor/hydro-esp_wifi_signal/state", "-67"),
            ("hydro-esp/sensor/wifi_signal_percent/state", "66"),
            ("hydro-esp/sensor/battery_level/state", "81"),
            ("hydro-esp/sensor/battery_voltage/state", "3.9"),
            ("hydro-esp/status", "online"),
        ],
        expected={
            "ec": 1.85,
            "ph": 6.04,
            "water_temperature": 20.9,
            "level": 80,
            "battery": 81,
            "signal": -67,
        },
        availability="hydro-esp/status",
        name="hydro-esp",
    ),
    Case(
        profile="esphome",  # an Atlas EZO circuit on an ESP, in its own unit
        kinds=TANK_PROBE,
        sent=[("tank-esp/sensor/ezo_ec/state", "1413"), ("tank-esp/sensor/ezo_ph/state", "5.94")],
        expected={"ec": 1.413, "ph": 5.94},
        availability="tank-esp/status",
    ),
    Case(
        profile="tasmota",
        kinds=TANK_PROBE,
        sent=[
            (
                "tele/hydro1/SENSOR",
                (
                    b'{"Time":"2026-05-04T10:15:00","EZO-1":{"pH":5.94},"EZO-2":{"EC":1413.00},'
                    b'"EZO-3":{"Temperature":21.4},"TempUnit":"C"}'
                ),
            ),
            ("tele/hydro1/LWT", "Online"),
        ],
        expected={"ec": 1.413, "ph": 5.94, "water_temperature": 21.4},
        availability="tele/hydro1/LWT",
        name="tele/hydro1",
    ),
    Case(
        profile="tasmota",  # the message itself says that it is in °F
        kinds=TANK_PROBE,
        sent=[
            (
                "tele/garden/box/SENSOR",
                {"Time": 1777889632, "DS18B20": {"Temperature": 70.2}, "TempUnit": "F"},
            )
        ],
        expected={"water_temperature": pytest.approx(21.2222, abs=1e-3)},
        availability="tele/garden/box/LWT",
    ),
    Case(
        profile="tasmota",  # circuits for redox potential and oxygen beside the pH
        kinds=TANK_PROBE,
        sent=[
            (
                "tele/hydro2/SENSOR",
                (
                    b'{"Time":"2026-05-04T10:15:00","EZO-1":{"pH":5.94},"EZO-2":{"ORP":241.3},'
                    b'"EZO-3":{"DO":7.82},"TempUnit":"C"}'
                ),
            )
        ],
        expected={"ph": 5.94, "orp": 241.3, "dissolved_oxygen": 7.82},
        availability="tele/hydro2/LWT",
    ),
    Case(
        profile="tasmota",
        sent=[
            (
                "tele/ble/SENSOR",
                {
                    "Flora-6ab577": {
                        "Temperature": 22.1,
                        "Moisture": 31,
                        "Fertility": 318,
                        "Battery": 63,
                        "RSSI": -80,
                    },
                    "TempUnit": "C",
                },
            )
        ],
        expected={
            "soil_moisture": 31,
            "soil_temperature": 22.1,
            "soil_ec": 0.318,
            "battery": 63,
            "signal": -80,
        },
        availability="tele/ble/LWT",
        name="tele/ble · Flora-6ab577",
    ),
    Case(
        profile="tasmota_ble",
        sent=[
            (
                "tele/gateway/SENSOR",
                (
                    b'{"Time":"2026-03-29T19:20:12","alias":"Flora1","mac":"c47c8d000001",'
                    b'"Temperature":24.4,"Illuminance":353,"Moisture":22,"Fertility":210,"RSSI":-91,'
                    b'"TempUnit":"C"}'
                ),
            )
        ],
        expected={
            "soil_moisture": 22,
            "soil_temperature": 24.4,
            "soil_ec": 0.21,
            "signal": -91,
        },
        availability="tele/gateway/LWT",
        name="tele/gateway · c47c8d000001",
    ),
    Case(
        profile="zigbee2mqtt",
        sent=[
            (
                "zigbee2mqtt/Garden/bed1",
                (
                    b'{"battery":8,"battery_state":"low","soil_moisture":10,"temperature":26.8,'
                    b'"temperature_unit":"fahrenheit","last_seen":"2026-05-04T08:14:00.000Z"}'
                ),
            ),
            ("zigbee2mqtt/Garden/bed1/availability", '{"state":"online"}'),
        ],
        expected={"soil_moisture": 10, "soil_temperature": 26.8, "battery": 8},
        availability="zigbee2mqtt/Garden/bed1/availability",
        name="zigbee2mqtt/Garden/bed1",
        time_path="last_seen",
    ),
    Case(
        profile="zigbee2mqtt",
        kinds=TANK_PROBE,
        sent=[
            (
                "zigbee2mqtt/tester",
                (
                    b'{"battery":90,"ec":3486,"ec_max":20000,"ec_min":0,"orp":258,"orp_max":-1,'
                    b'"ph":6.5,"ph_max":8.9,"ph_min":0,"salinity":0,"tds":1743,"temperature":28.9}'
                ),
            )
        ],
        expected={"ec": 3.486, "ph": 6.5, "water_temperature": 28.9, "orp": 258, "battery": 90},
    ),
    Case(
        profile="shelly_gen1",
        kinds=TANK_PROBE,
        sent=[
            ("shellies/shelly1-a1/ext_temperature/0", "19.94"),
            ("shellies/shelly1-a1/ext_temperature_f/0", "67.89"),
            ("shellies/shelly1-a1/online", "true"),
        ],
        expected={"water_temperature": 19.94},
        availability="shellies/shelly1-a1/online",
    ),
    Case(
        profile="shelly_gen2",
        kinds=TANK_PROBE,
        sent=[
            ("shellyplus1-a1/status/temperature:100", {"id": 100, "tC": 21.3, "tF": 70.3}),
            ("shellyplus1-a1/online", "true"),
        ],
        expected={"water_temperature": 21.3},
        availability="shellyplus1-a1/online",
        name="shellyplus1-a1",
    ),
    Case(
        profile="shelly_rpc",  # all that a device sends unless somebody changes its settings
        kinds=TANK_PROBE,
        sent=[
            (
                "shellyplus1-a1/events/rpc",
                {
                    "src": "shellyplus1-a1",
                    "dst": "shellyplus1-a1/events",
                    "method": "NotifyStatus",
                    "params": {"ts": 1777889632.0, "temperature:100": {"id": 100, "tC": 21.3}},
                },
            ),
            ("shellyplus1-a1/online", "true"),
        ],
        expected={"water_temperature": 21.3},
        availability="shellyplus1-a1/online",
        name="shellyplus1-a1",
        time_path="params.ts",
    ),
    Case(
        profile="state_topics",  # a cloud bridge; homeassistant/status is not its own
        kinds=TANK_PROBE,
        sent=[
            ("homeassistant/sensor/ec_4q3f/state", "1.5"),
            ("homeassistant/sensor/ph_4q3f/state", "5.8"),
            ("homeassistant/sensor/temp_4q3f/state", "27.0"),
            ("homeassistant/status", "online"),
        ],
        expected={"ec": 1.5, "ph": 5.8, "water_temperature": 27.0},
    ),
    Case(
        profile="tasmota",
        kinds=TANK_PROBE,
        sent=[
            (
                "tele/analog/SENSOR",
                {"ANALOG": {"pH1": 6.5, "A1": 512, "Temperature1": 21.2}, "TempUnit": "C"},
            )
        ],
        expected={"ph": 6.5, "water_temperature": 21.2},
        availability="tele/analog/LWT",
    ),
    Case(
        profile="shelly_gen2_input",
        kinds=TANK_PROBE,
        sent=[("shellyplus1-a1/status/input:102", {"id": 102, "percent": 54.0})],
        expected={"level": 54},
        availability="shellyplus1-a1/online",
    ),
    Case(
        profile="atlas_bridge",
        kinds=TANK_PROBE,
        sent=[
            ("sensors/hydroponics-kit/ph", "5.94"),
            ("sensors/hydroponics-kit/ec", "1413"),
            ("sensors/hydroponics-kit/temp", "21.35"),
            ("sensors/hydroponics-kit/orp", "312.5"),
            ("sensors/hydroponics-kit/do", "8.1"),
        ],
        expected={
            "ec": 1.413,
            "ph": 5.94,
            "water_temperature": 21.35,
            "orp": 312.5,
            "dissolved_oxygen": 8.1,
        },
        name="sensors/hydroponics-kit",
    ),
    Case(
        profile="openmqttgateway",
        sent=[
            (
                "home/OMG_BLE/BTtoMQTT/C47C8D000001",
                {"id": "C4:7C:8D:00:00:01", "name": "Flower care", "rssi": -75},
            ),
            ("home/OMG_BLE/BTtoMQTT/C47C8D000001", {"id": "C4:7C:8D:00:00:01", "fer": 395}),
            ("home/OMG_BLE/BTtoMQTT/C47C8D000001", {"id": "C4:7C:8D:00:00:01", "moi": 17}),
            (
                "home/OMG_BLE/BTtoMQTT/C47C8D000001",
                {"id": "C4:7C:8D:00:00:01", "tempc": 21.4, "tempf": 70.5},
            ),
        ],
        expected={"soil_moisture": 17, "soil_temperature": 21.4, "soil_ec": 0.395, "signal": -75},
        availability="home/OMG_BLE/LWT",
        name="home/OMG_BLE/BTtoMQTT/C47C8D000001",
    ),
    Case(
        profile="miflora_daemon",
        sent=[
            (
                "miflora/lemon",
                {
                    "light": 240,
                    "temperature": 21.0,
                    "moisture": 38,
                    "conductivity": 410,
                    "battery": 64,
                },
            )
        ],
        expected={"soil_moisture": 38, "soil_temperature": 21, "soil_ec": 0.41, "battery": 64},
        name="miflora/lemon",
    ),
    Case(
        profile="miflora_esp32",
        sent=[
            ("flora/11:22:33:44:55:66/moisture", "38"),
            ("flora/11:22:33:44:55:66/conductivity", "410"),
            ("flora/11:22:33:44:55:66/temperature", "21.0"),
            ("flora/11:22:33:44:55:66/light", "240"),
            ("flora/11:22:33:44:55:66/battery", "99"),
        ],
        expected={"soil_moisture": 38, "soil_temperature": 21, "soil_ec": 0.41, "battery": 99},
        name="flora/11:22:33:44:55:66",
    ),
    Case(
        profile="rtl_433_devices",
        sent=[
            ("rtl_433/attic/devices/Fineoffset-WH51/0d0001/moisture", "44"),
            ("rtl_433/attic/devices/Fineoffset-WH51/0d0001/ad_raw", "237"),
            ("rtl_433/attic/devices/Fineoffset-WH51/0d0001/battery_ok", "0.889"),
            ("rtl_433/attic/availability", "online"),
        ],
        expected={"soil_moisture": 44, "battery": 88.9},
        availability="rtl_433/attic/availability",
        name="rtl_433/attic/devices/Fineoffset-WH51/0d0001",
    ),
    Case(
        profile="rtl_433_events",
        sent=[
            (
                "rtl_433/attic/events",
                (
                    b'{"time":"2026-06-02 19:51:23.239424","model":"Fineoffset-WH51","id":"0d0001",'
                    b'"battery_ok":0.889,"battery_mV":1500,"moisture":44,"boost":0,"ad_raw":237,'
                    b'"mic":"CRC"}'
                ),
            )
        ],
        expected={"soil_moisture": 44, "battery": 88.9},
        name="rtl_433/attic · Fineoffset-WH51 0d0001",
    ),
    Case(
        profile="ecowitt",
        sent=[
            (
                "ecowitt2mqtt/home",
                (
                    b'{"soil_ec_hum1":"12","soil_ec_hum_ad1":"762","soil_ec_temp1":"82.04",'
                    b'"soil_ec1":"340","soil_ec_batt1":"1.66"}'
                ),
            )
        ],
        expected={
            "soil_moisture": 12,
            "soil_temperature": pytest.approx(27.8, abs=0.01),
            "soil_ec": 0.34,
        },
        name="ecowitt2mqtt/home · 1",
    ),
    Case(
        profile="sensecap",
        sent=[
            (
                f"/device_sensor_data/1/2CF7F10000000001/1/vs/{number}",
                {"value": value, "timestamp": "1777882440000"},
            )
            for number, value in (("4102", "18.5"), ("4103", "27.1"), ("4108", "1.42"))
        ],
        expected={"soil_temperature": 18.5, "soil_moisture": 27.1, "soil_ec": 1.42},
        name="/device_sensor_data/1/2CF7F10000000001",
        time_path="timestamp",
    ),
    Case(
        profile="sensecap",
        kinds=TANK_PROBE,
        sent=[
            (
                f"/device_sensor_data/1/2CF7F10000000002/1/vs/{number}",
                {"value": value, "timestamp": "1777882440000"},
            )
            for number, value in (
                ("4123", "1420"),
                ("4106", "6.1"),
                ("4124", "20.5"),
                ("4109", "7.9"),
            )
        ],
        expected={"ec": 1.42, "ph": 6.1, "water_temperature": 20.5, "dissolved_oxygen": 7.9},
        time_path="timestamp",
    ),
    # A probe with several depths: the uppermost is proposed, the others stand to choose.
    Case(
        profile="sensecap",
        sent=[
            (f"/device_sensor_data/1/2CF7F10000000003/1/vs/{number}", {"value": value})
            for number, value in (("4138", "31"), ("4141", "38"), ("4142", "17.5"))
        ],
        expected={"soil_moisture": 31, "soil_temperature": 17.5},
    ),
    Case(
        profile="ttn_v3",
        sent=[
            (
                "v3/farm@ttn/devices/bed1/up",
                (
                    '{"received_at":"2026-05-04T08:14:00.123Z","uplink_message":{"f_cnt":104,'
                    '"decoded_payload":{"Bat":"3.28 V","TempC_DS18B20":"0.00 °C",'
                    '"water_SOIL":"8.31 %","temp_SOIL":"18.12 °C","conduct_SOIL":"6300 uS/cm"},'
                    '"rx_metadata":[{"gateway_ids":{"gateway_id":"roof"},"rssi":-97,"snr":7.5}]}}'
                ),
            )
        ],
        expected={
            "soil_moisture": 8.31,
            "soil_temperature": 18.12,
            "soil_ec": 6.3,
            "signal": -97,
        },
        name="v3/farm@ttn/devices/bed1",
        time_path="received_at",
    ),
    Case(
        profile="chirpstack_v4",
        sent=[
            (
                "application/635fda7b-0428-495e-812f-027490bcaf9d/device/a840419edb62011c/event/up",
                {
                    "deduplicationId": "80166477-2482-43ab-a64e-088107a7c4fa",
                    "time": "2026-05-04T08:14:00.530852+00:00",
                    "deviceInfo": {"deviceName": "bed1", "devEui": "a840419edb62011c"},
                    "fCnt": 12,
                    "object": {
                        "BatV": 3.297,
                        "soil_moisture": 31.5,
                        "soil_temperature": 17.2,
                        "soil_ec": 640,
                    },
                    "rxInfo": [{"gatewayId": "dca632fffe52c445", "rssi": -61}],
                },
            )
        ],
        expected={
            "soil_moisture": 31.5,
            "soil_temperature": 17.2,
            "soil_ec": 0.64,
            "signal": -61,
        },
        time_path="time",
    ),
    Case(
        profile="rs485_tenths",
        sent=[("bed/gateway", {"Uid": "Test01", "Wa": 337, "Te": 280, "Us": 154, "Ph": 74})],
        expected={"soil_moisture": 33.7, "soil_temperature": 28.0, "soil_ec": 0.154},
        name="bed/gateway · Test01",
    ),
    Case(
        profile="generic_json",
        kinds=TANK_PROBE,
        sent=[
            ("tank/data", '{"ec":NaN,"ph":6.10,"temp":20.9,"orp_mV":301,"dissolved_oxygen":7.9}'),
            ("tank/data", {"ec": 1.85}),
        ],
        expected={
            "ec": 1.85,
            "ph": 6.1,
            "water_temperature": 20.9,
            "orp": 301,
            "dissolved_oxygen": 7.9,
        },
        name="tank/data",
    ),
    Case(
        profile="generic_json",
        kinds=TANK_PROBE,
        sent=[("watson/d1", {"d": {"mS": "1.85", "pH": "6.02", "C": "21.40"}})],
        expected={"ec": 1.85, "ph": 6.02, "water_temperature": 21.4},
    ),
    Case(
        profile="generic_number",
        kinds=TANK_PROBE,
        sent=[
            ("hydro/ec_uScm", "1413"),
            ("hydro/ph", "5.9"),
            ("hydro/temp_C", "20.1"),
            ("hydro/status", "Online"),
        ],
        expected={"ec": 1.413, "ph": 5.9, "water_temperature": 20.1},
        availability="hydro/status",
        name="hydro",
    ),
]
