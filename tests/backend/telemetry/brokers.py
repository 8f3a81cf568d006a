"""Real brokers on the loopback interface for tests."""

import asyncio
import datetime as dt
import ipaddress
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from amqtt.broker import Broker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.ports import free_port

HOST = "127.0.0.1"

PROCESS_PATIENCE_S = 120
"""For a process to start and do its first thing: a busy machine takes many times an idle one's."""

SAYS_WHO_SUBSCRIBES = ("allow_anonymous true", "log_type information", "log_type subscribe")
"""Lines for a mosquitto that is asked `has_subscriber`; nothing else reads what it says."""


@asynccontextmanager
async def amqtt_broker(port: int | None = None) -> AsyncIterator[int]:
    """Run amqtt in this process; gives its port."""
    port = port or free_port()
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()


def program(name: str) -> str:
    """Return the path of a program of mosquitto; skips the test without it."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: apt install mosquitto)")
    return path


class Mosquitto:
    """One mosquitto on one port, which can be killed and come back."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        # mosquitto started by root changes to a user that may be missing.
        common = (
            f"listener {self.port} {HOST}",
            "persistence false",
            "log_dest stderr",
            "user root",
        )
        self._config.write_text("\n".join((*common, *(lines or ("allow_anonymous true",)))))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it runs."""
        self._process = await asyncio.create_subprocess_exec(
            program("mosquitto"),
            "-c",
            str(self._config),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(PROCESS_PATIENCE_S):
            while line := await self._process.stderr.readline():
                if line.rstrip().endswith(b"running"):
                    return
        pytest.fail("mosquitto ended at once")

    async def has_subscriber(self, topic: str) -> None:
        """Wait until somebody subscribes to a topic; needs the lines `SAYS_WHO_SUBSCRIBES`."""
        assert self._process is not None
        assert self._process.stderr is not None
        async with asyncio.timeout(PROCESS_PATIENCE_S):
            while line := await self._process.stderr.readline():
                if line.rstrip().endswith(f" {topic}".encode()):
                    return
        pytest.fail("mosquitto ended")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, such as the one that makes it hang or wake."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; with SIGKILL as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
        if self._process is not None:
            # The pipe is closed with the transport, which nobody else does in time.
            self._process._transport.close()  # type: ignore[attr-defined]
            self._process = None


@asynccontextmanager
async def mosquitto(folder: Path, *lines: str) -> AsyncIterator[Mosquitto]:
    """Run mosquitto; gives the handle to kill and restart it."""
    broker = Mosquitto(folder, *lines)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def has_session(port: int, client_id: str) -> bool:
    """Ask a broker whether it keeps subscriptions and messages for a client that is away.

    The question makes a session itself, so it can be asked once.
    """
    name = client_id.encode()
    # CONNECT of MQTT 3.1.1 without the clean-session flag, as the standard's section 3.1 has it.
    body = b"\x00\x04MQTT\x04\x00\x00\x3c" + len(name).to_bytes(2) + name
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"\x10" + len(body).to_bytes(1) + body)
        async with asyncio.timeout(10):
            kind, _, flags, code = await reader.readexactly(4)
    finally:
        writer.close()
        await writer.wait_closed()
    assert (kind, code) == (0x20, 0), "the broker refuses the connection"
    return bool(flags & 1)


def password_lines(folder: Path, name: str, password: str) -> tuple[str, ...]:
    """Write a password file; returns the lines of the configuration that ask for it."""
    path = folder / "passwords"
    subprocess.run([program("mosquitto_passwd"), "-c", "-b", str(path), name, password], check=True)
    return ("allow_anonymous false", f"password_file {path}")


def certificate(folder: Path, name: str, *, address: str = HOST) -> tuple[Path, Path]:
    """Write a self-signed certificate for an address; returns the files of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    document = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_path.write_bytes(document.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


def tls_lines(certificate_path: Path, key_path: Path) -> tuple[str, ...]:
    """Return the lines of the configuration that switch encryption on."""
    return ("allow_anonymous true", f"certfile {certificate_path}", f"keyfile {key_path}")


class Line:
    """A line to a broker that can go dead: it takes all and gives nothing, and stays open."""

    def __init__(self, broker_port: int) -> None:
        self.port = 0
        self.is_dead = False
        self._broker_port = broker_port
        self._pumps: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lay a new line to the broker."""
        there_reader, there_writer = await asyncio.open_connection(HOST, self._broker_port)
        for source, target in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._carry(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self.is_dead:
                    target.write(data)
                    await target.drain()
        except ConnectionError:
            pass  # the other direction has ended it
        finally:
            target.close()

    async def close(self) -> None:
        """Cut all lines."""
        pumps = tuple(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


@asynccontextmanager
async def line_to(broker_port: int) -> AsyncIterator[Line]:
    """Lay a line between a client and a broker."""
    line = Line(broker_port)
    server = await asyncio.start_server(line.take, HOST, 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.close()
        await server.wait_closed()


def publish_packet(topic: bytes, payload: bytes) -> bytes:
    """Return a PUBLISH of quality 0, as section 3.3 of MQTT 3.1.1 has it."""
    body = len(topic).to_bytes(2) + topic + payload
    length, rest = b"", len(body)
    while rest or not length:
        rest, part = divmod(rest, 128)
        length += bytes([part | (128 if rest else 0)])
    return b"\x30" + length + body


async def flood(port: int, topic: str, payloads: Iterable[bytes]) -> None:
    """Send messages as fast as the broker reads them."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05flood")
        await reader.readexactly(4)
        writer.write(b"".join(publish_packet(topic.encode(), payload) for payload in payloads))
        await writer.drain()
        # The answer says that all before it was read.
        writer.write(b"\xc0\x00")
        await reader.readexactly(2)
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def scripted_broker(
    *, suback: bytes = b"\x01", after: bytes = b"", hangs_up: bool = False
) -> AsyncIterator[int]:
    """Play a broker that does what none should; gives its port.

    Args:
        suback: The codes by which it answers each subscription.
        after: Sent after the first answer to a subscription.
        hangs_up: Ends the connection instead of accepting it.
    """
    writers: list[asyncio.StreamWriter] = []
    to_say = [after]

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(4096)
        if hangs_up:
            writer.close()
            return
        writer.write(b"\x20\x02\x00\x00")
        while packet := await reader.read(4096):
            if packet[0] == 0x82:
                number = packet[2:4]
                writer.write(b"\x90" + (2 + len(suback)).to_bytes(1) + number + suback)
                writer.write(to_say.pop() if to_say else b"")
            elif packet[0] == 0xC0:
                writer.write(b"\xd0\x00")

    server = await asyncio.start_server(play, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
