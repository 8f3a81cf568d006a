"""All jobs that run once for a whole server with accounts; never in Home Assistant."""

from datetime import time, timedelta

from kamerplanter_backend.auth.upkeep import UpkeepService
from kamerplanter_backend.jobs import server_auth
from kamerplanter_backend.jobs.job import Job
from kamerplanter_engines.models.schedule import Daily, Every

SERVER_JOBS: tuple[Job[UpkeepService], ...] = (
    Job(
        name="cleanup-expired-tokens",
        schedule=Every(interval=timedelta(hours=1)),
        run=server_auth.clean_tokens,
    ),
    Job(
        name="auth-cleanup-unverified-daily",
        schedule=Daily(at=time(2)),
        run=server_auth.remove_unverified,
    ),
    Job(
        name="auth-anonymize-ips-daily",
        schedule=Daily(at=time(2, 30)),
        run=server_auth.blur_addresses,
    ),
)
"""Their context is that of the installation: tenant `*`, times in UTC."""
