"""The job that makes care reminders."""

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context


def generate_reminders(services: Services, context: Context) -> int:
    """Make a task for each feeding and pest check that is due; return how many."""
    return services.care.make_reminders(context)
