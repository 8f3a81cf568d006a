"""The log: one form for all lines, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from kamerplanter_backend.common.log_context import note_down, noted
from kamerplanter_backend.config.logging import configure_logging, redacted_text
from kamerplanter_backend.config.settings import Environment, Settings

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ"


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Give the process its logging back."""
    root = logging.getLogger()
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def written(environment: Environment = Environment.PRODUCTION) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(Settings(environment=environment, store="sqlite:///:memory:"), stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("kept_logging")
class TestForm:
    def test_production_writes_json_with_level_time_and_context(self) -> None:
        stream = written()

        with noted("r1"):
            note_down(tenant_slug="tent", user_key="u1")
            structlog.get_logger("ours").info("watered", volume_l=2.5)

        (line,) = lines(stream)
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "watered",
            "level": "info",
            "logger": "ours",
            "request_id": "r1",
            "tenant_slug": "tent",
            "user_key": "u1",
            "volume_l": 2.5,
        }

    def test_lines_of_libraries_have_the_same_form_and_context(self) -> None:
        stream = written()

        with noted("r1"):
            logging.getLogger("uvicorn.error").warning("Invalid %s", "request")

        (line,) = lines(stream)
        assert (line["event"], line["level"], line["request_id"]) == (
            "Invalid request",
            "warning",
            "r1",
        )

    @pytest.mark.parametrize(
        "write",
        [
            pytest.param(
                lambda: structlog.get_logger("kamerplanter_backend.main").info("start"), id="ours"
            ),
            pytest.param(
                lambda: logging.getLogger("uvicorn.error").info("start"), id="the web server's"
            ),
            pytest.param(
                lambda: logging.getLogger("kamerplanter_backend.jobs").error("start"), id="a job's"
            ),
        ],
    )
    def test_a_line_of_no_request_says_that_nobody_is_known(
        self, write: Callable[[], None]
    ) -> None:
        stream = written()
        with noted("r1"):
            note_down(tenant_slug="tent", user_key="u1")
        note_down(user_key="too late")

        write()

        (line,) = lines(stream)
        assert list(line)[:6] == [
            "timestamp",
            "level",
            "event",
            "tenant_slug",
            "user_key",
            "request_id",
        ]
        assert line["event"] == "start"
        assert (line["tenant_slug"], line["user_key"], line["request_id"]) == (None, None, None)

    def test_what_a_line_says_itself_of_whom_it_is_about_stays(self) -> None:
        stream = written()

        with noted("r1"):
            note_down(user_key="u1")
            structlog.get_logger("ours").info("removed", user_key="u2")

        (line,) = lines(stream)
        assert line["user_key"] == "u2"

    def test_development_says_of_whom_a_line_is_too(self) -> None:
        stream = written(Environment.DEVELOPMENT)

        logging.getLogger("kamerplanter_backend.jobs").warning("late")

        for name in ("tenant_slug", "user_key", "request_id"):
            assert f"{name}=None" in stream.getvalue()

    def test_a_library_that_logs_an_exception_brings_its_trace(self) -> None:
        stream = written()

        try:
            int("no such bed")
        except ValueError:
            logging.getLogger("library").exception("failed")

        (line,) = lines(stream)
        assert "ValueError: invalid literal" in line["exception"]

    def test_addresses_of_requests_are_not_written_by_the_web_server(self) -> None:
        stream = written()

        logging.getLogger("uvicorn.access").info("GET /calendar/feeds/s3cret.ics")

        assert stream.getvalue() == ""

    def test_development_writes_for_people(self) -> None:
        stream = written(Environment.DEVELOPMENT)

        structlog.get_logger("ours").info("watered", volume_l=2.5)

        assert "watered" in stream.getvalue()
        assert not stream.getvalue().startswith("{")


SECRETS = [
    pytest.param({"password": "correct horse"}, "correct horse", id="password"),
    pytest.param({"new_password": "correct horse"}, "correct horse", id="new password"),
    pytest.param({"refresh_token": "r3fresh"}, "r3fresh", id="token"),
    pytest.param({"authorization": "Bearer abc123def"}, "abc123def", id="header"),
    pytest.param({"headers": {"Cookie": "kp=abc123"}}, "abc123", id="nested cookie"),
    pytest.param({"email": "ada@example.org"}, "ada@example.org", id="address"),
    pytest.param({"user": {"e_mail": "ada@example.org"}}, "ada@", id="address, other spelling"),
    pytest.param({"note": f"got {TOKEN}"}, TOKEN, id="access token in a text"),
    pytest.param({"note": "key kp_1a2b3c4d5e6f7g8h used"}, "kp_1a2b", id="API key in a text"),
    pytest.param({"note": "mail to ada.l+x@mail.example.org"}, "ada.l", id="address in a text"),
    pytest.param({"items": ["x", {"secret": "s3cret"}]}, "s3cret", id="secret in a list"),
    pytest.param({"note": b"Bearer abc123def456"}, "abc123def456", id="bytes"),
    pytest.param({"link": "https://x.example/reset?token=abcdef123"}, "abcdef123", id="mail link"),
    pytest.param({"note": '{"password": "hunter22"}'}, "hunter22", id="body as a text"),
]


@pytest.mark.usefixtures("kept_logging")
class TestSecrets:
    @pytest.mark.parametrize("environment", list(Environment))
    @pytest.mark.parametrize(("fields", "secret"), SECRETS)
    def test_our_own_lines_hold_none(
        self, fields: dict[str, Any], secret: str, environment: Environment
    ) -> None:
        stream = written(environment)

        structlog.get_logger("ours").warning("something", **fields)

        assert "something" in stream.getvalue()
        assert secret not in stream.getvalue()

    def test_lines_of_libraries_hold_none(self) -> None:
        stream = written()

        logging.getLogger("library").warning("login of %s with %s", "ada@example.org", TOKEN)

        assert "login of" in stream.getvalue()
        assert "ada@" not in stream.getvalue()
        assert TOKEN not in stream.getvalue()

    def test_traces_hold_none(self) -> None:
        stream = written()

        try:
            int("ada@example.org has the password=hunter22 and " + TOKEN)
        except ValueError:
            structlog.get_logger("ours").exception("failed")
            logging.getLogger("library").exception("failed too")

        assert stream.getvalue().count("ValueError") >= 2
        for secret in ("ada@", "hunter22", TOKEN):
            assert secret not in stream.getvalue()

    def test_the_input_that_a_model_refused_is_not_repeated(self) -> None:
        text = (
            "1 validation error for Login\n  Value [type=x, input_value='hunter22', input_type=str]"
        )

        assert "hunter22" not in redacted_text(text)

    def test_a_long_text_of_one_kind_takes_no_time_to_speak_of(self) -> None:
        # A pattern that tries every way to split these would not come back.
        for text in (
            "a" * 200_000,
            "eyJ" * 60_000,
            "token" * 40_000,
            "a@" * 100_000,
            "=" * 200_000,
        ):
            assert redacted_text(text)


def test_what_is_no_secret_stays() -> None:
    text = "Tank 'Tent' has 2.5 L; 01a218514b2c73ada7ef53fe3406563f at 2026-05-01T10:00:00Z"

    assert redacted_text(text) == text
