"""The dialog that sets how a binding is read: the unit or decimal comma that it looks like."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir

from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import ChannelKind

from .client_factory import is_on_server
from .coordinator import KamerplanterConfigEntry
from .meanwhile import found, patch_onto, write_fresh
from .schema import vol
from .texts import Texts


class UnitFlow(RepairsFlow):
    """Sets the unit, or the decimal comma, after a person has agreed.

    Args:
        entry_id: The entry of the garden.
        probe_key: Whose binding it is.
        kind: What the binding measures.
        unit: The unit that its numbers look like; none = they have a decimal comma.
    """

    def __init__(self, entry_id: str, probe_key: str, kind: ChannelKind, unit: str | None) -> None:
        self._entry_id = entry_id
        self._probe_key = probe_key
        self._kind = kind
        self._unit = unit

    async def async_step_init(self, _user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what will be set, and set it."""
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
            told = None if issue is None else issue.translation_placeholders
            return self.async_show_form(
                step_id="confirm",
                data_schema=vol.Schema({}),
                description_placeholders=dict(told or {}),
            )
        entry: KamerplanterConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        try:
            await write_fresh(entry.runtime_data.garden, self._requests)
        except NotFoundError:
            return self.async_abort(reason="not_in_garden")
        except KamerplanterError as error:
            texts = await Texts.async_load(self.hass)
            refused = texts.refusal(error, on_server=is_on_server(entry))
            return self.async_abort(
                reason="unit_refused", description_placeholders={"refused": refused}
            )
        return self.async_create_entry(data={})

    def _requests(self, garden: GardenSnapshot) -> list[UpdateProbe]:
        """Return what sets it, and leaves all else as it is now."""
        probe = found(garden.probe(self._probe_key), "probes", self._probe_key).probe
        binding = found(probe.binding(self._kind), "bindings", self._kind)
        change = {"unit": self._unit} if self._unit else {"decimal_comma": True}
        mended = binding.model_copy(update=change)
        patch = patch_onto(probe, {self._kind: mended.model_dump(mode="json")})
        if not patch:
            return []  # somebody else was faster
        return [UpdateProbe(key=probe.key, patch=patch, expected_revision=probe.revision)]
