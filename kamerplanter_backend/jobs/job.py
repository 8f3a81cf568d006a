"""Runs jobs: each once per period and garden, whoever ticks and however often."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.models.system import JobRun, JobRunFields, JobState
from kamerplanter_backend.domain.repositories.system import JobRunRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.jobs.process_name import is_gone
from kamerplanter_engines.models.schedule import Schedule
from kamerplanter_engines.schedule_engine import period

_LOGGER = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
"""How long others keep their hands off a run; so long a failed one waits for its next try too.

What a process on this machine left behind when it ended is free at once."""
MAX_ATTEMPTS = 5
"""Tries per period."""
KEPT = timedelta(days=30)
"""How long finished runs stay on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job[S = Services]:
    """Something that happens by itself: in each garden, or once for the whole server."""

    name: str
    schedule: Schedule
    run: Callable[[S, Context], int]
    """Does it and returns how many things changed; a repeat must be harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What became of one run."""

    job: str
    period: str
    changed_count: int
    problem: str | None = None
    """Why it failed; none = it did not."""


def run_due[S](
    jobs: Sequence[Job[S]],
    services: S,
    store: DocumentStore,
    context: Context,
    *,
    process: str,
) -> list[JobReport]:
    """Run the jobs of a garden whose open period is not done yet.

    Of several missed periods only the latest one runs. A job that fails does not stop the others.

    Args:
        jobs: The jobs, in the order in which they run.
        services: What they call.
        store: Where runs are on record.
        context: The garden and the moment.
        process: Name of the running process.

    Returns:
        One report for each job that ran.

    Raises:
        UnavailableError: The store does not answer; the next tick tries again.
    """
    reports = []
    for job in jobs:
        run = _claim(store, context, job, process)
        if run is not None:
            reports.append(_run(store, context, services, job, run))
    return reports


def void_unfinished(store: DocumentStore, context: Context) -> int:
    """Take back all claims of a garden that were never finished; return how many.

    For the start of the only process that works on a store.
    """
    with open_unit(store, context, (JobRunRepository,)) as uow:
        runs = uow.of(JobRunRepository)
        unfinished = runs.unfinished()
        for run in unfinished:
            runs.remove(run.key)
    return len(unfinished)


def _claim(store: DocumentStore, context: Context, job: Job[Any], process: str) -> JobRun | None:
    """Take on the open period of a job; none = it is done, or somebody else is at it."""
    name = period(job.schedule, context.now, context.zone)
    with open_unit(store, context) as uow:
        if not _is_free(uow.of(JobRunRepository).for_period(job.name, name), context, process):
            return None
    with open_unit(store, context, (JobRunRepository,)) as uow:
        runs = uow.of(JobRunRepository)
        # Asked again, now that nobody else can write.
        before = runs.for_period(job.name, name)
        if not _is_free(before, context, process):
            return None
        fields = JobRunFields(
            job=job.name,
            period=name,
            claimed_by=process,
            claimed_at=context.now,
            lease_until=context.now + LEASE,
            attempts=before.attempts + 1 if before else 1,
        )
        _forget_old(runs, job, context)
        return runs.change(before, **dict(fields)) if before else runs.add(fields)


def _is_free(run: JobRun | None, context: Context, process: str) -> bool:
    if run is None:
        return True
    is_over = (
        run.lease_until <= context.now
        or run.claimed_at > context.now
        or (run.state is JobState.CLAIMED and is_gone(run.claimed_by, process))
    )
    return run.state is not JobState.DONE and is_over and run.attempts < MAX_ATTEMPTS


def _forget_old(runs: JobRunRepository, job: Job[Any], context: Context) -> None:
    old = runs.find(Where("job", "==", job.name), Where("claimed_at", "<", context.now - KEPT))
    for run in old:
        runs.remove(run.key)


def _run[S](
    store: DocumentStore, context: Context, services: S, job: Job[S], run: JobRun
) -> JobReport:
    changed, problem = 0, None
    try:
        changed = job.run(services, context)
    except Exception as error:
        # One job must not stop the others, whatever is wrong with it.
        _LOGGER.exception("Job %s failed for period %s", job.name, run.period)
        problem = f"{type(error).__name__}: {error}"[:4000]
    with open_unit(store, context, (JobRunRepository,)) as uow:
        runs = uow.of(JobRunRepository)
        runs.change(
            runs.get(run.key),
            state=JobState.DONE if problem is None else JobState.FAILED,
            finished_at=context.now,
            changed_count=changed,
            problem=problem,
        )
    return JobReport(job=job.name, period=run.period, changed_count=changed, problem=problem)
