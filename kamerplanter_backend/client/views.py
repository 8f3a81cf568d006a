"""The frozen read models of the snapshot, as clients know them."""

from kamerplanter_backend.domain.models.views import (
    ChannelView,
    GardenSnapshot,
    PlantView,
    ProbeView,
    ProblemView,
    TankView,
    TaskView,
)

__all__ = [
    "ChannelView",
    "GardenSnapshot",
    "PlantView",
    "ProbeView",
    "ProblemView",
    "TankView",
    "TaskView",
]
