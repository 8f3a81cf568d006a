"""The steps of a calibration, the same in a repair and in the dialogs of tanks and probes."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_backend.client.wire import may_have_been_done
from kamerplanter_backend.telemetry.calibration_draft import (
    METHODS,
    Draft,
    calibratable,
    most_urgent,
)
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind

from ..caller import OWNER  # noqa: TID252 - the neighbours import alike
from ..client_factory import is_on_server  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .calibrated_channel import SHOWN_FOR, StepResult
from .calibration_reading import CalibrationReading
from .calibration_wait import CalibrationWait
from .calibration_words import instruction, result_lines, status_lines
from .forms import choice, labelled


class CalibrationSteps(CalibrationWait, CalibrationReading):
    """Measures a channel in one solution after the other and stores what follows from it."""

    @abstractmethod
    async def async_calibrated(self, calibration: Calibration) -> StepResult:
        """End the dialog after a calibration was stored."""

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

    @override
    async def async_step_calibration_solution(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Say what to do for the next point, and show what the probe shows."""
        draft = self._measured()
        self._is_in_solution()
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

    @override
    async def async_step_calibration_summary(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what follows, and ask whether to store it."""
        draft = self._measured()
        self._is_in_solution()
        texts = await Texts.async_load(self.hass)
        refused, self._refused = self._refused, ""
        leave = "calibration_leave" if draft.may_be_stored else "calibration_cancel"
        return self.async_show_menu(
            step_id="calibration_summary",
            menu_options=["calibration_store", "calibration_again", leave],
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
        draft = self._measured()
        if not draft.fits(view.probe):
            if draft.may_be_stored:
                return await self.async_step_calibration_leave()
            return self.async_abort(reason="calibration_outdated")
        request = Calibrate(
            probe_key=self.calibrated_probe_key, fields=draft.fields(), command_key=draft.key
        )
        try:
            done = await self.entry.runtime_data.garden.call_now(request, OWNER)
        except KamerplanterError as error:
            texts, on_server = await Texts.async_load(self.hass), is_on_server(self.entry)
            draft.may_be_stored |= on_server and may_have_been_done(error)
            self._refused = texts.refusal(error, on_server=on_server)
            if draft.may_be_stored:
                self._refused += f" {texts.choice('calibration_store', 'unsure')}"
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

    async def async_step_calibration_leave(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """End after a try without an answer: nobody knows whether it was stored."""
        return self.async_abort(reason="calibration_unsure")
