"""What arrives on a topic, spelled out for a person who is about to bind it."""

from dataclasses import dataclass

from kamerplanter_backend.telemetry.messages.payload import (
    Json,
    Missing,
    decode,
    leaves,
    needs_comma,
    parse_json,
    read_number,
)

MAX_FIELDS = 200
"""More fields of one message than anybody would choose from."""
_TEXT_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One value that was heard."""

    topic: str
    path: str | None
    """None = the payload itself."""
    value_text: str
    """As sent, shortened."""
    number: float | None
    """Its comma may be a decimal one. None = no number, so nothing to bind."""


def describe_message(topic: str, payload: bytes | str) -> tuple[Heard, ...]:
    """Return all plain values of a message, those of a JSON payload by path; never raises."""
    text = decode(payload)
    if not text:
        return ()
    document = parse_json(text)
    if isinstance(document, Missing):
        return (_heard(topic, None, text),)
    return tuple(
        _heard(topic, path, value)
        for path, value in leaves(document, limit=MAX_FIELDS)
        # A name with half a character cannot be stored, so nothing could be bound to it.
        if path and path == _whole(path)
    )


def _heard(topic: str, path: str | None, value: Json) -> Heard:
    text = value if isinstance(value, str) else str(value)
    return Heard(
        topic=topic,
        path=path,
        value_text=_whole(text[:_TEXT_LENGTH]),
        number=read_number(value, decimal_comma=needs_comma(value))[0],
    )


def _whole(text: str) -> str:
    """Return a text with question marks for halves of characters, which no screen can be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
