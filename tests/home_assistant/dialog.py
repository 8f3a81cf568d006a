"""Walks through the dialogs about tanks, plants and probes, and checks their texts on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.data_entry_flow import FlowResultType, section

from custom_components.kamerplanter.client_factory import Garden as OpenGarden
from kamerplanter_backend.client.protocol import Caller, Request
from kamerplanter_backend.common.exceptions import UnavailableError
from tests.home_assistant.flow_texts import check_texts
from tests.home_assistant.garden import Garden


@dataclass
class Dialog:
    """One dialog and where it stands."""

    garden: Garden
    kind: str
    result: dict[str, Any]

    @classmethod
    async def add(cls, garden: Garden, kind: str) -> Dialog:
        """Begin to add something."""
        result = await garden.hass.config_entries.subentries.async_init(
            (garden.entry.entry_id, kind), context={"source": SOURCE_USER}
        )
        return cls(garden, kind, {})._at(result)

    @classmethod
    async def change(cls, garden: Garden, subentry: ConfigSubentry) -> Dialog:
        """Begin to change something, past the question what to do with it."""
        dialog = await cls.manage(garden, subentry)
        return await dialog.choose("change") if dialog.step == "manage" else dialog

    @classmethod
    async def manage(cls, garden: Garden, subentry: ConfigSubentry) -> Dialog:
        """Begin to do something with what is there."""
        result = await garden.entry.start_subentry_reconfigure_flow(
            garden.hass, subentry.subentry_id
        )
        return cls(garden, subentry.subentry_type, {})._at(result)

    def _at(self, result: Any) -> Dialog:
        self.result = result
        check_texts(result, self.kind)
        return self

    async def fill(self, **data: Any) -> Dialog:
        """Send the form."""
        assert self.result["type"] is FlowResultType.FORM, self.result
        return await self._send(data)

    async def choose(self, *options: str) -> Dialog:
        """Choose from menus, one after the other."""
        for option in options:
            assert self.result["type"] is FlowResultType.MENU, self.result
            await self._send({"next_step_id": option})
        return self

    async def wait(self) -> Dialog:
        """Wait until what is going on is over."""
        await self.garden.settle()
        return await self._send(None)

    async def _send(self, data: dict[str, Any] | None) -> Dialog:
        result = await self.flows.async_configure(self.result["flow_id"], data)
        await self.garden.settle()
        return self._at(result)

    @property
    def flows(self) -> Any:
        """Who leads through the dialog."""
        return self.garden.hass.config_entries.subentries

    @property
    def step(self) -> str:
        """The step that is shown."""
        return str(self.result.get("step_id"))

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by field."""
        return dict(self.result["errors"] or {})

    @property
    def options(self) -> list[str]:
        """What the menu offers."""
        return list(self.result["menu_options"])

    @property
    def placeholders(self) -> dict[str, str]:
        """What fills the texts in."""
        return dict(self.result["description_placeholders"] or {})

    @property
    def suggested(self) -> dict[str, Any]:
        """What the form is filled in with, those of sections too."""
        return _suggested(self.result["data_schema"].schema)

    def labels(self, field: str) -> dict[str, str]:
        """Return what a list offers: label by value."""
        options = self.selector(field).config["options"]
        return {item["value"]: item["label"] for item in options}

    def selector(self, field: str) -> Any:
        """Return the selector of a field."""
        schema = self.result["data_schema"].schema
        return next(value for key, value in schema.items() if str(key) == field)

    @property
    def fields(self) -> list[str]:
        """The fields of the form."""
        return [str(key) for key in self.result["data_schema"].schema]


@contextmanager
def refusing(kind: type[Request[Any]], reason: str) -> Iterator[None]:
    """Let each request of a kind that a dialog makes fail."""
    call_now = OpenGarden.call_now

    async def refuse(self: OpenGarden, request: Request[Any], caller: Caller) -> Any:
        if isinstance(request, kind):
            raise UnavailableError("Not now.", reason=reason)
        return await call_now(self, request, caller)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OpenGarden, "call_now", refuse)
        yield


def _suggested(schema: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, field in schema.items():
        if isinstance(field, section):
            found |= _suggested(field.schema.schema)
        elif key.description and "suggested_value" in key.description:
            found[str(key)] = key.description["suggested_value"]
    return found
