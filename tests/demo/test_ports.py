"""Ports that nobody takes before the program that is to listen there has started."""

import secrets
import socket
from pathlib import Path

import pytest

from demo import ports


@pytest.mark.usefixtures("socket_enabled")
class TestFreePort:
    def test_it_is_none_of_those_for_outgoing_connections(self) -> None:
        taken = {ports.free_port() for _ in range(50)}

        assert len(taken) > 40
        assert all(ports.LOWEST <= port < ports.first_outgoing_port() for port in taken)

    def test_one_that_somebody_listens_on_is_not_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as listening:
            listening.bind((ports.HOST, ports.free_port()))
            listening.listen()
            port: int = listening.getsockname()[1]
            offered = iter((port - ports.LOWEST, port - ports.LOWEST, 1))
            monkeypatch.setattr(secrets, "randbelow", lambda _end: next(offered))

            assert ports.free_port() == ports.LOWEST + 1

    def test_where_all_ports_are_for_outgoing_connections_it_is_one_of_these(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        narrow = tmp_path / "range"
        narrow.write_text("1024\t65535\n")
        monkeypatch.setattr(ports, "_RANGE", narrow)

        assert ports.free_port() >= 1024

    def test_without_any_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as listening:
            listening.bind((ports.HOST, ports.free_port()))
            listening.listen()
            port: int = listening.getsockname()[1]
            monkeypatch.setattr(secrets, "randbelow", lambda _end: port - ports.LOWEST)

            with pytest.raises(OSError, match="no free port between"):
                ports.free_port()


@pytest.mark.parametrize("text", ["", "nonsense 5"])
def test_a_system_that_does_not_say_is_taken_for_a_usual_one(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = tmp_path / "range"
    said.write_text(text)
    monkeypatch.setattr(ports, "_RANGE", said)
    assert ports.first_outgoing_port() == 32768

    monkeypatch.setattr(ports, "_RANGE", tmp_path / "none")
    assert ports.first_outgoing_port() == 32768
