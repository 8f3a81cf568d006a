"""The form of an archive: a head, a line for each document or some readings, and a checksum."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Literal

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from kamerplanter_backend.domain.interfaces.encoding import encode
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Instant, Model
from kamerplanter_engines.models.telemetry import Reading

MAX_LINE_BYTES = 8 * 1024 * 1024


class ArchiveHead(Model):
    """What an archive is, on its first line."""

    format: Literal["kamerplanter-archive"] = "kamerplanter-archive"
    version: Literal[1] = 1
    content: Literal["garden", "all"]
    exported_at: Instant


class ArchivedDocument(Model):
    """One document of a collection."""

    collection: str
    document: dict[str, JsonValue]


class ArchivedReadings(Model):
    """Some readings."""

    readings: tuple[Reading, ...] = Field(min_length=1)


class ArchiveEnd(Model):
    """The last line: how many lines stand before it, and their SHA-256."""

    lines: int
    sha256: str


type ArchiveItem = ArchiveHead | ArchivedDocument | ArchivedReadings

_LINE: TypeAdapter[ArchiveItem | ArchiveEnd] = TypeAdapter(
    ArchiveHead | ArchivedDocument | ArchivedReadings | ArchiveEnd
)


def archive_lines(items: Iterable[ArchiveItem]) -> Iterator[str]:
    """Yield the lines of an archive, and at the end their checksum."""
    digest, count = sha256(), 0
    for item in items:
        line = json.dumps(encode(item), ensure_ascii=False, separators=(",", ":")) + "\n"
        digest.update(line.encode())
        count += 1
        yield line
    end = ArchiveEnd(lines=count, sha256=digest.hexdigest())
    yield json.dumps(encode(end)) + "\n"


def archive_items(lines: Iterable[str]) -> Iterator[ArchiveItem]:
    """Yield what stands in an archive; whoever takes it must be able to give it all back.

    Raises:
        InvalidInputError: A line cannot be read, something is missing, or the checksum, which is
            known at the end only, is not right.
    """
    digest, number, source = sha256(), 0, iter(lines)
    for number, line in enumerate(source, start=1):
        item = _item(line, number)
        if isinstance(item, ArchiveEnd):
            if (item.lines, item.sha256) != (number - 1, digest.hexdigest()):
                raise InvalidInputError(
                    "The archive's checksum is not right: it was changed or cut.", field="archive"
                )
            if any(rest.strip() for rest in source):
                raise InvalidInputError(
                    f"Something stands behind line {number}, the archive's end.", field="archive"
                )
            return
        if isinstance(item, ArchiveHead) != (number == 1):
            raise InvalidInputError(
                f"Line {number}: an archive begins with its head, and has one.", field="archive"
            )
        digest.update(line.encode())
        yield item
    raise InvalidInputError(
        f"The archive ends after line {number} without a checksum: it was cut.", field="archive"
    )


def _item(line: str, number: int) -> ArchiveItem | ArchiveEnd:
    if len(line) > MAX_LINE_BYTES:
        raise InvalidInputError(f"Line {number} of the archive is too long.", field="archive")
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        raise InvalidInputError(
            f"Line {number} is not one of an archive of this version.", field="archive"
        ) from error
