"""The climate of places over HTTP: days, windows, and what is refused."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, START, Bench
from tests.backend.api.test_garden_routes import add, site_key
from tests.backend.api.test_telemetry_routes import SEND

KINDS = ("air_temperature", "air_humidity", "leaf_temperature", "ppfd")


async def air_probe(api: httpx.AsyncClient, **fields: Any) -> tuple[str, str]:
    """Return the keys of a place and of a probe in it."""
    place = await add(api, "locations", name="Tent", site_key=await site_key(api), **fields)
    channels = [{"kind": kind} for kind in KINDS]
    probe = await add(api, "probes", name="Air", location_key=place["key"], channels=channels)
    return place["key"], probe["key"]


async def send(
    api: httpx.AsyncClient, probe: str, kind: str, from_at: datetime, *parts: tuple[float, float]
) -> None:
    """Send readings of values that hold for so many hours each, every ten minutes."""
    readings, at = [], from_at
    for hours, value in parts:
        for _ in range(round(hours * 6)):
            readings.append(
                {"probe_key": probe, "kind": kind, "value": value, "at": at.isoformat()}
            )
            at += timedelta(minutes=10)
    answer = await api.post(SEND, json={"readings": readings})
    assert answer.status_code == 200, answer.text


async def climate(api: httpx.AsyncClient, place: str, from_on: str, to_on: str) -> httpx.Response:
    return await api.get(
        f"{GARDEN}/locations/{place}/climate", params={"from": from_on, "to": to_on}
    )


async def test_days_of_a_place(api: httpx.AsyncClient, bench: Bench) -> None:
    place, probe = await air_probe(api, base_temperature_c=12)
    midnight = START.replace(hour=0) - timedelta(days=1)
    await send(api, probe, "ppfd", midnight, (18, 400), (6, 0))
    await send(api, probe, "air_temperature", midnight, (12, 14), (12, 14.5))

    answer = await climate(api, place, "2026-04-29", "2026-05-03")

    assert answer.status_code == 200
    before, day, today = answer.json()
    assert [item["day"] for item in (before, day, today)] == [
        "2026-04-29",
        "2026-04-30",
        "2026-05-01",
    ]
    assert day["dli_mol_m2"] == pytest.approx(25.92)
    assert day["degree_days_c_d"] == pytest.approx(2.25)
    assert day["air_mean_c"] == pytest.approx(14.25)
    assert (day["air_low_c"], day["air_high_c"]) == (14, 14.5)
    assert (day["dli_coverage_ratio"], day["dli_may_decide"]) == (1, True)
    assert (day["degree_days_coverage_ratio"], day["degree_days_may_decide"]) == (1, True)
    assert before["dli_mol_m2"] is before["degree_days_c_d"] is before["air_mean_c"] is None
    assert before["dli_coverage_ratio"] == 0


@pytest.mark.parametrize(
    ("from_on", "to_on", "words"),
    [
        ("2026-05-02", "2026-05-01", "swap them"),
        ("2025-05-01", "2026-05-02", "more than 366 days"),
        ("0001-01-01", "0001-01-02", "before anything was measured"),
        ("1970-01-01", "1970-01-02", "1970-01-02 or later"),
        ("yesterday", "2026-05-01", "from"),
        ("20260501", "2026-05-01", "from"),
    ],
)
async def test_window_that_makes_no_sense(
    api: httpx.AsyncClient, from_on: str, to_on: str, words: str
) -> None:
    place, _ = await air_probe(api)

    answer = await climate(api, place, from_on, to_on)

    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(
    ("from_on", "to_on", "count"),
    [
        ("2025-05-01", "2026-05-01", 366),
        ("2026-05-01", "2026-05-01", 1),
        ("2026-05-02", "2026-05-02", 0),
        ("9999-12-31", "9999-12-31", 0),
        ("1970-01-02", "1970-01-02", 1),
    ],
)
async def test_window_of_up_to_a_year(
    api: httpx.AsyncClient, from_on: str, to_on: str, count: int
) -> None:
    place, _ = await air_probe(api)

    answer = await climate(api, place, from_on, to_on)

    assert answer.status_code == 200
    assert len(answer.json()) == count


@pytest.mark.parametrize("missing", ["from", "to"])
async def test_both_ends_are_asked_for(api: httpx.AsyncClient, missing: str) -> None:
    place, _ = await air_probe(api)
    window = {"from": "2026-05-01", "to": "2026-05-01"}
    del window[missing]

    answer = await api.get(f"{GARDEN}/locations/{place}/climate", params=window)

    assert answer.status_code == 422
    assert missing in answer.text


async def test_air_and_light_come_as_other_readings_do(api: httpx.AsyncClient) -> None:
    _, probe = await air_probe(api)
    sent = [
        ("air_temperature", 68, "°F", 20),
        ("air_humidity", 54.2, "%", 54.2),
        ("leaf_temperature", 293.15, "K", 20),
        ("ppfd", 412, "umol/m2/s", 412),
    ]
    readings = [
        {"probe_key": probe, "kind": kind, "value": value, "unit": unit}
        for kind, value, unit, _ in sent
    ]

    answer = await api.post(SEND, json={"readings": readings})

    results = answer.json()["results"]
    assert [item["verdict"] for item in results] == ["good"] * 4
    assert [item["value"] for item in results] == [pytest.approx(item[3]) for item in sent]
    latest = (await api.get(f"{GARDEN}/probes/{probe}/latest")).json()
    assert [item["kind"] for item in latest] == list(KINDS)
    hours = await api.get(
        f"{GARDEN}/probes/{probe}/readings",
        params={
            "kind": "ppfd",
            "resolution": "hour",
            "from_at": "2026-05-01T00:00:00Z",
            "until_at": "2026-05-02T00:00:00Z",
        },
    )
    assert [item["high"] for item in hours.json()] == [412]


async def test_lux_is_refused_with_what_to_give(api: httpx.AsyncClient) -> None:
    _, probe = await air_probe(api)

    bound = await api.patch(
        f"{GARDEN}/probes/{probe}",
        json={"channels": [{"kind": "ppfd", "topic": "lamp", "unit": "lx"}]},
    )

    assert bound.status_code == 422
    assert "sun 0.0185" in bound.json()["message"]
    assert bound.json()["details"]["field"] == "channels.0.unit"


async def test_a_probe_hangs_in_one_place(api: httpx.AsyncClient) -> None:
    place, probe = await air_probe(api)
    tank = await add(api, "tanks", name="Tank", volume_l=60)

    both = await api.patch(f"{GARDEN}/probes/{probe}", json={"tank_key": tank["key"]})
    nowhere = await api.patch(f"{GARDEN}/probes/{probe}", json={"location_key": "never-was"})
    listed = await api.get(f"{GARDEN}/probes", params={"location_key": place})
    moved = await api.patch(
        f"{GARDEN}/probes/{probe}", json={"tank_key": tank["key"], "location_key": None}
    )

    assert both.status_code == 422
    assert "location_key excludes tank_key and plant_key" in both.text
    assert (nowhere.status_code, nowhere.json()["details"]["field"]) == (409, "location_key")
    assert [item["key"] for item in listed.json()["items"]] == [probe]
    assert moved.status_code == 200
    assert moved.json()["location_key"] is None


async def test_a_place_that_goes_lets_its_probes_go(api: httpx.AsyncClient) -> None:
    place, probe = await air_probe(api)

    gone = await api.delete(f"{GARDEN}/locations/{place}")
    left = (await api.get(f"{GARDEN}/probes/{probe}")).json()

    assert gone.status_code == 204
    assert (left["location_key"], left["archived_at"]) == (None, None)
