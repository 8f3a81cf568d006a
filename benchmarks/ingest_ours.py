"""The ingest worker as a consumer: `python -m benchmarks.ingest_ours ours PORT`."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ingest_side import FIELDS, GARDENS, READINGS, TOPICS, Pass, orders_of
from kamerplanter_backend.bootstrap import build_services, open_seeded_store
from kamerplanter_backend.common.clock import system_clock
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.config.settings import Environment, Settings
from kamerplanter_backend.domain.models.tenant import TenantFields
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from kamerplanter_backend.ingesting import run_ingest
from kamerplanter_backend.telemetry.worker.ingest_worker import IngestWorker
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ProbeFields


def make_gardens(path: Path) -> None:
    """Lay out the gardens: each probe hangs in a tank of its own and measures four values."""
    now = system_clock()
    store = open_seeded_store(path, now)
    services, tenants = build_services(store), TenantService(store)
    for garden in range(GARDENS):
        account = account_context(f"user{garden}", now, role=Role.ADMIN)
        tenant = tenants.create_for(account, TenantFields(name=f"Garden {garden}"))
        assert tenant.slug == f"garden-{garden}"
        context = Context(
            tenant_key=tenant.key, actor="user", role=Role.ADMIN, now=now, zone=account.zone
        )
        for number in range(TOPICS // GARDENS):
            tank = services.tank.create(context, TankFields(name=f"Tank {number}", volume_l=60))
            channels = [
                ChannelBinding.model_validate(
                    {"kind": kind, "topic": f"tank{number}", "path": path}
                )
                for kind, path in FIELDS.items()
            ]
            services.probe.create(
                context, ProbeFields(name="Probe", tank_key=tank.key, channels=tuple(channels))
            )
    store.close()


def run_ours(port: int) -> None:
    """Run the worker as `kamerplanter-server ingest` does."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "garden.db")
    make_gardens(path)
    counted = Pass()
    tasks = []

    async def bench(worker: IngestWorker) -> None:
        hear = worker.on_message

        def on_message(where: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
            hear(where, payload, retained=retained, is_replay=is_replay)
            counted.note(payload)

        worker.on_message = on_message  # type: ignore[method-assign, assignment]
        await asyncio.sleep(2)
        assert worker.link.is_connected
        print("READY", flush=True)
        while orders := await orders_of():
            before = worker.counts.stored.total()
            counted.begin(orders[0])
            expected = READINGS * orders[0]
            deadline = time.monotonic() + 60
            while worker.counts.stored.total() - before < expected:
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.02)
            counted.end(count=worker.counts.stored.total() - before, batches=worker.counts.batches)

        os.kill(os.getpid(), signal.SIGTERM)

    settings = Settings(
        store=f"sqlite:///{path}",
        mqtt_host="127.0.0.1",
        mqtt_port=port,
        mqtt_topic_prefix="ours",
        environment=Environment.DEVELOPMENT,
    )
    run_ingest(settings, lambda worker: tasks.append(asyncio.ensure_future(bench(worker))))
    folder.cleanup()


if __name__ == "__main__":
    run_ours(int(sys.argv[2]))
