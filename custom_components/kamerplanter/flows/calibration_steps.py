"""The steps of a calibration, the same in a repair and in the dialogs of tanks and probes."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.const import UnitOfTemperature
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow, FlowHandler
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import TemperatureConverter

from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.telemetry.calibrated import THERMOMETERS
from kamerplanter_backend.telemetry.calibration_draft import (
    METHODS,
    Draft,
    calibratable,
    most_urgent,
)
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind

from ..caller import OWNER  # noqa: TID252 - the neighbours import alike
from ..channel_tap import ChannelTap  # noqa: TID252
from ..client_factory import is_on_server  # noqa: TID252
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .calibration_words import (
    instruction,
    live,
    raw_unit,
    reference_unit,
    result_lines,
    status_lines,
)
from .forms import choice, labelled, number

LONGEST_WAIT = timedelta(minutes=5)
PAUSE_S = 1.0
"""A page that is shown anew more often than this cannot be read."""
SHOWN_FOR = timedelta(minutes=5)
"""What is older says nothing about the solution that the probe lies in."""
RAW_LIMIT = 1e9
TEMPERATURE_LOW_C, TEMPERATURE_HIGH_C = -5, 60
DIGITS = 4

type StepResult = Any
"""Each kind of dialog has a class of its own for what a step answers."""


class CalibrationSteps(FlowHandler[Any, Any, Any]):
    """Measures a channel in one solution after the other and stores what follows from it."""

    _draft: Draft | None = None
    _tap: ChannelTap | None = None
    _waits_since: datetime | None = None
    _waiting: asyncio.Task[None] | None = None
    _refused: str = ""
    """Why the last try failed, for the menu that is shown next."""

    @property
    @abstractmethod
    def entry(self) -> KamerplanterConfigEntry:
        """The entry of the garden, which is loaded."""

    @property
    @abstractmethod
    def calibrated_probe_key(self) -> str:
        """The probe."""

    @abstractmethod
    async def async_calibrated(self, calibration: Calibration) -> StepResult:
        """End the dialog after a calibration was stored."""

    @override
    @callback
    def async_remove(self) -> None:
        """Listen no more."""
        self._close_tap()

    async def async_step_calibrate(self, user_input: dict[str, Any] | None = None) -> StepResult:
        """Show how it stands with the channels, and ask which one."""
        if (view := self._view()) is None:
            return self.async_abort(reason="not_in_garden")
        bindings = {item.kind: item for item in calibratable(view.probe)}
        if not bindings:
            return self.async_abort(reason="nothing_to_calibrate")
        texts = await Texts.async_load(self.hass)
        if user_input is not None:
            return await self._begin(bindings[ChannelKind(user_input["channel"])])
        options = [(kind.value, texts.kind(kind)) for kind in bindings]
        statuses, drifted = (
            view.calibration_statuses,
            [item.kind for item in view.drifts if item.drifted],
        )
        chosen = vol.Required("channel", default=most_urgent(view.probe, statuses, drifted).value)
        return self.async_show_form(
            step_id="calibrate",
            data_schema=vol.Schema({chosen: labelled(options)}),
            description_placeholders={
                "probe": view.probe.name,
                "statuses": status_lines(texts, view),
            },
            last_step=False,
        )

    async def _begin(self, binding: ChannelBinding) -> StepResult:
        self._draft = Draft(binding, RawScale.VALUE, ())
        self._open_tap(binding)
        return await self.async_step_calibration_method()

    async def async_step_calibration_method(
        self, user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Ask for the solutions, and what the numbers of a pH probe are."""
        draft = self._measured()
        methods = METHODS[draft.kind]
        if user_input is None and len(methods) > 1:
            return self.async_show_form(
                step_id="calibration_method",
                data_schema=self._method_schema(draft.kind),
                description_placeholders=await self._names(),
                last_step=False,
            )
        told = user_input or {}
        solutions = methods[told.get("method", next(iter(methods)))]
        scale = RawScale(told.get("scale", RawScale.VALUE))
        self._draft = Draft(draft.binding, scale, solutions)
        return await self.async_step_calibration_solution()

    def _method_schema(self, kind: ChannelKind) -> vol.Schema:
        methods = list(METHODS[kind])
        fields: dict[Any, Any] = {
            vol.Required("method", default=methods[0]): choice(methods, "calibration_method")
        }
        if kind is ChannelKind.PH:
            default = self._usual_scale().value
            fields[vol.Required("scale", default=default)] = choice(
                [item.value for item in RawScale], "raw_scale"
            )
        return vol.Schema(fields)

    def _usual_scale(self) -> RawScale:
        """Return the scale of the last calibration, else what the numbers look like."""
        view = self._view()
        known = [] if view is None else view.calibrations
        last = next((item for item in known if item.kind is ChannelKind.PH), None)
        if last is not None:
            return last.scale
        newest = self._newest()
        is_voltage = newest is not None and not 0 <= newest.raw <= 14  # noqa: PLR2004 - pH
        return RawScale.MILLIVOLT if is_voltage else RawScale.VALUE

    async def async_step_calibration_solution(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Say what to do for the next point, and show what the probe shows."""
        draft = self._measured()
        self._waits_since = None
        texts = await Texts.async_load(self.hass)
        refused, self._refused = self._refused, ""
        shown = self._samples(dt_util.utcnow() - SHOWN_FOR)
        return self.async_show_menu(
            step_id="calibration_solution",
            menu_options=[
                "calibration_steady",
                "calibration_reading",
                "calibration_solution",
            ],
            description_placeholders=await self._names()
            | {
                "refused": f"**{refused}**\n\n" if refused else "",
                "instruction": instruction(texts, draft.kind, draft.solution),
                "live": self._live_text(texts, shown),
            },
        )

    async def async_step_calibration_steady(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Wait until the probe has come to rest, and show each new number meanwhile."""
        if self._waiting is not None and self._is_interrupted():
            self._waiting = None
            # Whoever waits may only be led to another step.
            return self.async_show_progress_done(next_step_id="calibration_interrupted")
        draft, now = self._measured(), dt_util.utcnow()
        self._waits_since = since = self._waits_since or now
        seen = self._samples(since)
        is_steady = draft.steadiness(seen).is_steady
        if is_steady or now - since >= LONGEST_WAIT:
            self._waiting = None
            return self.async_show_progress_done(next_step_id="calibration_reading")
        if self._waiting is None or self._waiting.done():
            left_s = (since + LONGEST_WAIT - now).total_seconds()
            # In the background: a dialog that waits must hold up neither start nor stop.
            self._waiting = self.hass.async_create_background_task(
                self._channel_tap().async_next(pause_s=PAUSE_S, timeout_s=left_s),
                "kamerplanter waits for a steady probe",
                eager_start=False,
            )
        texts = await Texts.async_load(self.hass)
        return self.async_show_progress(
            step_id="calibration_steady",
            progress_action="calibration_steady",
            description_placeholders=await self._names()
            | {"live": self._live_text(texts, seen), "count": str(len(seen))},
            progress_task=self._waiting,
        )

    async def async_step_calibration_interrupted(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """End, as the garden was unloaded meanwhile: nobody knows what came in since."""
        return self.async_abort(reason="calibration_interrupted")

    def _is_interrupted(self) -> bool:
        try:
            return self._tap is None or not self._tap.is_of(self.entry) or self._tap.is_ended
        except AbortFlow:
            return True

    async def async_step_calibration_reading(
        self, user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what was read, to be agreed with or changed."""
        draft = self._measured()
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
        seen = self._samples(self._waits_since or dt_util.utcnow() - SHOWN_FOR)
        steady = draft.steadiness(seen)
        shown = user_input or self._suggested(draft, steady)
        return self.async_show_form(
            step_id="calibration_reading",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=await self._names()
            | {"live": self._live_text(texts, seen), "refused": refused},
            last_step=False,
        )

    def _reading_schema(self, draft: Draft) -> vol.Schema:
        unit = raw_unit(draft.kind, draft.scale) or None
        fields: dict[Any, Any] = {
            vol.Required("raw"): number(-RAW_LIMIT, RAW_LIMIT, unit=unit),
            vol.Required("solution"): number(0, unit=reference_unit(draft.kind)),
        }
        if draft.kind in THERMOMETERS:
            low, high = (self._degrees(item) for item in (TEMPERATURE_LOW_C, TEMPERATURE_HIGH_C))
            fields[vol.Optional("temperature")] = number(
                low, high, unit=self.hass.config.units.temperature_unit
            )
        return vol.Schema(fields)

    def _suggested(self, draft: Draft, steady: Steadiness) -> dict[str, float]:
        shown: dict[str, float] = {"solution": draft.solution}
        if steady.raw is not None:
            shown["raw"] = round(steady.raw, DIGITS)
        thermometer = THERMOMETERS.get(draft.kind)
        if thermometer is not None:
            found = self.entry.runtime_data.live.shown(self.calibrated_probe_key, thermometer)
            if found is not None and found.value is not None:
                shown["temperature"] = round(self._degrees(found.value), 1)
        return shown

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

    async def async_step_calibration_summary(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what follows, and ask whether to store it."""
        draft = self._measured()
        texts = await Texts.async_load(self.hass)
        refused, self._refused = self._refused, ""
        return self.async_show_menu(
            step_id="calibration_summary",
            menu_options=["calibration_store", "calibration_again", "calibration_cancel"],
            description_placeholders=await self._names()
            | {
                "refused": f"**{refused}**\n\n" if refused else "",
                "result": result_lines(texts, draft.fit()),
            },
        )

    async def async_step_calibration_store(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Store it; while the garden does not answer, nothing is lost but time."""
        if (view := self._view()) is None:
            return self.async_abort(reason="not_in_garden")
        if not self._measured().fits(view.probe):
            return self.async_abort(reason="calibration_outdated")
        request = Calibrate(probe_key=self.calibrated_probe_key, fields=self._measured().fields())
        try:
            done = await self.entry.runtime_data.garden.call_now(request, OWNER)
        except KamerplanterError as error:
            texts = await Texts.async_load(self.hass)
            self._refused = texts.refusal(error, on_server=is_on_server(self.entry))
            return await self.async_step_calibration_summary()
        return await self.async_calibrated(done)

    async def async_step_calibration_again(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Begin with the first solution."""
        return await self._begin(self._measured().binding)

    async def async_step_calibration_cancel(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Store nothing."""
        return self.async_abort(reason="calibration_cancelled")

    def _view(self) -> ProbeView | None:
        return self.entry.runtime_data.coordinator.data.probe(self.calibrated_probe_key)

    def _measured(self) -> Draft:
        assert self._draft is not None  # noqa: S101 - the first step made it
        return self._draft

    async def _names(self) -> dict[str, str]:
        """Return what the texts of all steps name."""
        draft, texts = self._measured(), await Texts.async_load(self.hass)
        return {
            "measurement": texts.kind(draft.kind),
            "number": str(min(len(draft.points) + 1, len(draft.solutions))),
            "of": str(len(draft.solutions)),
        }

    def _open_tap(self, binding: ChannelBinding) -> ChannelTap:
        self._close_tap()
        self._tap = ChannelTap(self.entry, self.calibrated_probe_key, binding)
        return self._tap

    def _close_tap(self) -> None:
        if self._tap is not None:
            self._tap.close()
            self._tap = None

    def _channel_tap(self) -> ChannelTap:
        """Return the tap; an entry that was loaded anew needs another one."""
        if self._tap is None or not self._tap.is_of(self.entry):
            return self._open_tap(self._measured().binding)
        return self._tap

    def _samples(self, since: datetime) -> Sequence[RawSample]:
        return self._channel_tap().samples(since)

    def _newest(self) -> RawSample | None:
        return next(reversed(self._samples(dt_util.utcnow() - SHOWN_FOR)), None)

    def _live_text(self, texts: Texts, samples: Sequence[RawSample]) -> str:
        draft = self._measured()
        steady = draft.steadiness(samples)
        newest = samples[-1] if samples else None
        return live(texts, newest, steady, draft.kind, draft.scale)


_FORM_FIELDS = {"raw": "raw", "value": "solution"}
