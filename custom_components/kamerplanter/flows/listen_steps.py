"""The steps that listen to a topic filter and let a person pick from what arrived."""

import asyncio
from abc import abstractmethod
from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import TextSelector

from kamerplanter_backend.telemetry.listening import Heard

from ..const import CONF_READINGS, ReadingsSource  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from .base import FormError, GardenSubentryFlow
from .forms import labelled, number
from .listen import ListenError, async_listen, is_topic_filter

EVERYTHING = "#"
LISTEN_S = 5.0
MAX_LISTEN_S = 300.0


class ListenSteps(GardenSubentryFlow):
    """Listens now, so that nobody types a topic blind."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: tuple[Heard, ...] = ()
        self.picked: Heard | None = None
        self._filter = EVERYTHING
        self._duration_s = LISTEN_S
        self._listening: asyncio.Task[tuple[Heard, ...]] | None = None

    @property
    def can_listen(self) -> bool:
        """Whether the garden has a source of messages at all."""
        return bool(self.entry.data[CONF_READINGS] != ReadingsSource.NONE)

    @abstractmethod
    async def async_step_topic(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the form of the topic; the dialog that binds values has it."""

    async def async_step_listen(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to listen to."""
        schema = vol.Schema(
            {
                vol.Required("topic_filter"): TextSelector(),
                vol.Required("duration"): number(1, MAX_LISTEN_S, unit="s", step=1),
            }
        )
        if user_input is not None:
            self._filter = user_input["topic_filter"].strip()
            self._duration_s = user_input["duration"]
            if is_topic_filter(self._filter):
                return await self.async_step_listening()
            self.note(FormError("bad_topic_filter", field="topic_filter"), schema.schema)
        errors, placeholders = self.take_errors()
        shown = {"topic_filter": self._filter, "duration": self._duration_s}
        return self.async_show_form(
            step_id="listen",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_listening(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Wait while messages arrive."""
        if self._listening is None:
            # Not eager: a task that is over at once would send the same form again for ever.
            self._listening = self.hass.async_create_task(
                async_listen(self.hass, self.entry, self._filter, self._duration_s),
                "kamerplanter listens now",
                eager_start=False,
            )
        if not self._listening.done():
            return self.async_show_progress(
                step_id="listening",
                progress_action="listening",
                description_placeholders={"topic_filter": self._filter},
                progress_task=self._listening,
            )
        task, self._listening = self._listening, None
        try:
            self.heard = await task
        except ListenError as error:
            self.note(FormError(error.key))
            return self.async_show_progress_done(next_step_id="listen")
        if not self.heard:
            self.note(FormError("nothing_heard"))
            return self.async_show_progress_done(next_step_id="listen")
        return self.async_show_progress_done(next_step_id="heard")

    async def async_step_heard(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let a person pick one of the values that arrived."""
        if user_input is not None:
            self.picked = self.heard[int(user_input["heard"])]
            return await self.async_step_topic()
        options = [(str(index), _label(item)) for index, item in enumerate(self.heard)]
        return self.async_show_form(
            step_id="heard",
            data_schema=vol.Schema({vol.Required("heard"): labelled(options)}),
            description_placeholders={"count": str(len(options))},
        )


def _label(heard: Heard) -> str:
    place = heard.topic if heard.path is None else f"{heard.topic} → {heard.path}"
    return f"{place} = {heard.value_text}"
