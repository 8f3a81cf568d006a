"""The steps that listen to a topic filter and let a person pick from what arrived."""

import asyncio
from abc import abstractmethod
from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import TextSelector

from kamerplanter_backend.telemetry.broker.settings import is_topic_filter
from kamerplanter_backend.telemetry.discovery.listening import Heard
from kamerplanter_backend.telemetry.discovery.proposals import DeviceProposal
from kamerplanter_backend.telemetry.messages.device_profiles import read_profiles
from kamerplanter_engines.models.telemetry import ChannelKind

from ..const import CONF_READINGS, ReadingsSource  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from .base import FormError, GardenSubentryFlow
from .forms import labelled, number
from .listen import AllHeard, ListenError, async_listen

EVERYTHING = "#"
LISTEN_S = 5.0
MAX_LISTEN_S = 300.0


class ListenSteps(GardenSubentryFlow):
    """Listens now, so that nobody types a topic blind."""

    kinds: tuple[ChannelKind, ...]
    """What the device may measure, in the order of the menu."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: tuple[Heard, ...] = ()
        self.devices: tuple[DeviceProposal, ...] = ()
        self.picked: Heard | None = None
        self.shows_devices = False
        """Whether a person asked for devices rather than for one value."""
        self._filter = EVERYTHING
        self._duration_s = LISTEN_S
        self._listening: asyncio.Task[AllHeard] | None = None

    @property
    def can_listen(self) -> bool:
        """Whether the garden has a source of messages at all."""
        return bool(self.entry.data[CONF_READINGS] != ReadingsSource.NONE)

    @abstractmethod
    async def async_step_topic(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the form of the topic; the dialog that binds values has it."""

    @abstractmethod
    async def async_step_values(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what is bound."""

    async def async_step_listen(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to listen to."""
        schema = vol.Schema(
            {
                vol.Required("topic_filter"): TextSelector(),
                vol.Required("duration"): number("duration", 1, MAX_LISTEN_S, unit="s", step=1),
            }
        )
        if user_input is not None:
            self._filter = user_input["topic_filter"].strip()
            self._duration_s = user_input["duration"]
            if is_topic_filter(self._filter):
                return await self.async_step_listening()
            self.note(FormError("bad_topic_filter", field="topic_filter"), schema.schema)
        shown = {"topic_filter": self._filter, "duration": self._duration_s}
        return self.show("listen", schema, shown)

    async def async_step_listening(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Wait while messages arrive."""
        if self._listening is None:
            table = await self.hass.async_add_executor_job(read_profiles)
            # Not eager: a task that is over at once would send the same form again for ever.
            self._listening = self.hass.async_create_task(
                async_listen(self.hass, self.entry, table, self._filter, self._duration_s),
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
            all_heard = await task
        except ListenError as error:
            self.note(FormError(error.key))
            return self.async_show_progress_done(next_step_id="listen")
        self.heard = all_heard.values
        # A busy broker gives more to think about than the event loop has time for.
        self.devices = await self.hass.async_add_executor_job(
            all_heard.discovery.propose, self.kinds
        )
        if not self.heard:
            self.note(FormError("nothing_heard"))
            return self.async_show_progress_done(next_step_id="listen")
        if not self.shows_devices:
            return self.async_show_progress_done(next_step_id="heard")
        if not self.devices:
            self.note(FormError("nothing_recognised"))
            return self.async_show_progress_done(next_step_id="values")
        return self.async_show_progress_done(next_step_id="devices")

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
            last_step=False,
        )


def _label(heard: Heard) -> str:
    place = heard.topic if heard.path is None else f"{heard.topic} → {heard.path}"
    return f"{place} = {heard.value_text}"
