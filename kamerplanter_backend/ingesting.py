"""Runs the ingest worker: as a process of its own, or within the server."""

import asyncio
import gc
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import uvloop

from kamerplanter_backend.bootstrap import Options, Services, build_services, open_store
from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.config.settings import PREFIX, Settings
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.services.installation_service import InstallationService
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings, Protocol
from kamerplanter_backend.telemetry.worker.ingest_worker import IngestWorker, WorkerSettings
from kamerplanter_engines.errors import InvalidInputError

try:
    import fcntl
except ImportError:  # not on Windows, where the lock is left out
    fcntl = None  # type: ignore[assignment]

ACTOR: Final = "ingest"
SWITCH_INTERVAL_S: Final = 0.0005
"""How long the thread that stores may hold up a message; Python's own 5 ms would show. [s]"""


def worker_settings(settings: Settings, instance_id: str) -> WorkerSettings:
    """Return what a worker needs to know. Reads the files of certificates.

    Raises:
        InvalidInputError: No broker is set, or a certificate cannot be used.
    """
    if not settings.mqtt_host:
        raise InvalidInputError(
            f"{PREFIX}MQTT_HOST must name the broker that readings come from.", field="mqtt_host"
        )
    password = settings.mqtt_password
    return WorkerSettings(
        broker=BrokerSettings(
            host=settings.mqtt_host,
            port=settings.broker_port,
            username=settings.mqtt_user,
            password=None if password is None else password.get_secret_value(),
            tls=settings.mqtt_tls,
            tls_context=_tls(settings) if settings.mqtt_tls else None,
            # The end of the id is random; its beginning is a time. 23 letters suit every broker.
            client_id=settings.mqtt_client_id or f"kamerplanter-in-{instance_id[-7:]}",
            protocol=Protocol(settings.mqtt_protocol),
        ),
        prefix=settings.mqtt_topic_prefix,
        session_s=settings.mqtt_session_s,
        capacity=settings.ingest_queue,
        metrics_port=settings.ingest_metrics_port or None,
        metrics_path=settings.ingest_metrics_path,
        stop_s=settings.shutdown_s,
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.mqtt_ca)
        if settings.mqtt_certificate is not None:
            context.load_cert_chain(settings.mqtt_certificate, settings.mqtt_key)
    except (ssl.SSLError, OSError) as error:
        raise InvalidInputError(
            f"The certificates of {PREFIX}MQTT_CA, {PREFIX}MQTT_CERTIFICATE and {PREFIX}MQTT_KEY "
            f"cannot be used ({error}).",
            field="mqtt_ca",
        ) from error
    if not settings.mqtt_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def only_worker(store_path: Path | None) -> Iterator[None]:
    """Keep other workers off a store for the block: two would throw each other out at the broker.

    Raises:
        UnavailableError: There is one already.
    """
    if store_path is None or fcntl is None:
        yield
        return
    with store_path.with_name(f"{store_path.name}.ingest").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnavailableError(
                f"Another ingest worker takes the readings of {store_path} in: stop it, or set "
                f"{PREFIX}INGEST=off if it is `serve` that shall not.",
                reason="ingest",
            ) from error
        yield


@asynccontextmanager
async def working(
    settings: Settings,
    store: DocumentStore,
    services: Services,
    feed: CommitFollower,
    clock: Clock,
) -> AsyncIterator[IngestWorker]:
    """Run a worker for the block; what it has received is stored when the block ends.

    Raises:
        InvalidInputError: A setting cannot be used.
        UnavailableError: The store does not answer, another worker uses it, or the port of the
            metrics is taken.
    """

    def instance_id() -> str:
        installation = account_context(ACTOR, clock(), role=Role.ADMIN)
        return InstallationService(store).ensure(installation).key

    with only_worker(settings.store_path):
        key = await asyncio.to_thread(instance_id)
        wanted = await asyncio.to_thread(worker_settings, settings, key)
        worker = IngestWorker(store, services, feed, wanted, clock)
        try:
            try:
                await worker.start()
            except OSError as error:
                raise UnavailableError(
                    f"The metrics of the ingest worker cannot be served on port "
                    f"{settings.ingest_metrics_port}: {error.strerror}. "
                    f"Set {PREFIX}INGEST_METRICS_PORT to another one, or to 0 for none.",
                    reason="address",
                ) from error
            yield worker
        finally:
            await worker.stop()


def run_ingest(settings: Settings, on_ready: Callable[[IngestWorker], None]) -> None:
    """Take readings in until SIGINT or SIGTERM; what was received is stored then. Blocks.

    Args:
        settings: What a person has set.
        on_ready: Called when the worker listens.

    Raises:
        InvalidInputError: A setting cannot be used.
        UnavailableError: The store cannot be used, or the port of the metrics is taken.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, on_ready))


async def _run(settings: Settings, on_ready: Callable[[IngestWorker], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    store = await asyncio.to_thread(open_store, settings.store_path)
    try:
        feed = CommitFollower(store)
        feed.start()
        try:
            services = build_services(store, Options(retention=settings.retention))
            async with working(settings, store, services, feed, system_clock) as worker:
                # What was made by now stays: the collector need not look at it again.
                gc.collect()
                gc.freeze()
                on_ready(worker)
                await stopped.wait()
        finally:
            await asyncio.to_thread(feed.stop)
    finally:
        await asyncio.to_thread(store.close)
