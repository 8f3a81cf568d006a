"""A real OpenID provider on loopback, and what can be done to what it sends."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import User, app as provider_app

type Claims = dict[str, Any]

USERS = (
    User(
        sub="ada",
        claims={"email": "Ada@Example.org", "email_verified": True, "name": "Ada Lovelace"},
    ),
    User(sub="mallory", claims={"email": "ada@example.org", "email_verified": False}),
    User(sub="anonymous", claims={}),
)


PUBLIC = "https://localhost"
"""Where browsers reach our server, as the provider is told."""


class LoginProvider:
    """The provider, and a hand on its wire.

    Tokens pass through untouched until `tamper` is set: then each ID token is opened, changed and
    signed again with a key that the provider's own list names.
    """

    def __init__(self) -> None:
        self._app = provider_app(user_claims=USERS)
        self.own_key, self.other_key = _two_keys()
        self.issuer = ""
        self.calls: list[str] = []
        self.tamper: Callable[[Claims], Claims] | None = None
        self.sign: Callable[[Claims], str] = lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "own"}, claims, self.own_key
        )
        self.replace: dict[str, Any] = {}
        """Answers by path, in place of the provider's."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        path = environ["PATH_INFO"]
        self.calls.append(path)
        if path in self.replace:
            return self._answer(start_response, self.replace[path])
        if self.tamper is None:
            return self._app(environ, start_response)
        if path == "/jwks":
            keys = {"keys": [self.own_key.as_dict(private=False)]}
            return self._answer(start_response, keys)
        if path == "/oauth2/token":
            return self._tampered(environ, start_response)
        return self._app(environ, start_response)

    def settings(self, **values: Any) -> dict[str, Any]:
        """Return the settings of a server on which people can log in through this provider."""
        provider = {
            "slug": "example",
            "display_name": "Example",
            "issuer": self.issuer,
            "client_id": "kamerplanter",
            "client_secret": "client-s3cret",
            "is_email_trusted": True,
        }
        return {"oidc_providers": (provider | values,), "public_url": PUBLIC}

    def _tampered(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began: list[Any] = []
        body = b"".join(self._app(environ, lambda *args: began.append(args)))
        found = json.loads(body)
        if "id_token" not in found:
            start_response(*began[0])
            return [body]
        part = found["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        assert self.tamper is not None
        return self._answer(start_response, found | {"id_token": self.sign(self.tamper(claims))})

    @staticmethod
    def _answer(start_response: Any, body: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]


@cache
def _two_keys() -> tuple[RSAKey, RSAKey]:
    """Return two keys under the same name; to make one takes long."""
    own, other = (
        RSAKey.generate_key(2048, {"kid": "own", "use": "sig", "alg": "RS256"}) for _ in range(2)
    )
    return own, other


@contextmanager
def running_provider() -> Iterator[LoginProvider]:
    """Run a provider on a free port."""
    provider = LoginProvider()
    server = werkzeug.serving.make_server("127.0.0.1", 0, provider, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
