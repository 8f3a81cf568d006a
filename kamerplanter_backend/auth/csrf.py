"""Keeps other pages from using a session's cookie."""

import hmac
from urllib.parse import urlsplit

from kamerplanter_backend.auth.policy import AuthPolicy, keyed_digest
from kamerplanter_backend.common.exceptions import CsrfError

_PURPOSE = "csrf"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class CsrfGuard:
    """Makes and checks the token that a page has to repeat in a header."""

    def __init__(self, policy: AuthPolicy) -> None:
        self._secrets = policy.secrets
        self._public_url = policy.public_url

    def token_for(self, session_key: str) -> str:
        """Return the token of a session: worthless for any other one."""
        return keyed_digest(self._secrets[0], _PURPOSE, session_key)

    def check_token(self, session_key: str, header: str | None) -> None:
        """Make sure that the header holds the token of the session.

        Raises:
            CsrfError: It is missing, or belongs to another session.
        """
        sent = (header or "").encode()
        expected = [keyed_digest(secret, _PURPOSE, session_key) for secret in self._secrets]
        matches = [hmac.compare_digest(sent, token.encode()) for token in expected]
        if not any(matches):
            raise CsrfError(
                "X-CSRF-Token must repeat the cookie kp_csrf of this session.",
                field="X-CSRF-Token",
            )

    def check_origin(self, origin: str | None, fetch_site: str | None, host: str | None) -> None:
        """Make sure that a request was not sent by a page of somebody else.

        What is no browser sends neither header, and has no cookies of anybody else to misuse.

        Args:
            origin: The `Origin` header.
            fetch_site: The `Sec-Fetch-Site` header.
            host: The `Host` header.

        Raises:
            CsrfError: It comes from another page.
        """
        if origin is None:
            if fetch_site in {None, "same-origin", "none"}:
                return
        else:
            place = _place(origin)
            scheme = origin.partition(":")[0]
            own = (_place(self._public_url), _place(f"{scheme}://{host}"))
            if place is not None and place in own:
                return
        raise CsrfError("This request comes from another page; open the server's own.")


def _place(url: str) -> tuple[str, int] | None:
    """Return host and port of an origin; none = it is not one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.hostname, port or _DEFAULT_PORTS[parts.scheme]
