"""Errors of the application, beside the rule errors of the engines."""

from kamerplanter_engines.errors import KamerplanterError


class NotFoundError(KamerplanterError):
    """What was named does not exist in this garden. Placeholders: `kind`, `key`."""

    code = "NOT_FOUND"


class ConflictError(KamerplanterError):
    """It would collide with what exists. Placeholders: `kind`, `field`, `value`."""

    code = "CONFLICT"


class BrokenReferenceError(ConflictError):
    """A reference points to nothing, or something still points here. `kind`, `field`, `value`."""

    code = "BROKEN_REFERENCE"


class StaleRevisionError(ConflictError):
    """Somebody else wrote in between. Placeholders: `kind`, `key`."""

    code = "STALE_REVISION"


class ForbiddenError(KamerplanterError):
    """The role does not permit it. Placeholders: `permission`."""

    code = "FORBIDDEN"


class UnavailableError(KamerplanterError):
    """The store or server cannot answer now; nothing was written. Placeholders: `reason`."""

    code = "UNAVAILABLE"


class StoreFullError(UnavailableError):
    """The disk is full; nothing was written."""

    code = "STORE_FULL"


class ReadOnlyStoreError(UnavailableError):
    """The file cannot be written; nothing was written."""

    code = "STORE_READ_ONLY"


class NewerSchemaError(UnavailableError):
    """The file was written by a newer version; it is left untouched. `found`, `known`."""

    code = "NEWER_SCHEMA"


class CorruptStoreError(UnavailableError):
    """The file fails its integrity check; it is left untouched."""

    code = "STORE_CORRUPT"
