"""Repair issues about probes that have to be calibrated, one for each probe.

Nobody is nagged who never calibrated here: there is an issue once a calibration is on record and
too old, or its device was replaced or its numbers are read in another way since, or it was
withdrawn and volts or counts are left, or a measurement by hand says that the probe has drifted.
"""

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_ENTRY_ID, CONF_PROBE_KEY, CONF_STORE_ID, DOMAIN
from .coordinator import KamerplanterConfigEntry

CALIBRATION_DUE = "calibration_due"


class CalibrationIssues:
    """Raises and ends the issues of one entry, from loading to unloading.

    Args:
        hass: Where it runs.
        entry: Whose probes it looks at; loaded.
    """

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._told: dict[str, str] = {}

    @callback
    def start(self) -> None:
        """Look at each snapshot until the entry is unloaded."""
        on_unload = self._entry.async_on_unload
        on_unload(self._take_all_back)
        on_unload(self._entry.runtime_data.coordinator.async_add_listener(self._look))
        on_unload(
            self._hass.bus.async_listen(
                ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, self._on_issue, self._is_ours_gone
            )
        )
        self._look()

    @callback
    def _look(self) -> None:
        coordinator = self._entry.runtime_data.coordinator
        if coordinator.is_stale:
            return  # a memory of the garden is no reason to ask for or to forget anything
        due = {
            view.probe.key: view.probe.name
            for view in coordinator.data.probes
            if view.should_be_calibrated
        }
        for key in self._told.keys() - due.keys():
            self._take_back(key)
        for key, name in due.items():
            if self._told.get(key) != name:
                self._tell(key, name)

    @callback
    def _is_ours_gone(self, data: ir.EventIssueRegistryUpdatedData) -> bool:
        return (
            data["domain"] == DOMAIN
            and data["action"] == "remove"
            and data["issue_id"] in {self._issue_id(key) for key in self._told}
        )

    @callback
    def _on_issue(self, event: Event[ir.EventIssueRegistryUpdatedData]) -> None:
        """Tell again what a dialog has ended for one channel while another one is due."""
        self._told = {
            key: name
            for key, name in self._told.items()
            if self._issue_id(key) != event.data["issue_id"]
        }
        self._look()

    def _tell(self, key: str, name: str) -> None:
        self._told[key] = name
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(key),
            data={CONF_ENTRY_ID: self._entry.entry_id, CONF_PROBE_KEY: key},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=CALIBRATION_DUE,
            translation_placeholders={"probe": name},
        )

    def _take_back(self, key: str) -> None:
        del self._told[key]
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(key))

    @callback
    def _take_all_back(self) -> None:
        for key in list(self._told):
            self._take_back(key)

    def _issue_id(self, key: str) -> str:
        return f"{CALIBRATION_DUE}_{self._entry.data[CONF_STORE_ID]}_{key}"
