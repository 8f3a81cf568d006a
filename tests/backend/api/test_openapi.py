"""The description of the interface is complete, and its examples are right."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema_rs import Draft202012Validator, Registry

from kamerplanter_backend.api.openapi import ERRORS, describe
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module", params=list(Mode))
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the description of a server in each mode."""
    bench = Bench(request.param)
    try:
        return describe(bench.app)
    finally:
        bench.close()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {path}", item[method]


def nodes(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for below in part.values():
            yield from nodes(below)
    elif isinstance(part, list):
        for below in part:
            yield from nodes(below)


async def test_it_is_where_people_look_for_it(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/openapi.json")

    assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(names) == len(set(names))


def test_each_operation_says_what_it_does(document: dict[str, Any]) -> None:
    assert [name for name, operation in operations(document) if not operation.get("summary")] == []


def test_every_error_that_can_come_is_documented_in_the_one_form(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        errors = {status for status in operation["responses"] if status[0] in "45"}
        assert {"500", "503"} <= errors, name
        if operation.get("security"):
            assert {"401", "403"} <= errors, name
        if "requestBody" in operation:
            assert {"408", "413", "415", "422"} <= errors, name
        for status in errors:
            response = operation["responses"][status]
            if "$ref" in response:
                assert response["$ref"] == f"#/components/responses/{ERRORS[int(status)][0]}"
            elif "/health/ready" not in name:
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}, name


def test_the_form_of_errors_is_a_schema_of_its_own(document: dict[str, Any]) -> None:
    for response in document["components"]["responses"].values():
        schema = response["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for node in nodes(document):
        reference = node.get("$ref")
        if isinstance(reference, str):
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
            assert isinstance(found, dict)


def test_schemas_and_enums_say_what_they_mean(document: dict[str, Any]) -> None:
    without = [
        name
        for name, schema in document["components"]["schemas"].items()
        if not schema.get("description") and name != "JsonValue"
    ]

    assert without == []


def test_all_but_public_routes_ask_for_a_login_where_there_are_accounts(
    document: dict[str, Any],
) -> None:
    has_accounts = "/api/v1/auth/login" in document["paths"]
    in_gardens = [
        operation
        for name, operation in operations(document)
        if "/t/{slug}" in name and "/feeds/" not in name
    ]

    assert in_gardens
    needed = [{"bearer": []}] if has_accounts else None
    assert all(operation.get("security") == needed for operation in in_gardens)
    assert ("securitySchemes" in document["components"]) is has_accounts


def test_what_writes_in_a_garden_can_be_repeated(document: dict[str, Any]) -> None:
    creating = document["paths"]["/api/v1/t/{slug}/tanks"]["post"]

    assert "Idempotency-Key" in [parameter["name"] for parameter in creating["parameters"]]


def test_a_patch_may_leave_everything_out_and_clears_with_null(document: dict[str, Any]) -> None:
    patching = document["paths"]["/api/v1/t/{slug}/tanks/{key}"]["patch"]
    content = patching["requestBody"]["content"]
    schema = document["components"]["schemas"]["TankPatch"]

    assert set(content) == {"application/merge-patch+json", "application/json"}
    assert "required" not in schema
    assert schema["additionalProperties"] is False
    patch = Draft202012Validator(
        {"$ref": "urn:api#/components/schemas/TankPatch"},
        registry=Registry([("urn:api", document)]),
    )
    patch.validate({"ph_low": None, "volume_l": 3})
    assert not patch.is_valid({"volume_l": None})
    assert not patch.is_valid({"revision": 3})


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    registry = Registry([("urn:api", document)])
    checked = 0
    for node in nodes(document):
        schema = node if "type" in node or "$ref" in node or "anyOf" in node else node.get("schema")
        for example in _examples(node):
            anchored = {**_anchored(schema or node), "$id": "urn:schema"}
            Draft202012Validator(anchored, registry=registry).validate(example)
            checked += 1

    assert checked > 5


def _examples(node: dict[str, Any]) -> list[Any]:
    found = node.get("examples")
    if isinstance(found, dict):
        return [item["value"] for item in found.values() if isinstance(item, dict)]
    return found if isinstance(found, list) else []


def _anchored(part: Any) -> Any:
    """Make references of a schema lead into the document."""
    if isinstance(part, dict):
        return {
            name: f"urn:api{value}" if name == "$ref" else _anchored(value)
            for name, value in part.items()
        }
    return [_anchored(item) for item in part] if isinstance(part, list) else part


class TestSwagger:
    async def test_the_page_loads_our_own_files_only(self, api: httpx.AsyncClient) -> None:
        page = await api.get("/api/v1/docs")

        assert page.status_code == 200
        assert "://" not in page.text
        assert "<script>" not in page.text
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        for name, kind in (
            ("swagger-ui-bundle.js", "text/javascript"),
            ("swagger-ui.css", "text/css"),
            ("favicon-32x32.png", "image/png"),
            ("start.js", "text/javascript"),
        ):
            assert f"docs/{name}" in page.text
            asset = await api.get(f"/api/v1/docs/{name}")
            assert asset.status_code == 200
            assert asset.headers["content-type"].startswith(kind)
            assert asset.content

    async def test_it_is_not_part_of_the_description(self, api: httpx.AsyncClient) -> None:
        paths = (await api.get("/api/v1/openapi.json")).json()["paths"]

        assert not [path for path in paths if "docs" in path]


async def test_a_garden_that_is_not_there_answers_as_documented(api: httpx.AsyncClient) -> None:
    answer = await api.get(GARDEN.replace("platform", "nowhere") + "/tanks")

    schema = (await api.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    Draft202012Validator(schema["ErrorEnvelope"] | {"components": {"schemas": schema}}).validate(
        answer.json()
    )
