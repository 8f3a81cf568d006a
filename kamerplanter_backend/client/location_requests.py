"""What may be asked of locations; `requests` names all of them."""

from typing import ClassVar

from pydantic import Field, JsonValue

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Key
from kamerplanter_engines.models.site import Location, LocationFields


class CreateLocation(Command[Location]):
    """Add a location to a site."""

    permission: ClassVar[Permission] = Permission.SITE_CREATE
    fields: LocationFields
    key: Key | None = None


class UpdateLocation(Command[Location]):
    """Change what is given of a location (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.SITE_UPDATE
    key: Key
    patch: dict[str, JsonValue]
    expected_revision: int | None = Field(default=None, ge=1)
    """The revision that the person saw; none = whatever it is now."""
