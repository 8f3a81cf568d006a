"""The frozen read models of the snapshot, as clients know them."""

from kamerplanter_backend.domain.snapshot.views import (
    ChannelView,
    GardenSnapshot,
    PlantView,
    ProbeView,
    ProblemView,
    QualityView,
    TankView,
    TaskView,
)

__all__ = [
    "ChannelView",
    "GardenSnapshot",
    "PlantView",
    "ProbeView",
    "ProblemView",
    "QualityView",
    "TankView",
    "TaskView",
]
