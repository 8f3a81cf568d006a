"""Errors of the application, beside the rule errors of the engines."""

import math

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


class IncompatibleServerError(UnavailableError):
    """Client and server are too far apart in version to talk. `found`, `known`, `reason`."""

    code = "SERVER_INCOMPATIBLE"


class OtherServerError(IncompatibleServerError):
    """At the address answers another server than the one that the garden is on."""

    code = "SERVER_OTHER"


class QueuedError(KamerplanterError):
    """No failure: the server is away, and what was asked is stored and will be sent to it.

    Placeholders: `key` (the command's), `found` (how many wait).
    """

    code = "QUEUED"


class CommandExpiredError(KamerplanterError):
    """A stored command was not sent: it waited too long for the server. `key`, `date`."""

    code = "COMMAND_EXPIRED"


class UnauthorizedError(KamerplanterError):
    """Nobody knows who calls: log in, or send a key."""

    code = "UNAUTHORIZED"


class InvalidTokenError(UnauthorizedError):
    """A token or key is unknown, expired, used or not made for this."""

    code = "INVALID_TOKEN"


class SessionReusedError(UnauthorizedError):
    """A token of a session came twice, so the session has been ended: log in again."""

    code = "SESSION_REUSED"


class EmailNotVerifiedError(ForbiddenError):
    """The account's address has not been confirmed yet."""

    code = "EMAIL_NOT_VERIFIED"


class TenantSuspendedError(ForbiddenError):
    """The garden is suspended: its members read and export, and write nothing."""

    code = "TENANT_SUSPENDED"


class CsrfError(ForbiddenError):
    """A request came from a page that may not send it, or without the session's own token."""

    code = "CSRF_REFUSED"


class HostRefusedError(ForbiddenError):
    """A request named a host that this server does not answer to. Placeholders: `value`."""

    code = "HOST_REFUSED"


class RateLimitedError(KamerplanterError):
    """Too many attempts; they are possible again after a while.

    Args:
        message: One English sentence.
        retry_after_s: When the next attempt makes sense; rounded up to whole seconds. [s]
    """

    code = "RATE_LIMITED"

    def __init__(
        self, message: str, *, retry_after_s: float, field: str | None = None, **more: object
    ) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(message, field=field, retry_after_s=self.retry_after_s, **more)


class PayloadTooLargeError(KamerplanterError):
    """A request carries more than is taken. Placeholders: `allowed` [bytes]."""

    code = "PAYLOAD_TOO_LARGE"


class RequestTimeoutError(KamerplanterError):
    """A request took too long to arrive; nothing was written."""

    code = "REQUEST_TIMEOUT"


class UnsupportedMediaTypeError(KamerplanterError):
    """A request carries something else than JSON. Placeholders: `value`, `allowed`."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class IdempotencyConflictError(ConflictError):
    """The key of a command came again with another content. `kind`, `field`, `value`."""

    code = "IDEMPOTENCY_CONFLICT"


class InvitationExpiredError(KamerplanterError):
    """An invitation is too old to be accepted."""

    code = "INVITATION_EXPIRED"


class ExternalSourceError(KamerplanterError):
    """Somebody else's server does not answer, or not as it should. Placeholders: `source`."""

    code = "EXTERNAL_SOURCE_ERROR"
