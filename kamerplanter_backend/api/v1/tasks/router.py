"""Tasks: what is to be done, by whom, and that it was."""

from datetime import date
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.services.task_service import CHANGEABLE
from kamerplanter_engines.models.base import Instant, Model
from kamerplanter_engines.models.task import Task, TaskFields, TaskKind, TaskState

router = Router(prefix="/tasks", tags=["tasks"])

Worker = Annotated[Context, Depends(Permitted(Permission.TASK_UPDATE))]


class TaskFilters(ListParameters):
    """Filters of the list of tasks."""

    state: TaskState | None = None
    kind: TaskKind | None = None
    plant_key: str | None = None
    tank_key: str | None = None
    assignee_key: str | None = None
    """Who is to do it: the key of an account."""
    due_until: Annotated[date | None, Compare("due_on", "<=")] = None
    """Those that are due by the day, up to this local date."""
    due_until_at: Annotated[Instant | None, Compare("due_at", "<=")] = None
    """Those that are due by the minute, up to this moment, with a zone."""


TASK = Resource(
    name="task",
    entity=Task,
    fields=TaskFields,
    service=lambda services: services.task,
    create=Permission.TASK_CREATE,
    update=Permission.TASK_UPDATE,
    delete=Permission.TASK_DELETE,
    changeable=CHANGEABLE,
    filters=TaskFilters,
    sort=("due_on", "due_at", "closed_at", "created_at"),
    example={"title": "Look at the roots", "due_on": "2026-05-02"},
)

add_crud_routes(router, TASK)


class CompletionBody(Model):
    """How a task was done."""

    at: Instant | None = None
    """When, with a zone; none = now."""
    volume_l: float | None = Field(default=None, gt=0, le=10_000)
    """How much water or feed, where it was that. [L]"""


@router.post("/{key}/complete", summary="Mark a task as done")
async def complete_task(
    key: PathKey, server: ServerDep, context: Worker, body: CompletionBody | None = None
) -> Task:
    """Mark a task as done, with all that follows from its kind; twice is harmless."""
    how = body or CompletionBody()
    return await server.run(
        lambda: server.services.task.complete(context, key, how.at, how.volume_l)
    )


@router.post("/{key}/skip", summary="Leave a task out this time")
async def skip_task(key: PathKey, server: ServerDep, context: Worker) -> Task:
    """Leave a task out; a care is due again after its interval. Twice is harmless."""
    return await server.run(lambda: server.services.task.skip(context, key))


@router.post("/{key}/reopen", summary="Open a task again")
async def reopen_task(key: PathKey, server: ServerDep, context: Worker) -> Task:
    """Take back that a task was done or skipped, with what that wrote; twice is harmless."""
    return await server.run(lambda: server.services.task.reopen(context, key))
