"""Make a small store file of the present schema, to be kept when that schema is released.

Usage: python -m tests.data.make_store; writes tests/data/store-schema-N.db.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.data_access.sqlite.schema import KNOWN_VERSION
from kamerplanter_backend.domain.consequences.rollups import refresh
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork, open_unit
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.factories import add, repository_of

TENANT_KEY = "garden-1"
WHEN = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
DAY = date(2026, 11, 1)


def main() -> None:
    """Write the file."""
    path = Path(__file__).with_name(f"store-schema-{KNOWN_VERSION}.db")
    path.unlink(missing_ok=True)
    store = open_sqlite(path, [repository.collection for repository in REPOSITORIES])
    for tenant_key, fill in ((SHARED_TENANT, _fill_catalogue), (TENANT_KEY, _fill_garden)):
        context = Context(
            tenant_key=tenant_key,
            actor="make_store",
            role=Role.ADMIN,
            now=WHEN,
            zone=ZoneInfo("Europe/Berlin"),
        )
        with open_unit(store, context, (*REPOSITORIES, Readings)) as uow:
            fill(uow)
    store.close()


def _fill_catalogue(uow: UnitOfWork) -> None:
    add(uow, repository_of("phase_sequences"), key="sequence-1")
    add(uow, repository_of("species"), key="species-1", sequence_key="sequence-1")
    add(uow, repository_of("seed_marks"), key="mark-1")


def _fill_garden(uow: UnitOfWork) -> None:
    plant = {"plant_key": "plant-1"}
    add(uow, repository_of("sites"), key="site-1")
    add(uow, repository_of("tanks"), key="tank-1", name="Regentonne 🌧", ec_high_ms_cm=2.4)
    add(uow, repository_of("tanks"), key="tank-2", name="Old tank", archived_at=WHEN)
    add(uow, repository_of("plants"), key="plant-1", tank_key="tank-1")
    add(uow, repository_of("probes"), key="probe-1", tank_key="tank-1")
    add(uow, repository_of("tank_alerts"), key="alert-1", tank_key="tank-1", since=WHEN)
    add(uow, repository_of("plant_alerts"), key="alert-2", **plant)
    add(uow, repository_of("phase_changes"), key="change-1", **plant)
    add(uow, repository_of("tasks"), key="task-1", **plant)
    add(uow, repository_of("irrigations"), key="irrigation-1", task_key="task-1", **plant)
    add(uow, repository_of("care_confirmations"), key="care-1", **plant)
    add(uow, repository_of("treatments"), key="treatment-1", applied_on=DAY, **plant)
    add(uow, repository_of("harvests"), key="harvest-1", harvested_on=DAY, **plant)
    add(uow, repository_of("job_runs"), key="run-1")
    add(uow, repository_of("calibrations"), key="calibration-1", probe_key="probe-1")
    uow.readings.append(
        [
            Reading(
                probe_key="probe-1",
                kind=ChannelKind.EC,
                at=WHEN,
                received_at=WHEN,
                value=1.8,
                verdict=Verdict.GOOD,
                raw=1.72,
            )
        ]
    )
    refresh(uow)


if __name__ == "__main__":
    main()
