"""Who asks, for which garden, when."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:  # it stands on the roles of this module
    from kamerplanter_backend.common.warrant import Warrant


class Role(StrEnum):
    """What a person may do in a garden."""

    VIEWER = "viewer"
    GROWER = "grower"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything about a call that is not its input."""

    tenant_key: str
    actor: str
    """User key, or the name of the job or automation that acts."""
    role: Role
    now: datetime
    """The moment of the call, aware, UTC."""
    zone: ZoneInfo
    """Time zone of the site; decides local dates."""
    latitude_deg: float | None = None
    started_at: datetime | None = None
    """When this process began to listen; what was received before decides nothing."""
    command_key: str | None = None
    """Identity of the command, so that sending it twice does it once."""
    command_digest: str | None = None
    """Stands for the content of the command, so that its key is not used for another one."""
    request_id: str | None = None
    """The request that this belongs to, as it stands in the log."""
    warrant: Warrant | None = None
    """What a write looks at once more; none = the caller is the process itself, or its owner."""

    @property
    def today(self) -> date:
        """The local date at the site."""
        return self.now.astimezone(self.zone).date()

    def local_date(self, moment: datetime) -> date:
        """Return the local date at the site of a moment."""
        return moment.astimezone(self.zone).date()
