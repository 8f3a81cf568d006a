"""What can be done with a probe that exists: change it, calibrate it, replace its device."""

from abc import abstractmethod
from typing import Any, NamedTuple, override

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import BooleanSelector, DateTimeSelector, TextSelector
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import ReplaceProbe, UpdateProbe
from kamerplanter_backend.telemetry.calibration_draft import calibratable
from kamerplanter_engines.models.base import Instant
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from ..schema import vol  # noqa: TID252 - the neighbours import alike
from .base import FormError
from .bindings import BindingSteps, patch_of
from .calibration_steps import CalibrationSteps
from .forms import text_of

_REPLACEMENT = vol.Schema(
    {
        vol.Optional("at"): DateTimeSelector(),
        vol.Optional("note"): TextSelector(),
        vol.Optional("other_source", default=False): BooleanSelector(),
    }
)


class _Swap(NamedTuple):
    """What is known of the new device."""

    at: Instant | None
    note: str | None


class ManageSteps(BindingSteps, CalibrationSteps):
    """Asks first what a person wants to do with something that has a probe."""

    _managed: tuple[str, Probe] | None = None
    _swap: _Swap | None = None
    """What is known of the new device; none = the device stays."""

    @abstractmethod
    async def async_step_change(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the form with what is known; each dialog has its own."""

    async def manage(self, name: str, probe: Probe | None) -> SubentryFlowResult:
        """Ask what to do; without a probe there is only the form."""
        if probe is None or not probe.channels:
            return await self.async_step_change()
        self._managed = (name, probe)
        return await self.async_step_manage()

    async def async_step_manage(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do."""
        assert self._managed is not None  # noqa: S101 - set before this step
        name, probe = self._managed
        can_calibrate = ["calibrate"] if calibratable(probe) else []
        return self.async_show_menu(
            step_id="manage",
            menu_options=["change", *can_calibrate, "replace"],
            description_placeholders={"name": name},
        )

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask since when there is another device, and whether it sends elsewhere."""
        if user_input is not None:
            swap = _Swap(_instant(user_input.get("at")), text_of(user_input, "note"))
            if user_input.get("other_source", False):
                self._swap = swap
                return await self.async_step_change()
            try:
                await self.ask(
                    ReplaceProbe(probe_key=self.calibrated_probe_key, at=swap.at, note=swap.note)
                )
            except FormError as error:
                self.note(error, _REPLACEMENT.schema)
            else:
                return self.async_abort(reason="probe_replaced")
        errors, placeholders = self.take_errors()
        return self.async_show_form(
            step_id="replace",
            data_schema=self.add_suggested_values_to_schema(_REPLACEMENT, user_input),
            errors=errors,
            description_placeholders=placeholders,
        )

    def change_request(self, key: str, fields: ProbeFields) -> UpdateProbe | ReplaceProbe:
        """Return what writes the changed probe, and that its device is another, in one go."""
        patch = patch_of(fields)
        if self._swap is None:
            return UpdateProbe(key=key, patch=patch)
        return ReplaceProbe(probe_key=key, patch=patch, at=self._swap.at, note=self._swap.note)

    @override
    async def async_calibrated(self, calibration: Calibration) -> SubentryFlowResult:
        names = await self.kind_names()
        return self.async_abort(
            reason="calibrated",
            description_placeholders={"measurement": names[calibration.kind]},
        )


def _instant(text: str | None) -> Instant | None:
    """Return the moment of a date-time field, which has no zone: it means that of the house."""
    moment = None if text is None else dt_util.parse_datetime(text)
    return None if moment is None else dt_util.as_utc(moment)
