"""The repair that leads through a calibration that is due."""

from typing import Any, override

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import AbortFlow

from kamerplanter_engines.models.calibration import Calibration

from ..coordinator import KamerplanterConfigEntry  # noqa: TID252 - the neighbours import alike
from .calibration_steps import CalibrationSteps


class CalibrationFlow(RepairsFlow, CalibrationSteps):
    """Calibrates a probe.

    Args:
        entry_id: The entry of the garden.
        probe_key: The probe.
    """

    wait_step = "progress"
    """The front end looks the header of a repair that waits up as `issues.step.<issue>.fix_flow.
    <step>.title`, where translations allow no steps. The progress of an issue named
    `step.<issue>` lies there, and has this header.
    """

    def __init__(self, entry_id: str, probe_key: str) -> None:
        self._entry_id = entry_id
        self._probe_key = probe_key

    @property
    @override
    def entry(self) -> KamerplanterConfigEntry:
        """The entry of the garden.

        Raises:
            AbortFlow: The garden is not loaded.
        """
        entry: KamerplanterConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("entry_not_loaded")
        return entry

    @property
    @override
    def calibrated_probe_key(self) -> str:
        return self._probe_key

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        result: RepairsFlowResult = await self.async_step_calibrate()
        return result

    async def async_step_progress(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Go on waiting until the probe has come to rest."""
        result: RepairsFlowResult = await self.async_step_calibration_steady(user_input)
        return result

    @override
    async def async_calibrated(self, calibration: Calibration) -> RepairsFlowResult:
        return self.async_create_entry(data={})
