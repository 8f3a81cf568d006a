"""The ways a mail can go: onto the screen, or to a mail server."""

import smtplib
import ssl
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TextIO, override

from kamerplanter_backend.domain.interfaces.adapters import Mail, Mailer

TIMEOUT_S = 15
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
