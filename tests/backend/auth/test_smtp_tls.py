"""Mails over real TLS: upgraded and from the first byte, trusted and not."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

import pytest

from kamerplanter_backend.auth import mailers
from kamerplanter_backend.auth.mailers import SmtpMailer
from kamerplanter_backend.domain.interfaces.adapters import Mail
from tests.backend.telemetry.brokers import certificate

HOST = "127.0.0.1"
MAIL = Mail(to="ada@example.org", subject="Garden", text="The beans are up.")


class _MailServer(socketserver.ThreadingTCPServer):
    """A mail server that writes down what it heard in clear and what it heard over TLS."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, *, from_the_first_byte: bool) -> None:
        super().__init__((HOST, 0), _Session)
        self.context = context
        self.from_the_first_byte = from_the_first_byte
        self.in_clear: list[str] = []
        self.over_tls: list[str] = []


class _Session(socketserver.StreamRequestHandler):
    server: _MailServer

    @override
    def setup(self) -> None:
        self.is_secret = self.server.from_the_first_byte
        if self.is_secret:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    @override
    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            self._note(line)
            match line.split()[0].upper():
                case "EHLO":
                    self._say("250-test", "250-AUTH PLAIN", "250 STARTTLS")
                case "STARTTLS":
                    self._say("220 go on")
                    self._upgrade()
                case "DATA":
                    self._say("354 go on")
                    while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        self._note(text)
                    self._say("250 taken")
                case "AUTH":
                    self._say("235 welcome")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _upgrade(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.is_secret = True
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", buffering=0)

    def _note(self, line: str) -> None:
        (self.server.over_tls if self.is_secret else self.server.in_clear).append(line)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return the context of a server whose certificate this machine trusts."""
    document, key = certificate(tmp_path, "mail")
    monkeypatch.setenv("SSL_CERT_FILE", str(document))
    return _context(document, key)


def _context(document: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(document, key)
    return context


@contextmanager
def _serving(
    context: ssl.SSLContext, *, from_the_first_byte: bool = False
) -> Iterator[_MailServer]:
    with _MailServer(context, from_the_first_byte=from_the_first_byte) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _mailer(server: _MailServer, host: str = HOST) -> SmtpMailer:
    return SmtpMailer(
        host=host,
        port=int(server.server_address[1]),
        sender="garden@example.org",
        user="garden",
        password="s3cret",
    )


@pytest.mark.usefixtures("socket_enabled")
class TestSmtpOverTls:
    def test_upgraded_connection_hides_all_but_the_greeting(self, trusted: ssl.SSLContext) -> None:
        with _serving(trusted) as server:
            _mailer(server).send(MAIL)

        assert [line.split()[0].upper() for line in server.in_clear] == ["EHLO", "STARTTLS"]
        assert any(line.startswith("AUTH") for line in server.over_tls)
        assert "The beans are up." in server.over_tls

    def test_tls_from_the_first_byte(
        self, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with _serving(trusted, from_the_first_byte=True) as server:
            monkeypatch.setattr(mailers, "IMPLICIT_TLS_PORT", int(server.server_address[1]))
            _mailer(server).send(MAIL)

        assert server.in_clear == []
        assert "The beans are up." in server.over_tls

    def test_unknown_certificate_gets_neither_password_nor_mail(self, tmp_path: Path) -> None:
        context = _context(*certificate(tmp_path, "stranger"))
        with (
            _serving(context) as server,
            pytest.raises(ssl.SSLCertVerificationError, match="self-signed"),
        ):
            _mailer(server).send(MAIL)

        assert server.over_tls == []
        assert not any("AUTH" in line or "beans" in line for line in server.in_clear)

    def test_certificate_of_another_host_is_refused(self, trusted: ssl.SSLContext) -> None:
        with (
            _serving(trusted) as server,
            pytest.raises(ssl.SSLCertVerificationError, match="localhost"),
        ):
            _mailer(server, host="localhost").send(MAIL)

        assert server.over_tls == []
