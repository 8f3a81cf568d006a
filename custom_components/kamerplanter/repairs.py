"""Repairs that ask a person: about refused commands, units that do not fit, and calibrations."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from kamerplanter_backend.common.exceptions import CommandExpiredError
from kamerplanter_engines.models.telemetry import ChannelKind

from .const import CONF_COMMAND_KEY, CONF_ENTRY_ID, CONF_KIND, CONF_PROBE_KEY, CONF_UNIT
from .coordinator import KamerplanterConfigEntry
from .flows.calibration_repair import CalibrationFlow
from .unit_repair import UnitFlow


class RefusedCommandFlow(RepairsFlow):
    """Sends a refused command again, or forgets it."""

    def __init__(self, entry_id: str, command_key: str) -> None:
        self._entry_id = entry_id
        self._command_key = command_key

    async def async_step_init(self, _user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Say what was refused and why, and ask."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["send_again", "forget"],
            description_placeholders=self._placeholders(),
        )

    async def async_step_send_again(
        self, _user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Put the command to the end of the queue."""
        if (entry := self._entry()) is None:
            return self.async_abort(reason="entry_not_loaded")
        for key in self._alike(entry):
            try:
                await entry.runtime_data.server.queue.send_again(key)
            except CommandExpiredError:
                return self.async_abort(reason="too_old_to_send")
        return self.async_create_entry(data={})

    async def async_step_forget(
        self, _user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Take the command off the list; a treatment does not close the gate any more."""
        if (entry := self._entry()) is None:
            return self.async_abort(reason="entry_not_loaded")
        for key in self._alike(entry):
            await entry.runtime_data.server.queue.forget_refused(key)
        return self.async_create_entry(data={})

    def _entry(self) -> KamerplanterConfigEntry | None:
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return entry

    def _alike(self, entry: KamerplanterConfigEntry) -> list[str]:
        """Return the keys of all that is answered with it: readings, of which one stands for all.

        What was refused since it was asked about is among them, or is not there any more.
        """
        refused = [item.command for item in entry.runtime_data.server.queue.state.refused]
        readings = [item.command_key for item in refused if item.is_readings]
        return readings if self._command_key in readings else [self._command_key]

    def _placeholders(self) -> dict[str, str]:
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return {} if issue is None else dict(issue.translation_placeholders or {})


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the dialog of an issue."""
    told = data or {}
    if CONF_PROBE_KEY in told and CONF_KIND not in told:
        return CalibrationFlow(str(told[CONF_ENTRY_ID]), str(told[CONF_PROBE_KEY]))
    if CONF_KIND in told:
        return UnitFlow(
            str(told[CONF_ENTRY_ID]),
            str(told[CONF_PROBE_KEY]),
            ChannelKind(str(told[CONF_KIND])),
            str(told[CONF_UNIT]) or None,
        )
    return RefusedCommandFlow(str(told.get(CONF_ENTRY_ID)), str(told.get(CONF_COMMAND_KEY)))
