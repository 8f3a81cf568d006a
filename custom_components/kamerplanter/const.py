"""Names that the modules of the integration agree on."""

from enum import StrEnum
from typing import Final

DOMAIN: Final = "kamerplanter"

ENTRY_VERSION: Final = 2
"""Version 1 belongs to an older, foreign integration of the same domain; it is refused."""

FOLDER: Final = "kamerplanter"
"""Below the configuration directory: one folder for each store."""
STORE_FILE: Final = "garden.db"
MARKER_FILE: Final = "garden.json"
QUEUE_FILE: Final = "queue.db"
"""Commands that wait for a server."""
SNAPSHOT_FILE: Final = "last_seen.json"
"""What a server showed last."""

CONF_MODE: Final = "mode"
CONF_STORE_ID: Final = "store_id"
CONF_NAME: Final = "name"
CONF_READINGS: Final = "readings"
CONF_BROKER: Final = "broker"
CONF_HOST: Final = "host"
CONF_PORT: Final = "port"
CONF_USERNAME: Final = "username"
CONF_PASSWORD: Final = "password"  # noqa: S105 - the name of a field
CONF_TLS: Final = "tls"
CONF_VERIFY: Final = "verify_certificate"
CONF_CA: Final = "ca_certificate"
CONF_PROTOCOL: Final = "protocol"
CONF_CLIENT_CERTIFICATE: Final = "client_certificate"
CONF_CLIENT_KEY: Final = "client_key"
CONF_CLIENT_KEY_PASSWORD: Final = "client_key_password"  # noqa: S105 - the name of a field

CONF_KEY: Final = "key"
CONF_PROBE_KEY: Final = "probe_key"
CONF_BINDINGS: Final = "bindings"
CONF_CHANNELS: Final = "channels"
CONF_AVAILABILITY: Final = "availability"

CONF_URL: Final = "url"
CONF_VERIFY_SSL: Final = "verify_ssl"
CONF_API_KEY: Final = "api_key"
CONF_SLUG: Final = "slug"
CONF_INSTANCE_ID: Final = "instance_id"
"""Identity of a server, whatever its address is."""
CONF_GARDEN_KEY: Final = "garden_key"
"""Identity of a garden on it: its name may be given to another one when it is deleted."""

CONF_ENTRY_ID: Final = "entry_id"
CONF_KIND: Final = "kind"
CONF_UNIT: Final = "unit"
CONF_COMMAND_KEY: Final = "command_key"

MODE_EMBEDDED: Final = "embedded"
MODE_SERVER: Final = "server"

CONF_REAUTH: Final = "reauth"
REAUTH_BROKER: Final = "broker"
"""Says that the login at the broker was refused, and not the one at the server."""

SUBENTRY_LOCATION: Final = "location"
SUBENTRY_TANK: Final = "tank"
SUBENTRY_PLANT: Final = "plant"
SUBENTRY_PROBE: Final = "probe"


class ReadingsSource(StrEnum):
    """How messages of devices reach the garden."""

    MQTT = "mqtt"
    """Through the MQTT integration of Home Assistant."""
    BROKER = "broker"
    """Through a connection of its own to a broker."""
    NONE = "none"
    """Not at all; sensors of Home Assistant can still be bound."""
