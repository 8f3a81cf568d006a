"""Treatments, the waiting period that follows, harvests and the irrigation log over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, Bench
from tests.backend.api.people import Crew, crew_of
from tests.backend.api.test_garden_routes import add

NOW = "2026-05-01T10:00:00Z"
NEEM = {"product": "Neem oil", "ingredient": "azadirachtin", "interval_d": 3, "at": NOW}


@pytest.fixture
def crew(server_of: Callable[..., Bench]) -> Crew:
    """Return a garden with people of each role."""
    return crew_of(server_of)


@pytest.fixture
async def plant(api: httpx.AsyncClient) -> str:
    """Return the key of a plant."""
    made = await add(api, "plants", name="Tomato", species_key="solanum_lycopersicum")
    return str(made["key"])


async def spray(api: httpx.AsyncClient, *plants: str, **changes: Any) -> list[dict[str, Any]]:
    body = {"plant_keys": plants, "application": NEEM | changes}
    answer = await api.post(f"{GARDEN}/ipm/treatments", json=body)
    assert answer.status_code == 201, answer.text
    booked: list[dict[str, Any]] = answer.json()
    return booked


async def audit(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await api.get("/api/v1/tenants/platform/audit")).json()[
        "items"
    ]
    return entries


class TestTreatments:
    async def test_each_plant_has_a_record_of_its_own_and_each_is_on_record(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        other = await add(api, "plants", name="Basil", species_key="solanum_lycopersicum")

        booked = await spray(api, plant, other["key"], plant)

        assert [item["plant_key"] for item in booked] == [plant, other["key"]]
        entries = [e for e in await audit(api) if e["action"] == "treatment_logged"]
        assert {e["subject"] for e in entries} == {item["key"] for item in booked}
        assert entries[0]["details"]["interval_d"] == 3

    async def test_one_plant_that_is_not_there_books_nothing(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        body = {"plant_keys": [plant, "none"], "application": NEEM}

        answer = await api.post(f"{GARDEN}/ipm/treatments", json=body)

        assert (answer.status_code, answer.json()["error_code"]) == (404, "PLANT_NOT_FOUND")
        assert (await api.get(f"{GARDEN}/ipm/treatments")).json()["total"] == 0
        assert [e for e in await audit(api) if e["action"] == "treatment_logged"] == []

    async def test_the_list_is_filtered(self, api: httpx.AsyncClient, plant: str) -> None:
        other = await add(api, "plants", name="Basil", species_key="solanum_lycopersicum")
        await spray(api, plant)
        (old,) = await spray(api, other["key"], at="2026-04-20T10:00:00Z")

        async def keys(**asked: str) -> list[str]:
            found = (await api.get(f"{GARDEN}/ipm/treatments", params=asked)).json()["items"]
            return [item["plant_key"] for item in found]

        assert await keys(plant_key=plant) == [plant]
        assert await keys(since="2026-05-01") == [plant]
        assert sorted(await keys(since="2026-04-20")) == sorted([plant, other["key"]])
        assert (await api.get(f"{GARDEN}/ipm/treatments/{old['key']}")).json() == old

    async def test_a_correction_keeps_what_was_said_and_is_on_record(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        (record,) = await spray(api, plant)
        address = f"{GARDEN}/ipm/treatments/{record['key']}/corrections"
        body = {"patch": {"interval_d": 7}, "reason": "Misread the label"}

        first = await api.post(address, json=body, headers={"If-Match": '"1"'})
        stale = await api.post(address, json=body, headers={"If-Match": '"1"'})
        same = await api.post(address, json=body)

        corrected = first.json()
        assert (corrected["interval_d"], corrected["corrections"][0]["before"]["interval_d"]) == (
            7,
            3,
        )
        assert stale.status_code == 412
        assert same.json() == corrected
        entries = [e for e in await audit(api) if e["action"] == "treatment_corrected"]
        assert [e["details"]["reason"] for e in entries] == ["Misread the label"]

    async def test_growers_book_and_admins_correct(self, crew: Crew) -> None:
        plant = await crew.add("ann", "/plants", name="T", species_key="solanum_lycopersicum")
        body = {"plant_keys": [plant["key"]], "application": NEEM}
        (record,) = (await crew.call("ann", "POST", "/ipm/treatments", json=body)).json()
        path = f"/ipm/treatments/{record['key']}/corrections"
        change = {"patch": {"voided": True}, "reason": "Only mixed"}

        assert await crew.status("viewer", "POST", "/ipm/treatments", json=body) == 403
        assert await crew.status("stranger", "POST", "/ipm/treatments", json=body) == 404
        assert await crew.status("ann", "POST", path, json=change) == 403
        assert await crew.status("admin", "POST", path, json=change) == 200


class TestHarvests:
    async def test_the_check_names_what_forbids_it_and_until_when(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        await spray(api, plant)
        address = f"{GARDEN}/ipm/plants/{plant}/harvest-check"

        today = (await api.get(address)).json()
        later = (await api.get(address, params={"on": "2026-05-05"})).json()

        # Treated on 1 May with three days: the first permitted day is 5 May.
        assert (today["allowed"], today["safe_on"], today["days_left"]) == (False, "2026-05-05", 4)
        assert [b["product"] for b in today["blockers"]] == ["Neem oil"]
        assert (later["allowed"], later["blockers"]) == (True, [])
        assert (await api.get(f"{GARDEN}/ipm/plants/none/harvest-check")).status_code == 404

    async def test_inside_a_waiting_period_nothing_is_booked(
        self, api: httpx.AsyncClient, bench: Bench, plant: str
    ) -> None:
        await spray(api, plant)

        refused = await api.post(f"{GARDEN}/harvests", json={"plant_key": plant, "at": NOW})

        body = refused.json()
        assert (refused.status_code, body["error_code"]) == (422, "KARENZ_VIOLATION")
        assert (body["details"]["product"], body["details"]["date"]) == ("Neem oil", "2026-05-05")
        assert (await api.get(f"{GARDEN}/harvests")).json()["total"] == 0
        bench.clock.wait(days=4)
        allowed = await api.post(
            f"{GARDEN}/harvests", json={"plant_key": plant, "at": bench.clock().isoformat()}
        )
        assert (allowed.status_code, allowed.json()["harvested_on"]) == (201, "2026-05-05")

    async def test_an_unknown_interval_blocks_with_a_code_of_its_own(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        await spray(api, plant, interval_d=None)

        refused = await api.post(f"{GARDEN}/harvests", json={"plant_key": plant, "at": NOW})

        assert (refused.status_code, refused.json()["error_code"]) == (
            422,
            "KARENZ_UNKNOWN_INTERVAL",
        )

    async def test_a_harvest_is_on_record_and_stays(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        made = await add(api, "harvests", plant_key=plant, at=NOW, weight_g=500)
        address = f"{GARDEN}/harvests/{made['key']}"

        changed = await api.patch(address, json={"weight_g": 520, "note": "Scales were off"})
        moved = await api.patch(address, json={"at": "2026-04-01T10:00:00Z"})

        assert (changed.json()["weight_g"], changed.json()["at"]) == (520, made["at"])
        assert (moved.status_code, moved.json()["details"]["field"]) == (422, "at")
        assert (await api.delete(address)).status_code == 405
        (entry,) = [e for e in await audit(api) if e["action"] == "harvest_logged"]
        assert (entry["subject"], entry["details"]["weight_g"]) == (made["key"], 500)

    async def test_what_somebody_else_booked_is_not_changed(self, crew: Crew) -> None:
        plant = await crew.add("ann", "/plants", name="T", species_key="solanum_lycopersicum")
        made = await crew.add("ann", "/harvests", plant_key=plant["key"], at=NOW)
        path, change = f"/harvests/{made['key']}", {"json": {"weight_g": 1}}

        assert await crew.status("ben", "PATCH", path, **change) == 403
        assert await crew.status("ann", "PATCH", path, **change) == 200
        assert await crew.status("admin", "PATCH", path, **change) == 200

    async def test_only_an_admin_disposes_inside_a_waiting_period(self, crew: Crew) -> None:
        plant = await crew.add("ann", "/plants", name="T", species_key="solanum_lycopersicum")
        spraying = {"plant_keys": [plant["key"]], "application": NEEM}
        await crew.call("ann", "POST", "/ipm/treatments", json=spraying)
        body = {"plant_key": plant["key"], "at": NOW, "purpose": "disposal", "reason": "Mould"}

        assert await crew.status("ann", "POST", "/harvests", json=body) == 403
        assert await crew.status("admin", "POST", "/harvests", json=body) == 201
        assert await crew.status("admin", "POST", "/harvests", json={**body, "reason": " "}) == 422


class TestIrrigation:
    async def test_plants_are_watered_together_or_not_at_all(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        other = await add(api, "plants", name="Basil", species_key="solanum_lycopersicum")
        watering = {"at": NOW, "volume_l": 0.5}

        wrong = await api.post(
            f"{GARDEN}/irrigation", json={"plant_keys": [plant, "none"], "watering": watering}
        )
        right = await api.post(
            f"{GARDEN}/irrigation", json={"plant_keys": [plant, other["key"]], "watering": watering}
        )

        assert (wrong.status_code, right.status_code) == (404, 201)
        listed = (await api.get(f"{GARDEN}/irrigation")).json()
        assert sorted(item["plant_key"] for item in listed["items"]) == sorted(
            [plant, other["key"]]
        )
        own = (await api.get(f"{GARDEN}/irrigation", params={"plant_key": plant})).json()
        assert own["total"] == 1

    async def test_only_the_note_of_an_entry_changes_and_only_by_its_writer(
        self, crew: Crew
    ) -> None:
        plant = await crew.add("ann", "/plants", name="T", species_key="solanum_lycopersicum")
        body = {"plant_keys": [plant["key"]], "watering": {"at": NOW}}
        (entry,) = (await crew.call("ann", "POST", "/irrigation", json=body)).json()
        path = f"/irrigation/{entry['key']}"

        assert await crew.status("ben", "PATCH", path, json={"note": "x"}) == 403
        assert await crew.status("ann", "PATCH", path, json={"note": "x"}) == 200
        assert await crew.status("ann", "PATCH", path, json={"volume_l": 3}) == 422

    async def test_care_is_confirmed_and_its_task_is_done(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        task = await add(api, "tasks", kind="pest_check", plant_key=plant, due_on="2026-05-01")

        answer = await api.post(
            f"{GARDEN}/care/confirmations", json={"plant_key": plant, "kind": "pest_check"}
        )

        assert (answer.status_code, answer.json()["key"]) == (200, plant)
        done = (await api.get(f"{GARDEN}/tasks/{task['key']}")).json()
        assert done["state"] == "completed"

    async def test_the_same_command_twice_waters_once(
        self, api: httpx.AsyncClient, plant: str
    ) -> None:
        body = {"plant_keys": [plant], "watering": {"at": NOW}}
        headers = {"Idempotency-Key": "w-1"}

        first = await api.post(f"{GARDEN}/irrigation", json=body, headers=headers)
        second = await api.post(f"{GARDEN}/irrigation", json=body, headers=headers)

        assert first.json() == second.json()
        assert (await api.get(f"{GARDEN}/irrigation")).json()["total"] == 1


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("HarvestPatch", ["note", "weight_g"]),
        ("WateringPatch", ["note"]),
        ("TaskPatch", ["assignee_key", "description", "due_at", "due_on", "title"]),
    ],
)
async def test_the_documentation_names_what_may_change(
    api: httpx.AsyncClient, schema: str, names: list[str]
) -> None:
    document = (await api.get("/api/v1/openapi.json")).json()

    assert sorted(document["components"]["schemas"][schema]["properties"]) == names


async def test_another_weight_is_on_record_with_the_old_one(crew: Crew) -> None:
    plant = await crew.add("ann", "/plants", name="T", species_key="solanum_lycopersicum")
    harvest = await crew.add("ann", "/harvests", plant_key=plant["key"], at=NOW, weight_g=100)

    for patch in ({"note": "Ripe"}, {"weight_g": 120}):
        assert await crew.status("ann", "PATCH", f"/harvests/{harvest['key']}", json=patch) == 200

    async with crew.client("admin") as client:
        audit = await client.get(
            f"/api/v1/tenants/{crew.tenant.slug}/audit", params={"action": "harvest_changed"}
        )
    assert [item["details"] for item in audit.json()["items"]] == [
        {"weight_g_before": 100.0, "weight_g": 120.0}
    ]
