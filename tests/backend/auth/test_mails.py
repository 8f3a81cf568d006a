"""Mails: what they say, where they go, and that nothing of them reaches the log."""

import io
import logging
import socketserver
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from pathlib import Path
from smtplib import SMTPNotSupportedError
from typing import Any, override

import pytest

from kamerplanter_backend.auth import mail_sender, mailers
from kamerplanter_backend.auth.accounts import mailer_of
from kamerplanter_backend.auth.mail_sender import MailSender
from kamerplanter_backend.auth.mail_texts import MailKind, mail_of
from kamerplanter_backend.auth.mailers import ConsoleMailer, FolderMailer, SmtpMailer
from kamerplanter_backend.config.settings import MailerKind
from kamerplanter_backend.domain.interfaces.adapters import Mail
from tests.backend.accounts import Outbox, settings_of

PATIENCE_S = 10

MAIL = Mail(to="ada@example.org", subject="Grüße", text="Token: s3cret\nZeile ä\n")


def text_of(kind: MailKind = MailKind.VERIFY, **values: Any) -> str:
    said: dict[str, Any] = {
        "to": "ada@example.org",
        "name": "Ada",
        "token": "t0ken",
        "locale": None,
        "public_url": "https://garden.example",
    }
    return mail_of(kind, **(said | values)).text


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize(
    ("locale", "greeting", "code"),
    [
        (None, "Hello Ada,", "Or enter this code: t0ken"),
        ("en-GB", "Hello Ada,", "Or enter this code: t0ken"),
        ("fr", "Hello Ada,", "Or enter this code: t0ken"),
        ("de", "Hallo Ada,", "Oder gib diesen Code ein: t0ken"),
        ("de-AT", "Hallo Ada,", "Oder gib diesen Code ein: t0ken"),
    ],
)
def test_mail_speaks_the_language_of_the_account(
    kind: MailKind, locale: str, greeting: str, code: str
) -> None:
    text = text_of(kind, locale=locale)

    assert text.startswith(greeting)
    assert code in text
    assert "#t0ken\n" in text
    assert "{" not in text


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize(
    ("locale", "code"), [("en", "with the code t0ken"), ("de", "mit dem Code t0ken")]
)
def test_mail_without_an_address_of_the_server_has_the_code_alone(
    kind: MailKind, locale: str, code: str
) -> None:
    text = text_of(kind, locale=locale, public_url="")

    assert f":\n\n{code}\n\n" in text
    assert "https:" not in text
    # There is no link that a code could be the other choice to.
    assert "Or " not in text
    assert "Oder " not in text


@pytest.mark.parametrize(
    "name",
    [
        "Win at https://evil.example",
        "a@evil.example",
        "x" * 61,
        "<b>",
        "a/b",
        "Win at evil.example",
        "Win at evil\u3002example",
    ],
)
def test_name_cannot_carry_an_advertisement(name: str) -> None:
    assert text_of(name=name).startswith("Hello,\n")


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Ada\r\nBcc: x", "Hello,"),
        ("Ada\nLovelace", "Hello Ada Lovelace,"),
        ("{link}", "Hello {link},"),
    ],
)
def test_name_cannot_change_the_mail(name: str, greeting: str) -> None:
    assert text_of(name=name).split("\n")[0] == greeting


class TestConsole:
    def test_mail_is_written_to_the_screen_and_not_to_the_log(
        self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        mailer_of(settings_of()).send(MAIL)

        shown = capsys.readouterr()
        assert "To: ada@example.org\nSubject: Grüße\n\nToken: s3cret" in shown.out
        assert shown.err == ""
        assert caplog.text == ""

    def test_mail_is_written_to_a_given_stream(self) -> None:
        stream = io.StringIO()
        ConsoleMailer(stream).send(MAIL)

        assert "Zeile ä" in stream.getvalue()


class TestFolder:
    def test_mail_is_kept_where_only_its_owner_reads_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        settings = settings_of(
            mailer=MailerKind.FOLDER, store=f"sqlite:///{tmp_path / 'data' / 'garden.db'}"
        )
        mailer = mailer_of(settings)
        mailer.send(MAIL)
        mailer.send(MAIL)

        folder = tmp_path / "data" / "mails"
        first, _second = folder.iterdir()
        assert first.read_text() == (
            "To: ada@example.org\nSubject: Grüße\n\nToken: s3cret\nZeile ä\n\n"
        )
        assert stat.S_IMODE(first.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert capsys.readouterr() == ("", "")
        assert caplog.text == ""

    def test_mails_go_when_no_code_in_them_is_good_any_more(self, tmp_path: Path) -> None:
        days = iter((1, 1, 2, 9))
        mailer = FolderMailer(tmp_path, lambda: datetime(2026, 5, next(days), tzinfo=UTC))
        (tmp_path / "notes.txt").write_text("of somebody else")
        for _ in range(3):
            mailer.send(MAIL)

        def kept() -> list[str]:
            return sorted(path.name[:10] for path in tmp_path.iterdir())

        assert kept() == ["2026-05-02", "2026-05-09", "notes.txt"]

        FolderMailer(tmp_path, lambda: datetime(2026, 5, 10, tzinfo=UTC))

        assert kept() == ["2026-05-09", "notes.txt"]

    def test_flood_of_mails_fills_no_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailers, "MAX_MAILS", 3)
        minutes = iter((0, *range(5)))
        mailer = FolderMailer(tmp_path, lambda: datetime(2026, 5, 1, 10, next(minutes), tzinfo=UTC))
        for _ in range(5):
            mailer.send(MAIL)

        assert sorted(path.name[14:16] for path in tmp_path.iterdir()) == ["02", "03", "04"]


class TestSender:
    def test_mail_that_fails_leaks_nothing_and_stops_nobody(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(Outbox):
            @override
            def send(self, mail: Mail) -> None:
                super().send(mail)
                if len(self.mails) == 1:
                    raise OSError(f"{mail.to} refused: {mail.text}")

        mailer = Broken()
        sender = MailSender(mailer)
        for _ in range(2):
            sender.post(lambda: MAIL)
        sender.post(lambda: None)
        sender.close()

        assert mailer.mails == [MAIL, MAIL]
        assert "A mail could not be sent: OSError" in caplog.text
        assert "ada@" not in caplog.text
        assert "s3cret" not in caplog.text

    def test_waiting_mails_are_sent_at_the_end(self) -> None:
        outbox = Outbox()
        sender = MailSender(outbox)
        for _ in range(20):
            sender.post(lambda: MAIL)
        sender.close()
        sender.close()

        assert len(outbox.mails) == 20

    def test_the_end_waits_for_them_only_so_long(self, caplog: pytest.LogCaptureFixture) -> None:
        outbox, may_go_on = Outbox(), threading.Event()
        sender = MailSender(outbox, close_s=0.1)
        sender.post(lambda: MAIL if may_go_on.wait(PATIENCE_S) else None)
        for _ in range(5):
            sender.post(lambda: MAIL)

        started = time.monotonic()
        sender.close()
        waited_s = time.monotonic() - started
        may_go_on.set()
        sender._thread.shutdown(wait=True)

        assert 0.1 <= waited_s < PATIENCE_S
        assert "6 mails were not sent" in caplog.text
        assert "ada@" not in caplog.text

    def test_flood_of_mails_is_cut_off(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(mail_sender, "MAX_WAITING", 3)
        outbox, may_go_on = Outbox(), threading.Event()
        sender = MailSender(outbox)
        sender.post(lambda: MAIL if may_go_on.wait(10) else None)
        for _ in range(10):
            sender.post(lambda: MAIL)
        may_go_on.set()
        sender.flush()
        sender.post(lambda: MAIL)
        sender.close()

        assert len(outbox.mails) == 4
        assert caplog.text.count("one was dropped") == 8


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    received: list[str]


class _Session(socketserver.StreamRequestHandler):
    """As much of a mail server as one mail needs; it knows no TLS."""

    server: _Server

    @override
    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            self.server.received.append(line)
            verb = line.split()[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    self.server.received.append(text)
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def smtp(socket_enabled: None) -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def mailer(server: _Server, *, use_tls: bool, **values: str) -> SmtpMailer:
    host, port = server.server_address[:2]
    return SmtpMailer(
        host=str(host), port=port, sender="garden@example.org", use_tls=use_tls, **values
    )


@pytest.mark.usefixtures("socket_enabled")
class TestSmtp:
    def test_mail_is_handed_over(self, smtp: _Server) -> None:
        mailer(smtp, use_tls=False).send(MAIL)

        lines = smtp.received
        assert "rcpt to:<ada@example.org>" in lines
        assert any(line.startswith("mail from:<garden@example.org>") for line in lines)
        assert "To: ada@example.org" in lines
        [subject] = [line for line in lines if line.startswith("Subject: ")]
        assert str(make_header(decode_header(subject.partition(": ")[2]))) == "Grüße"
        assert any(line.startswith("Message-ID: <") and "@example.org>" in line for line in lines)
        assert any(line.startswith("Date: ") for line in lines)

    def test_nothing_is_said_to_a_server_without_tls(self, smtp: _Server) -> None:
        secret = mailer(smtp, use_tls=True, user="garden", password="s3cret")
        with pytest.raises(SMTPNotSupportedError):
            secret.send(MAIL)

        assert [line.split()[0].lower() for line in smtp.received] == ["ehlo"]

    def test_password_is_not_shown(self, smtp: _Server) -> None:
        assert "s3cret" not in repr(mailer(smtp, use_tls=True, user="garden", password="s3cret"))

    def test_address_cannot_add_a_header(self, smtp: _Server) -> None:
        evil = Mail(to="ada@example.org\r\nBcc: all@example.org", subject="x", text="x")
        with pytest.raises(ValueError, match="linefeed"):
            mailer(smtp, use_tls=False).send(evil)

        assert smtp.received == []

    def test_nobody_there_is_an_error_of_the_network(self) -> None:
        gone = SmtpMailer(host="127.0.0.1", port=1, sender="garden@example.org")
        with pytest.raises(OSError, match=r"refused|Cannot"):
            gone.send(MAIL)

    def test_settings_choose_the_mailer(self) -> None:
        settings = settings_of(
            mailer=MailerKind.SMTP, smtp_host="mail.example", smtp_port=465, smtp_from="a@b.example"
        )

        assert mailer_of(settings) == SmtpMailer(
            host="mail.example", port=465, sender="a@b.example", use_tls=True
        )
