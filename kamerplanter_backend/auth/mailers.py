"""The ways a mail can go: onto the screen, into a folder, or to a mail server."""

import os
import smtplib
import ssl
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from secrets import token_hex
from typing import TextIO, override

from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.domain.interfaces.adapters import Mail, Mailer

TIMEOUT_S = 15

MAILS_KEPT = timedelta(days=7)
"""How long mails stay in a folder: as long as the code of an invitation, the longest."""
MAX_MAILS = 1000
"""In a folder; who floods the server fills no disk."""

IMPLICIT_TLS_PORT = 465
"""A server on this port speaks TLS from the first byte. Source: RFC 8314, section 7.3."""


class ConsoleMailer(Mailer):
    """Shows mails to whoever started the server; nothing of them gets into the log.

    Args:
        stream: Where to write; none = standard output as it is when a mail is sent.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    @override
    def send(self, mail: Mail) -> None:
        """Write the mail down."""
        line = "-" * 72
        text = f"{line}\nTo: {mail.to}\nSubject: {mail.subject}\n\n{mail.text}\n{line}\n"
        stream = self._stream or sys.stdout
        stream.write(text)
        stream.flush()


class FolderMailer(Mailer):
    """Keeps mails in a folder, for whoever looks after a server that can send none.

    Only the server's user can read them. When no code in them is good any more they go: at the
    next start, or with the next mail.

    Args:
        folder: Where they are kept; made when the first one comes.
        clock: Tells the time.
    """

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self._folder = folder
        self._clock = clock
        self._forget_old(clock())

    @override
    def send(self, mail: Mail) -> None:
        """Write the mail into a file of its own.

        Raises:
            OSError: It cannot be written.
        """
        now = self._clock()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget_old(now)
        path = self._folder / f"{now:%Y-%m-%dT%H-%M-%SZ}-{token_hex(4)}.txt"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"To: {mail.to}\nSubject: {mail.subject}\n\n{mail.text}\n")

    def _forget_old(self, now: datetime) -> None:
        # Their names are times, so they lie in order.
        mails = sorted(self._folder.glob("*Z-*.txt"))
        oldest = f"{now - MAILS_KEPT:%Y-%m-%dT%H-%M-%SZ}"
        surplus = len(mails) - MAX_MAILS + 1
        for place, path in enumerate(mails):
            if place < surplus or path.name < oldest:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMailer(Mailer):
    """Hands mails over to a mail server, over TLS with a checked certificate unless told not to."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    use_tls: bool = True

    @override
    def send(self, mail: Mail) -> None:
        """Hand the mail over.

        Raises:
            OSError: The server cannot be reached, its certificate is not valid, or it refuses.
        """
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._domain)
        message.set_content(mail.text)
        with self._connect() as server:
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
            server.send_message(message)

    @property
    def _domain(self) -> str:
        """What we call ourselves: the machine's own name is nobody's business, and slow to find."""
        return self.sender.rpartition("@")[2] or "localhost"

    def _connect(self) -> smtplib.SMTP:
        if self.use_tls and self.port == IMPLICIT_TLS_PORT:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(
                self.host,
                self.port,
                local_hostname=self._domain,
                timeout=TIMEOUT_S,
                context=context,
            )
        server = smtplib.SMTP(self.host, self.port, local_hostname=self._domain, timeout=TIMEOUT_S)
        try:
            if self.use_tls:
                server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
        return server
