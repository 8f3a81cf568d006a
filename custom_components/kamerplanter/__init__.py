"""Kamerplanter: a garden in Home Assistant."""

# Until the wheel stands in a public index, the release carries the two packages beside this file;
# an installed distribution wins, so that a server's environment and this one never mix versions.
from importlib.util import find_spec
from pathlib import Path
import sys

if find_spec("kamerplanter_backend") is None:
    sys.path.append(str(Path(__file__).with_name("lib")))

# ruff: noqa: E402 - the path has to be set first
from contextlib import suppress
import logging

from homeassistant.components.todo import DOMAIN as TODO_DOMAIN
from homeassistant.const import (
    EVENT_CORE_CONFIG_UPDATE,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
    Platform,
)
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.typing import ConfigType
from kamerplanter_backend.common.exceptions import CorruptStoreError, NewerSchemaError
from kamerplanter_engines.errors import KamerplanterError

from . import jobs
from .actions import async_register_actions
from .client_factory import Garden, async_open_garden, set_site
from .const import CONF_NAME, CONF_STORE_ID, DOMAIN, ENTRY_VERSION, STORE_FILE
from .coordinator import GardenCoordinator, KamerplanterConfigEntry, RuntimeData
from .device import Devices, async_find_subject
from .errors import translation_of
from .follow import Follower
from .platform_setup import EntityRoster
from .reconcile import Subjects
from .stores import store_folder
from .subjects import SubjectKind
from .telemetry import LiveReadings
from .telemetry.sources import message_source, time_scale

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.SENSOR, Platform.TODO)
