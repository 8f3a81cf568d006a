"""What a person changes, written onto what is there at that moment: others change things too.

A dialog that was open for ten minutes must not undo what others did in these. So only what differs
from what the dialog began with is written, a binding of a value being one part of a probe, and a
part that both changed is asked about.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import JsonValue

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import NotFoundError, StaleRevisionError
from kamerplanter_engines.models.telemetry import ChannelKind, ProbeFields

from .caller import OWNER
from .client_factory import Garden

type Part = str | ChannelKind
"""What can be changed by itself: a field, or the binding of a kind of value."""
type Parts = Mapping[Part, JsonValue]

_CHANNELS = "channels"
_ASKED = {"name", "tank_key", "plant_key", "location_key", "availability", _CHANNELS}
"""What dialogs ask of a probe."""


class ClashError(Exception):
    """A person and somebody else changed the same parts differently; nothing was written."""

    def __init__(self, now: Parts) -> None:
        self.now = now
        """What they are now."""
        super().__init__(", ".join(now))


class Changes(NamedTuple):
    """What a person changed."""

    parts: Parts
    """Their values as that person wants them; none = taken away."""
    clashes: Parts
    """What others made of those of them that they changed too."""


class Edit:
    """What a dialog began with, to tell what a person has changed.

    Args:
        opened: What was there then.
        filled_in: The same as the form gives it back when nobody touches it, where rounding into
            the person's units and back makes a difference; none = exactly what was there.
    """

    def __init__(self, opened: Parts, filled_in: Parts | None = None) -> None:
        self._opened = dict(opened)
        self._filled_in = dict(opened if filled_in is None else filled_in)

    def changes(self, wanted: Parts, now: Parts, now_filled_in: Parts | None = None) -> Changes:
        """Return what to write, so that nothing is undone that others did.

        Clashes count as seen from then on: asked again, what the person wants is no clash any more.

        Args:
            wanted: What the form gave.
            now: What is there at this moment.
            now_filled_in: As the form would give that back.
        """
        mine = {
            name: wanted.get(name)
            for name in {**wanted, **self._filled_in}
            if wanted.get(name) != self._filled_in.get(name) and wanted.get(name) != now.get(name)
        }
        clashes = {name: now.get(name) for name in mine if now.get(name) != self._opened.get(name)}
        for name, value in clashes.items():
            self._opened[name] = value
            self._filled_in[name] = value if now_filled_in is None else now_filled_in.get(name)
        return Changes(mine, clashes)


def check_clashes(*changes: Changes) -> None:
    """Make sure that nobody else changed what is about to be written.

    Raises:
        ClashError: Somebody did; it names all of it.
    """
    if clashes := {name: value for item in changes for name, value in item.clashes.items()}:
        raise ClashError(clashes)


def parts_of(fields: ProbeFields) -> dict[Part, JsonValue]:
    """Return what dialogs ask of a probe, each binding by itself."""
    shown: dict[Part, JsonValue] = {**fields.model_dump(mode="json", include=_ASKED)}
    del shown[_CHANNELS]
    return shown | {item.kind: item.model_dump(mode="json") for item in fields.channels}


def patch_onto(probe: ProbeFields, changes: Parts) -> dict[str, JsonValue]:
    """Return changed parts as a merge patch of the probe as it is now; nothing changed = empty.

    All bindings go in one list, so those that nobody changed go with them as they are.
    """
    patch: dict[str, JsonValue] = {}
    before: dict[Part, JsonValue] = {
        item.kind: item.model_dump(mode="json") for item in probe.channels
    }
    bindings = dict(before)
    for name, value in changes.items():
        if not isinstance(name, ChannelKind):
            patch[name] = value
        elif value is None:
            bindings.pop(name, None)
        else:
            bindings[name] = value
    if bindings != before:
        patch[_CHANNELS] = [bindings[kind] for kind in ChannelKind if kind in bindings]
    return patch


def found[T](view: T | None, kind: str, key: str) -> T:
    """Return what is still in the garden.

    Raises:
        NotFoundError: Somebody took it out meanwhile.
    """
    if view is None:
        raise NotFoundError(f"There is no {kind} with the key {key}.", kind=kind, key=key)
    return view


async def write_fresh(
    garden: Garden, requests_of: Callable[[GardenSnapshot], Iterable[Request[Any]]]
) -> list[Any]:
    """Do what follows from the garden as it is now; once more if that changes in the same moment.

    Args:
        garden: Where.
        requests_of: Returns what to do; each names the revision that it was made for.

    Returns:
        The answers, in their order.

    Raises:
        ClashError: Of `requests_of`; nothing was written.
        KamerplanterError: It was refused, or changed twice; what came before it is written.
    """
    try:
        return await _write(garden, requests_of)
    except StaleRevisionError:
        return await _write(garden, requests_of)


async def _write(
    garden: Garden, requests_of: Callable[[GardenSnapshot], Iterable[Request[Any]]]
) -> list[Any]:
    requests = list(requests_of(await garden.snapshot_now()))
    return [await garden.call_now(request, OWNER) for request in requests]
