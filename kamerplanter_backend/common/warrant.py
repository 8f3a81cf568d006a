"""Upon what a caller was let in, so that a write can look at it again when its turn comes."""

from dataclasses import dataclass

from kamerplanter_backend.common.permissions import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """What was true of a caller when its request came.

    A write waits for its turn. What was taken away from its caller meanwhile counts: all that
    stands here is looked at once more within the transaction that writes.
    """

    user_key: str
    """The account that must still be open."""
    session_key: str | None = None
    """The session that must not be over; none = it did not come by one."""
    api_key_key: str | None = None
    """The API key that must still be good; none = it did not come by one."""
    is_platform_admin: bool = False
    """Whether the account must still look after the installation."""
    garden_key: str | None = None
    """The garden to which the account must still belong; none = any or none."""
    permission: Permission | None = None
    """What the account must still hold in that garden."""
