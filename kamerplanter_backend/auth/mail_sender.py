"""Sends mails behind the scenes, so that no answer takes longer because a mail goes out."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock

from kamerplanter_backend.domain.interfaces.adapters import Mail, Mailer

_LOGGER = logging.getLogger(__name__)

MAX_WAITING = 1000
"""More mails than this wait for nobody: who floods the server gets none."""


CLOSE_S = 10.0
"""How long mails that wait may hold up the end of the server. [s]"""


class MailSender:
    """One thread that sends mails in their order; what fails is logged without address or text.

    Args:
        mailer: Sends one mail.
        close_s: How long those that wait may take when it ends. [s]
    """

    def __init__(self, mailer: Mailer, *, close_s: float = CLOSE_S) -> None:
        self._mailer = mailer
        self._close_s = close_s
        self._is_closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
        self._waiting = 0
        self._lock = Lock()

    def post(self, make: Callable[[], Mail | None]) -> None:
        """Make a mail and send it, both later; nothing to send is fine.

        Args:
            make: Makes the mail, on the mail thread.
        """
        with self._lock:
            is_full = self._waiting >= MAX_WAITING
            self._waiting += not is_full
        if is_full:
            _LOGGER.warning("Too many mails are waiting; one was dropped")
            return
        self._thread.submit(self._send, make)

    def flush(self) -> None:
        """Wait until everything that was posted so far has been dealt with. Blocks."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Send what is waiting, as far as there is time for it, and end the thread.

        Harmless when done twice. Blocks.
        """
        with self._lock:
            is_closed, self._is_closed = self._is_closed, True
        if is_closed:
            return
        sent, _ = wait((self._thread.submit(lambda: None),), self._close_s)
        self._thread.shutdown(wait=bool(sent), cancel_futures=True)
        with self._lock:
            dropped = self._waiting
        if dropped:
            _LOGGER.warning("%d mails were not sent before the server ended", dropped)

    def _send(self, make: Callable[[], Mail | None]) -> None:
        try:
            mail = make()
            if mail is not None:
                self._mailer.send(mail)
        except Exception as error:  # noqa: BLE001
            # One mail must not stop the others. Its text or address may stand in the message.
            _LOGGER.error("A mail could not be sent: %s", type(error).__name__)  # noqa: TRY400
        finally:
            with self._lock:
                self._waiting -= 1
