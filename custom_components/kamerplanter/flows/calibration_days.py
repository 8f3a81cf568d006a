"""The step that sets how long the calibrations of a probe last."""

from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import UnitOfTime

from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_engines.models.telemetry import Probe

from ..schema import vol  # noqa: TID252 - the neighbours import alike
from .base import FormError, GardenSubentryFlow
from .forms import number

SHORTEST_D, LONGEST_D = 1, 60
"""As for a probe."""
_SCHEMA = vol.Schema(
    {
        vol.Required(field): number(field, SHORTEST_D, LONGEST_D, unit=UnitOfTime.DAYS)
        for field in ("calibration_due_d", "calibration_stop_d")
    }
)


class CalibrationDays(GardenSubentryFlow):
    """Asks after how many days a calibration is due, and after how many nothing is dosed by it."""

    _days_of: Probe | None = None
    """The probe that is meant, once that is known."""

    async def async_step_calibration_days(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show both numbers, and store them."""
        probe = self._days_of
        assert probe is not None  # noqa: S101 - set before this step
        if user_input is not None:
            try:
                await self._store_days(probe.key, user_input)
            except FormError as error:
                self.note(error, _SCHEMA.schema)
            else:
                return self.async_abort(
                    reason="calibration_days_stored",
                    description_placeholders={
                        "due": f"{user_input['calibration_due_d']:g}",
                        "stop": f"{user_input['calibration_stop_d']:g}",
                    },
                )
        errors, placeholders = self.take_errors()
        known = probe.model_dump(include={"calibration_due_d", "calibration_stop_d"})
        return self.async_show_form(
            step_id="calibration_days",
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, user_input or known),
            errors=errors,
            description_placeholders=placeholders | {"name": probe.name},
        )

    async def _store_days(self, key: str, days: dict[str, Any]) -> None:
        """Store both numbers at once, so that none of them is checked against the old other one.

        Raises:
            FormError: The second is before the first, or the garden refuses.
        """
        if days["calibration_stop_d"] < days["calibration_due_d"]:
            raise FormError("stop_before_due", field="calibration_stop_d")
        await self.ask(UpdateProbe(key=key, patch=dict(days)))
        await self.entry.runtime_data.coordinator.async_refresh()
