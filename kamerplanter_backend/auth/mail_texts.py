"""What the mails say, in the language of the account."""

import re
from dataclasses import dataclass
from enum import StrEnum

from kamerplanter_backend.domain.interfaces.adapters import Mail


class MailKind(StrEnum):
    """Why a mail is sent."""

    VERIFY = "verify"
    RESET = "reset"
    EXISTS = "exists"
    """Somebody wanted to register with the address of an account."""


@dataclass(frozen=True, slots=True)
class _Text:
    subject: str
    body: str


_EN = {
    MailKind.VERIFY: _Text(
        "Confirm your e-mail address for Kamerplanter",
        "Hello {name},\n\nplease confirm that this address is yours:\n\n{link}\n\n"
        "It works once, within 24 hours. If you did not register, do nothing: the account will\n"
        "be deleted.",
    ),
    MailKind.RESET: _Text(
        "Set a new password for Kamerplanter",
        "Hello {name},\n\nset a new password here:\n\n{link}\n\n"
        "It works once, within one hour. If you did not ask for it, do nothing: your password\n"
        "stays as it is.",
    ),
    MailKind.EXISTS: _Text(
        "You already have an account at Kamerplanter",
        "Hello {name},\n\nsomebody wanted to register with this address, but it has an account\n"
        "already. If it was you, log in, or set a new password here:\n\n{link}\n\n"
        "It works once, within one hour. If it was not you, do nothing.",
    ),
}
_DE = {
    MailKind.VERIFY: _Text(
        "Bitte bestätige deine E-Mail-Adresse für Kamerplanter",
        "Hallo {name},\n\nbitte bestätige, dass diese Adresse dir gehört:\n\n{link}\n\n"
        "Das geht einmal, innerhalb von 24 Stunden. Hast du dich nicht angemeldet, dann tu\n"
        "nichts: Das Konto wird gelöscht.",
    ),
    MailKind.RESET: _Text(
        "Neues Passwort für Kamerplanter",
        "Hallo {name},\n\nhier kannst du ein neues Passwort setzen:\n\n{link}\n\n"
        "Das geht einmal, innerhalb einer Stunde. Hast du nicht darum gebeten, dann tu nichts:\n"
        "Dein Passwort bleibt, wie es ist.",
    ),
    MailKind.EXISTS: _Text(
        "Du hast schon ein Konto bei Kamerplanter",
        "Hallo {name},\n\njemand wollte sich mit dieser Adresse anmelden, aber sie hat schon ein\n"
        "Konto. Warst du es, dann melde dich an oder setze hier ein neues Passwort:\n\n{link}\n\n"
        "Das geht einmal, innerhalb einer Stunde. Warst du es nicht, dann tu nichts.",
    ),
}
_PATHS = {
    MailKind.VERIFY: "/api/v1/auth/pages/verify-email",
    MailKind.RESET: "/api/v1/auth/pages/password-reset",
    MailKind.EXISTS: "/api/v1/auth/pages/password-reset",
}
_CODES = {"en": "Or enter this code: {token}", "de": "Oder gib diesen Code ein: {token}"}
_BARE_CODES = {"en": "with the code {token}", "de": "mit dem Code {token}"}
"""Where no address of the server is known: they end the sentence that a link would follow."""
_MAX_NAME = 60
_LINKED = re.compile(r"[/:@<>]|[.\u3002\uff0e\uff61](?=\w)")
"""The dots are those that may stand in the name of a host. Source: RFC 3490, section 3.1."""


def mail_of(
    kind: MailKind, *, to: str, name: str, token: str, locale: str | None, public_url: str
) -> Mail:
    """Return a mail with a single-use token.

    Args:
        kind: Why it is sent.
        to: The address.
        name: How the person is called.
        token: The token.
        locale: Language; what is not German is English.
        public_url: Where browsers reach the server; empty = the bare token is sent.
    """
    language = "de" if (locale or "").partition("-")[0] == "de" else "en"
    text = (_DE if language == "de" else _EN)[kind]
    if public_url:
        # Behind the "#": what stands there is sent to no server.
        link = f"{public_url}{_PATHS[kind]}#{token}\n\n{_CODES[language].format(token=token)}"
    else:
        link = _BARE_CODES[language].format(token=token)
    # The name comes last, so that braces in it stay what they are.
    words = harmless_name(name)
    body = text.body.replace("{link}", link).replace(" {name}", f" {words}" if words else "")
    return Mail(to=to, subject=text.subject, text=body)


def harmless_name(name: str) -> str:
    """Return a name on one line, for a mail to somebody who may never have heard of us.

    What could carry an advertisement becomes empty: long texts, and all that a mail program makes
    a link of, for which a dot between two letters is enough.
    """
    words = " ".join(name.split())
    is_name = len(words) <= _MAX_NAME and _LINKED.search(words) is None
    return words if is_name else ""
