"""Walks through a calibration, by the repair or by the dialog of a tank or probe."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.components.repairs.issue_handler import async_setup as set_up_repairs
from homeassistant.core import Context
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_engines.models.calibration import Calibration, CalibrationFields
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import say
from tests.home_assistant.flow_texts import check_texts
from tests.home_assistant.garden import Garden

ISSUE = "calibration_due"


def issues(garden: Garden) -> list[ir.IssueEntry]:
    """Return the issues that ask for a calibration."""
    return [
        issue
        for (domain, key), issue in ir.async_get(garden.hass).issues.items()
        if domain == DOMAIN and key.startswith(ISSUE)
    ]


@dataclass
class Repair(Dialog):
    """The dialog of an issue."""

    @classmethod
    async def begin(cls, garden: Garden, issue: ir.IssueEntry | None = None) -> Repair:
        """Begin the dialog of the only issue, as the front end does."""
        if issue is None:
            (issue,) = issues(garden)
        if "flow_manager" not in garden.hass.data.setdefault(REPAIRS, {}):
            set_up_repairs(garden.hass)
        result = await garden.hass.data[REPAIRS]["flow_manager"].async_init(
            DOMAIN, context={"issue_id": issue.issue_id}
        )
        dialog = cls(garden, "", {})
        dialog._at(result)
        return dialog

    @property
    @override
    def flows(self) -> Any:
        """Who leads through repairs."""
        return self.garden.hass.data[REPAIRS]["flow_manager"]

    @override
    def _at(self, result: Any) -> Dialog:
        self.result = result
        check_texts(result, issue=ISSUE)
        return self

    @override
    async def _send(self, data: dict[str, Any] | None) -> Dialog:
        result = await self.flows.async_configure(self.result["flow_id"], data)
        await self.garden.settle()
        return self._at(result)


async def steady(
    dialog: Dialog, payload: str, *, topic: str, times: int = 4, every_s: float = 5
) -> None:
    """Wait in the dialog while a probe says the same again and again."""
    await dialog.choose("calibration_steady")
    await send(dialog, payload, topic=topic, times=times, every_s=every_s)
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()


async def send(
    dialog: Dialog, *payloads: str, topic: str, times: int = 1, every_s: float = 5
) -> None:
    """Let a probe report while the dialog waits."""
    garden = dialog.garden
    for payload in payloads * times:
        if garden.freezer is not None:
            garden.freezer.tick(every_s)
        say(garden, payload, topic=topic)
        await garden.settle()
        if garden.freezer is not None:
            garden.freezer.tick(1)
        await garden.settle()


async def calibrate(garden: Garden, probe_key: str, fields: CalibrationFields) -> Calibration:
    """Calibrate a probe without a dialog."""
    done = await garden.ask(Calibrate(probe_key=probe_key, fields=fields))
    await garden.settle()
    await garden.entry.runtime_data.coordinator.async_refresh()
    await garden.settle()
    return done


async def act(
    garden: Garden, action: str, key: str | None, context: Context | None = None, **data: object
) -> dict[str, Any]:
    """Call an action on one thing and return its answer."""
    target = {}
    if key is not None:
        device = garden.device(key)
        assert device is not None
        target = {"device_id": device.id}
    answer: Any = await garden.hass.services.async_call(
        DOMAIN, action, target | data, blocking=True, return_response=True, context=context
    )
    await garden.settle()
    return dict(answer)
