"""Calibrations, rollups and last values over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, START, Bench
from tests.backend.api.test_garden_routes import add
from tests.backend.api.test_telemetry_routes import new_probe, ph, send

PH_POINTS = [{"raw": 7.2, "value": 7.0}, {"raw": 4.3, "value": 4.0}]
WINDOW = {"from_at": "2026-01-01T00:00:00Z", "until_at": "2027-01-01T00:00:00Z"}


@pytest.fixture
async def probe(api: httpx.AsyncClient) -> str:
    return await new_probe(api)


async def calibrate(api: httpx.AsyncClient, probe: str, **body: Any) -> httpx.Response:
    said = {"kind": "ph", "points": PH_POINTS} | body
    return await api.post(f"{GARDEN}/probes/{probe}/calibrations", json=said)


async def get(api: httpx.AsyncClient, path: str, **params: str) -> Any:
    answer = await api.get(f"{GARDEN}/probes/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_calibration_counts_for_what_is_sent_from_then_on(
    api: httpx.AsyncClient, probe: str
) -> None:
    await send(api, ph(probe, 6.1, START - timedelta(minutes=30)))

    made = await calibrate(api, probe)
    [result] = await send(api, ph(probe, 6.1, START + timedelta(minutes=1)))

    assert made.status_code == 201
    assert made.json()["fit"]["factor"] == pytest.approx(1.0345, abs=1e-4)
    assert result["value"] == pytest.approx(5.862, abs=1e-3)
    listed = await get(api, f"{probe}/readings", kind="ph", **WINDOW)
    assert [(item["value"], item["raw"]) for item in listed] == [
        (6.1, None),
        (pytest.approx(5.862, abs=1e-3), 6.1),
    ]


async def test_history_tells_how_old_each_channel_s_calibration_is(
    api: httpx.AsyncClient, bench: Bench, probe: str
) -> None:
    made = (await calibrate(api, probe)).json()
    bench.clock.now = START + timedelta(days=15)

    found = await get(api, f"{probe}/calibrations")

    assert [item["key"] for item in found["calibrations"]] == [made["key"]]
    assert {item["kind"]: item["state"] for item in found["statuses"]} == {
        "ec": "never",
        "ph": "due",
        "water_temperature": "not_needed",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"points": [{"raw": 7, "value": 7}, {"raw": 7, "value": 4}]}, "points"),
        ({"points": [{"raw": 4, "value": 7}, {"raw": 7, "value": 4}]}, "points"),
        ({"kind": "soil_moisture"}, "kind"),
        ({"kind": "level"}, "kind"),
    ],
)
async def test_impossible_calibration_is_refused_by_name(
    api: httpx.AsyncClient, probe: str, body: dict[str, Any], field: str
) -> None:
    answer = await calibrate(api, probe, **body)

    assert answer.status_code == 422
    assert field in answer.text
    assert (await get(api, f"{probe}/calibrations"))["calibrations"] == []


async def test_the_temperature_in_the_bottle_is_asked_for(
    api: httpx.AsyncClient, bench: Bench
) -> None:
    tank = await add(api, "tanks", name="Tank", volume_l=60)
    channels = [{"kind": "ec", "compensated": False}]
    meter = await new_probe(api, channels=channels, tank_key=tank["key"])
    thermometer = await new_probe(api, tank_key=tank["key"])
    await send(api, {"probe_key": thermometer, "kind": "water_temperature", "value": 20})
    bench.clock.now = START + timedelta(minutes=5)
    point = {"raw": 1.278, "value": 1.413}

    refused = await calibrate(api, meter, kind="ec", points=[point])
    made = await calibrate(api, meter, kind="ec", points=[point | {"temperature_c": 20}])
    [result] = await send(api, {"probe_key": meter, "kind": "ec", "value": 1.278})

    assert refused.status_code == 422
    assert "temperature of the standard solution" in refused.text
    assert made.status_code == 201, made.text
    # In the tank the other thermometer tells: 1.278 mS/cm at 20 °C.
    assert (result["verdict"], result["value"]) == ("good", pytest.approx(1.278 / 0.9))


async def test_hours_and_days_are_those_of_the_site(api: httpx.AsyncClient, probe: str) -> None:
    await send(
        api, *(ph(probe, 6.0, START - timedelta(minutes=10 * number)) for number in range(1, 13))
    )

    hours = await get(api, f"{probe}/readings", kind="ph", resolution="hour", **WINDOW)
    [day] = await get(api, f"{probe}/readings", kind="ph", resolution="day", **WINDOW)

    assert sum(item["reading_count"] for item in hours) == day["reading_count"] == 12
    assert {item["length_s"] for item in hours} == {3600}
    assert (day["length_s"], day["mean"], day["low"], day["high"]) == (86_400, 6.0, 6.0, 6.0)
    assert 0 < day["coverage_ratio"] < 0.1
    none = await get(api, f"{probe}/readings", kind="ec", resolution="hour", **WINDOW)
    assert none == []


async def test_last_values_of_all_channels(api: httpx.AsyncClient, probe: str) -> None:
    await send(api, ph(probe, 6.0, START - timedelta(minutes=10)), ph(probe, 1.0, START))

    found = {item["kind"]: item for item in await get(api, f"{probe}/latest")}

    assert set(found) == {"ec", "ph", "water_temperature"}
    assert found["ec"]["last"] is None
    assert (found["ph"]["last_good"]["value"], found["ph"]["last"]["value"]) == (6.0, 1.0)
    assert found["ph"]["last"]["verdict"] == "suspect"


async def test_unknown_probe_and_resolution(api: httpx.AsyncClient, probe: str) -> None:
    for path in ("calibrations", "latest"):
        assert (await api.get(f"{GARDEN}/probes/nobody/{path}")).status_code == 404
    odd = {"kind": "ph", "resolution": "week"} | WINDOW
    assert (await api.get(f"{GARDEN}/probes/{probe}/readings", params=odd)).status_code == 422


async def test_points_in_another_scale_than_the_device_tells_are_refused(
    api: httpx.AsyncClient, bench: Bench, probe: str
) -> None:
    bench.clock.now = START + timedelta(minutes=1)
    await send(api, ph(probe, 6.0, bench.clock.now))
    points = [{"raw": 10, "value": 7.0}, {"raw": 180, "value": 4.01}]

    refused = await calibrate(api, probe, points=points, scale="millivolt")

    assert refused.status_code == 422
    assert refused.json()["details"]["problem"] == "not_millivolt"
    assert (await get(api, f"{probe}/calibrations"))["calibrations"] == []
    sure = await api.post(
        f"{GARDEN}/probes/{probe}/calibrations",
        params={"scale_is_sure": True},
        json={"kind": "ph", "points": points, "scale": "millivolt"},
    )
    assert sure.status_code == 201
