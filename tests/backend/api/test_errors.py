"""Every error has one form, whoever refuses."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import Depends

import kamerplanter_backend.common.exceptions
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.common.error_handlers import STATUS, error_code_of, status_of
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    CorruptStoreError,
    EmailNotVerifiedError,
    ForbiddenError,
    IdempotencyConflictError,
    InvalidTokenError,
    InvitationExpiredError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitedError,
    SessionReusedError,
    StaleRevisionError,
    TenantSuspendedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_backend.common.nouns import singular
from kamerplanter_backend.config.settings import Mode
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
    OutOfRangeError,
)
from kamerplanter_engines.models.tank import TankFields
from tests.backend.api.harness import GARDEN, Bench

assert kamerplanter_backend.common.exceptions

OF_CLIENTS = {"CommandExpiredError", "QueuedError"}
"""A client raises them while its server is away; no server does."""

ONE_DAY = "from_at=2026-05-01T00:00:00Z&until_at=2026-05-02T00:00:00Z"


def check_form(answer: httpx.Response) -> dict[str, Any]:
    """Check that an answer has the form of an error, and return it."""
    body: dict[str, Any] = answer.json()
    assert set(body) == {
        "error_id",
        "error_code",
        "message",
        "details",
        "timestamp",
        "path",
        "method",
    }
    assert str(UUID(body["error_id"])) == body["error_id"]
    assert isinstance(body["details"], dict)
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["path"] == answer.request.url.path
    assert body["method"] == answer.request.method
    assert answer.headers["content-type"] == "application/json"
    return body


def with_route(bench: Bench, error: Exception) -> None:
    """Add a route that fails."""

    async def fail() -> None:
        raise error

    bench.app.router.add_api_route("/fail", fail, dependencies=[Depends(Public())])


class TestCategories:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (InvalidInputError, 422),
            (OutOfRangeError, 422),
            (KarenzViolationError, 422),
            (IllegalTransitionError, 422),
            (UnauthorizedError, 401),
            (InvalidTokenError, 401),
            (SessionReusedError, 401),
            (ForbiddenError, 403),
            (EmailNotVerifiedError, 403),
            (TenantSuspendedError, 403),
            (NotFoundError, 404),
            (ConflictError, 409),
            (IdempotencyConflictError, 409),
            (InvitationExpiredError, 410),
            (StaleRevisionError, 412),
            (PayloadTooLargeError, 413),
            (UnavailableError, 503),
            (CorruptStoreError, 503),
        ],
    )
    def test_each_has_its_status(self, error: type[KamerplanterError], status: int) -> None:
        assert status_of(error("…")) == status

    def test_every_error_that_there_is_belongs_to_one(self) -> None:
        waiting, without = [KamerplanterError], []
        while waiting:
            error = waiting.pop()
            waiting += error.__subclasses__()
            nearest = next(kind for kind in error.__mro__ if kind in STATUS)
            is_ours = error is not KamerplanterError and error.__name__ not in OF_CLIENTS
            if nearest is KamerplanterError and is_ours:
                without.append(error.__name__)

        assert without == []

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("plants", "PLANT_NOT_FOUND"),
            ("species", "SPECIES_NOT_FOUND"),
            ("botanical_families", "BOTANICAL_FAMILY_NOT_FOUND"),
            ("tank_alerts", "TANK_ALERT_NOT_FOUND"),
            ("harvests", "HARVEST_NOT_FOUND"),
        ],
    )
    def test_what_was_not_found_is_named_in_the_code(self, kind: str, code: str) -> None:
        assert error_code_of(NotFoundError("…", kind=kind, key="x")) == code

    def test_singulars_of_words_on_double_s(self) -> None:
        assert singular("harnesses") == "harness"


class TestWhoRefuses:
    async def test_the_domain(self, api: httpx.AsyncClient) -> None:
        answer = await api.get(f"{GARDEN}/plants/xyz")

        body = check_form(answer)
        assert (answer.status_code, body["error_code"]) == (404, "PLANT_NOT_FOUND")
        assert body["details"] == {"kind": "plants", "key": "xyz"}

    async def test_the_check_of_the_body_names_field_value_and_reason(
        self, api: httpx.AsyncClient
    ) -> None:
        answer = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": -1})

        body = check_form(answer)
        assert (answer.status_code, body["error_code"]) == (422, "VALIDATION_ERROR")
        assert body["details"]["fields"] == [
            {
                "field": "volume_l",
                "location": "body",
                "reason": "Input should be greater than 0",
                "code": "greater_than",
                "value": "-1",
            }
        ]
        assert body["message"].startswith("volume_l: ")

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    async def test_a_check_of_our_own_speaks_in_its_own_words(
        self, api: httpx.AsyncClient, method: str
    ) -> None:
        made = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": 60})
        address = f"{GARDEN}/tanks" + (f"/{made.json()['key']}" if method == "PATCH" else "")

        answer = await api.request(method, address, json={"name": "A\tB", "volume_l": 60})

        message = check_form(answer)["message"]
        assert message.startswith("name: must be one line without control characters")

    async def test_a_change_is_refused_in_the_form_of_what_is_new(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": 60})
        wrong = {"name": "A\tB", "volume_l": -1}

        new = await api.post(f"{GARDEN}/tanks", json=wrong)
        change = await api.patch(f"{GARDEN}/tanks/{made.json()['key']}", json=wrong)

        details = check_form(change)["details"]
        assert details == check_form(new)["details"]
        assert (details["field"], details["value"]) == ("name", "A\tB")
        assert [problem["field"] for problem in details["fields"]] == ["name", "volume_l"]

    @pytest.mark.parametrize(
        ("call", "headers", "field", "location"),
        [
            ("PATCH tanks/{key}", {}, "colour", "body"),
            ("PATCH tanks/{key}", {"If-Match": '"abc"'}, "If-Match", "header"),
            ("GET tanks?cursor=x", {}, "cursor", "query"),
        ],
    )
    async def test_what_a_rule_refuses_has_that_form_too(
        self, api: httpx.AsyncClient, call: str, headers: dict[str, str], field: str, location: str
    ) -> None:
        made = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": 60})
        method, address = call.format(key=made.json()["key"]).split()

        answer = await api.request(
            method, f"{GARDEN}/{address}", json={"colour": "red"}, headers=headers
        )

        body = check_form(answer)
        (problem,) = body["details"]["fields"]
        assert answer.status_code == 422
        assert (problem["field"], problem["location"]) == (field, location)
        assert body["details"]["field"] == field
        assert body["details"].get("value") == problem.get("value")
        assert problem["reason"] == body["message"]

    @pytest.mark.parametrize("name", ["Ø€", "Größe", "Host\n", ""])
    async def test_a_name_that_no_header_can_have_is_refused_too(
        self, api: httpx.AsyncClient, name: str
    ) -> None:
        made = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": 60})

        answer = await api.patch(f"{GARDEN}/tanks/{made.json()['key']}", json={name: 1})

        (problem,) = check_form(answer)["details"]["fields"]
        assert answer.status_code == 422
        assert (problem["field"], problem["location"]) == (name, "body")

    @pytest.mark.parametrize(
        ("patch", "value", "message"),
        [
            ({"volume_l": "a lot"}, "a lot", "Input should be a valid number (got 'a lot')."),
            ({"volume_l": None}, "", "Field required."),
        ],
    )
    async def test_a_change_tells_what_was_sent_as_it_was_sent(
        self, api: httpx.AsyncClient, patch: dict[str, Any], value: str, message: str
    ) -> None:
        made = await api.post(f"{GARDEN}/tanks", json={"name": "A", "volume_l": 60})

        answer = await api.patch(f"{GARDEN}/tanks/{made.json()['key']}", json=patch)

        body = check_form(answer)
        assert (body["details"]["field"], body["details"]["value"]) == ("volume_l", value)
        assert body["message"] == f"volume_l: {message}"

    async def test_a_field_that_stays_as_it_is_tells_what_was_asked_for(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await api.post(f"{GARDEN}/tasks", json={"title": "Look", "due_on": "2026-05-01"})

        answer = await api.patch(f"{GARDEN}/tasks/{made.json()['key']}", json={"kind": "watering"})

        body = check_form(answer)
        assert (body["details"]["field"], body["details"]["value"]) == ("kind", "watering")
        assert "possible are assignee_key, description" in body["message"]

    @pytest.mark.parametrize(
        "address",
        [
            "calendar/events?start=2026-05-01&end=2026-06-01&category=task&kind=phase",
            "ipm/plants/xyz/harvest-check?om=2026-05-01",
            f"probes/xyz/readings?kind=ec&{ONE_DAY}&step=hour",
            "probes/xyz/trend?kind=ec&since=2026-05-01",
        ],
    )
    async def test_a_name_in_the_address_that_nobody_knows(
        self, api: httpx.AsyncClient, address: str
    ) -> None:
        answer = await api.get(f"{GARDEN}/{address}")

        (problem,) = check_form(answer)["details"]["fields"]
        assert answer.status_code == 422
        assert (problem["location"], problem["code"]) == ("query", "extra_forbidden")

    async def test_a_body_that_is_no_json(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            f"{GARDEN}/tanks", content=b'{"name": ', headers={"Content-Type": "application/json"}
        )

        body = check_form(answer)
        assert (answer.status_code, body["error_code"]) == (422, "VALIDATION_ERROR")
        assert body["message"] == "body: it is no JSON from character 9 on."
        assert body["details"]["fields"][0]["field"] == "body"

    async def test_an_unknown_route(self, api: httpx.AsyncClient) -> None:
        answer = await api.get("/api/v1/nonsense")

        assert (answer.status_code, check_form(answer)["error_code"]) == (404, "NOT_FOUND")

    async def test_a_list_with_a_wrong_item_is_not_called_too_short(
        self, api: httpx.AsyncClient
    ) -> None:
        wrong = await api.post(f"{GARDEN}/telemetry/readings", json={"readings": [{"kind": "ph"}]})
        empty = await api.post(f"{GARDEN}/telemetry/readings", json={"readings": []})

        found = [problem["field"] for problem in check_form(wrong)["details"]["fields"]]
        assert found == ["readings.0.probe_key", "readings.0.value"]
        assert [item["code"] for item in check_form(empty)["details"]["fields"]] == ["too_short"]

    async def test_a_wrong_method_says_which_are_possible(self, api: httpx.AsyncClient) -> None:
        answer = await api.put("/api/v1/mode", json={})

        assert (answer.status_code, check_form(answer)["error_code"]) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "GET"

    async def test_nobody_knows_who_calls(self, server_of: Callable[..., Bench]) -> None:
        async with server_of(Mode.FULL).client() as stranger:
            answer = await stranger.get(f"{GARDEN}/plants")

        assert (answer.status_code, check_form(answer)["error_code"]) == (401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_too_many_attempts_say_when_the_next_one_is_possible(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        with_route(bench, RateLimitedError("Too many.", retry_after_s=2.1))

        answer = await api.get("/fail")

        assert (answer.status_code, check_form(answer)["error_code"]) == (429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "3"

    async def test_the_store_says_nothing_of_itself(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        with_route(bench, UnavailableError("sqlite: /srv/garden.db is locked", reason="busy"))

        answer = await api.get("/fail")

        body = check_form(answer)
        assert (answer.status_code, body["error_code"]) == (503, "UNAVAILABLE")
        assert body["details"] == {"reason": "busy"}
        assert int(answer.headers["retry-after"]) > 0
        assert "sqlite" not in answer.text
        assert "/srv" not in answer.text

    async def test_a_mistake_of_ours_says_nothing_and_is_found_in_the_log(
        self, bench: Bench, api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with_route(bench, RuntimeError("table tanks has no column x in /srv/garden.db"))

        answer = await api.get("/fail")

        body = check_form(answer)
        assert (answer.status_code, body["error_code"]) == (500, "INTERNAL_ERROR")
        for word in ("table", "/srv", "RuntimeError", "Traceback"):
            assert word not in answer.text
        assert body["error_id"] in caplog.text
        assert "table tanks has no column x" in caplog.text

    async def test_a_model_that_refuses_inside_of_a_service(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        async def fail() -> None:
            TankFields.model_validate({"name": "A", "volume_l": 0})

        bench.app.router.add_api_route("/fail", fail, dependencies=[Depends(Public())])

        answer = await api.get("/fail")

        body = check_form(answer)
        assert answer.status_code == 422
        assert body["details"]["fields"][0]["field"] == "volume_l"


class TestSecrets:
    async def test_a_wrong_password_is_not_repeated(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            f"{GARDEN}/tanks", json={"name": "A", "volume_l": 1, "password": "hunter22"}
        )

        assert answer.status_code == 422
        assert "hunter22" not in answer.text

    async def test_nor_is_a_value_under_a_name_that_nobody_knows(
        self, api: httpx.AsyncClient
    ) -> None:
        answer = await api.post(
            f"{GARDEN}/tanks", json={"name": "A", "volume_l": 1, "parole": "hunter22"}
        )

        assert "hunter22" not in answer.text

    async def test_nor_a_body_that_is_nothing_but_a_text(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(f"{GARDEN}/tanks", json="hunter22")

        assert answer.status_code == 422
        assert "hunter22" not in answer.text
