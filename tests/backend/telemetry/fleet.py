"""Many gardens on one store, a worker that listens to them, and their devices."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from aiomqtt import Client

from kamerplanter_backend.bootstrap import Services, build_services, open_store
from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.tenant import Tenant, TenantFields
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings, Protocol
from kamerplanter_backend.telemetry.worker.ingest_worker import IngestWorker, WorkerSettings
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    ProbeFields,
    Reading,
)
from tests.backend.telemetry.brokers import HOST

PATIENCE_S = 60
ALWAYS = timedelta(days=30)


class Fleet:
    """Gardens on one store."""

    ADMIN: ClassVar = Role.ADMIN

    @staticmethod
    def tenants_of(store: DocumentStore) -> list[Tenant]:
        """Return all gardens of a store."""
        with open_unit(store, account_context("admin", system_clock())) as uow:
            return uow.of(TenantRepository).find()

    @staticmethod
    def probes_of(store: DocumentStore, context: Context) -> list[Probe]:
        """Return the probes of a garden."""
        with open_unit(store, context) as uow:
            return uow.of(ProbeRepository).living()

    def __init__(self, path: Path | None, clock: Clock = system_clock) -> None:
        self.path = path
        self.clock = clock
        self.store: DocumentStore = open_store(path)
        self.services: Services = build_services(self.store)
        self.tenants = TenantService(self.store)
        self.gardens: list[Tenant] = []
        self.probes: dict[str, list[Probe]] = {}

    def context(self, garden: Tenant) -> Context:
        """Return the context of an admin of a garden."""
        admin = account_context("admin", self.clock(), role=Role.ADMIN)
        return Context(
            tenant_key=garden.key, actor="admin", role=Role.ADMIN, now=admin.now, zone=admin.zone
        )

    def add_garden(self, probe_count: int = 2) -> Tenant:
        """Make a garden whose probes measure pH on `probe<n>`, plain or as `ph` of a message."""
        number = len(self.gardens)
        account = account_context(f"user{number}", self.clock(), role=Role.ADMIN)
        garden = self.tenants.create_for(account, TenantFields(name=f"Garden {number}"))
        self.gardens.append(garden)
        self.probes[garden.key] = []
        for index in range(probe_count):
            self.add_probe(
                garden, ChannelBinding(kind=ChannelKind.PH, topic=f"probe{index}", path="ph")
            )
        return garden

    def add_probe(self, garden: Tenant, *channels: ChannelBinding) -> Probe:
        """Make a probe."""
        probe = self.services.probe.create(
            self.context(garden), ProbeFields(name="Probe", channels=channels)
        )
        self.probes.setdefault(garden.key, []).append(probe)
        return probe

    def add_old_probe(self, garden: Tenant, topic: str) -> None:
        """Make a probe with a topic that a version before this one let pass."""
        probe = self.add_probe(garden, ChannelBinding(kind=ChannelKind.PH, topic="t", path="ph"))
        with self.store.begin(frozenset({"probes"})) as transaction:
            document = transaction.get("probes", probe.key)
            assert document is not None
            channels: Any = document["channels"]
            channels[0]["topic"] = topic
            transaction.replace(
                "probes", {**document, "revision": 2}, expected_revision=probe.revision
            )

    def stored(self, garden: Tenant, index: int = 0) -> list[Reading]:
        """Return what is stored of a probe's pH."""
        now, probe = self.clock(), self.probes[garden.key][index]
        return list(
            self.services.telemetry.list_readings(
                self.context(garden), probe.key, "ph", now - ALWAYS, now + ALWAYS
            )
        )

    def values(self, garden: Tenant, index: int = 0) -> list[float]:
        """Return the stored values of a probe, oldest first."""
        return [reading.value for reading in self.stored(garden, index)]

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


def topic_of(garden: Tenant, index: int = 0) -> str:
    """Return where a device of a garden publishes."""
    return f"kamerplanter/{garden.slug}/probe{index}"


def message(value: float, at: datetime | None = None, *, pad_bytes: int = 0) -> bytes:
    """Return what a device says; with a time of its own if it has one."""
    own = {} if at is None else {"time": at.astimezone(UTC).isoformat()}
    return json.dumps({"ph": value, **own, "note": "x" * pad_bytes}).encode()


@asynccontextmanager
async def worker_of(fleet: Fleet, port: int, **settings: Any) -> AsyncIterator[IngestWorker]:
    """Run a worker on the fleet's store; it listens when the block begins."""
    broker = BrokerSettings(
        **{
            "host": HOST,
            "port": port,
            "client_id": "kp-in-test",
            "protocol": Protocol.V5,
            **settings.pop("broker", {}),
        }
    )
    wanted = WorkerSettings(broker=broker, first_pause_s=0.05, **settings)
    feed = CommitFollower(fleet.store)
    feed.start()
    worker = IngestWorker(fleet.store, fleet.services, feed, wanted, fleet.clock)
    await worker.start()
    try:
        await until(lambda: worker.link.is_connected)
        # Behind our own subscriptions: what is published from now on is heard.
        await asyncio.sleep(0.1)
        yield worker
    finally:
        await worker.stop()
        feed.stop()


async def until(is_so: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(patience_s):
        while not is_so():  # noqa: ASYNC110 - nobody tells when it happens
            await asyncio.sleep(0.02)


async def send(port: int, messages: Sequence[tuple[str, bytes]], *, qos: int = 1) -> None:
    """Publish messages in their order; with QoS 1 the broker has them when this returns."""
    async with Client(HOST, port, max_inflight_messages=200) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=qos)
