"""The server's own scheduler: it only ticks; what is due is decided for each garden."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.clock import Clock
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.common.log_context import noted
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.jobs.catalogue import GARDEN_JOBS
from kamerplanter_backend.jobs.job import Job, JobReport, run_due
from kamerplanter_backend.jobs.process_name import new_process_name

_LOGGER = logging.getLogger(__name__)

MISFIRE_S = 3600
"""A tick that is late by less is made up for, once. [s]"""


class InProcessJobs:
    """Runs the due jobs of all gardens, one after the other, on a thread of its own.

    Several processes on one store do no harm: each run is claimed in the store first.

    Args:
        services: What the jobs call.
        store: Where runs are on record.
        gardens: Returns the slugs of the gardens that are looked after, by key.
        context_of: Returns the context in which a job acts in a garden.
        clock: Tells the time.
        tick_s: How often to look. [s]
        jobs: What is done in each garden.
        more: Other things to do at each tick, e.g. the jobs of the installation; they get the
            name of this process.
    """

    def __init__(
        self,
        services: Services,
        store: DocumentStore,
        *,
        gardens: Callable[[], Mapping[str, str]],
        context_of: Callable[[str], Context],
        clock: Clock,
        tick_s: int,
        jobs: Sequence[Job] = GARDEN_JOBS,
        more: Sequence[Callable[[str], None]] = (),
    ) -> None:
        self._services = services
        self._store = store
        self._gardens = gardens
        self._context_of = context_of
        self._clock = clock
        self._tick_s = tick_s
        self._jobs = tuple(jobs)
        self._more = tuple(more)
        self._process = new_process_name()
        self._is_ending = False
        self._scheduler: Any = None

    def start(self) -> None:
        """Tick now, and then again and again. Blocks for a moment."""
        # Nothing else needs the library, and the server can answer before it is loaded.
        from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415

        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        self._scheduler.add_job(
            self.tick,
            IntervalTrigger(seconds=self._tick_s, timezone="UTC"),
            next_run_time=self._clock(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=MISFIRE_S,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing new and wait for the job that runs. Blocks; harmless when done twice."""
        self._is_ending = True
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def tick(self) -> list[JobReport]:
        """Run what is due in each garden; a garden that fails does not stop the others."""
        reports: list[JobReport] = []
        for extra in self._more:
            if not self._is_ending:
                self._attempt("the installation", partial(extra, self._process))
        for key, slug in self._gardens().items():
            if self._is_ending:
                break
            with noted(tenant_slug=slug):
                self._attempt(slug, partial(self._run_into, reports, key))
        return reports

    def _run_into(self, reports: list[JobReport], key: str) -> None:
        context = self._context_of(key)
        # What is out of band becomes a problem with time alone: no reading need come in for it.
        self._services.telemetry.evaluate(context)
        reports += run_due(self._jobs, self._services, self._store, context, process=self._process)

    @staticmethod
    def _attempt(name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except UnavailableError as error:
            _LOGGER.warning("The jobs of %s wait for the store: %s", name, error.message)
        except Exception:
            # The next tick tries again.
            _LOGGER.exception("The jobs of %s could not run", name)
