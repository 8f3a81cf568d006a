"""Jobs carry the names and due times that people know."""

from datetime import time

from kamerplanter_backend.jobs.catalogue import GARDEN_JOBS
from kamerplanter_engines.models.schedule import Daily


def test_daily_jobs_have_their_local_times() -> None:
    times = {job.name: job.schedule.at for job in GARDEN_JOBS if isinstance(job.schedule, Daily)}

    assert times["auto-phase-transitions"] == time(4)
    assert times["watering-generate-tasks-daily"] == time(5)
    assert times["generate_due_care_reminders"] == time(6)


def test_names_are_unique() -> None:
    names = [job.name for job in GARDEN_JOBS]

    assert len(names) == len(set(names))
