"""The job that looks after the phases of plants."""

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context


def propose_transitions(services: Services, context: Context) -> int:
    """Make a task for each plant whose phase has lasted its time; return how many."""
    return services.phase.propose_transitions(context)
