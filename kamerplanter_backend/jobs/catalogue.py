"""All jobs that run for each garden, with local due times, in the order of the day."""

from datetime import time, timedelta

from kamerplanter_backend.jobs import care, phase, retention, watering
from kamerplanter_backend.jobs.job import Job
from kamerplanter_engines.models.schedule import Daily, Every

GARDEN_JOBS: tuple[Job, ...] = (
    Job(
        name="telemetry-rollup",
        schedule=Every(interval=timedelta(hours=1)),
        run=retention.roll_up_readings,
    ),
    Job(
        name="telemetry-retention",
        schedule=Daily(at=time(3, 30)),
        run=retention.prune_readings,
    ),
    Job(
        name="auto-phase-transitions",
        schedule=Daily(at=time(4)),
        run=phase.propose_transitions,
    ),
    Job(
        name="watering-generate-tasks-daily",
        schedule=Daily(at=time(5)),
        run=watering.generate_tasks,
    ),
    Job(
        name="generate_due_care_reminders",
        schedule=Daily(at=time(6)),
        run=care.generate_reminders,
    ),
)
