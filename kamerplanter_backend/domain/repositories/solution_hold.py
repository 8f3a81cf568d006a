"""Stored times at which probes were out of their places."""

from collections.abc import Mapping

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Access, Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.solution_hold import (
    MOST_KEPT,
    REMEMBERED,
    SolutionHold,
    SolutionHoldFields,
)

type Holds = tuple[SolutionHold, ...]


class SolutionHoldRepository(Repository[SolutionHold]):
    """When the probes of a garden were calibrated: some documents per probe, for some days."""

    collection = Collection(
        "solution_holds",
        SolutionHold,
        unique=(("probe_key", "dialog"),),
        references=(Reference("probe_key", "probes", on_delete=OnDelete.CASCADE),),
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._remembered: Mapping[str, Holds] | None = None

    def remembered(self) -> Mapping[str, Holds]:
        """Return what may still matter, by key of the probe; asked once in a unit of work."""
        if self._remembered is None:
            oldest = self._context.now - REMEMBERED
            found: dict[str, Holds] = {}
            for item in self.find():
                if item.until > oldest:
                    found[item.probe_key] = (*found.get(item.probe_key, ()), item)
            self._remembered = found
        return self._remembered

    def note(self, said: SolutionHoldFields) -> SolutionHold:
        """Write down what a dialog says now, and let go of what does not matter any more.

        It begins when it was first said to begin. What is known already writes nothing.
        """
        self._remembered = None
        of_probe = self.find(Where("probe_key", "==", said.probe_key), order=(Order("until"),))
        known = next((item for item in of_probe if item.dialog == said.dialog), None)
        if known is not None:
            return self.change(known, since=min(known.since, said.since), until=said.until)
        oldest = self._context.now - REMEMBERED
        for index, item in enumerate(of_probe):
            if item.until <= oldest or index <= len(of_probe) - MOST_KEPT:
                self.remove(item.key)
        return self.add(said)
