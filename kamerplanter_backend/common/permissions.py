"""What each role and each kind of API key may do, as data: the only such table."""

from dataclasses import dataclass
from enum import StrEnum

from kamerplanter_backend.common.context import Role


class KeyScope(StrEnum):
    """What an API key was made for."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    ADMIN = "admin"


class Permission(StrEnum):
    """Something that may be allowed within a garden."""

    READ = "garden:read"
    """See and export everything in the garden."""
    SITE_CREATE = "site:create"
    SITE_UPDATE = "site:update"
    SITE_DELETE = "site:delete"
    PLANT_CREATE = "plant:create"
    PLANT_UPDATE = "plant:update"
    """Phases included."""
    PLANT_DELETE = "plant:delete"
    """Archiving included."""
    RUN_CREATE = "run:create"
    RUN_UPDATE = "run:update"
    RUN_DELETE = "run:delete"
    TANK_CREATE = "tank:create"
    TANK_UPDATE = "tank:update"
    TANK_DELETE = "tank:delete"
    PROBE_CREATE = "probe:create"
    PROBE_UPDATE = "probe:update"
    PROBE_DELETE = "probe:delete"
    READING_RECORD = "reading:record"
    TASK_CREATE = "task:create"
    TASK_UPDATE = "task:update"
    """Complete and reopen included."""
    TASK_DELETE = "task:delete"
    TASK_ASSIGN = "task:assign"
    """Give a task to somebody else."""
    LOG_CREATE = "log:create"
    """Waterings, feedings, confirmed care."""
    LOG_UPDATE = "log:update"
    TREATMENT_CREATE = "treatment:create"
    TREATMENT_CORRECT = "treatment:correct"
    """Put a booked treatment right, its waiting period included."""
    HARVEST_CREATE = "harvest:create"
    HARVEST_UPDATE = "harvest:update"
    DISPOSE = "harvest:dispose"
    """Record a disposal inside a waiting period."""
    CATALOGUE_WRITE = "catalogue:write"
    """The garden's own species, cultivars and families."""
    FEED_WRITE = "feed:write"
    """One's own calendar feeds."""
    MEMBER_READ = "member:read"
    MEMBER_WRITE = "member:write"
    """Roles, removals, invitations."""
    INVITATION_READ = "invitation:read"
    TENANT_UPDATE = "tenant:update"
    TENANT_DELETE = "tenant:delete"
    TENANT_LEAVE = "tenant:leave"
    AUDIT_READ = "audit:read"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who holds a permission."""

    role: Role
    """The lowest role."""
    scope: KeyScope
    """What an API key needs beside the role of its user."""
    own_only: bool = False
    """Below an admin: only what one made, is assigned to, or nobody is assigned to."""
    while_suspended: bool = False
    """Holds in a suspended garden too."""


_VIEW = Grant(Role.VIEWER, KeyScope.READ, while_suspended=True)
_WORK = Grant(Role.GROWER, KeyScope.WRITE)
_OWN = Grant(Role.GROWER, KeyScope.WRITE, own_only=True)
_MANAGE = Grant(Role.ADMIN, KeyScope.WRITE)
_RULE = Grant(Role.ADMIN, KeyScope.ADMIN)

GRANTS: dict[Permission, Grant] = {
    Permission.READ: _VIEW,
    Permission.SITE_CREATE: _WORK,
    Permission.SITE_UPDATE: _WORK,
    Permission.SITE_DELETE: _MANAGE,
    Permission.PLANT_CREATE: _WORK,
    Permission.PLANT_UPDATE: _WORK,
    Permission.PLANT_DELETE: _MANAGE,
    Permission.RUN_CREATE: _WORK,
    Permission.RUN_UPDATE: _OWN,
    Permission.RUN_DELETE: _MANAGE,
    Permission.TANK_CREATE: _WORK,
    Permission.TANK_UPDATE: _WORK,
    Permission.TANK_DELETE: _MANAGE,
    Permission.PROBE_CREATE: _WORK,
    Permission.PROBE_UPDATE: _WORK,
    Permission.PROBE_DELETE: _MANAGE,
    Permission.READING_RECORD: Grant(Role.GROWER, KeyScope.INGEST),
    Permission.TASK_CREATE: _WORK,
    Permission.TASK_UPDATE: _OWN,
    Permission.TASK_DELETE: _OWN,
    Permission.TASK_ASSIGN: _MANAGE,
    Permission.LOG_CREATE: _WORK,
    Permission.LOG_UPDATE: _OWN,
    Permission.TREATMENT_CREATE: _WORK,
    Permission.TREATMENT_CORRECT: _MANAGE,
    Permission.HARVEST_CREATE: _WORK,
    Permission.HARVEST_UPDATE: _OWN,
    Permission.DISPOSE: _MANAGE,
    Permission.CATALOGUE_WRITE: _MANAGE,
    Permission.FEED_WRITE: Grant(Role.VIEWER, KeyScope.WRITE, own_only=True),
    Permission.MEMBER_READ: Grant(Role.VIEWER, KeyScope.READ, while_suspended=True),
    Permission.MEMBER_WRITE: _RULE,
    Permission.INVITATION_READ: Grant(Role.ADMIN, KeyScope.ADMIN, while_suspended=True),
    Permission.TENANT_UPDATE: _RULE,
    Permission.TENANT_DELETE: _RULE,
    Permission.TENANT_LEAVE: Grant(Role.VIEWER, KeyScope.ADMIN),
    Permission.AUDIT_READ: Grant(Role.ADMIN, KeyScope.ADMIN, while_suspended=True),
}

_RANK = {Role.VIEWER: 0, Role.GROWER: 1, Role.ADMIN: 2}


def is_permitted(role: Role, permission: Permission) -> bool:
    """Tell whether a role holds a permission."""
    return _RANK[role] >= _RANK[GRANTS[permission].role]


def narrower(role: Role, limit: Role | None) -> Role:
    """Return the lower of two roles; no limit = the role itself."""
    return role if limit is None else min(role, limit, key=_RANK.__getitem__)


def may_touch(
    role: Role,
    permission: Permission,
    *,
    actor: str,
    created_by: str | None,
    assignee: str | None = None,
) -> bool:
    """Tell whether a role may do something to one particular document.

    Args:
        role: Role of who asks.
        permission: What is asked for.
        actor: User key of who asks.
        created_by: Who made the document; none = nobody knows, so it belongs to all.
        assignee: Who is to work on it; none = every grower may.
    """
    if not is_permitted(role, permission):
        return False
    if role is Role.ADMIN or not GRANTS[permission].own_only:
        return True
    return assignee is None or actor in {created_by, assignee}
