"""What the dialogs of all subentry types share."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.typing import UNDEFINED
from pydantic import ValidationError

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_engines.errors import KamerplanterError

from ..caller import OWNER  # noqa: TID252 - the neighbours import alike
from ..client_factory import is_on_server  # noqa: TID252
from ..const import CONF_KEY, DOMAIN  # noqa: TID252
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..errors import invalid_input, translation_of  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..subjects import Subject, SubjectKind  # noqa: TID252

BASE = "base"
_NO_PLACEHOLDERS = dict.fromkeys(
    (
        "allowed",
        "field",
        "found",
        "key",
        "kind",
        "known",
        "message",
        "permission",
        "reason",
        "unit",
        "value",
    ),
    "",
)
"""A text whose placeholder is missing is not shown at all, so each has a value."""

_IN_FORMS = {
    "command_expired": "error",
    "csrf_refused": "forbidden",
    "email_not_verified": "forbidden",
    "external_source_error": "error",
    "invitation_expired": "error",
    "karenz_unknown_interval": "error",
    "karenz_violation": "error",
    "not_found_task": "not_found",
    "payload_too_large": "error",
    "queued": "error",
    "session_reused": "invalid_token",
    "unsupported_media_type": "error",
}
"""What no dialog asks for, so that it has no text of its own there."""


class FormError(Exception):
    """An input of a form cannot be used; the form is shown again."""

    def __init__(
        self, error: str, *, field: str = BASE, placeholders: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.field = field
        self.placeholders = dict(placeholders or {})


def form_error_of(error: ValidationError | KamerplanterError) -> FormError:
    """Return what a form says about an error of the garden."""
    if isinstance(error, KamerplanterError):
        key, placeholders = translation_of(error)
        key = _IN_FORMS.get(key, key)
        return FormError(key, field=error.field or BASE, placeholders=placeholders)
    key, placeholders = translation_of(invalid_input(error))
    first = error.errors(include_url=False, include_context=False)[0]
    field = str(first["loc"][0]) if first["loc"] else BASE
    return FormError(key, field=field, placeholders=placeholders)


class GardenSubentryFlow(ConfigSubentryFlow):
    """A dialog about one thing of a garden that is loaded."""

    def __init__(self) -> None:
        # Made once, so that trying again after a failure is about the same thing.
        self.key = uuid4().hex
        self._errors: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}

    @property
    def is_new(self) -> bool:
        """Whether the thing is about to be added."""
        return self.source == SOURCE_USER

    @property
    def entry(self) -> KamerplanterConfigEntry:
        """The entry of the garden.

        Raises:
            AbortFlow: The garden is not loaded.
        """
        entry: KamerplanterConfigEntry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("entry_not_loaded")
        return entry

    async def ask[R](self, request: Request[R]) -> R:
        """Ask or do one thing in the garden.

        Raises:
            FormError: It was refused; nothing was written.
        """
        try:
            return await self.entry.runtime_data.garden.call_now(request, OWNER)
        except KamerplanterError as error:
            raise self.refused(error) from error

    def refused(self, error: KamerplanterError) -> FormError:
        """Return what a form says about something that the garden did not do."""
        told = form_error_of(error)
        if type(error) is ForbiddenError and is_on_server(self.entry):
            # An administrator here is not one there: the owner of the key decides.
            return FormError("server_forbidden", placeholders=told.placeholders)
        return told

    async def ask_or_abort[R](self, request: Request[R]) -> R:
        """Ask for something without which there is no form.

        Raises:
            AbortFlow: The garden cannot answer now.
        """
        try:
            return await self.ask(request)
        except FormError as error:
            raise AbortFlow("store_unavailable", error.placeholders) from error

    async def snapshot(self) -> GardenSnapshot:
        """Return the garden as of now.

        Raises:
            AbortFlow: The garden cannot answer now.
        """
        try:
            return await self.entry.runtime_data.garden.snapshot_now()
        except KamerplanterError as error:
            raise AbortFlow("store_unavailable", translation_of(error)[1]) from error

    def note(self, error: FormError, fields: Mapping[Any, Any] | None = None) -> None:
        """Remember an error for the form that is shown next.

        Args:
            error: What is wrong.
            fields: The fields of that form; an error of another field belongs to the whole form.
        """
        is_field = fields is not None and error.field in {str(field) for field in fields}
        self._errors = {error.field if is_field else BASE: error.error}
        self._placeholders = error.placeholders

    def take_errors(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the remembered errors and their placeholders, once."""
        errors, placeholders = self._errors, _NO_PLACEHOLDERS | self._placeholders
        self._errors, self._placeholders = {}, {}
        return errors, placeholders

    def show(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: Mapping[str, Any] | None,
        *,
        words: Mapping[str, str] | None = None,
        last_step: bool | None = False,
    ) -> SubentryFlowResult:
        """Show a form, with the error that was noted.

        Args:
            step_id: The step that takes what a person sends.
            schema: The fields.
            shown: What stands in them.
            words: What its texts name, beside the placeholders of the error.
            last_step: Whether nothing comes after it; none = the button does not tell.
        """
        errors, placeholders = self.take_errors()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={**placeholders, **(words or {})},
            last_step=last_step,
        )

    def end(self, title: str, data: Mapping[str, Any] | None = None) -> SubentryFlowResult:
        """End the dialog of something that is in the garden now, and store its subentry.

        Args:
            title: What it is called.
            data: What the subentry holds beside the key; none = nothing, or what it held before.
        """
        whole = None if data is None else {CONF_KEY: self.key, **data}
        if self.is_new:
            subject = Subject(SubjectKind(self._subentry_type), self.key)
            return self.async_create_entry(
                title=title,
                data=whole or {CONF_KEY: self.key},
                unique_id=subject.subentry_unique_id,
            )
        return self.async_update_and_abort(
            self.entry,
            self._get_reconfigure_subentry(),
            title=title,
            data=UNDEFINED if whole is None else whole,
        )

    async def texts(self, category: str) -> dict[str, str]:
        """Return the texts of a category in the language of this Home Assistant, by full key."""
        return await async_get_translations(
            self.hass, self.hass.config.language, category, {DOMAIN}
        )
