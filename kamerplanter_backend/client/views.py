"""The frozen read models of the snapshot, as clients know them."""

from kamerplanter_backend.domain.snapshot.views import (
    AgreementView,
    ChannelView,
    DailyClimateView,
    GardenSnapshot,
    LocationView,
    PlantView,
    ProbeView,
    ProblemView,
    QualityView,
    TankView,
    TaskView,
)

__all__ = [
    "AgreementView",
    "ChannelView",
    "DailyClimateView",
    "GardenSnapshot",
    "LocationView",
    "PlantView",
    "ProbeView",
    "ProblemView",
    "QualityView",
    "TankView",
    "TaskView",
]
