"""Sites, locations, plants, tanks and probes over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, Bench

TANK = {"name": "Tent tank", "volume_l": 60, "tank_type": "recirculation"}


async def add(api: httpx.AsyncClient, noun: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"{GARDEN}/{noun}", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def site_key(api: httpx.AsyncClient) -> str:
    found: str = (await api.get(f"{GARDEN}/sites")).json()["items"][0]["key"]
    return found


class TestSites:
    async def test_the_first_site_cannot_be_deleted(self, api: httpx.AsyncClient) -> None:
        answer = await api.delete(f"{GARDEN}/sites/{await site_key(api)}")

        assert answer.status_code == 409
        assert "local dates" in answer.json()["message"]

    async def test_its_zone_decides_the_local_dates(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        bench.clock.wait(hours=13)  # 23:00 UTC: the next day in Berlin
        plant = await add(api, "plants", name="Ficus", species_key="ficus_lyrata")
        address = f"{GARDEN}/plants/{plant['key']}"
        tomorrow = {"phase_started_on": "2026-05-02"}

        early = await api.patch(address, json=tomorrow)
        await api.patch(
            f"{GARDEN}/sites/{await site_key(api)}", json={"time_zone": "Europe/Berlin"}
        )
        in_time = await api.patch(address, json=tomorrow)

        assert (early.status_code, in_time.status_code) == (422, 200)

    async def test_an_unknown_zone_is_named(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(f"{GARDEN}/sites", json={"name": "X", "time_zone": "Mars/Base"})

        assert answer.status_code == 422
        assert "Mars/Base" in answer.text


class TestLocations:
    async def test_a_location_moves_with_what_is_in_it_but_not_into_itself(
        self, api: httpx.AsyncClient
    ) -> None:
        site = await site_key(api)
        house = await add(api, "locations", name="House", site_key=site)
        shelf = await add(api, "locations", name="Shelf", site_key=site, parent_key=house["key"])

        answer = await api.patch(
            f"{GARDEN}/locations/{house['key']}", json={"parent_key": shelf["key"]}
        )

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == "parent_key"

    async def test_one_within_another_is_at_the_same_site(self, api: httpx.AsyncClient) -> None:
        site = await site_key(api)
        other = await add(api, "sites", name="Allotment", time_zone="Europe/Berlin")
        house = await add(api, "locations", name="House", site_key=site)

        answer = await api.post(
            f"{GARDEN}/locations",
            json={"name": "Bed", "site_key": other["key"], "parent_key": house["key"]},
        )

        assert answer.status_code == 422
        assert (await api.get(f"{GARDEN}/locations")).json()["total"] == 1

    async def test_no_more_than_ten_lie_one_within_another(self, api: httpx.AsyncClient) -> None:
        site = await site_key(api)
        parent = None
        for number in range(10):
            body = {"name": f"L{number}", "site_key": site, "parent_key": parent}
            parent = (await add(api, "locations", **body))["key"]

        answer = await api.post(
            f"{GARDEN}/locations", json={"name": "L10", "site_key": site, "parent_key": parent}
        )

        assert answer.status_code == 422

    async def test_deleting_one_leaves_its_plants_standing(self, api: httpx.AsyncClient) -> None:
        bed = await add(api, "locations", name="Bed", site_key=await site_key(api))
        plant = await add(
            api, "plants", name="F", species_key="ficus_lyrata", location_key=bed["key"]
        )

        assert (await api.delete(f"{GARDEN}/locations/{bed['key']}")).status_code == 204

        left = (await api.get(f"{GARDEN}/plants/{plant['key']}")).json()
        assert left["location_key"] is None


class TestArchiving:
    @pytest.mark.parametrize(
        ("noun", "body"),
        [
            ("tanks", TANK),
            ("plants", {"name": "F", "species_key": "ficus_lyrata"}),
            ("probes", {"name": "P", "channels": [{"kind": "ph", "topic": "a/b"}]}),
        ],
    )
    async def test_deleting_takes_it_out_of_sight_and_keeps_it(
        self, api: httpx.AsyncClient, noun: str, body: dict[str, Any]
    ) -> None:
        made = await add(api, noun, **body)

        first = await api.delete(f"{GARDEN}/{noun}/{made['key']}")
        second = await api.delete(f"{GARDEN}/{noun}/{made['key']}")

        assert (first.status_code, second.status_code) == (204, 204)
        assert (await api.get(f"{GARDEN}/{noun}")).json()["total"] == 0
        kept = (await api.get(f"{GARDEN}/{noun}", params={"archived": True})).json()
        assert [item["key"] for item in kept["items"]] == [made["key"]]
        audit = (await api.get("/api/v1/tenants/platform/audit")).json()["items"]
        assert [(item["action"], item["subject"]) for item in audit][:1] == [
            ("archived", made["key"])
        ]


class TestTanks:
    async def test_a_name_is_taken_once(self, api: httpx.AsyncClient) -> None:
        await add(api, "tanks", **TANK)

        answer = await api.post(f"{GARDEN}/tanks", json=TANK)

        assert answer.status_code == 409
        assert answer.json()["details"]["field"] == "name"

    async def test_limits_that_cross_write_nothing(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(f"{GARDEN}/tanks", json={**TANK, "ph_low": 7, "ph_high": 6})

        assert answer.status_code == 422
        assert (await api.get(f"{GARDEN}/tanks")).json()["total"] == 0

    async def test_its_state_names_the_band(self, api: httpx.AsyncClient) -> None:
        tank = await add(api, "tanks", **TANK, ph_low=5.5, ph_high=6.5)

        state = (await api.get(f"{GARDEN}/tanks/{tank['key']}/state")).json()

        assert (state["bands"]["ph"]["low"], state["bands"]["ph"]["high"]) == (5.5, 6.5)
        assert (await api.get(f"{GARDEN}/tanks/none/state")).status_code == 404
        assert (await api.get(f"{GARDEN}/tanks/{tank['key']}/alerts")).json() == []


class TestReadings:
    async def test_a_time_without_a_zone_is_refused(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        probe = await add(api, "probes", name="P", channels=[{"kind": "ph", "topic": "a/b"}])
        address = f"{GARDEN}/probes/{probe['key']}/readings"
        now = bench.clock()
        asked = {"kind": "ph", "from_at": "2026-05-01T00:00:00", "until_at": now.isoformat()}

        naive = await api.get(address, params=asked)
        aware = await api.get(
            address, params={**asked, "from_at": (now - timedelta(days=1)).isoformat()}
        )

        assert naive.status_code == 422
        assert "from_at" in naive.text
        assert (aware.status_code, aware.json()) == (200, [])
