"""What the system remembers about itself."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model


class JobState(StrEnum):
    """Where a run of a job stands."""

    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"


class JobRunFields(Model):
    """That a process took on a job for one period of one garden."""

    job: str = Field(min_length=1, max_length=100)
    period: str = Field(min_length=1, max_length=60)
    """The period's name, e.g. `2026-05-01`."""
    state: JobState = JobState.CLAIMED
    claimed_by: str = Field(min_length=1, max_length=100)
    """The process that runs it; changes with each start."""
    claimed_at: Instant
    lease_until: Instant
    """An unfinished run may be taken over after this moment."""
    finished_at: Instant | None = None
    attempts: int = Field(default=1, ge=1)
    changed_count: int = Field(default=0, ge=0)
    """How many things the run changed."""
    problem: str | None = Field(default=None, max_length=4000)
    """Why it failed."""


class JobRun(Entity, JobRunFields):
    """A run that is on record."""


class SeedMarkFields(Model):
    """Which state of a part of the catalogue was loaded last."""

    name: str = Field(min_length=1, max_length=100)
    digest: str = Field(min_length=1, max_length=128)
    """Changes with the content, so that an unchanged part is not loaded again."""
    loaded: tuple[str, ...] = ()
    """What it held, as `collection/key`: what is missing now was deleted by a person."""


class SeedMark(Entity, SeedMarkFields):
    """A mark that exists."""


class InstallationFields(Model):
    """The server that works on this store; there is one."""

    name: Literal["server"] = "server"


class Installation(Entity, InstallationFields):
    """The installation that exists: by its key clients know it again under another address."""


class InstallationCounts(Model):
    """How much there is on a server; what is in the gardens is not counted."""

    account_count: int = Field(ge=0)
    """Accounts that were not deleted, the locked ones too."""
    locked_account_count: int = Field(ge=0)
    """Those of them that a platform admin has locked out."""
    platform_admin_count: int = Field(ge=0)
    """Those of them that look after the installation."""
    garden_count: int = Field(ge=0)
    """Gardens, the suspended ones too."""
    suspended_garden_count: int = Field(ge=0)
    """Those of them in which nobody can write."""
    membership_count: int = Field(ge=0)
    """People in gardens; who works in two of them counts twice."""
