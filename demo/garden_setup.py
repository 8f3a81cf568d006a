"""Makes the demo garden through the same config flows that a person clicks through."""

from demo.api import Api
from demo.broker import MQTT_VERSION, BrokerKind
from demo.config_flows import create_entry


async def add_mqtt(api: Api, kind: BrokerKind, port: int) -> str:
    """Connect Home Assistant's own MQTT to the broker of the demo."""
    settings = {
        "broker": "127.0.0.1",
        "port": port,
        "protocol": MQTT_VERSION[kind],
        "other_settings": {"set_client_cert": False, "set_ca_cert": "off"},
    }
    return await create_entry(api, "mqtt", [("broker", settings)])
