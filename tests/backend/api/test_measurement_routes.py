"""Measurements by hand, withdrawn calibrations and exchanged devices over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, START, Bench
from tests.backend.api.test_telemetry_routes import new_probe, ph, send


@pytest.fixture
async def tank(api: httpx.AsyncClient) -> str:
    answer = await api.post(f"{GARDEN}/tanks", json={"name": "T", "volume_l": 50})
    key: str = answer.json()["key"]
    return key


async def log(api: httpx.AsyncClient, tank: str, **body: Any) -> httpx.Response:
    return await api.post(f"{GARDEN}/tanks/{tank}/measurements", json=body)


async def test_a_measurement_is_logged_listed_and_deleted(
    api: httpx.AsyncClient, tank: str
) -> None:
    made = await log(api, tank, kind="ec", value=1850, unit="µS/cm", at=START.isoformat())

    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["value"], body["unit"], body["entered_value"]) == (1.85, "mS/cm", 1850)
    listed = await api.get(f"{GARDEN}/tanks/{tank}/measurements")
    assert listed.json() == [body]
    one = await api.get(f"{GARDEN}/measurements/{body['key']}")
    assert one.headers["etag"] == made.headers["etag"]
    stale = await api.delete(f"{GARDEN}/measurements/{body['key']}", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    gone = await api.delete(
        f"{GARDEN}/measurements/{body['key']}", headers={"If-Match": made.headers["etag"]}
    )
    assert gone.status_code == 204
    assert (await api.get(f"{GARDEN}/tanks/{tank}/measurements")).json() == []


async def test_the_same_key_logs_once(api: httpx.AsyncClient, tank: str) -> None:
    headers = {"Idempotency-Key": "once"}
    path, body = f"{GARDEN}/tanks/{tank}/measurements", {"kind": "ph", "value": 6}

    answers = [await api.post(path, json=body, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await api.get(path)).json()) == 1


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ('{"kind": "ph", "value": 19}', "value", "19 is no ph; possible are 0 to 14"),
        (
            '{"kind": "ph", "value": NaN}',
            "value",
            "value: Input should be a finite number (got 'nan')",
        ),
        ('{"kind": "ph", "value": -Infinity}', "value", "a finite number (got '-inf')"),
        ('{"kind": "ph", "value": 1e999}', "value", "a finite number (got 'inf')"),
        ('{"kind": "ph", "value": "6"}', "value", ""),
        ('{"kind": "ec", "value": 1, "unit": "ppm"}', "unit", "'ppm' does not belong to ec"),
        (
            '{"kind": "ph", "value": 6, "at": "2026-05-01T08:00:00"}',
            "at",
            "at: Input should have timezone info, such as Z or +02:00 behind it (got '2026-",
        ),
        ('{"kind": "ph", "value": 6, "at": "2099-05-01T08:00:00Z"}', "at", "future"),
        ('{"kind": "soil_moisture", "value": 6}', "kind", "not measured by hand at a tank"),
        ('{"kind": "ghosts", "value": 6}', "kind", ""),
        ('{"kind": "ec", "value": 1, "temperature_c": 77}', "temperature_c", ""),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    api: httpx.AsyncClient, tank: str, body: str, field: str, words: str
) -> None:
    answer = await api.post(
        f"{GARDEN}/tanks/{tank}/measurements",
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code in {400, 422}, answer.text
    assert field in answer.text
    assert words in answer.text
    assert (await api.get(f"{GARDEN}/tanks/{tank}/measurements")).json() == []


async def test_a_calibration_is_withdrawn_with_a_reason(api: httpx.AsyncClient) -> None:
    probe = await new_probe(api)
    said = {"kind": "ph", "points": [{"raw": 7.2, "value": 7.0}, {"raw": 4.3, "value": 4.0}]}
    made = (await api.post(f"{GARDEN}/probes/{probe}/calibrations", json=said)).json()

    empty = await api.post(f"{GARDEN}/calibrations/{made['key']}/withdraw", json={"reason": " "})
    done = await api.post(
        f"{GARDEN}/calibrations/{made['key']}/withdraw", json={"reason": "Old buffers"}
    )

    assert (empty.status_code, done.status_code) == (422, 200)
    assert done.json()["withdrawn_reason"] == "Old buffers"
    found = (await api.get(f"{GARDEN}/probes/{probe}/calibrations")).json()
    assert {item["kind"]: item["state"] for item in found["statuses"]}["ph"] == "never"


async def test_a_device_is_exchanged(api: httpx.AsyncClient) -> None:
    probe = await new_probe(api)

    done = await api.post(f"{GARDEN}/probes/{probe}/replacements", json={"note": "4711"})
    naive = await api.post(
        f"{GARDEN}/probes/{probe}/replacements", json={"at": "2026-05-01T08:00:00"}
    )

    assert done.status_code == 201, done.text
    assert [item["note"] for item in done.json()["replacements"]] == ["4711"]
    assert naive.status_code == 422
    assert "at" in naive.text


async def test_a_probe_that_is_being_calibrated_says_so(
    api: httpx.AsyncClient, bench: Bench
) -> None:
    probe = await new_probe(api)
    path = f"{GARDEN}/probes/{probe}/solution-holds"

    def body(since: timedelta, until: timedelta) -> dict[str, str]:
        times = {"since": (START + since).isoformat(), "until": (START + until).isoformat()}
        return {"dialog": "script-1", **times}

    minute = timedelta(minutes=1)
    made = await api.post(path, json=body(-minute, 15 * minute))
    again = await api.post(path, json=body(-minute, 20 * minute))
    refused = [
        await api.post(path, json=body(since * minute, until * minute))
        for since, until in ((3, 10), (0, 121), (-1, -2))
    ]
    unknown = await api.post(
        f"{GARDEN}/probes/nobody/solution-holds", json=body(-minute, 15 * minute)
    )

    assert made.status_code == again.status_code == 200, made.text
    assert again.json()["key"] == made.json()["key"]
    assert [item.status_code for item in refused] == [422, 422, 422]
    assert unknown.status_code == 404
    [held] = await send(api, ph(probe, 7.0))
    assert (held["verdict"], held["reasons"]) == ("suspect", ["calibrating"])
    bench.clock.now = START + 20 * minute
    [back] = await send(api, ph(probe, 6.0))
    assert back["verdict"] == "good"


async def test_a_trend_tells_how_much_it_rests_on(api: httpx.AsyncClient) -> None:
    probe = await new_probe(api)

    found = await api.get(f"{GARDEN}/probes/{probe}/trend", params={"kind": "ph"})
    other = await api.get(f"{GARDEN}/probes/{probe}/trend", params={"kind": "level"})

    assert (found.json()["count"], found.json()["change_per_h"]) == (0, None)
    assert other.status_code == 422


async def test_an_exchanged_device_proves_itself_anew(api: httpx.AsyncClient, bench: Bench) -> None:
    probe = await new_probe(api)
    for minute, value in enumerate((2.80, 2.81, 2.80, 2.81)):
        bench.clock.now = START + timedelta(minutes=minute)
        [last] = await send(api, ph(probe, value, bench.clock.now))
    assert last["verdict"] == "good"

    await api.post(f"{GARDEN}/probes/{probe}/replacements", json={})
    bench.clock.now = START + timedelta(minutes=5)
    [first] = await send(api, ph(probe, 2.79, bench.clock.now))

    assert (first["verdict"], first["reasons"]) == ("suspect", ["outside_plausible"])
