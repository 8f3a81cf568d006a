"""The steps that show what was heard by device, and take over what a person agrees with."""

from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import BooleanSelector

from kamerplanter_backend.telemetry.discovery.proposals import ChannelProposal, DeviceProposal
from kamerplanter_engines.models.telemetry import Availability, ChannelBinding, ChannelKind

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .forms import labelled
from .listen_steps import ListenSteps

AVAILABILITY = "availability"


class DeviceSteps(ListenSteps):
    """Proposes bindings by device; nothing counts before a person has agreed."""

    kinds: tuple[ChannelKind, ...]

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[ChannelKind, ChannelBinding] = {}
        self.availability: Availability | None = None
        self._device: DeviceProposal | None = None

    async def async_step_discover(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Listen, and show devices afterwards."""
        self.shows_devices = True
        return await self.async_step_listen()

    async def async_step_devices(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let a person pick one of the devices that were heard."""
        if user_input is not None:
            self._device = self.devices[int(user_input["device"])]
            return await self.async_step_device()
        texts = await Texts.async_load(self.hass)
        options = [
            (str(index), _device_label(texts, device)) for index, device in enumerate(self.devices)
        ]
        return self.async_show_form(
            step_id="devices",
            data_schema=vol.Schema({vol.Required("device", default="0"): labelled(options)}),
            description_placeholders={"count": str(len(options))},
            last_step=False,
        )

    async def async_step_device(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what each value of the device would be bound to; a person may choose otherwise."""
        device = self._device
        assert device is not None  # noqa: S101 - the step before set it
        found: dict[ChannelKind, list[ChannelProposal]] = {}
        for item in device.channels:
            found.setdefault(item.kind, []).append(item)
        if user_input is not None:
            for kind, items in found.items():
                if (chosen := user_input.get(kind)) is not None:
                    self.channels[kind] = items[int(chosen)].binding
            if user_input.get(AVAILABILITY):
                self.availability = device.availability
            return await self.async_step_values()
        texts = await Texts.async_load(self.hass)
        fields: dict[Any, Any] = {
            vol.Optional(kind.value, description={"suggested_value": "0"}): labelled(
                [(str(index), _channel_label(texts, item)) for index, item in enumerate(items)]
            )
            for kind, items in found.items()
        }
        if device.availability is not None:
            fields[vol.Optional(AVAILABILITY, default=True)] = BooleanSelector()
        topic = "–" if device.availability is None else device.availability.topic
        return self.async_show_form(
            step_id="device",
            data_schema=vol.Schema(fields),
            description_placeholders={
                "device": device.name,
                "profile": _profile(texts, device),
                "topic": topic,
            },
            last_step=False,
        )

    async def kind_names(self) -> dict[ChannelKind, str]:
        """Return what the kinds are called in the language of this Home Assistant."""
        texts = await self.texts("selector")
        prefix = f"component.{DOMAIN}.selector.channel_kind.options"
        return {kind: texts[f"{prefix}.{kind}"] for kind in ChannelKind}


def _device_label(texts: Texts, device: DeviceProposal) -> str:
    """Return a device and what it measures, short enough for one line of the dialog."""
    best = device.best().items()
    values = [_named(texts, kind, item) for kind, item in best if item.is_measured]
    return f"{device.name} ({_profile(texts, device)}): {', '.join(values)}"


def _profile(texts: Texts, device: DeviceProposal) -> str:
    """Return what a device speaks: a name, or the word for what has none."""
    return texts.word("device_profile", device.profile_key) or device.profile_name


def _named(texts: Texts, kind: ChannelKind, item: ChannelProposal) -> str:
    """Return a value; most units say what it is."""
    shown = _shown(texts, item)
    if item.value is None:
        return f"{texts.kind(kind)} {shown}"
    return f"pH {shown}" if kind is ChannelKind.PH else shown


def _shown(texts: Texts, item: ChannelProposal) -> str:
    """Return a value with its canonical unit; what cannot be one as it came, with a (?)."""
    return item.shown if item.value is None else texts.spelled(item.shown)


def _channel_label(texts: Texts, item: ChannelProposal) -> str:
    """Return a value before its place, as a long place is cut off."""
    binding = item.binding
    place = binding.topic if binding.path is None else f"{binding.topic} → {binding.path}"
    return f"{_shown(texts, item)} ← {item.value_text}, {place}"
