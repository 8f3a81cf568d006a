"""An example of every body, so that each can be tried out from the documentation.

What a route says itself goes first. A change takes a field of the example of what it changes; a
request takes the examples of what it is made of; what no rule can guess stands in `OWN`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

type Schema = dict[str, Any]

SCHEMAS = "#/components/schemas/"

KEY = "0198a3c2f7d87c52a0b1c2d3e4f50617"
"""Stands for any key."""

VALUES: Mapping[str, Any] = {
    "key": KEY,
    "name": "Allotment",
    "display_name": "Ada",
    "email": "ada@example.org",
    "species_key": "solanum_lycopersicum",
    "tenant_slug": "allotment",
    "entry_id": "vegetative",
    "kind": "ec",
    "reason": "The label was read wrongly.",
    "token": "k3pD0c-uJ4x7mQ9sV1bN6zR2wT8yL5aH",
    "from_at": "2026-05-01T00:00:00Z",
    "until_at": "2026-05-02T00:00:00Z",
    "command_key": "0198a3c2-f7d8-7c52-a0b1-c2d3e4f50617",
    "dialog": "01jt5x7c2v",
}
"""What a field of this name may hold; any other that ends in `_key` holds a key."""

PLAIN: Mapping[str, Any] = {
    "boolean": True,
    "date": "2026-05-01",
    "date-time": "2026-05-01T08:00:00Z",
}
"""By format or type."""

OWN: Mapping[str, Schema] = {
    "AccountDeletion": {"password": "correct horse battery"},
    "CompletionBody": {"at": "2026-05-01T08:00:00Z", "volume_l": 2.5},
    "CompleteTask": {"key": KEY, "at": "2026-05-01T08:00:00Z", "volume_l": 2.5},
    "ConfirmCare": {"plant_key": KEY, "kind": "pest_check"},
    "CorrectTreatment": {
        "key": KEY,
        "patch": {"interval_d": 7},
        "reason": "The label was read wrongly.",
    },
    "HandMeasurementFields": {"tank_key": KEY, "kind": "ec", "value": 1850, "unit": "µS/cm"},
    "LinkBody": {"return_to": "/"},
    "LinkInvitation": {"role": "viewer"},
    "StartBody": {"planted_on": "2026-05-15"},
    "WateringFields": {
        "kind": "water",
        "at": "2026-05-01T08:00:00Z",
        "volume_l": 1.5,
        "note": "From the rain barrel.",
    },
    "Reading": {
        "probe_key": KEY,
        "kind": "ec",
        "at": "2026-05-01T08:00:00Z",
        "received_at": "2026-05-01T08:00:01Z",
        "value": 1.85,
        "verdict": "good",
    },
    "ApplicationFields": {
        "product": "Neem oil",
        "interval_d": 3,
        "at": "2026-05-01T08:00:00Z",
    },
    "TenantFields": {"name": "Allotment"},
    "ProfileFields": {"display_name": "Ada"},
}
"""By the name of the schema: what cannot be put together from its fields."""

CHANGES: Mapping[str, str] = {
    "UpdateLocation": "LocationFields",
    "UpdateTank": "TankFields",
    "UpdatePlant": "PlantFields",
    "UpdateProbe": "ProbeFields",
    "UpdateTask": "TaskFields",
    "UpdateRun": "PlantingRunFields",
}
"""What the `patch` of a request changes."""


class Examples:
    """Knows an example of each schema of a document, and makes the ones that are missing.

    Args:
        document: An OpenAPI document; the examples of its bodies are taken over.
    """

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._schemas: dict[str, Schema] = document["components"]["schemas"]
        self._known: dict[str, Any] = dict(OWN)
        for schema in self._bodies():
            name = _name(schema)
            if name is not None and schema.get("examples"):
                self._known.setdefault(name, schema["examples"][0])

    def patch_of(self, fields_name: str, changeable: Sequence[str]) -> Schema:
        """Return a merge patch with one field of the example of what it changes."""
        example = self._known[fields_name]
        name = next(name for name in changeable if name in example)
        return {name: example[name]}

    def complete(self) -> None:
        """Give each body of the document that has none an example, where a rule makes one."""
        for schema in self._bodies():
            if schema.get("examples"):
                continue
            # A test asks for all of them; people get the documentation without one, too.
            with suppress(LookupError):
                schema["examples"] = [self._of(schema, "")]

    def _bodies(self) -> Iterator[Schema]:
        for item in self._document["paths"].values():
            for operation in item.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    yield content["schema"]

    def _of(self, schema: Schema, name: str) -> Any:  # noqa: ANN401 - any JSON
        if schema.get("examples"):
            return schema["examples"][0]
        options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if options:
            return self._of(options[0], name)
        referred = _name(schema)
        if referred is None:
            return self._made(schema, name)
        if referred not in self._known:
            self._known[referred] = self._made(self._schemas[referred], name, referred)
        return self._known[referred]

    def _made(self, schema: Schema, name: str, title: str = "") -> Any:  # noqa: ANN401 - any JSON
        if "enum" in schema:
            return schema["enum"][0]
        if name in VALUES or name.endswith("_key"):
            return VALUES.get(name, KEY)
        kind: str = schema.get("format") or schema.get("type", "")
        if kind == "array":
            return [self._of(schema["items"], name.removesuffix("s"))]
        if kind == "object":
            fields = schema.get("properties", {})
            return {one: self._field(fields[one], one, title) for one in schema.get("required", ())}
        if kind in {"number", "integer"}:
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        if kind in PLAIN:
            return PLAIN[kind]
        raise LookupError(f"no example for {title or name}: it belongs into OWN or VALUES")

    def _field(self, field: Schema, name: str, title: str) -> Any:  # noqa: ANN401 - any JSON
        if name == "patch" and title in CHANGES:
            changed = CHANGES[title]
            return self.patch_of(changed, sorted(self._schemas[patch_name(changed)]["properties"]))
        return self._of(field, name)


def patch_name(fields_name: str) -> str:
    """Return the name of the schema of a change: `TankFields` becomes `TankPatch`."""
    return f"{fields_name.removesuffix('Fields')}Patch"


def _name(schema: Schema) -> str | None:
    reference = schema.get("$ref")
    return None if reference is None else reference.removeprefix(SCHEMAS)
