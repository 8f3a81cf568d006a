"""What each role may do, as data."""

from enum import StrEnum

from kamerplanter_backend.common.context import Role


class Permission(StrEnum):
    """Something that may be allowed."""

    READ = "read"
    WORK = "work"
    """Tasks, logs, readings, treatments, harvests."""
    MANAGE = "manage"
    """Create, change and archive tanks, plants and probes."""
    DISPOSE = "dispose"
    """Record a disposal inside a waiting period."""


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.GROWER: frozenset({Permission.READ, Permission.WORK, Permission.MANAGE}),
    Role.ADMIN: frozenset(Permission),
}


def is_permitted(role: Role, permission: Permission) -> bool:
    """Tell whether a role holds a permission."""
    return permission in PERMISSIONS[role]
