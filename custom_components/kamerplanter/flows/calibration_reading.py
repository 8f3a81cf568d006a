"""The step of a calibration that agrees on what the probe shows in a solution."""

from typing import Any, override

from homeassistant.const import UnitOfTemperature
from homeassistant.util.unit_conversion import TemperatureConverter

from kamerplanter_backend.telemetry.calibration.draft import Draft
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.calibration import CalibrationPoint
from kamerplanter_engines.models.steadiness import Steadiness
from kamerplanter_engines.models.telemetry import ChannelKind

from ..schema import vol  # noqa: TID252 - the neighbours import alike
from ..texts import Texts  # noqa: TID252
from .calibrated_channel import CalibratedChannel, StepResult
from .calibration_words import raw_unit, reference_unit, solution_help
from .forms import number

RAW_LIMIT = 1e9
TEMPERATURE_LOW_C, TEMPERATURE_HIGH_C = -5, 60
DIGITS = 4
_FORM_FIELDS = {"raw": "raw", "value": "solution", "temperature_c": "temperature"}


class CalibrationReading(CalibratedChannel):
    """Shows what was read, to be agreed with or changed."""

    @override
    async def async_step_calibration_reading(
        self, user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what was read, to be agreed with or changed."""
        draft = self._measured()
        self._is_in_solution()
        schema = self._reading_schema(draft)
        errors: dict[str, str] = {}
        refused = ""
        texts = await Texts.async_load(self.hass)
        if user_input is not None:
            try:
                draft.add(self._point(user_input))
            except InvalidInputError as error:
                refused = texts.error(error)
                if error.field == "points":
                    # A number alone does not put this right: it has to be measured again.
                    self._refused = refused
                    return await self.async_step_calibration_solution()
                errors = {_FORM_FIELDS.get(str(error.field), "base"): "calibration_refused"}
            else:
                if draft.is_complete:
                    return await self.async_step_calibration_summary()
                return await self.async_step_calibration_solution()
        seen = self._samples_of_solution()
        steady = draft.steadiness(seen)
        shown = user_input or self._suggested(draft, steady)
        return self.async_show_form(
            step_id="calibration_reading",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=await self._names()
            | {
                "live": self._live_text(texts, seen),
                "refused": refused,
                "solution_help": solution_help(texts, draft.kind),
            },
            last_step=False,
        )

    def _reading_schema(self, draft: Draft) -> vol.Schema:
        unit = raw_unit(draft.kind, draft.scale) or None
        fields: dict[Any, Any] = {
            vol.Required("raw"): number("raw", -RAW_LIMIT, RAW_LIMIT, unit=unit),
            vol.Required("solution"): number("reference", 0, unit=reference_unit(draft.kind)),
        }
        if draft.thermometer is not None:
            low, high = (self._degrees(item) for item in (TEMPERATURE_LOW_C, TEMPERATURE_HIGH_C))
            marker = vol.Required if draft.needs_temperature else vol.Optional
            fields[marker("temperature")] = number(
                "temperature_c", low, high, unit=self.hass.config.units.temperature_unit
            )
        return vol.Schema(fields)

    def _suggested(self, draft: Draft, steady: Steadiness) -> dict[str, float]:
        shown: dict[str, float] = {"solution": draft.solution}
        raw = steady.raw if self._mean is None else self._mean
        if raw is not None:
            shown["raw"] = round(raw, DIGITS)
        if draft.thermometer is not None:
            found = self._solution_c(draft.thermometer)
            if found is not None:
                shown["temperature"] = round(self._degrees(found), 1)
        return shown

    def _solution_c(self, thermometer: ChannelKind) -> float | None:
        """Return what the probe itself measures: no other one of the place hangs in the bottle.

        It is what was sent last, as what is shown is that of the tank. [°C]
        """
        live, key = self.entry.runtime_data.live, self.calibrated_probe_key
        sent = live.raw(key, thermometer)
        if sent is not None and TEMPERATURE_LOW_C <= sent <= TEMPERATURE_HIGH_C:
            return sent
        shown = live.shown(key, thermometer)
        return None if shown is None else shown.value

    def _degrees(self, celsius: float) -> float:
        return TemperatureConverter.convert(
            celsius, UnitOfTemperature.CELSIUS, self.hass.config.units.temperature_unit
        )

    def _point(self, user_input: dict[str, Any]) -> CalibrationPoint:
        temperature = user_input.get("temperature")
        if temperature is not None:
            temperature = TemperatureConverter.convert(
                temperature, self.hass.config.units.temperature_unit, UnitOfTemperature.CELSIUS
            )
        return CalibrationPoint(
            raw=user_input["raw"], value=user_input["solution"], temperature_c=temperature
        )
