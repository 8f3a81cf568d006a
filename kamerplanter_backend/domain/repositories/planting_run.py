"""Stored planting runs."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.planting_run import PlantingRun


class PlantingRunRepository(Repository[PlantingRun]):
    """The planting runs of a garden; several may have the same name."""

    collection = Collection(
        "planting_runs",
        PlantingRun,
        indexes=(("state",), ("species_key",), ("cultivar_key",), ("location_key",)),
        references=(
            Reference("species_key", "species"),
            Reference("cultivar_key", "cultivars", on_delete=OnDelete.CLEAR),
            Reference("location_key", "locations", on_delete=OnDelete.CLEAR),
        ),
    )
