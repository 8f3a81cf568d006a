"""Access tokens signed by hand, independently of the code under test, good and bad ones."""

import base64
import hmac
import json
from datetime import datetime
from typing import Any

from kamerplanter_backend.auth.policy import AuthPolicy, derived_key
from kamerplanter_backend.auth.tokens import AccessTokens
from tests.backend.accounts import OTHER_SECRET, SECRET

TOKENS = AccessTokens(AuthPolicy(secret=SECRET.encode()))


def part(data: dict[str, Any]) -> str:
    """Return one part of a token."""
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def opened(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token, unchecked."""
    found = [piece + "=" * (-len(piece) % 4) for piece in text.split(".")[:2]]
    header, claims = (json.loads(base64.urlsafe_b64decode(piece)) for piece in found)
    return header, claims


class Forger:
    """Signs what it is told to for one session."""

    def __init__(self, user_key: str, session_key: str, now: datetime) -> None:
        self.header, self.claims = opened(TOKENS.issue(user_key, session_key, now))
        self.now_s = int(now.timestamp())

    def sign(
        self,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        *,
        secret: str = SECRET,
        key: bytes | None = None,
        algorithm: str = "sha256",
    ) -> str:
        """Return a token; None takes a field out."""
        head = {k: v for k, v in (self.header | (header or {})).items() if v is not None}
        body = {k: v for k, v in (self.claims | (claims or {})).items() if v is not None}
        text = f"{part(head)}.{part(body)}"
        mac_key = key or derived_key(secret.encode(), "access-token")
        mac = hmac.new(mac_key, text.encode(), algorithm).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def bad_tokens(self) -> dict[str, str]:
        """Return tokens that must not be taken, by what is wrong with them."""
        sign, now_s = self.sign, self.now_s
        header, claims, signature = sign().split(".")
        return {
            "expired": sign(claims={"exp": now_s - 10}),
            "expiring beyond all time": sign(claims={"exp": 10**400}),
            "expired as text": sign(claims={"exp": "never"}),
            "not yet valid": sign(claims={"nbf": now_s + 60}),
            "issued in the future": sign(claims={"iat": now_s + 60}),
            "another issuer": sign(claims={"iss": "https://evil.example"}),
            "another audience": sign(claims={"aud": "kamerplanter-web"}),
            "refresh type": sign(claims={"type": "refresh"}),
            "another media type": sign(header={"typ": "JWT"}),
            "no media type": sign(header={"typ": None}),
            "no expiry": sign(claims={"exp": None}),
            "no issuer": sign(claims={"iss": None}),
            "no audience": sign(claims={"aud": None}),
            "no type": sign(claims={"type": None}),
            "no session": sign(claims={"sid": None}),
            "no subject": sign(claims={"sub": None}),
            "no id": sign(claims={"jti": None}),
            "no beginning": sign(claims={"nbf": None}),
            "session is no text": sign(claims={"sid": ["session-1"]}),
            "another secret": sign(secret=OTHER_SECRET),
            "the secret itself as key": sign(key=SECRET.encode()),
            "key of another purpose": sign(key=derived_key(SECRET.encode(), "csrf")),
            "empty key": sign(key=b"\0"),
            "unknown key id": sign(header={"kid": "ffffffffffffffff"}),
            "no key id": sign(header={"kid": None}),
            "HS512": sign(header={"alg": "HS512"}, algorithm="sha512"),
            "HS256 in small letters": sign(header={"alg": "hs256"}),
            "critical header": sign(header={"crit": ["exp"], "exp": 1}),
            "none": sign(header={"alg": "none"}).rpartition(".")[0] + ".",
            "NONE with signature": sign(header={"alg": "NONE"}),
            "signature cut off": f"{header}.{claims}.",
            "two parts": f"{header}.{claims}",
            "claims exchanged": f"{header}.{part({'sub': 'user-2'})}.{signature}",
            "claims are a list": f"{header}.W10.{signature}",
            "no token": "x",
            "empty": "",
            "dots": "..",
            "foreign letters": "ä.ö.ü",
            "very long": "x" * 100_000,
            "a nested one": sign(header={"cty": "JWT"}, claims={"sub": {"a": 1}}),
        }
