"""The mail that brings an invitation into a garden, to somebody who may have no account yet."""

from kamerplanter_backend.auth.mail_texts import harmless_name
from kamerplanter_backend.domain.interfaces.adapters import Mail

_TEXT = """Hello,

you are invited to the garden {garden} at Kamerplanter. {how_en}
It works once, within seven days, for the account with this address. If you do not know
the garden, do nothing.

---

Hallo,

du bist in den Garten {garden} bei Kamerplanter eingeladen. {how_de}
Das geht einmal, innerhalb von sieben Tagen, für das Konto mit dieser Adresse. Kennst du
den Garten nicht, dann tu nichts.
"""


def invitation_mail(*, to: str, garden: str, token: str, public_url: str) -> Mail:
    """Return the mail with an invitation, in English and German: nobody knows the language yet.

    Args:
        to: The address that is invited.
        garden: Name of the garden.
        token: What accepts the invitation.
        public_url: Where browsers reach the server; empty = the bare token is sent.
    """
    # The code is not part of an address: addresses end up in logs and histories.
    at_en = f" Log in at {public_url} and accept" if public_url else " Accept"
    at_de = f" Melde dich auf {public_url} an und nimm" if public_url else " Nimm"
    how_en, how_de = (
        f"{at_en} with this code:\n\n{token}\n",
        f"{at_de} mit diesem Code an:\n\n{token}\n",
    )
    text = _TEXT.replace(" {how_en}", how_en).replace(" {how_de}", how_de)
    # The name comes last, so that braces in it stay what they are.
    words = harmless_name(garden)
    return Mail(
        to=to,
        subject="Invitation to a garden / Einladung in einen Garten",
        text=text.replace(" {garden}", f' "{words}"' if words else ""),
    )
