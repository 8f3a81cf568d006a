"""The jobs that tidy up among accounts."""

from kamerplanter_backend.auth.upkeep import UpkeepService
from kamerplanter_backend.common.context import Context


def clean_tokens(upkeep: UpkeepService, context: Context) -> int:
    """Delete tokens, sessions and logins that are over; return how many."""
    return upkeep.clean_tokens(context)


def remove_unverified(upkeep: UpkeepService, context: Context) -> int:
    """Delete accounts whose address nobody confirmed; return how many."""
    return upkeep.remove_unverified(context)


def blur_addresses(upkeep: UpkeepService, context: Context) -> int:
    """Shorten old network addresses; return how many."""
    return upkeep.blur_addresses(context)
