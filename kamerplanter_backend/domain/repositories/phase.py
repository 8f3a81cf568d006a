"""Stored phase sequences."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Scope
from kamerplanter_engines.models.phase import PhaseSequence


class PhaseSequenceRepository(Repository[PhaseSequence]):
    """The sequences of the catalogue, and a garden's own."""

    collection = Collection(
        "phase_sequences", PhaseSequence, scope=Scope.CATALOGUE, unique=(("name",),)
    )
