"""The job that makes watering tasks."""

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context


def generate_tasks(services: Services, context: Context) -> int:
    """Make a task for each plant that is due for water; return how many."""
    return services.care.make_watering_tasks(context)
