"""The jobs that sum up what was measured, and delete what is old enough."""

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context


def roll_up_readings(services: Services, context: Context) -> int:
    """Sum up the hours and days in which readings arrived; return how many hours."""
    total = 0
    while found := services.telemetry.roll_up(context):
        total += found
    return total


def prune_readings(services: Services, context: Context) -> int:
    """Delete what is older than it is kept; return how many single readings that was."""
    return services.telemetry.prune(context)
