"""The log: JSON in production, colour at a developer's desk, and never a secret in it."""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any, TextIO

import structlog

from kamerplanter_backend.common.log_context import FIELDS, with_note
from kamerplanter_backend.config.settings import Settings

REDACTED = "[redacted]"

SECRET_NAMES = re.compile(
    r"passw|token|secret|authorization|cookie|e-?mail|api_?key|nonce|csrf|credential|dsn|smtp_user",
    re.IGNORECASE,
)
"""Values under such names are never written."""

# What a secret looks like wherever it stands: each is bounded, so that no text takes long.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), REDACTED),
    (re.compile(r"\bkp_[\w-]{8,}"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"(passw\w{0,20}|\w{0,20}token|secret\w{0,20}|cookie|code|state)"
            r"([\"']?\s{0,3}[=:]\s{0,3}[\"']?)(?!\[redacted\])[^\s\"'&,;}]{3,}",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"input_value=.{1,2000}?(?=, input_type=)", re.DOTALL), f"input_value={REDACTED}"),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}"), REDACTED),
    (re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"), REDACTED),
)

MAX_DEPTH = 6

ACCESS_LOGGER = "kamerplanter_backend.access"
REQUEST_EVENT = "request"

HEAD = ("timestamp", "level", "event", *FIELDS)
"""What every line begins with."""

OWN_NAMES = frozenset(
    {
        "_from_structlog",
        "_record",
        "auth_kind",
        "duration_ms",
        "error_code",
        "error_id",
        "level",
        "logger",
        "method",
        "request_id",
        "route",
        "status",
        "tenant_slug",
        "timestamp",
        "user_key",
    }
)
"""Fields that only our own code fills, with values that it makes itself."""


def redacted(value: object, depth: int = 0) -> object:
    """Return a value without secrets: by the names of its fields, and by what texts look like."""
    if depth > MAX_DEPTH:
        return "..."
    match value:
        case None | bool() | int() | float():
            return value
        case bytes():
            return redacted_text(value.decode("utf-8", "replace"))
        case Mapping():
            return {
                str(name): REDACTED if SECRET_NAMES.search(str(name)) else redacted(item, depth + 1)
                for name, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [redacted(item, depth + 1) for item in value]
        case _:
            return redacted_text(str(value))


def redacted_text(text: str) -> str:
    """Return a text without what looks like a secret."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    clean = {}
    for name, value in line.items():
        if name in OWN_NAMES:
            clean[name] = value
        else:
            clean[name] = REDACTED if SECRET_NAMES.search(name) else redacted(value)
    return clean


def _ordered(_logger: object, _method: str, line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**{name: line[name] for name in HEAD if name in line}, **line}


class Lines:
    """Writes the server's own lines, which are finished when they come here.

    The way of the libraries' lines through `logging` takes longer than the line itself; both end
    at the same handler, one after the other.

    Args:
        handler: Whose stream they go to.
        name: Of the logger.
    """

    def __init__(self, handler: logging.StreamHandler[TextIO], name: str = "server") -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        """Write a line; a stream that is gone stops nobody."""
        stream = self._handler.stream
        with self._handler.lock or nullcontext(), suppress(OSError, ValueError):
            stream.write(line + self._handler.terminator)
            stream.flush()

    debug = info = warning = error = critical = msg


@dataclass(frozen=True, slots=True)
class _Shortcut:
    """How a line without secrets gets to the stream by the shortest way."""

    chain: list[Any]
    """The processors of the way round, as long as they are still the ones in use."""
    lines: Lines
    encode: Callable[[Mapping[str, Any]], str]
    is_open: bool
    """Whether lines of information are written at all."""


_shortcut: _Shortcut | None = None
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def write_request_line(note: Mapping[str, str | None], **fields: object) -> None:
    """Write the line of a request; one comes with each, so it is put together right here.

    Args:
        note: Whose request it was.
        fields: Values that our own code has made, by names of `OWN_NAMES`.
    """
    shortcut = _shortcut
    if shortcut is None or structlog.get_config()["processors"] is not shortcut.chain:
        structlog.get_logger(ACCESS_LOGGER).info(REQUEST_EVENT, **fields)
        return
    if shortcut.is_open:
        line = {"timestamp": None, "level": "info", "event": REQUEST_EVENT, **note}
        _stamp(None, "info", line)
        shortcut.lines.msg(shortcut.encode(line | {"logger": ACCESS_LOGGER} | fields))


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all lines of the process, also those of libraries, through one pipe to one stream.

    Args:
        settings: Level, and whether this is production.
        stream: Where the lines go; none = standard error.
    """
    global _shortcut  # noqa: PLW0603 - as structlog's own configuration
    shared: list[Any] = [
        with_note,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _stamp,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
        _ordered,
    ]
    target = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.is_production
        else structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(target)
    chain = [*shared, renderer]
    structlog.configure(
        processors=chain,
        logger_factory=lambda *names: Lines(handler, *names),
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings)),
        cache_logger_on_first_use=False,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _shortcut = (
        _Shortcut(
            chain=chain,
            lines=Lines(handler, ACCESS_LOGGER),
            encode=JSONEncoder(ensure_ascii=False).encode,
            is_open=_level(settings) <= logging.INFO,
        )
        if settings.is_production
        else None
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_level(settings))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "apscheduler"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    # Its lines hold whole addresses; ours hold the route's pattern.
    logging.getLogger("uvicorn.access").propagate = False
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.log_level.upper()]
