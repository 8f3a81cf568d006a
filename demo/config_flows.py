"""Walks through config flows as the front end does: menu by menu, form by form."""

from collections.abc import Mapping, Sequence

from demo.api import Api, ApiError, Json

FLOW = "/api/config/config_entries/flow"
SUBENTRY_FLOW = "/api/config/config_entries/subentries/flow"

type Step = tuple[str, Mapping[str, object]]
"""Id of a form and what is filled in; for a menu, its id and `{"next_step_id": ...}`."""


RECONFIGURED = "reconfigure_successful"


async def create_entry(api: Api, domain: str, steps: Sequence[Step]) -> str:
    """Create a config entry and return its id.

    Raises:
        ApiError: A step was another one than expected, or refused what was filled in.
    """
    result = await _walk(api, FLOW, {"handler": domain}, steps)
    entry: Json = result["result"]
    return str(entry["entry_id"])


async def create_subentry(api: Api, entry_id: str, kind: str, steps: Sequence[Step]) -> Json:
    """Create a subentry and return the last answer of its flow.

    Raises:
        ApiError: A step was another one than expected, or refused what was filled in.
    """
    return await _walk(api, SUBENTRY_FLOW, {"handler": [entry_id, kind]}, steps)


async def reconfigure_subentry(
    api: Api, subentry: tuple[str, str, str], steps: Sequence[Step]
) -> None:
    """Change a subentry, which is named by entry id, kind and subentry id.

    Raises:
        ApiError: A step was another one than expected, or refused what was filled in.
    """
    entry_id, kind, subentry_id = subentry
    start = {"handler": [entry_id, kind], "subentry_id": subentry_id}
    await _walk(api, SUBENTRY_FLOW, start, steps)


async def reconfigure_entry(api: Api, entry_id: str, domain: str, steps: Sequence[Step]) -> None:
    """Change a config entry.

    Raises:
        ApiError: A step was another one than expected, or refused what was filled in.
    """
    await _walk(api, FLOW, {"handler": domain, "entry_id": entry_id}, steps)


async def _walk(api: Api, path: str, start: Mapping[str, object], steps: Sequence[Step]) -> Json:
    what = f"flow {start['handler']}"
    answer: Json = await api.post(path, dict(start))
    for step_id, filled_in in steps:
        if answer["type"] not in {"form", "menu"} or answer["step_id"] != step_id:
            raise ApiError(what, f"expected step {step_id}", summary(answer))
        answer = await api.post(f"{path}/{answer['flow_id']}", dict(filled_in))
        if answer.get("errors"):
            raise ApiError(what, f"step {step_id} refused", summary(answer))
    if answer["type"] != "create_entry" and answer.get("reason") != RECONFIGURED:
        raise ApiError(what, "was not finished", summary(answer))
    return answer


def summary(answer: Json) -> str:
    """Say in a line where a flow stands."""
    wanted = ("type", "step_id", "reason", "errors", "menu_options", "description_placeholders")
    parts = {name: answer[name] for name in wanted if answer.get(name)}
    fields = [field.get("name") for field in answer.get("data_schema") or []]
    return f"{parts} fields={fields}"
