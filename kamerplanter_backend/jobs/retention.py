"""The job that deletes what is old enough."""

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context


def prune_readings(services: Services, context: Context) -> int:
    """Delete single readings older than 90 days; return how many."""
    return services.telemetry.prune(context)
