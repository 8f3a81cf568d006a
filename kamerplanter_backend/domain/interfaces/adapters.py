"""What the outside world has to offer, whoever does it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to one person."""

    to: str
    subject: str
    text: str
    """Plain text; may hold a single-use link, so it must not reach a log."""


class Mailer(Protocol):
    """Delivers mails."""

    def send(self, mail: Mail) -> None:
        """Deliver a mail; blocks for up to some seconds.

        Raises:
            OSError: It could not be handed over.
        """
