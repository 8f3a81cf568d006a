"""What the system remembers about itself, stored."""

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.models.system import Installation, JobRun, JobState, SeedMark
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Scope


class JobRunRepository(Repository[JobRun]):
    """Runs of jobs for a garden: one document per job and period."""

    collection = Collection(
        "job_runs", JobRun, unique=(("job", "period"),), indexes=(("state",), ("period",))
    )

    def for_period(self, job: str, period: str) -> JobRun | None:
        """Return the run of a job for a period."""
        return self.first(Where("job", "==", job), Where("period", "==", period))

    def unfinished(self) -> list[JobRun]:
        """Return the runs that were begun and not finished."""
        return self.find(Where("state", "==", JobState.CLAIMED))


class SeedMarkRepository(Repository[SeedMark]):
    """Which parts of the catalogue have been loaded."""

    collection = Collection("seed_marks", SeedMark, scope=Scope.SYSTEM, unique=(("name",),))

    def named(self, name: str) -> SeedMark | None:
        """Return the mark of a part of the catalogue."""
        return self.first(Where("name", "==", name))


class InstallationRepository(Repository[Installation]):
    """The one installation of the store."""

    collection = Collection("installations", Installation, scope=Scope.SYSTEM, unique=(("name",),))
