"""Planting runs over HTTP: planned, planted, harvested and ended."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, Bench
from tests.backend.api.people import Crew, crew_of
from tests.backend.api.test_garden_routes import add, site_key

RUNS = f"{GARDEN}/planting-runs"
RUN = {"name": "Tomatoes", "species_key": "solanum_lycopersicum", "quantity": 3}


@pytest.fixture
def crew(server_of: Callable[..., Bench]) -> Crew:
    """Return a garden with people of each role."""
    return crew_of(server_of)


async def act(api: httpx.AsyncClient, run: dict[str, Any], verb: str, **body: Any) -> Any:
    answer = await api.post(f"{RUNS}/{run['key']}/{verb}", json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def plants(api: httpx.AsyncClient, run: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get(f"{RUNS}/{run['key']}/plants")).json()
    return found


class TestStart:
    async def test_it_plants_what_is_planned(self, api: httpx.AsyncClient) -> None:
        bed = await add(api, "locations", name="Bed", site_key=await site_key(api))
        run = await add(api, "planting-runs", **RUN, location_key=bed["key"])
        assert (run["state"], await plants(api, run)) == ("planned", [])

        started = await act(api, run, "start", planted_on="2026-04-28")

        assert (started["state"], started["started_on"]) == ("active", "2026-04-28")
        made = await plants(api, run)
        assert sorted(p["name"] for p in made) == ["Tomatoes 1", "Tomatoes 2", "Tomatoes 3"]
        assert {
            (p["run_key"], p["location_key"], p["planted_on"], p["phase_started_on"]) for p in made
        } == {(run["key"], bed["key"], "2026-04-28", "2026-04-28")}
        assert (await api.get(f"{GARDEN}/plants")).json()["total"] == 3

    async def test_it_takes_over_what_is_there_and_adds_the_others(
        self, api: httpx.AsyncClient
    ) -> None:
        old = await add(api, "plants", name="Old one", species_key="solanum_lycopersicum")
        run = await add(api, "planting-runs", **RUN)

        await act(api, run, "start", plant_keys=[old["key"], old["key"]])

        names = sorted(p["name"] for p in await plants(api, run))
        assert names == ["Old one", "Tomatoes 1", "Tomatoes 2"]

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"planted_on": "2026-05-02"}, 422, "planted_on"),
            ({"plant_keys": ["none"]}, 404, None),
            ({"plant_keys": ["ficus"]}, 422, "plant_keys"),
            ({"plant_keys": ["a", "b", "c", "d"]}, 422, "plant_keys"),
        ],
        ids=["in the future", "unknown plant", "another species", "more than planned"],
    )
    async def test_what_does_not_fit_plants_nothing(
        self,
        api: httpx.AsyncClient,
        bench: Bench,
        body: dict[str, Any],
        status: int,
        field: str | None,
    ) -> None:
        keys = {}
        for name, species in [
            ("ficus", "ficus_lyrata"),
            *((n, RUN["species_key"]) for n in "abcd"),
        ]:
            keys[name] = (await add(api, "plants", name=name, species_key=species))["key"]
        run = await add(api, "planting-runs", **RUN)
        if "plant_keys" in body:
            body = {"plant_keys": [keys.get(name, name) for name in body["plant_keys"]]}

        answer = await api.post(f"{RUNS}/{run['key']}/start", json=body)

        assert answer.status_code == status
        assert answer.json()["details"].get("field") == field
        assert (await api.get(f"{GARDEN}/plants")).json()["total"] == 5
        assert (await api.get(f"{RUNS}/{run['key']}")).json()["state"] == "planned"

    async def test_it_starts_once(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        await act(api, run, "start")

        again = await api.post(f"{RUNS}/{run['key']}/start")

        assert (again.status_code, again.json()["error_code"]) == (422, "ILLEGAL_TRANSITION")
        assert len(await plants(api, run)) == 3

    async def test_the_same_command_twice_plants_once(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        headers = {"Idempotency-Key": "s-1"}

        first = await api.post(f"{RUNS}/{run['key']}/start", headers=headers)
        second = await api.post(f"{RUNS}/{run['key']}/start", headers=headers)

        assert (first.status_code, second.json()) == (200, first.json())
        assert len(await plants(api, run)) == 3


class TestLife:
    async def test_from_planting_to_the_end(self, api: httpx.AsyncClient, bench: Bench) -> None:
        run = await add(api, "planting-runs", **RUN)
        await act(api, run, "start")
        bench.clock.wait(days=80)
        harvesting = await act(api, run, "harvest")
        bench.clock.wait(days=20)
        ended = await act(api, run, "complete", plants="archive")

        assert (harvesting["state"], harvesting["harvesting_on"]) == ("harvesting", "2026-07-20")
        assert (ended["state"], ended["ended_on"]) == ("completed", "2026-08-09")
        assert (await api.get(f"{GARDEN}/plants")).json()["total"] == 0
        assert {p["archived_at"] is None for p in await plants(api, run)} == {False}
        audit = (await api.get("/api/v1/tenants/platform/audit")).json()["items"]
        assert [e["action"] for e in audit].count("archived") == 3

    async def test_plants_may_go_on_by_themselves(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        await act(api, run, "start")

        ended = await act(api, run, "cancel")

        assert ended["state"] == "cancelled"
        assert (await api.get(f"{GARDEN}/plants")).json()["total"] == 3

    async def test_open_tasks_of_archived_plants_are_over(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        await act(api, run, "start")
        (first, *_) = await plants(api, run)
        task = await add(api, "tasks", title="Tie up", plant_key=first["key"])

        await act(api, run, "complete", plants="archive")

        assert (await api.get(f"{GARDEN}/tasks/{task['key']}")).json()["state"] == "resolved"

    async def test_a_harvest_needs_plants(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **(RUN | {"quantity": 1}))
        await act(api, run, "start")
        (only,) = await plants(api, run)
        await api.delete(f"{GARDEN}/plants/{only['key']}")

        answer = await api.post(f"{RUNS}/{run['key']}/harvest")

        assert answer.status_code == 422

    async def test_the_gate_of_the_waiting_period_stands_in_a_run_too(
        self, api: httpx.AsyncClient
    ) -> None:
        run = await add(api, "planting-runs", **RUN)
        await act(api, run, "start")
        (first, *_) = await plants(api, run)
        now = "2026-05-01T10:00:00Z"
        spraying = {"product": "Neem", "interval_d": 3, "at": now}
        await api.post(
            f"{GARDEN}/ipm/treatments",
            json={"plant_keys": [first["key"]], "application": spraying},
        )
        await act(api, run, "harvest")

        answer = await api.post(f"{GARDEN}/harvests", json={"plant_key": first["key"], "at": now})

        assert (answer.status_code, answer.json()["error_code"]) == (422, "KARENZ_VIOLATION")

    async def test_plants_come_and_go(self, api: httpx.AsyncClient) -> None:
        late = await add(api, "plants", name="Late", species_key="solanum_lycopersicum")
        run = await add(api, "planting-runs", **RUN)
        early = await api.post(f"{RUNS}/{run['key']}/plants", json={"plant_keys": [late["key"]]})
        await act(api, run, "start")

        await act(api, run, "plants", plant_keys=[late["key"]])
        joined = [p["name"] for p in await plants(api, run)]
        gone = await api.delete(f"{RUNS}/{run['key']}/plants/{late['key']}")
        again = await api.delete(f"{RUNS}/{run['key']}/plants/{late['key']}")

        assert early.status_code == 422
        assert "Late" in joined
        assert (gone.status_code, gone.json()["run_key"]) == (200, None)
        assert again.status_code == 404
        assert len(await plants(api, run)) == 3

    async def test_only_a_plan_is_deleted(self, api: httpx.AsyncClient) -> None:
        planned = await add(api, "planting-runs", **RUN)
        begun = await add(api, "planting-runs", **RUN)
        await act(api, begun, "start")

        assert (await api.delete(f"{RUNS}/{planned['key']}")).status_code == 204
        assert (await api.delete(f"{RUNS}/{begun['key']}")).status_code == 422
        assert (await api.get(RUNS)).json()["total"] == 1


class TestChanges:
    async def test_a_plan_changes_and_what_has_begun_does_not(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        address = f"{RUNS}/{run['key']}"

        before = await api.patch(address, json={"quantity": 2})
        await act(api, run, "start")
        after = await api.patch(address, json={"quantity": 9})
        note = await api.patch(address, json={"note": "Sunny"})
        state = await api.patch(address, json={"state": "completed"})

        assert (before.json()["quantity"], note.json()["note"]) == (2, "Sunny")
        assert (after.status_code, after.json()["details"]["field"]) == (422, "quantity")
        assert (state.status_code, state.json()["details"]["field"]) == (422, "state")
        assert len(await plants(api, run)) == 2

    async def test_its_plants_move_along(self, api: httpx.AsyncClient) -> None:
        site = await site_key(api)
        beds = [(await add(api, "locations", name=n, site_key=site))["key"] for n in "ABC"]
        run = await add(api, "planting-runs", **RUN, location_key=beds[0])
        await act(api, run, "start")
        (first, *_) = await plants(api, run)
        await api.patch(f"{GARDEN}/plants/{first['key']}", json={"location_key": beds[2]})

        await api.patch(f"{RUNS}/{run['key']}", json={"location_key": beds[1]})

        found = sorted(p["location_key"] for p in await plants(api, run))
        assert found == sorted([beds[1], beds[1], beds[2]])

    async def test_its_cultivar_is_one_of_its_species(self, api: httpx.AsyncClient) -> None:
        own = await add(api, "cultivars", name="Grandma's", species_key=RUN["species_key"])
        other = await add(api, "cultivars", name="Fiddle", species_key="ficus_lyrata")

        made = await add(api, "planting-runs", **RUN, cultivar_key=own["key"])
        wrong = await api.post(RUNS, json=RUN | {"cultivar_key": other["key"]})
        unknown = await api.post(RUNS, json=RUN | {"cultivar_key": "none"})

        assert made["cultivar_key"] == own["key"]
        assert (wrong.status_code, wrong.json()["details"]["field"]) == (422, "cultivar_key")
        assert unknown.status_code == 409

    async def test_its_new_plants_are_of_its_cultivar(self, api: httpx.AsyncClient) -> None:
        own = await add(api, "cultivars", name="Grandma's", species_key=RUN["species_key"])
        run = await add(api, "planting-runs", **RUN, cultivar_key=own["key"])

        await act(api, run, "start")

        assert {p["cultivar_key"] for p in await plants(api, run)} == {own["key"]}
        assert (await api.get(RUNS)).json()["total"] == 1

    async def test_the_run_of_a_plant_is_not_patched(self, api: httpx.AsyncClient) -> None:
        run = await add(api, "planting-runs", **RUN)
        plant = await add(api, "plants", name="P", species_key="solanum_lycopersicum")

        answer = await api.patch(f"{GARDEN}/plants/{plant['key']}", json={"run_key": run["key"]})

        assert (answer.status_code, answer.json()["details"]["field"]) == (422, "run_key")


class TestWhoseRun:
    async def test_growers_work_on_their_own(self, crew: Crew) -> None:
        run = await crew.add("ann", "/planting-runs", **RUN)
        path = f"/planting-runs/{run['key']}"

        refused = [
            await crew.status("ben", "PATCH", path, json={"note": "x"}),
            *[
                await crew.status("ben", "POST", f"{path}/{verb}")
                for verb in ("start", "harvest", "complete", "cancel")
            ],
        ]

        assert refused == [403] * 5
        assert await crew.status("viewer", "POST", f"{path}/start") == 403
        assert await crew.status("stranger", "POST", f"{path}/start") == 404
        assert await crew.status("ann", "POST", f"{path}/start") == 200
        assert await crew.status("admin", "POST", f"{path}/harvest") == 200

    async def test_only_an_admin_archives_its_plants(self, crew: Crew) -> None:
        run = await crew.add("ann", "/planting-runs", **RUN)
        path = f"/planting-runs/{run['key']}"
        await crew.call("ann", "POST", f"{path}/start")
        ending = {"json": {"plants": "archive"}}

        assert await crew.status("ann", "POST", f"{path}/complete", **ending) == 403
        assert await crew.status("ann", "DELETE", path) == 403
        assert await crew.status("admin", "POST", f"{path}/complete", **ending) == 200
