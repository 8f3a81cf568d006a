"""The dialog that sets how a binding is read: the unit or decimal comma that it looks like."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir

from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind

from .client_factory import is_on_server
from .coordinator import KamerplanterConfigEntry
from .meanwhile import found, patch_onto, write_fresh
from .schema import vol
from .texts import Texts


class _BoundOtherwiseError(Exception):
    """The binding is not the one that a person was asked about."""


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
        self._seen: ChannelBinding | None = None
        """The binding that a person was asked about."""

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
            self._seen = self._bound_now()
            return self.async_show_form(
                step_id="confirm",
                data_schema=vol.Schema({}),
                description_placeholders=dict(told or {}),
            )
        if (entry := self._entry()) is None:
            return self.async_abort(reason="entry_not_loaded")
        try:
            await write_fresh(entry.runtime_data.garden, self._requests)
        except NotFoundError:
            return self.async_abort(reason="not_in_garden")
        except _BoundOtherwiseError:
            return self.async_abort(reason="bound_otherwise")
        except KamerplanterError as error:
            texts = await Texts.async_load(self.hass)
            refused = texts.refusal(error, on_server=is_on_server(entry))
            return self.async_abort(
                reason="unit_refused", description_placeholders={"refused": refused}
            )
        return self.async_create_entry(data={})

    def _entry(self) -> KamerplanterConfigEntry | None:
        entry: KamerplanterConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        return entry if entry is not None and entry.state is ConfigEntryState.LOADED else None

    def _bound_now(self) -> ChannelBinding | None:
        if (entry := self._entry()) is None:
            return None
        view = entry.runtime_data.coordinator.data.probe(self._probe_key)
        return None if view is None else view.probe.binding(self._kind)

    def _requests(self, garden: GardenSnapshot) -> list[UpdateProbe]:
        """Return what sets it, and leaves all else as it is now.

        Raises:
            NotFoundError: The value is not bound any more.
            _BoundOtherwiseError: It comes from elsewhere, or is read in another way, than when a
                person was asked: a new source has its own unit.
        """
        probe = found(garden.probe(self._probe_key), "probes", self._probe_key).probe
        binding = found(probe.binding(self._kind), "bindings", self._kind)
        change = {"unit": self._unit} if self._unit else {"decimal_comma": True}
        mended = binding.model_copy(update=change)
        if binding not in {self._seen, mended}:
            raise _BoundOtherwiseError
        patch = patch_onto(probe, {self._kind: mended.model_dump(mode="json")})
        if not patch:
            return []  # somebody else was faster
        return [UpdateProbe(key=probe.key, patch=patch, expected_revision=probe.revision)]
