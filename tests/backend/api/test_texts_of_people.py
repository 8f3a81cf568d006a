"""Whatever a person writes comes in without characters that nobody sees."""

import pytest
from pydantic import BaseModel, ValidationError

from kamerplanter_backend.api.v1.auth.schemas import ApiKeyBody
from kamerplanter_backend.api.v1.calibrations.router import ReplacementBody
from kamerplanter_backend.api.v1.measurements.router import MeasurementBody
from kamerplanter_backend.api.v1.plants.router import PhaseBody
from kamerplanter_backend.client.requests import LogMeasurement, ReplaceProbe
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import TreatmentFields
from kamerplanter_engines.models.telemetry import Replacement

AT = "2026-05-01T10:00:00Z"


@pytest.mark.parametrize(
    ("field", "model", "others"),
    [
        ("label", ApiKeyBody, {"tenant_slug": "garden", "scopes": ["read"]}),
        ("ingredient", TreatmentFields, {"product": "Soap", "at": AT, "plant_key": "p"}),
        ("reason", HarvestFields, {"plant_key": "p", "at": AT, "purpose": "disposal"}),
        ("reason", PhaseBody, {"entry_id": "vegetative"}),
        ("note", HandMeasurementFields, {"tank_key": "t", "kind": "ph", "value": 6}),
        ("note", LogMeasurement, None),
        ("note", MeasurementBody, {"kind": "ph", "value": 6}),
        ("note", ReplaceProbe, {"probe_key": "p"}),
        ("note", ReplacementBody, {}),
        ("note", Replacement, {"at": AT, "recorded_at": AT}),
    ],
)
def test_no_text_of_a_person_has_hidden_characters(
    field: str, model: type[BaseModel], others: dict[str, object] | None
) -> None:
    def made(text: str) -> BaseModel:
        if others is None:
            fields = {"tank_key": "t", "kind": "ph", "value": 6, field: text}
            return model.model_validate({"fields": fields})
        return model.model_validate({**others, field: text})

    made("Ünï 🌱")
    with pytest.raises(ValidationError, match="take out U\\+0000"):
        made("a\x00b")
