"""The description of the interface is complete, and its examples are right."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema_rs import Draft202012Validator, Registry
from pydantic import TypeAdapter

from kamerplanter_backend.api import docs
from kamerplanter_backend.api.examples import KEY, Examples
from kamerplanter_backend.api.field_words import WORDS
from kamerplanter_backend.api.openapi import ERRORS, describe
from kamerplanter_backend.common.error_handlers import STATUS
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench

GARDEN_PATH = "/api/v1/t/{slug}"
REQUESTS = f"{GARDEN_PATH}/client/requests"
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


async def test_nobody_waits_while_it_is_made(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    others_were_answered, made = threading.Event(), []

    def slowly(app: FastAPI) -> dict[str, Any]:
        if not app.openapi_schema:
            assert others_were_answered.wait(10)
            made.append(app)
        return describe(app)

    monkeypatch.setattr(docs, "describe", slowly)
    first, second = (asyncio.create_task(api.get("/api/v1/openapi.json")) for _ in range(2))
    health = await api.get("/api/v1/health/live")
    others_were_answered.set()

    assert [health.status_code, (await first).status_code, (await second).status_code] == [200] * 3
    assert len(made) == 1, "it is made once"


async def test_it_is_written_down_once(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.get("/api/v1/openapi.json")
    monkeypatch.setattr(docs, "JSONResponse", None)
    second = await api.get("/api/v1/openapi.json")

    assert (second.status_code, second.headers["content-type"]) == (200, "application/json")
    assert second.content == first.content


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
            assert "422" in errors, name
        if not name.startswith("get "):
            # A body is looked at before anybody knows that the route takes none.
            assert {"408", "413", "415"} <= errors, name
        for status in errors:
            response = operation["responses"][status]
            if "$ref" in response:
                assert response["$ref"] == f"#/components/responses/{ERRORS[int(status)][0]}"
            elif "/health/ready" not in name:
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}, name


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("post /api/v1/auth/login", {401, 403, 408, 413, 415, 422, 429}),
        ("post /api/v1/auth/refresh", {401, 403, 408, 413, 415, 422}),
        ("post /api/v1/auth/logout", {401, 403, 408, 413, 415, 422}),
        ("post /api/v1/auth/logout-all", {401, 403, 408, 413, 415, 422}),
        ("delete /api/v1/auth/api-keys/{key}", {401, 403, 404, 408, 409, 413, 415, 422}),
        ("delete /api/v1/users/me", {401, 403, 404, 408, 409, 412, 413, 415, 422, 429}),
        ("post /api/v1/users/me/password", {401, 403, 404, 408, 409, 413, 415, 422, 429}),
        (f"post {REQUESTS}/UpdateTank", {401, 403, 404, 408, 409, 412, 413, 415, 421, 422}),
        (f"post {REQUESTS}/ReplaceProbe", {401, 403, 404, 408, 409, 412, 413, 415, 421, 422}),
        (f"post {REQUESTS}/LogWatering", {401, 403, 404, 408, 409, 413, 415, 421, 422}),
    ],
)
def test_an_error_without_a_cause_is_not_documented(
    document: dict[str, Any], name: str, errors: set[int]
) -> None:
    documented = dict(operations(document))
    if name not in documented:
        # A light server has no logins.
        assert "post /api/v1/auth/login" not in documented
        return
    statuses = {int(status) for status in documented[name]["responses"]}
    assert statuses - {200, 204, 500, 503} == errors


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
        if not schema.get("description")
    ]

    assert without == []


def test_each_field_and_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def is_silent(part: dict[str, Any]) -> bool:
        referred = schemas.get(part.get("$ref", "").rpartition("/")[2], {})
        return not (part.get("description") or referred.get("description"))

    fields = [
        f"{title}.{name}"
        for title, schema in schemas.items()
        for name, field in schema.get("properties", {}).items()
        if is_silent(field)
    ]
    parameters = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if is_silent(parameter)
    ]
    advice = "give them a docstring, or a word in api/field_words.py"
    assert fields == [], advice
    assert parameters == [], advice


def test_who_comes_back_from_a_login_provider_reads_what_it_sends_along() -> None:
    bench = Bench(Mode.FULL)
    try:
        path = describe(bench.app)["paths"]["/api/v1/auth/oauth/{provider}/callback"]
    finally:
        bench.close()
    said = {item["name"]: item["description"] for item in path["get"]["parameters"]}
    # Of other things these names say how they stand and what programs tell them by.
    assert said["state"].startswith("What the browser left with")
    assert said["code"].startswith("What the provider gives")


def test_each_word_about_a_field_is_needed() -> None:
    bench = Bench(Mode.FULL)
    try:
        schema = describe(bench.app)
    finally:
        bench.close()
    used = {name for node in nodes(schema) for name in node.get("properties", ())}
    used |= {node["name"] for node in nodes(schema) if "in" in node}

    assert WORDS.keys() - used == set()


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


@pytest.mark.parametrize(
    ("path", "can_be"),
    [
        ("t/{slug}/tanks", True),
        ("species", True),
        ("t/{slug}/client/requests/LogWatering", True),
        ("t/{slug}/client/requests/ListIrrigation", False),
    ],
)
def test_what_writes_can_be_repeated(document: dict[str, Any], path: str, can_be: bool) -> None:
    parameters = document["paths"][f"/api/v1/{path}"]["post"]["parameters"]

    assert ("Idempotency-Key" in [parameter["name"] for parameter in parameters]) is can_be


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("tanks", "the same key again answers again and acts once"),
        ("telemetry/readings", "a reading is stored once by its channel and `at`"),
        ("calendar/feeds", "each call makes a feed"),
        ("calendar/feeds/{key}/token", "each call makes a new address"),
    ],
)
def test_the_header_says_what_it_does_there(
    document: dict[str, Any], path: str, about: str
) -> None:
    parameters = document["paths"][f"/api/v1/t/{{slug}}/{path}"]["post"]["parameters"]
    (header,) = [found for found in parameters if found["name"] == "Idempotency-Key"]

    assert about in header["description"]


@pytest.mark.parametrize("path", ["tenants/{slug}", "admin/tenants/{key}", "admin/users/{key}"])
def test_what_is_gone_for_good_is_not_said_to_answer_again(
    document: dict[str, Any], path: str
) -> None:
    documented = dict(operations(document))
    name = f"delete /api/v1/{path}"
    if "post /api/v1/auth/login" not in documented:
        # A light server has no accounts.
        assert name not in documented
        return
    (header,) = [
        found for found in documented[name]["parameters"] if found["name"] == "Idempotency-Key"
    ]

    assert "is not found (404)" in header["description"]


def test_who_names_a_revision_is_told_the_next_one(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        headers = [parameter["name"] for parameter in operation.get("parameters", ())]
        for status in {"200", "201"} & operation["responses"].keys():
            told = operation["responses"][status].get("headers", {})
            assert "If-Match" not in headers or "ETag" in told, name


def test_what_can_be_answered_with_nothing_says_by_which_header(document: dict[str, Any]) -> None:
    asking = {
        name
        for name, operation in operations(document)
        if "If-None-Match" in [parameter["name"] for parameter in operation.get("parameters", ())]
    }

    assert {f"get {GARDEN_PATH}/tanks/{{key}}", f"get {GARDEN_PATH}/client/snapshot"} <= asking
    assert asking == {
        name for name, operation in operations(document) if "304" in operation["responses"]
    }


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


def test_each_body_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    registry = Registry([("urn:api", document)])
    bodies = [
        (f"{name} as {kind}", content["schema"])
        for name, operation in operations(document)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    ]

    assert len(bodies) > 60
    for name, schema in bodies:
        assert schema.get("examples"), name
        for example in schema["examples"]:
            anchored = {**_anchored(schema), "$id": "urn:schema"}
            Draft202012Validator(anchored, registry=registry).validate(example)


def test_what_checks_a_body_takes_its_example(document: dict[str, Any]) -> None:
    bench = Bench(Mode.FULL if "/api/v1/auth/login" in document["paths"] else Mode.LIGHT)
    checked = 0
    try:
        for route in iter_route_contexts(bench.app.routes):
            for method in route.methods or ():
                operation = document["paths"].get(route.path, {}).get(method.lower(), {})
                if "requestBody" not in operation or method == "PATCH":
                    continue
                assert route.dependant is not None
                (body,) = route.dependant.body_params
                example = operation["requestBody"]["content"]["application/json"]["schema"]
                TypeAdapter(body.field_info.annotation).validate_json(
                    json.dumps(example["examples"][0])
                )
                checked += 1
    finally:
        bench.close()

    assert checked > 50


@pytest.mark.parametrize(
    ("path", "method", "example"),
    [
        ("tanks/{key}", "patch", {"name": "Tent tank"}),
        ("client/requests/ListRuns", "post", {}),
        ("client/requests/ArchiveTank", "post", {"key": KEY}),
        ("client/requests/UpdateTask", "post", {"key": KEY, "patch": {"due_on": "2026-05-02"}}),
        (
            "client/requests/AdoptPlants",
            "post",
            {"key": KEY, "plant_keys": [KEY]},
        ),
    ],
)
def test_examples_are_put_together_from_what_a_request_is_made_of(
    document: dict[str, Any], path: str, method: str, example: dict[str, Any]
) -> None:
    body = document["paths"][f"/api/v1/t/{{slug}}/{path}"][method]["requestBody"]

    assert body["content"]["application/json"]["schema"]["examples"] == [example]


def test_a_body_for_which_no_rule_makes_an_example_does_without() -> None:
    fields = {"due_on": {"type": "string", "format": "date"}, "odd": {"type": "string"}}
    plain = {"type": "object", "required": ["due_on"], "properties": fields}
    odd = {"type": "object", "required": ["odd"], "properties": fields}
    document = {"components": {"schemas": {}}, "paths": {"/plain": {}, "/odd": {}}}
    for path, schema in (("/plain", plain), ("/odd", odd)):
        body = {"content": {"application/json": {"schema": schema}}}
        document["paths"][path] = {"post": {"requestBody": body}}

    Examples(document).complete()

    assert plain["examples"] == [{"due_on": "2026-05-01"}]
    assert "examples" not in odd


def test_each_status_of_an_error_is_documented_somewhere(document: dict[str, Any]) -> None:
    documented = {
        int(status) for _, operation in operations(document) for status in operation["responses"]
    }
    only_with_accounts = {410, 429, 502}

    has_accounts = "/api/v1/auth/login" in document["paths"]
    assert set(STATUS.values()) - documented <= (set() if has_accounts else only_with_accounts)


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
