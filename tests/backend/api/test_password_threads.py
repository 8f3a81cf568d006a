"""Many who log in at once do not hold up those who write."""

import asyncio
from collections.abc import Callable
from threading import Event, Semaphore
from typing import Any

import bcrypt
import pytest

from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.main import PASSWORD_THREADS
from tests.backend.api.browser import AUTH, ME, PASSWORD
from tests.backend.api.harness import Bench, Person

PATIENCE_S = 20
NEW_PASSWORD = "another good one"
ORIGIN = {"Origin": "http://localhost"}


class SlowPasswords:
    """Every check and every hash takes until the test lets it end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._begun = Semaphore(0)
        self.go_on = Event()
        for name in ("checkpw", "hashpw"):
            monkeypatch.setattr(bcrypt, name, self._slow(getattr(bcrypt, name)))

    def _slow(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*values: bytes) -> Any:
            self._begun.release()
            assert self.go_on.wait(PATIENCE_S)
            return work(*values)

        return slow

    async def all_threads_are_busy(self) -> None:
        """Wait until each thread for passwords is at one."""
        for _ in range(PASSWORD_THREADS):
            assert await asyncio.to_thread(self._begun.acquire, timeout=PATIENCE_S)


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    return server_of(Mode.FULL, worker_threads=PASSWORD_THREADS)


def login(person: Person) -> tuple[str, str, dict[str, Any]]:
    return "POST", f"{AUTH}/login", {"email": person.email, "password": PASSWORD}


def register(person: Person) -> tuple[str, str, dict[str, Any]]:
    body = {"email": f"new-{person.email}", "password": PASSWORD, "display_name": "New"}
    return "POST", f"{AUTH}/register", body


def change_password(_: Person) -> tuple[str, str, dict[str, Any]]:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return "POST", f"{ME}/password", body


def delete_account(_: Person) -> tuple[str, str, dict[str, Any]]:
    return "DELETE", ME, {"password": PASSWORD}


def reset(_: Person) -> tuple[str, str, dict[str, Any]]:
    body = {"token": "a" * 43, "new_password": NEW_PASSWORD}
    return "POST", f"{AUTH}/password-reset/confirm", body


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (login, 200),
        (register, 202),
        (change_password, 204),
        (delete_account, 204),
        (reset, 401),  # hashed before anybody looks at the code
    ],
)
async def test_a_write_is_served_while_all_threads_for_passwords_are_busy(
    full: Bench,
    monkeypatch: pytest.MonkeyPatch,
    what: Callable[[Person], tuple[str, str, dict[str, Any]]],
    status: int,
) -> None:
    people = [full.person(f"p{n}", password=PASSWORD) for n in range(PASSWORD_THREADS + 1)]
    writer = full.person("writer")
    passwords = SlowPasswords(monkeypatch)

    async with full.client() as api, asyncio.TaskGroup() as group:
        asked = []
        for person in people:
            method, path, body = what(person)
            headers = person.headers | ORIGIN
            asked.append(group.create_task(api.request(method, path, json=body, headers=headers)))
        try:
            await passwords.all_threads_are_busy()
            async with asyncio.timeout(PATIENCE_S):
                written = await api.post(
                    "/api/v1/tenants", json={"name": "Garden"}, headers=writer.headers | ORIGIN
                )
            is_any_done = any(task.done() for task in asked)
        finally:
            passwords.go_on.set()

    assert written.status_code == 201, written.text
    assert not is_any_done
    assert [task.result().status_code for task in asked] == [status] * len(people)
