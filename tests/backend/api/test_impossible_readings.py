"""Judged readings that a client sends, of which some cannot be: they cost nobody anything."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, Bench
from tests.backend.api.test_garden_routes import add
from tests.backend.api.test_telemetry_routes import stored

RECORD = f"{GARDEN}/client/requests/RecordReadings"


@pytest.mark.parametrize(
    ("kind", "sound", "impossible"),
    [
        ("ppfd", 400.0, (-5.0, 4001.0)),
        ("air_temperature", 21.0, (-60.0, 999.0)),
        ("air_humidity", 100.0, (-1.0, 100.5)),
        # A concentrate has up to 250 mS/cm.
        ("ec", 200.0, (-0.1, 251.0)),
        ("ph", 14.0, (-0.1, 1e9)),
    ],
)
async def test_what_cannot_be_is_left_out_and_the_garden_is_shown(
    api: httpx.AsyncClient,
    bench: Bench,
    kind: str,
    sound: float,
    impossible: tuple[float, ...],
) -> None:
    site = await add(api, "sites", name="Home", time_zone="UTC")
    place = await add(api, "locations", name="Tent", site_key=site["key"])
    key = (
        await add(api, "probes", name="P", location_key=place["key"], channels=[{"kind": kind}])
    )["key"]
    sent: list[dict[str, Any]] = []
    for number, value in enumerate((sound, *impossible)):
        at = (bench.clock() - timedelta(minutes=number)).isoformat()
        reading = {"probe_key": key, "kind": kind, "at": at, "received_at": at}
        sent.append(reading | {"value": value, "verdict": "good"})

    answer = await api.post(RECORD, json={"readings": sent})

    assert (answer.status_code, answer.json()) == (200, 1)
    assert [value for _, value in await stored(api, key, kind)] == [sound]
    assert (await api.get(f"{GARDEN}/client/snapshot")).status_code == 200
    today = bench.clock().date().isoformat()
    window = {"from": today, "to": today}
    climate = await api.get(f"{GARDEN}/locations/{place['key']}/climate", params=window)
    assert climate.status_code == 200
