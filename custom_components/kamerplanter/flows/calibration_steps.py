"""The steps of a calibration, the same in a repair and in the dialogs of tanks and probes."""

from abc import abstractmethod
from typing import Any, override
from uuid import uuid4

from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.calibrate_request import (
    calibrate_request,
    check_electrode,
    electrode_scale,
)
from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.client.wire import may_have_been_done
from kamerplanter_backend.telemetry.calibration.draft import (
    METHODS,
    Draft,
    calibratable,
    most_urgent,
)
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind

from ..caller import OWNER  # noqa: TID252 - the neighbours import alike
from ..client_factory import is_on_server  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..subjects import name_of, place_of, view_of  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .calibrated_channel import SHOWN_FOR, StepResult
from .calibration_reading import CalibrationReading
from .calibration_wait import CalibrationWait
from .calibration_words import instruction, result_lines, status_lines, way_back
from .forms import choice, labelled
from .kept_drafts import OpenDraft, take


class CalibrationSteps(CalibrationWait, CalibrationReading):
    """Measures a channel in one solution after the other and stores what follows from it."""

    _stored: Calibration
    """What was stored, for the last step."""

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
            binding = bindings.get(ChannelKind(user_input["channel"]))
            if binding is None:
                return self.async_abort(reason="calibration_outdated")
            if (kept := take(self.hass, view.probe, binding.kind)) is None:
                return await self._begin(binding)
            self._draft = kept
            self._open_tap(binding)
            return await self.async_step_calibration_resume()
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
        self._draft = OpenDraft(binding, RawScale.VALUE, (), dt_util.utcnow())
        self._open_tap(binding)
        return await self.async_step_calibration_method()

    async def async_step_calibration_resume(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Ask whether to go on with what was measured before the dialog was closed."""
        draft = self._measured()
        return self.async_show_menu(
            step_id="calibration_resume",
            menu_options=["calibration_go_on", "calibration_again"],
            description_placeholders=await self._names() | {"done": str(len(draft.points))},
        )

    async def async_step_calibration_go_on(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Go on where the dialog was closed."""
        if self._measured().is_complete:
            return await self.async_step_calibration_summary()
        return await self.async_step_calibration_solution()

    async def async_step_calibration_method(
        self, user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Ask for the solutions, and what the numbers of a pH probe are."""
        draft = self._measured()
        methods = METHODS[draft.kind]
        told = user_input or {}
        solutions = methods[told.get("method", next(iter(methods)))]
        scale = RawScale(told.get("scale", RawScale.VALUE))
        refused = "" if user_input is None else await self._wrong_scale(scale)
        if refused or (user_input is None and len(methods) > 1):
            schema = self._method_schema(draft.kind)
            return self.async_show_form(
                step_id="calibration_method",
                data_schema=self.add_suggested_values_to_schema(schema, user_input),
                errors={"scale": "calibration_refused"} if refused else {},
                description_placeholders=await self._names() | {"refused": refused},
                last_step=False,
            )
        self._draft = OpenDraft(draft.binding, scale, solutions, draft.begun_at)
        return await self.async_step_calibration_solution()

    async def _wrong_scale(self, scale: RawScale) -> str:
        """Return why an electrode does not tell such numbers; empty = it may."""
        sent = self._sent()
        if self._measured().kind is not ChannelKind.PH or sent is None:
            return ""
        try:
            check_electrode(self._view(), scale, sent, dt_util.utcnow())
        except InvalidInputError as error:
            return (await Texts.async_load(self.hass)).error(error)
        return ""

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
        """Return what the numbers look like, and what they are by the calibration in force."""
        return electrode_scale(self._view(), self._sent(), dt_util.utcnow())

    @override
    async def async_step_calibration_solution(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Say what to do for the next point, and show what the probe shows."""
        draft = self._measured()
        if (view := self._view()) is None:
            return self.async_abort(reason="not_in_garden")
        if not draft.fits(view.probe):
            # Said now, and not after the last of three bottles.
            return self.async_abort(reason="calibration_outdated")
        self._is_in_solution()
        self._waits_since = self._waits_until = self._mean = None
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
        try:
            # The same one again, or it would be another command.
            draft.request = request = draft.request or self._request(view, draft)
            done = await self.entry.runtime_data.garden.call_now(request, OWNER)
        except KamerplanterError as error:
            texts, on_server = await Texts.async_load(self.hass), is_on_server(self.entry)
            draft.may_be_stored |= on_server and may_have_been_done(error)
            self._refused = texts.refusal(error, on_server=on_server)
            if draft.may_be_stored:
                self._refused += f" {texts.choice('calibration_store', 'unsure')}"
            return await self.async_step_calibration_summary()
        self._is_over = True
        self._stored = done
        # The end of a repair ends its issue, which another channel may still need.
        await self.entry.runtime_data.coordinator.async_refresh()
        return await self.async_step_calibration_back()

    async def async_step_calibration_back(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Ask to put the probe back: until that is said, it shows what is in a bottle."""
        self._close_tap()
        self._is_in_solution()
        texts = await Texts.async_load(self.hass)
        return self.async_show_menu(
            step_id="calibration_back",
            menu_options=["calibration_is_back"],
            description_placeholders=await self._names() | {"way_back": self._way_back(texts)},
        )

    def _way_back(self, texts: Texts) -> str:
        """Return what to do with the probe, by where it belongs."""
        view = self._view()
        place = None if view is None else next(iter(place_of(view.probe)), None)
        if place is None:
            return way_back(texts)
        found = view_of(self.entry.runtime_data.coordinator.data, place)
        return way_back(texts) if found is None else way_back(texts, place.kind, name_of(found))

    async def async_step_calibration_is_back(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """End: the probe measures what it is for again."""
        self._is_back()
        return await self.async_calibrated(self._stored)

    def _request(self, view: ProbeView, draft: Draft) -> Calibrate:
        """Return what stores the draft.

        Raises:
            InvalidInputError: The device tells another scale.
        """
        shown = self._sent()
        if draft.scale is RawScale.MILLIVOLT:
            # Looked at before the first buffer; in that of pH 7 it shows next to nothing.
            shown = max((point.raw for point in draft.points), key=abs)
        request = calibrate_request(view, draft.fields(), shown, dt_util.utcnow())
        return request.model_copy(update={"command_key": uuid4().hex})

    async def async_step_calibration_again(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Begin with the first solution."""
        return await self._begin(self._measured().binding)

    async def async_step_calibration_cancel(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Store nothing."""
        self._is_over = True
        return self.async_abort(reason="calibration_cancelled")

    async def async_step_calibration_leave(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """End after a try without an answer: nobody knows whether it was stored."""
        return self.async_abort(reason="calibration_unsure")
