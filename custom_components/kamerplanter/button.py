"""Buttons: what is done with one touch."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import KamerplanterConfigEntry
from .descriptions.plant import PLANT_BUTTONS
from .descriptions.rows import CommandButton
from .entity import GardenEntity
from .errors import translated
from .queued import call_or_queue
from .subjects import Subject, SubjectKind

PARALLEL_UPDATES = 1

_BUTTONS = {SubjectKind.PLANT: PLANT_BUTTONS}


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of all subjects, now and as they come."""
    entry.runtime_data.roster.async_add_platform(
        Platform.BUTTON,
        async_add_entities,
        _BUTTONS,
        lambda subject, row: CommandButtonEntity(entry, subject, row),
    )


class CommandButtonEntity[V](GardenEntity[V], ButtonEntity):
    """Does one thing for its subject."""

    entity_description: CommandButton[V]

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: CommandButton[V]
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row

    @override
    async def async_press(self) -> None:
        if (view := self.view) is None:
            return
        with translated():
            await call_or_queue(
                self.entry.runtime_data.client,
                self.entity_description.command_fn(view, dt_util.utcnow()),
                await self.async_caller(),
            )
