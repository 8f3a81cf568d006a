"""Titles of tasks in the language of the house."""

from dataclasses import dataclass

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from kamerplanter_backend.client.views import TaskView
from kamerplanter_engines.models.task import TaskKind

from .const import DOMAIN

_PREFIX = f"component.{DOMAIN}.selector.task_title.options."


@dataclass(frozen=True, slots=True)
class TaskTitles:
    """A phrase for each kind of task, such as `Water`."""

    phrases: dict[str, str]

    def title(self, task: TaskView) -> str:
        """Return a person's own words, else phrase and subject."""
        if task.title is not None:
            return task.title
        phrase = self.phrases.get(task.kind, task.kind.replace("_", " ").capitalize())
        return phrase if task.subject_name is None else f"{phrase}: {task.subject_name}"


async def async_load_titles(hass: HomeAssistant) -> TaskTitles:
    """Return the phrases in the language that the house is set to."""
    texts = await async_get_translations(hass, hass.config.language, "selector", {DOMAIN})
    return TaskTitles({kind: texts[_PREFIX + kind] for kind in TaskKind if _PREFIX + kind in texts})
