"""Readings that scripts send: judged on the server as live ones are."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.permissions import KeyScope
from tests.backend.api.harness import GARDEN, START, Bench
from tests.backend.api.people import Crew, crew_of
from tests.backend.api.test_garden_routes import add

SEND = f"{GARDEN}/telemetry/readings"


@pytest.fixture
async def probe(api: httpx.AsyncClient) -> str:
    """Return the key of a probe in a tank, whose values come over this interface alone."""
    tank = await add(api, "tanks", name="Tank", volume_l=60)
    return await new_probe(api, tank_key=tank["key"])


async def new_probe(api: httpx.AsyncClient, **fields: Any) -> str:
    channels = [{"kind": kind} for kind in ("ec", "ph", "water_temperature")]
    made = await add(api, "probes", name="Probe", **({"channels": channels} | fields))
    return str(made["key"])


async def send(api: httpx.AsyncClient, *readings: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.post(SEND, json={"readings": readings})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    results: list[dict[str, Any]] = report["results"]
    assert report["stored_count"] == sum(1 for item in results if item["outcome"] == "stored")
    return results


async def stored(api: httpx.AsyncClient, probe: str, kind: str) -> list[tuple[str, float]]:
    window = {"from_at": "2026-01-01T00:00:00Z", "until_at": "2027-01-01T00:00:00Z"}
    found = await api.get(f"{GARDEN}/probes/{probe}/readings", params={"kind": kind} | window)
    return [(item["at"], item["value"]) for item in found.json()]


def ph(probe: str, value: float, at: datetime | None = None) -> dict[str, Any]:
    reading = {"probe_key": probe, "kind": "ph", "value": value}
    return reading if at is None else reading | {"at": at.isoformat()}


class TestUnits:
    @pytest.mark.parametrize(
        ("kind", "value", "unit", "canonical"),
        [
            ("ec", 1850, "µS/cm", 1.85),
            ("ec", 1.85, None, 1.85),
            ("ec", 0.185, "S/m", 1.85),
            ("ec", 925, "ppm500", 1.85),
            ("water_temperature", 68, "°F", 20.0),
            ("water_temperature", 293.15, "K", 20.0),
        ],
    )
    async def test_they_are_converted_where_they_enter(  # noqa: PLR0917
        self,
        api: httpx.AsyncClient,
        probe: str,
        kind: str,
        value: float,
        unit: str | None,
        canonical: float,
    ) -> None:
        reading = {"probe_key": probe, "kind": kind, "value": value, "unit": unit}

        (result,) = await send(api, reading)

        assert (result["outcome"], result["verdict"]) == ("stored", "good")
        assert result["value"] == pytest.approx(canonical)
        assert [v for _, v in await stored(api, probe, kind)] == [pytest.approx(canonical)]

    @pytest.mark.parametrize("unit", ["ppm", "L", "mg/L"])
    async def test_an_unknown_unit_is_no_value(
        self, api: httpx.AsyncClient, probe: str, unit: str
    ) -> None:
        (result,) = await send(api, {"probe_key": probe, "kind": "ec", "value": 900, "unit": unit})

        assert (result["outcome"], result["reasons"]) == ("refused", ["unknown_unit"])
        assert await stored(api, probe, "ec") == []

    @pytest.mark.parametrize(
        ("channel", "code", "field"),
        [
            ({"kind": "ec", "unit": "ppm"}, "UNKNOWN_UNIT", "channels.0.unit"),
            ({"kind": "ec", "topic": "a/#"}, "INVALID_INPUT", "channels.0.topic"),
            (
                {
                    "kind": "soil_moisture",
                    "topic": "bed",
                    "curve": [{"raw": 1, "value": 0}, {"raw": 2, "value": 1000}],
                },
                "OUT_OF_RANGE",
                "channels.0.curve.1.value",
            ),
        ],
    )
    async def test_a_binding_that_could_never_give_a_value_is_refused(
        self, api: httpx.AsyncClient, probe: str, channel: dict[str, Any], code: str, field: str
    ) -> None:
        address = f"{GARDEN}/probes"
        before = (await api.get(f"{address}/{probe}")).json()

        for answer in (
            await api.post(address, json={"name": "Odd", "channels": [channel]}),
            await api.patch(f"{address}/{probe}", json={"channels": [channel]}),
        ):
            assert answer.status_code == 422
            assert code in answer.text
            assert field in answer.text
        assert (await api.get(f"{address}/{probe}")).json() == before

    async def test_a_wrong_unit_gets_a_hint(self, api: httpx.AsyncClient, probe: str) -> None:
        (result,) = await send(api, {"probe_key": probe, "kind": "ec", "value": 1850})

        assert (result["outcome"], result["verdict"], result["hint"]) == (
            "refused",
            "bad",
            "looks_like_us_cm",
        )


class TestVerdicts:
    async def test_each_reading_has_its_own(self, api: httpx.AsyncClient, probe: str) -> None:
        results = await send(
            api,
            ph(probe, 5.9),
            {"probe_key": probe, "kind": "water_temperature", "value": 85},
            {"probe_key": probe, "kind": "level", "value": 50},
            ph("none", 5.9),
        )

        assert [(r["outcome"], r["verdict"], r["reasons"]) for r in results] == [
            ("stored", "good", []),
            ("refused", "bad", ["startup_signature"]),
            ("refused", "bad", ["unbound_channel"]),
            ("refused", "bad", ["unknown_probe"]),
        ]

    async def test_zeros_of_one_message_are_suspect_together(
        self, api: httpx.AsyncClient, probe: str
    ) -> None:
        at = START.isoformat()
        results = await send(
            api,
            *({"probe_key": probe, "kind": kind, "value": 0, "at": at} for kind in ("ec", "ph")),
        )

        assert ["bad_company" in r["reasons"] for r in results] == [True, True]
        assert [r["verdict"] for r in results] == ["suspect", "suspect"]

    async def test_a_jump_is_suspect_and_heals_over_several_calls(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        verdicts = []
        for value in (6.0, 6.01, 3.2, 3.21, 3.22, 3.23):
            (result,) = await send(api, ph(probe, value))
            verdicts.append(result["verdict"])
            bench.clock.wait(minutes=1)

        # The third further reading that agrees makes a jump true.
        assert verdicts == ["good", "good", "suspect", "suspect", "suspect", "good"]

    async def test_one_batch_is_judged_as_many_are(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        values = (6.0, 6.01, 3.2, 3.21, 3.22, 3.23)
        now = bench.clock.wait(hours=1)
        batch = [ph(probe, v, now - timedelta(minutes=10 - i)) for i, v in enumerate(values)]

        results = await send(api, *reversed(batch))

        assert [r["verdict"] for r in reversed(results)] == [
            "good",
            "good",
            "suspect",
            "suspect",
            "suspect",
            "good",
        ]

    async def test_doubt_survives_a_restart(
        self, server_of: Callable[..., Bench], tmp_path: Any
    ) -> None:
        file = f"sqlite:///{tmp_path / 'garden.db'}"
        first = server_of(store=file)
        async with first.client() as api:
            probe = await new_probe(api)
            await send(api, ph(probe, 6.0))
            first.clock.wait(minutes=1)
            (jump,) = await send(api, ph(probe, 3.2))
        first.close()
        second = server_of(store=file)
        second.clock.wait(minutes=2)
        async with second.client() as api:
            (after,) = await send(api, ph(probe, 3.21))

        assert (jump["verdict"], after["verdict"]) == ("suspect", "suspect")

    async def test_after_a_refill_a_jump_is_natural(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        tank = await add(api, "tanks", name="T", volume_l=60)
        probe = await new_probe(api, tank_key=tank["key"])
        await send(api, ph(probe, 6.0))
        task = await add(api, "tasks", kind="tank_ph", tank_key=tank["key"])
        bench.clock.wait(minutes=1)
        await api.post(f"{GARDEN}/tasks/{task['key']}/complete")
        bench.clock.wait(minutes=1)

        (result,) = await send(api, ph(probe, 7.5))

        assert result["verdict"] == "good"

    async def test_plain_water_conducts_nothing(self, api: httpx.AsyncClient) -> None:
        tank = await add(api, "tanks", name="T", volume_l=60, plain_water=True)
        probe = await new_probe(api, tank_key=tank["key"])

        (result,) = await send(api, {"probe_key": probe, "kind": "ec", "value": 0})

        assert result["verdict"] == "good"

    async def test_a_good_one_shows_and_follows_through(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        tank = await add(api, "tanks", name="T", volume_l=60, ph_low=5.5, ph_high=6.5)
        probe = await new_probe(api, tank_key=tank["key"])
        bench.clock.wait(minutes=11)
        for minute in range(40):
            await send(api, ph(probe, 7.4 + minute % 2 / 100))
            bench.clock.wait(minutes=1)

        state = (await api.get(f"{GARDEN}/tanks/{tank['key']}/state")).json()

        problem = next(p for p in state["problems"] if p["kind"] == "ph")
        assert (problem["is_on"], problem["side"]) == (True, "high")
        kinds = [t["kind"] for t in (await api.get(f"{GARDEN}/tasks")).json()["items"]]
        assert kinds == ["tank_ph"]


class TestTimes:
    @pytest.mark.parametrize(
        ("shift", "counts"),
        [
            (timedelta(days=-90), True),
            (timedelta(days=-90, seconds=-1), False),
            (timedelta(minutes=2), True),
            (timedelta(minutes=2, seconds=1), False),
        ],
    )
    async def test_a_time_counts_that_can_be(
        self,
        api: httpx.AsyncClient,
        bench: Bench,
        probe: str,
        shift: timedelta,
        counts: bool,
    ) -> None:
        now = bench.clock()

        (result,) = await send(api, ph(probe, 5.9, now + shift))

        at = now + shift if counts else now
        assert result["has_own_time"] is counts
        assert datetime.fromisoformat(result["at"]) == at
        ((kept, _),) = await stored(api, probe, "ph")
        assert datetime.fromisoformat(kept) == at

    @pytest.mark.parametrize(
        ("shift", "said", "count"),
        [
            (timedelta(days=-90), None, 0),
            (timedelta(days=-90, seconds=-1), "too_old", 1),
            (timedelta(minutes=2, seconds=1), "ahead", 0),
        ],
    )
    async def test_why_a_time_does_not_count_is_said(  # noqa: PLR0917
        self,
        api: httpx.AsyncClient,
        bench: Bench,
        probe: str,
        shift: timedelta,
        said: str | None,
        count: int,
    ) -> None:
        reading = ph(probe, 5.9, bench.clock() + shift)

        report = (await api.post(SEND, json={"readings": [reading]})).json()

        assert (report["stored_count"], report["too_old_count"]) == (1, count)
        assert report["results"][0]["unused_time"] == said

    async def test_of_history_that_is_too_old_only_the_newest_can_be_of_now(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        now = bench.clock()
        days_ago = (91, 200, 90.5, 1)
        batch = [ph(probe, 5.8, now - timedelta(days=days)) for days in days_ago]

        report = (await api.post(SEND, json={"readings": batch})).json()

        told = [(item["outcome"], item["unused_time"]) for item in report["results"]]
        assert told == [
            ("refused", "too_old"),
            ("refused", "too_old"),
            ("stored", "too_old"),
            ("stored", None),
        ]
        assert report["results"][0]["reasons"] == ["too_old"]
        assert (report["stored_count"], report["too_old_count"]) == (2, 3)
        times = [datetime.fromisoformat(at) for at, _ in await stored(api, probe, "ph")]
        assert times == [now - timedelta(days=1), now]

    async def test_a_value_of_now_is_not_displaced_by_an_old_one(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        old = ph(probe, 5.5, bench.clock() - timedelta(days=300))

        first, second = await send(api, old, ph(probe, 5.9))

        assert (first["outcome"], first["reasons"]) == ("refused", ["too_old"])
        assert (second["outcome"], second["unused_time"]) == ("stored", None)
        assert [value for _, value in await stored(api, probe, "ph")] == [5.9]

    async def test_of_what_lies_ahead_only_the_newest_can_be_of_now(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        # A device writes local time as if it were UTC, and sends what it kept for a while.
        ahead = bench.clock() + timedelta(hours=1)
        minutes_before = (20, 10, 0, 30)
        batch = [
            ph(probe, 5.8 + minutes / 100, ahead - timedelta(minutes=minutes))
            for minutes in minutes_before
        ]

        results = await send(api, *batch)

        told = [(item["outcome"], item["reasons"], item["unused_time"]) for item in results]
        lost = ("refused", ["ahead"], "ahead")
        assert told == [lost, lost, ("stored", [], "ahead"), lost]
        assert [value for _, value in await stored(api, probe, "ph")] == [5.8]

    async def test_a_value_of_now_is_not_displaced_by_one_from_ahead(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        ahead = ph(probe, 5.5, bench.clock() + timedelta(hours=1))

        first, second = await send(api, ahead, ph(probe, 5.9))

        assert (first["outcome"], first["reasons"]) == ("refused", ["ahead"])
        assert (second["outcome"], second["unused_time"]) == ("stored", None)
        assert [value for _, value in await stored(api, probe, "ph")] == [5.9]

    async def test_the_limit_is_that_of_the_server(self, server_of: Callable[..., Bench]) -> None:
        bench = server_of(raw_retention_d=14)
        async with bench.client() as api:
            key = await new_probe(api)
            at = bench.clock() - timedelta(days=14)
            inside, outside = await send(
                api, ph(key, 5.9, at), ph(key, 5.8, at - timedelta(seconds=1))
            )

        assert (inside["has_own_time"], inside["unused_time"]) == (True, None)
        assert (outside["has_own_time"], outside["unused_time"]) == (False, "too_old")

    async def test_without_a_time_it_is_now(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        (result,) = await send(api, ph(probe, 5.9))

        assert (result["at"], result["has_own_time"]) == ("2026-05-01T10:00:00Z", False)

    async def test_a_time_without_a_zone_refuses_the_batch(
        self, api: httpx.AsyncClient, probe: str
    ) -> None:
        naive = ph(probe, 5.9) | {"at": "2026-05-01T09:00:00"}

        answer = await api.post(SEND, json={"readings": [ph(probe, 5.8), naive]})

        assert answer.status_code == 422
        assert answer.json()["details"]["fields"][0]["field"] == "readings.1.at"
        assert await stored(api, probe, "ph") == []


class TestRepeating:
    async def test_the_same_batch_again_adds_nothing_and_changes_no_verdict(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        start = bench.clock.wait(hours=1) - timedelta(minutes=30)
        values = (6.0, 6.01, 3.2, 3.21)
        batch = [ph(probe, v, start + timedelta(minutes=i)) for i, v in enumerate(values)]
        first = await send(api, *batch)
        kept = await stored(api, probe, "ph")
        bench.clock.wait(minutes=1)

        second = await send(api, *batch)
        (after,) = await send(api, ph(probe, 3.22, start + timedelta(minutes=4)))

        assert [r["outcome"] for r in second] == ["known"] * 4
        assert [r["verdict"] for r in second] == [r["verdict"] for r in first]
        # Three agreeing ones make a jump true, and a repeated batch is no evidence.
        assert after["verdict"] == "suspect"
        assert (await stored(api, probe, "ph"))[:4] == kept

    async def test_a_channel_has_one_reading_for_each_time(
        self, api: httpx.AsyncClient, probe: str
    ) -> None:
        results = await send(api, ph(probe, 5.9), ph(probe, 6.0))

        assert [r["outcome"] for r in results] == ["stored", "known"]
        assert [value for _, value in await stored(api, probe, "ph")] == [5.9]

    async def test_an_equal_value_within_a_second_is_the_same(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        await send(api, ph(probe, 5.9))
        bench.clock.wait(seconds=0.5)

        (result,) = await send(api, ph(probe, 5.9))

        assert result["outcome"] == "known"
        assert len(await stored(api, probe, "ph")) == 1

    async def test_an_idempotency_key_is_not_in_the_way(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        body = {"readings": [ph(probe, 5.9, START)]}
        headers = {"Idempotency-Key": "r-1"}

        first = await api.post(SEND, json=body, headers=headers)
        bench.clock.wait(minutes=1)
        second = await api.post(SEND, json=body, headers=headers)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json()["results"][0]["outcome"] == "known"


class TestBody:
    async def test_five_hundred_are_taken_and_one_more_is_not(
        self, api: httpx.AsyncClient, bench: Bench, probe: str
    ) -> None:
        start = bench.clock.wait(days=1) - timedelta(hours=20)
        batch = [ph(probe, 5.9 + i % 3 / 100, start + timedelta(minutes=i)) for i in range(501)]

        too_many = await api.post(SEND, json={"readings": batch})
        results = await send(api, *batch[:500])

        assert too_many.status_code == 422
        assert {r["outcome"] for r in results} == {"stored"}
        assert len(await stored(api, probe, "ph")) == 500

    @pytest.mark.parametrize(
        "change",
        [
            {"value": "NaN"},
            {"value": None},
            {"value": "5.9 pH"},
            {"kind": "mood"},
            {"verdict": "good"},
            {"probe_key": "../x"},
        ],
        ids=str,
    )
    async def test_what_does_not_fit_refuses_the_batch(
        self, api: httpx.AsyncClient, probe: str, change: dict[str, Any]
    ) -> None:
        answer = await api.post(SEND, json={"readings": [ph(probe, 5.9), ph(probe, 6) | change]})

        assert answer.status_code == 422
        assert await stored(api, probe, "ph") == []

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("value", "NaN", "'nan'"),
            ("value", "Infinity", "'inf'"),
            ("value", "-1e999", "'-inf'"),
            ("at", '"2026-05-01T09:00:00"', "'2026-05-01T09:00:00'"),
        ],
    )
    @pytest.mark.parametrize("path", [SEND, f"{GARDEN}/client/requests/RecordReadings"])
    async def test_what_is_no_number_or_no_moment_is_named_with_its_field(  # noqa: PLR0917
        self, api: httpx.AsyncClient, probe: str, path: str, field: str, value: str, told: str
    ) -> None:
        texts = {"probe_key": f'"{probe}"', "kind": '"ph"', "value": "6", "at": f'"{START}"'}
        if path != SEND:
            texts |= {"received_at": texts["at"], "verdict": '"good"'}
        body = ",".join(f'"{name}":{text}' for name, text in (texts | {field: value}).items())

        answer = await api.post(
            path,
            content=f'{{"readings":[{{{body}}}]}}',
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 422
        message = answer.json()["message"]
        assert message.startswith(f"readings.0.{field}: ")
        assert f"(got {told})" in message
        assert await stored(api, probe, "ph") == []

    @pytest.mark.parametrize("path", [SEND, f"{GARDEN}/client/requests/RecordReadings"])
    async def test_of_many_that_do_not_fit_the_first_one_is_named(
        self, api: httpx.AsyncClient, path: str
    ) -> None:
        answer = await api.post(path, json={"readings": [{}] * 400})

        named = [problem["field"] for problem in answer.json()["details"]["fields"]]
        assert answer.status_code == 422
        assert named[0].startswith("readings.0.")
        assert not [field for field in named if field.startswith("readings.1")]

    async def test_an_empty_batch_is_refused(self, api: httpx.AsyncClient) -> None:
        assert (await api.post(SEND, json={"readings": []})).status_code == 422


class TestWhoMaySend:
    @pytest.fixture
    def crew(self, server_of: Callable[..., Bench]) -> Crew:
        """Return a garden with people of each role."""
        return crew_of(server_of)

    async def test_an_ingest_key_sends_and_does_nothing_else(self, crew: Crew) -> None:
        body = {"name": "P", "channels": [{"kind": "ph"}]}
        probe = (await crew.call("admin", "POST", "/probes", json=body)).json()["key"]
        key = crew.bench.api_key(crew.people["ann"], crew.tenant, KeyScope.INGEST)
        async with crew.bench.client(headers=key) as script:
            sent = await script.post(
                f"{crew.root}/telemetry/readings", json={"readings": [ph(probe, 5.9)]}
            )
            read = await script.get(f"{crew.root}/probes")
            added = await script.post(f"{crew.root}/tasks", json={"title": "X"})

        assert (sent.status_code, sent.json()["stored_count"]) == (200, 1)
        assert (read.status_code, added.status_code) == (403, 403)

    @pytest.mark.parametrize("scope", [KeyScope.READ, KeyScope.WRITE, KeyScope.ADMIN])
    async def test_another_key_does_not(self, crew: Crew, scope: KeyScope) -> None:
        key = crew.bench.api_key(crew.people["ann"], crew.tenant, scope)
        async with crew.bench.client(headers=key) as script:
            answer = await script.post(
                f"{crew.root}/telemetry/readings", json={"readings": [ph("p", 5.9)]}
            )

        assert answer.status_code == 403

    async def test_a_probe_of_another_garden_is_unknown(
        self, server_of: Callable[..., Bench], crew: Crew
    ) -> None:
        other = crew.bench.garden(crew.people["ann"], "Second")
        body = {"name": "P", "channels": [{"kind": "ph"}]}
        async with crew.client("ann") as ann:
            made = await ann.post(f"/api/v1/t/{other.slug}/probes", json=body)
            theirs = made.json()["key"]
            answer = await ann.post(
                f"{crew.root}/telemetry/readings", json={"readings": [ph(theirs, 5.9)]}
            )
            kept = await ann.get(
                f"/api/v1/t/{other.slug}/probes/{theirs}/readings",
                params={
                    "kind": "ph",
                    "from_at": "2026-01-01T00:00:00Z",
                    "until_at": "2027-01-01T00:00:00Z",
                },
            )

        assert made.status_code == 201
        assert answer.json()["results"][0]["reasons"] == ["unknown_probe"]
        assert kept.json() == []


async def test_a_failed_write_leaves_no_memory(
    api: httpx.AsyncClient, bench: Bench, probe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(api, ph(probe, 6.0))
    bench.clock.wait(minutes=1)
    with monkeypatch.context() as broken:
        telemetry = bench.server.services.telemetry
        broken.setattr(telemetry, "record_judged", lambda *_: 1 // 0, raising=True)
        failed = await api.post(SEND, json={"readings": [ph(probe, 6.01)]})
    (result,) = await send(api, ph(probe, 6.01))

    assert failed.status_code == 500
    # Had it been remembered, it would be a repeat of something that nobody stored.
    assert result["outcome"] == "stored"
