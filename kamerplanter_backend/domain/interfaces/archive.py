"""The form of an archive: a head, a line for each document or some figures, and a checksum."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from kamerplanter_backend.domain.interfaces.encoding import encode
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Instant, Model
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.site import known_zone
from kamerplanter_engines.models.telemetry import ChannelKind, Reading

MAX_LINE_BYTES = 8 * 1024 * 1024


class ArchiveHead(Model):
    """What an archive is, on its first line."""

    format: Literal["kamerplanter-archive"] = "kamerplanter-archive"
    version: Literal[1, 2] = 2
    """1: without rollups, which are made of the readings then."""
    content: Literal["garden", "all"]
    exported_at: Instant


class ArchivedDocument(Model):
    """One document of a collection."""

    collection: str
    document: dict[str, JsonValue]


class ArchivedReadings(Model):
    """Some readings."""

    readings: tuple[Reading, ...] = Field(min_length=1)


class ArchivedRollup(Model):
    """The figures of an hour or a day; see `Rollup`."""

    starts_at: Instant
    length_s: float = Field(gt=0, le=200_000)
    reading_count: int = Field(ge=0)
    total: float
    covered_s: float = Field(ge=0)
    integral: float
    low: float | None
    high: float | None
    suspect_count: int = Field(ge=0)

    @model_validator(mode="after")
    def _fits_together(self) -> ArchivedRollup:
        has_readings = self.reading_count > 0
        if (self.low is not None, self.high is not None) != (has_readings, has_readings):
            msg = "lowest and highest value are there if any reading was good"
            raise ValueError(msg)
        if self.low is not None and self.high is not None and self.low > self.high:
            msg = "the lowest value is above the highest"
            raise ValueError(msg)
        return self


class ArchivedRollups(Model):
    """Some hours or days of a channel."""

    probe_key: str
    kind: ChannelKind
    level: RollupLevel
    rollups: tuple[ArchivedRollup, ...] = Field(min_length=1)


class ArchivedEra(Model):
    """Which zone the hours and days of a channel follow from a moment on."""

    from_at: Instant
    zone: Annotated[str, AfterValidator(known_zone)]


class ArchivedChannel(Model):
    """What is known of a channel beside its readings and rollups, which stand before it."""

    probe_key: str
    kind: ChannelKind
    eras: tuple[ArchivedEra, ...]
    due: tuple[Instant, ...]
    """Full hours in UTC whose readings are not summed up yet."""


class ArchiveEnd(Model):
    """The last line: how many lines stand before it, and their SHA-256."""

    lines: int
    sha256: str


type ArchiveItem = (
    ArchiveHead | ArchivedDocument | ArchivedReadings | ArchivedRollups | ArchivedChannel
)

_LINE: TypeAdapter[ArchiveItem | ArchiveEnd] = TypeAdapter(
    ArchiveHead
    | ArchivedDocument
    | ArchivedReadings
    | ArchivedRollups
    | ArchivedChannel
    | ArchiveEnd,
    config=ConfigDict(defer_build=True),
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
