"""The gate counts the days of the site where a plant stands, as the server will."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.embedded import EmbeddedGarden, open_garden
from kamerplanter_backend.client.requests import CheckHarvest, CreatePlant, LogHarvest
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.errors import KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.site import LocationFields, SiteFields
from tests.backend.client.queue_bench import OWNER, Clock, Open, drained, neem, queued, view_of
from tests.backend.client.switched_client import SwitchedClient, away

TREATED_AT = datetime(2026, 11, 27, 19, tzinfo=UTC)
"""In Auckland, 13 hours ahead, it is the 28th already; in Berlin it is the 27th."""
LATER = datetime(2026, 11, 29, 6, tzinfo=UTC)
"""The 29th in both; in Auckland a day of waiting is not over before the 30th."""
CLOSED = (False, True, date(2026, 11, 30), 1)


@pytest.fixture
async def garden(clock: Clock) -> AsyncIterator[EmbeddedGarden]:
    clock.now = TREATED_AT
    made = open_garden(None, name="Home", time_zone="Europe/Berlin", latitude_deg=52.5, clock=clock)
    yield made
    await made.client.close()


@pytest.fixture
def server(garden: EmbeddedGarden) -> SwitchedClient:
    return SwitchedClient(garden.client)


@pytest.fixture
async def far(garden: EmbeddedGarden, server: SwitchedClient) -> Plant:
    """Return a plant at the second site of a garden in Berlin."""

    def bed() -> str:
        services, context = garden.services, garden.client.context(OWNER)
        site = services.site.create(context, SiteFields(name="Bay", time_zone="Pacific/Auckland"))
        fields = LocationFields(name="Bed", site_key=site.key, location_type_key="bed")
        return services.location.create(context, fields).key

    fields = PlantFields(
        name="Tomato",
        species_key="solanum_lycopersicum",
        location_key=await garden.client.run(bed),
    )
    return await server.garden.call(CreatePlant(fields=fields))


def harvest(plant: Plant, at: datetime) -> LogHarvest:
    return LogHarvest(fields=HarvestFields(plant_key=plant.key, at=at))


def as_older(shown: GardenSnapshot) -> GardenSnapshot:
    """Return a snapshot as the version kept it that did not tell the zones of plants."""
    plants = tuple(view.model_copy(update={"time_zone": None}) for view in shown.plants)
    return shown.model_copy(update={"plants": plants})


async def test_each_plant_is_shown_by_the_days_of_its_own_site(
    client: QueueingClient, server: SwitchedClient, plant: Plant, far: Plant, clock: Clock
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(far, interval_d=1, at=TREATED_AT))
    await queued(client, neem(plant, interval_d=1, at=TREATED_AT))
    clock.now = LATER
    waits = await client.snapshot()
    server.trouble = None
    await client.snapshot()
    await drained(client)
    booked = await client.snapshot()

    assert view_of(waits, far) == CLOSED
    assert view_of(waits, plant) == (True, False, date(2026, 11, 29), 0)
    assert [view_of(booked, it) for it in (far, plant)] == [
        view_of(waits, it) for it in (far, plant)
    ]


@pytest.mark.parametrize("known", ["recalled", "asked for"])
async def test_verdict_goes_by_the_days_of_the_site(
    open_client: Open, server: SwitchedClient, far: Plant, clock: Clock, known: str
) -> None:
    client = await open_client()
    shown = await client.snapshot()
    server.trouble = away()
    await queued(client, neem(far, interval_d=1, at=TREATED_AT))
    clock.now = LATER
    client = await open_client()
    if known == "recalled":
        client.recall(shown)
    server.trouble = None
    server.gate.clear()  # the server is back, but the command is still on its way

    verdict = await client.call(CheckHarvest(plant_key=far.key))
    server.gate.set()

    assert (verdict.on, verdict.allowed) == (date(2026, 11, 29), False)
    assert (verdict.safe_on, verdict.days_left) == (date(2026, 11, 30), 1)


async def test_harvest_is_refused_on_the_days_of_the_site(
    client: QueueingClient, server: SwitchedClient, far: Plant, clock: Clock
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(far, interval_d=15, at=TREATED_AT))
    clock.now = LATER + timedelta(days=14)  # too old to be sent
    server.trouble = None
    await client.snapshot()
    await drained(client)

    with pytest.raises(KarenzViolationError) as refused:
        await client.call(harvest(far, clock.now))
    clock.now += timedelta(hours=5)  # midnight there

    assert refused.value.placeholders["date"] == "2026-12-14"
    assert (await client.call(harvest(far, clock.now))).harvested_on == date(2026, 12, 14)


async def test_days_of_the_garden_count_where_an_older_version_kept_the_snapshot(
    open_client: Open, server: SwitchedClient, far: Plant, clock: Clock
) -> None:
    client = await open_client()
    known = as_older(await client.snapshot())
    server.trouble = away()
    await queued(client, neem(far, interval_d=1, at=TREATED_AT))
    clock.now = LATER - timedelta(days=1)
    client = await open_client()
    client.recall(known)

    assert view_of(await client.snapshot(), far) == (False, True, date(2026, 11, 29), 1)
