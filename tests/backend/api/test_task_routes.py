"""Tasks over HTTP: whose they are, and what may be done with them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from tests.backend.api.harness import GARDEN, START, Bench
from tests.backend.api.people import Crew, crew_of
from tests.backend.api.test_garden_routes import add

TASKS = f"{GARDEN}/tasks"


@pytest.fixture
def crew(server_of: Callable[..., Bench]) -> Crew:
    """Return a garden with people of each role."""
    return crew_of(server_of)


class TestStates:
    async def test_a_task_is_done_and_opened_again(self, api: httpx.AsyncClient) -> None:
        task = await add(api, "tasks", title="Roots")

        done = (await api.post(f"{TASKS}/{task['key']}/complete")).json()
        again = (await api.post(f"{TASKS}/{task['key']}/complete", json={})).json()
        opened = (await api.post(f"{TASKS}/{task['key']}/reopen")).json()

        assert (done["state"], again, opened["state"]) == ("completed", done, "open")
        assert (done["closed_at"], opened["closed_at"]) == ("2026-05-01T10:00:00Z", None)

    async def test_a_task_is_skipped_and_stays_until_it_is_deleted(
        self, api: httpx.AsyncClient
    ) -> None:
        task = await add(api, "tasks", title="Roots")
        address = f"{TASKS}/{task['key']}"

        skipped = await api.post(f"{address}/skip")
        done = await api.post(f"{address}/complete")

        assert (skipped.status_code, skipped.json()["state"]) == (200, "skipped")
        assert done.status_code == 422
        assert (await api.delete(address)).status_code == 204
        assert (await api.get(address)).status_code == 404

    async def test_deleting_what_a_rule_made_skips_it(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        plant = await add(
            api,
            "plants",
            name="Basil",
            species_key="solanum_lycopersicum",
            watering_interval_d=1,
        )
        now = bench.clock.wait(days=3)
        context = bench.server.contexts.make("platform", actor="job", role=Role.ADMIN, now=now)
        bench.server.services.care.make_watering_tasks(context)
        (task,) = (await api.get(TASKS, params={"plant_key": plant["key"]})).json()["items"]

        assert (await api.delete(f"{TASKS}/{task['key']}")).status_code == 204
        assert (await api.delete(f"{TASKS}/{task['key']}")).status_code == 404
        left = (await api.get(f"{TASKS}/{task['key']}")).json()
        assert (left["state"], left["created_by"]) == ("skipped", "job")

    async def test_watering_by_a_task_is_in_the_log(self, api: httpx.AsyncClient) -> None:
        plant = await add(api, "plants", name="F", species_key="ficus_lyrata")
        task = await add(api, "tasks", kind="watering", plant_key=plant["key"])

        await api.post(f"{TASKS}/{task['key']}/complete", json={"volume_l": 0.75})

        (entry,) = (await api.get(f"{GARDEN}/irrigation")).json()["items"]
        assert (entry["plant_key"], entry["volume_l"]) == (plant["key"], 0.75)


class TestInput:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"title": "X", "rule": "mine"}, "rule"),
            ({}, "title"),
            ({"title": "X", "assignee_key": "nobody"}, "assignee_key"),
        ],
    )
    async def test_what_does_not_fit_is_named(
        self, api: httpx.AsyncClient, body: dict[str, Any], field: str
    ) -> None:
        answer = await api.post(TASKS, json=body)

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == field
        assert (await api.get(TASKS)).json()["total"] == 0

    @pytest.mark.parametrize("name", ["state", "kind", "rule", "closed_at", "created_by"])
    async def test_a_patch_changes_nothing_else(self, api: httpx.AsyncClient, name: str) -> None:
        task = await add(api, "tasks", title="Roots")

        answer = await api.patch(f"{TASKS}/{task['key']}", json={name: "watering"})

        assert (answer.status_code, answer.json()["details"]["field"]) == (422, name)

    @pytest.mark.parametrize(
        "moment",
        [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-12:00",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
        ],
    )
    async def test_a_moment_without_a_date_in_every_zone_is_refused(
        self, api: httpx.AsyncClient, moment: str
    ) -> None:
        made = await api.post(TASKS, json={"title": "X", "due_at": moment})
        listed = await api.get(TASKS, params={"due_until_at": moment})

        assert (made.status_code, listed.status_code) == (422, 422)
        assert made.json()["details"]["fields"][0]["field"] == "due_at"

    async def test_a_date_that_was_not_sent_is_not_cleared(self, api: httpx.AsyncClient) -> None:
        task = await add(api, "tasks", title="Roots", due_on="2026-05-03")
        address, moment = f"{TASKS}/{task['key']}", {"due_at": "2026-05-04T08:00:00Z"}

        alone = await api.patch(address, json=moment)
        left = (await api.get(address)).json()
        both = await api.patch(address, json=moment | {"due_on": None})

        assert (alone.status_code, alone.json()["details"]["field"]) == (422, "due_on")
        assert left == task
        assert (both.status_code, both.json()["due_on"]) == (200, None)

    async def test_a_stale_change_is_refused(self, api: httpx.AsyncClient) -> None:
        task = await add(api, "tasks", title="Roots")
        address, seen = f"{TASKS}/{task['key']}", {"If-Match": '"1"'}

        first = await api.patch(address, json={"title": "A"}, headers=seen)
        second = await api.patch(address, json={"title": "B"}, headers=seen)
        gone = await api.delete(address, headers=seen)

        assert [a.status_code for a in (first, second, gone)] == [200, 412, 412]


async def test_lists_are_filtered(api: httpx.AsyncClient) -> None:
    plant = await add(api, "plants", name="F", species_key="ficus_lyrata")
    tank = await add(api, "tanks", name="T", volume_l=10)
    await add(api, "tasks", title="a", due_on="2026-05-01", plant_key=plant["key"])
    await add(api, "tasks", title="b", due_on="2026-05-02", tank_key=tank["key"])
    await add(api, "tasks", title="c", due_at="2026-05-02T08:00:00Z", assignee_key="system")
    done = await add(api, "tasks", title="d")
    await api.post(f"{TASKS}/{done['key']}/complete")

    async def titles(**asked: str) -> list[str]:
        found = (await api.get(TASKS, params={"sort": "created_at", **asked})).json()["items"]
        return [item["title"] for item in found]

    assert await titles(state="open") == ["a", "b", "c"]
    assert await titles(state="completed") == ["d"]
    assert await titles(plant_key=plant["key"]) == ["a"]
    assert await titles(tank_key=tank["key"]) == ["b"]
    assert await titles(due_until="2026-05-01") == ["a"]
    assert await titles(due_until_at="2026-05-02T10:00:00+02:00") == ["c"]
    assert await titles(due_until_at="2026-05-02T09:59:59+02:00") == []
    assert await titles(assignee_key="system") == ["c"]
    assert await titles(kind="watering") == []


class TestWhoseTask:
    @pytest.mark.parametrize("action", ["complete", "skip", "reopen"])
    async def test_without_an_assignee_it_is_for_every_grower(
        self, crew: Crew, action: str
    ) -> None:
        task = await crew.add("ann", "/tasks", title="Roots")

        path = f"/tasks/{task['key']}/{action}"

        assert await crew.status("ben", "POST", path) == 200
        assert await crew.status("viewer", "POST", path) == 403
        assert await crew.status("stranger", "POST", path) == 404

    async def test_with_an_assignee_it_is_for_that_one_its_maker_and_the_admin(
        self, crew: Crew
    ) -> None:
        task = await crew.add("admin", "/tasks", title="Roots", assignee_key=crew.key("ann"))
        path = f"/tasks/{task['key']}"

        refused = [
            await crew.status("ben", "PATCH", path, json={"title": "Mine"}),
            await crew.status("ben", "POST", f"{path}/complete"),
            await crew.status("ben", "POST", f"{path}/skip"),
            await crew.status("ben", "POST", f"{path}/reopen"),
            await crew.status("ben", "DELETE", path),
        ]

        assert refused == [403] * 5
        assert await crew.status("ann", "POST", f"{path}/complete") == 200
        assert await crew.status("admin", "POST", f"{path}/reopen") == 200

    @pytest.mark.parametrize(
        ("kind", "action", "entry"),
        [
            ("watering", "complete", "irrigation_key"),
            ("watering", "skip", "confirmation_key"),
            ("pest_check", "complete", "confirmation_key"),
        ],
    )
    async def test_what_it_wrote_is_taken_back_by_its_author_and_the_admin_on_record(
        self, crew: Crew, kind: str, action: str, entry: str
    ) -> None:
        plant = await crew.add("ann", "/plants", name="Basil", species_key="ocimum_basilicum")
        task = await crew.add("ann", "/tasks", kind=kind, plant_key=plant["key"])
        path = f"/tasks/{task['key']}"

        for who in ("ann", "admin"):
            done = (await crew.call("ann", "POST", f"{path}/{action}")).json()
            assert await crew.status("ben", "POST", f"{path}/reopen") == 403
            left = (await crew.call("ben", "GET", path)).json()
            assert left[entry] == done[entry] is not None
            assert await crew.status(who, "POST", f"{path}/reopen") == 200
            async with crew.client("admin") as client:
                audit = f"/api/v1/tenants/{crew.tenant.slug}/audit"
                newest = (await client.get(audit)).json()["items"]
            said = next(item for item in newest if item["subject"] == done[entry])
            assert (said["action"], said["created_by"]) == ("deleted", crew.key(who))
            assert said["details"]["written_by"] == crew.key("ann")

    async def test_an_entry_of_the_log_completes_no_task_of_somebody_else(self, crew: Crew) -> None:
        plant = await crew.add("ann", "/plants", name="Basil", species_key="ocimum_basilicum")
        task = await crew.add(
            "admin",
            "/tasks",
            kind="watering",
            plant_key=plant["key"],
            assignee_key=crew.key("ann"),
        )
        entry = {"plant_keys": [plant["key"]], "task_key": task["key"]} | {
            "watering": {"at": START.isoformat()}
        }

        refused = await crew.call("ben", "POST", "/irrigation", json=entry)

        assert refused.status_code == 403
        left = (await crew.call("ben", "GET", f"/tasks/{task['key']}")).json()
        assert left["state"] == "open"
        assert (await crew.call("ben", "GET", "/irrigation")).json()["total"] == 0
        assert await crew.status("ann", "POST", "/irrigation", json=entry) == 201

    async def test_a_grower_takes_a_task_and_gives_it_back(self, crew: Crew) -> None:
        task = await crew.add("ann", "/tasks", title="Roots")
        path = f"/tasks/{task['key']}"

        taken = await crew.call("ben", "PATCH", path, json={"assignee_key": crew.key("ben")})
        back = await crew.call("ben", "PATCH", path, json={"assignee_key": None})

        assert (taken.json()["assignee_key"], back.json()["assignee_key"]) == (
            crew.key("ben"),
            None,
        )

    async def test_only_an_admin_assigns_somebody_else(self, crew: Crew) -> None:
        to_ben = {"assignee_key": crew.key("ben")}
        own = await crew.add("ann", "/tasks", title="Roots")

        made = await crew.call("ann", "POST", "/tasks", json={"title": "Yours", **to_ben})
        given = await crew.call("ann", "PATCH", f"/tasks/{own['key']}", json=to_ben)
        by_admin = await crew.call("admin", "PATCH", f"/tasks/{own['key']}", json=to_ben)
        # Ann made it, so she may change it; whose it is stays the admin's word.
        taken_away = await crew.call(
            "ann", "PATCH", f"/tasks/{own['key']}", json={"assignee_key": None}
        )

        assert [a.status_code for a in (made, given, by_admin, taken_away)] == [403, 403, 200, 403]
        left = (await crew.call("ann", "GET", f"/tasks/{own['key']}")).json()
        assert left["assignee_key"] == crew.key("ben")

    @pytest.mark.parametrize("name", ["stranger", "nobody"])
    async def test_only_a_member_is_assigned(self, crew: Crew, name: str) -> None:
        key = crew.people[name].key if name in crew.people else name

        answer = await crew.call(
            "admin", "POST", "/tasks", json={"title": "X", "assignee_key": key}
        )

        assert (answer.status_code, answer.json()["details"]["field"]) == (422, "assignee_key")

    async def test_who_has_left_keeps_nothing_to_do(self, crew: Crew) -> None:
        task = await crew.add("admin", "/tasks", title="Roots", assignee_key=crew.key("ann"))
        path = f"/tasks/{task['key']}/complete"
        assert await crew.status("ben", "POST", path) == 403
        members = f"/api/v1/tenants/{crew.tenant.slug}/members"
        async with crew.client("admin") as client:
            found = (await client.get(members)).json()["items"]
            (ann,) = [item for item in found if item["user_key"] == crew.key("ann")]
            gone = await client.delete(f"{members}/{ann['key']}")
            assert gone.status_code == 204

        assert await crew.status("ben", "POST", path) == 200
