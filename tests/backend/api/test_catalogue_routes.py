"""The catalogue over HTTP: shared by all, and as one garden sees it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import Tenant
from tests.backend.api.harness import GARDEN, Bench, Person

CHARD = {
    "scientific_name": "Basella alba",
    "name_en": "Malabar spinach",
    "name_de": "Malabarspinat (grün-weiß)",
    "sequence_key": "annual_harvest",
    "edible": True,
}
FAMILY = {
    "name": "Basellaceae",
    "name_en": "Madeira vine family",
    "name_de": "Basellgewächse",
    "order": "Caryophyllales",
}
V1 = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Town:
    """A full server with two gardens."""

    bench: Bench
    api: httpx.AsyncClient
    ada: Person
    """Admin of the first garden."""
    bob: Person
    """Admin of the second one."""
    root: Person
    """Looks after the installation, member of no garden."""
    first: Tenant
    second: Tenant

    @property
    def ada_garden(self) -> str:
        """Address of the first garden."""
        return f"{V1}/t/{self.first.slug}"

    @property
    def bob_garden(self) -> str:
        """Address of the second garden."""
        return f"{V1}/t/{self.second.slug}"


@pytest.fixture
async def town(server_of: Callable[..., Bench]) -> AsyncIterator[Town]:
    bench = server_of(Mode.FULL)
    ada, bob = bench.person("ada"), bench.person("bob")
    async with bench.client() as api:
        yield Town(
            bench=bench,
            api=api,
            ada=ada,
            bob=bob,
            root=bench.person("root", is_platform_admin=True),
            first=bench.garden(ada, "Allotment"),
            second=bench.garden(bob, "Balcony"),
        )


async def add(
    api: httpx.AsyncClient, address: str, body: dict[str, Any], person: Person | None = None
) -> dict[str, Any]:
    answer = await api.post(address, json=body, headers=person.headers if person else {})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def names(api: httpx.AsyncClient, address: str, field: str, **asked: Any) -> list[str]:
    answer = await api.get(address, params=asked)
    assert answer.status_code == 200, answer.text
    return [item[field] for item in answer.json()["items"]]


class TestLists:
    @pytest.mark.parametrize(
        ("noun", "count"), [("botanical-families", 67), ("species", 144), ("location-types", 15)]
    )
    async def test_the_shared_catalogue_is_there(
        self, api: httpx.AsyncClient, noun: str, count: int
    ) -> None:
        assert (await api.get(f"{V1}/{noun}")).json()["total"] == count

    async def test_pages_hold_each_species_once(self, api: httpx.AsyncClient) -> None:
        found: list[str] = []
        cursor: str | None = None
        while True:
            asked: dict[str, str] = {"limit": "50", "sort": "name_de"}
            asked |= {"cursor": cursor} if cursor else {}
            page = (await api.get(f"{V1}/species", params=asked)).json()
            found += [item["name_de"] for item in page["items"]]
            if (cursor := page["cursor"]) is None:
                break

        assert len(found) == 144
        assert found == sorted(found)

    async def test_filters(self, api: httpx.AsyncClient) -> None:
        nightshades = await names(
            api, f"{V1}/species", "key", family_key="solanaceae", sort="scientific_name"
        )
        biennial = await names(
            api, f"{V1}/species", "key", family_key="apiaceae", life_cycle="biennial", edible=True
        )
        fixing = await names(api, f"{V1}/botanical-families", "key", nitrogen_fixing=True)
        rotating = await names(
            api, f"{V1}/location-types", "key", rotation_applies=True, sort="sort_order"
        )

        assert {"solanum_lycopersicum", "solanum_tuberosum", "capsicum_annuum"} <= set(nightshades)
        assert "daucus_carota" in biennial
        assert "anethum_graveolens" not in biennial
        assert fixing == ["fabaceae"]
        assert rotating == ["garden", "greenhouse", "bed", "raised_bed", "cold_frame"]

    async def test_names_are_found_by_their_beginning(self, api: httpx.AsyncClient) -> None:
        cabbages = await names(
            api, f"{V1}/species", "scientific_name", scientific_name="Brassica oleracea"
        )
        onion = await names(api, f"{V1}/species", "name_de", name_de="Kü")
        lower = await names(api, f"{V1}/species", "name_de", name_de="kü")

        assert len(cabbages) == 6
        assert all(name.startswith("Brassica oleracea") for name in cabbages)
        assert "Küchenzwiebel" in onion
        assert all(name.startswith("Kü") for name in onion)
        assert lower == []

    async def test_a_filter_that_is_none_is_named(self, api: httpx.AsyncClient) -> None:
        answer = await api.get(f"{V1}/species", params={"colour": "red"})

        assert answer.status_code == 422
        assert "colour" in answer.text

    async def test_what_is_below_a_species_and_a_family(self, api: httpx.AsyncClient) -> None:
        for start in (V1, GARDEN):
            tomatoes = await names(
                api, f"{start}/species/solanum_lycopersicum/cultivars", "name", sort="name"
            )
            phases = (await api.get(f"{start}/species/solanum_lycopersicum/phase-sequence")).json()
            grasses = await names(api, f"{start}/botanical-families/poaceae/species", "key")

            assert tomatoes[:2] == ["Black Cherry", "Brandywine"]
            assert phases["entries"][0]["entry_id"] == "germination"
            assert "zea_mays" in grasses
            for below in ("cultivars", "phase-sequence"):
                missing = await api.get(f"{start}/species/none/{below}")
                assert (missing.status_code, missing.json()["error_code"]) == (
                    404,
                    "SPECIES_NOT_FOUND",
                )
            missing = await api.get(f"{start}/botanical-families/none/species")
            assert missing.json()["error_code"] == "BOTANICAL_FAMILY_NOT_FOUND"


class TestOwnEntries:
    async def test_an_own_species_keeps_its_letters_and_can_be_planted(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await add(api, f"{GARDEN}/species", CHARD)
        read = (await api.get(f"{GARDEN}/species/{made['key']}")).json()
        plant = await add(api, f"{GARDEN}/plants", {"name": "B", "species_key": made["key"]})

        assert read["name_de"] == "Malabarspinat (grün-weiß)"
        assert (read["tenant_key"], read["seed_revision"]) == ("platform", None)
        assert plant["species_key"] == made["key"]
        assert (await api.get(f"{GARDEN}/species")).json()["total"] == 145
        assert (await api.get(f"{V1}/species")).json()["total"] == 144

    async def test_two_gardens_do_not_see_each_others_species(self, town: Town) -> None:
        made = await add(town.api, f"{town.ada_garden}/species", CHARD, town.ada)
        address = f"{town.bob_garden}/species/{made['key']}"
        theirs = town.bob.headers

        answers = [
            await town.api.get(address, headers=theirs),
            await town.api.patch(address, json={"name_en": "Mine"}, headers=theirs),
            await town.api.delete(address, headers=theirs),
            await town.api.post(f"{address}/copy", headers=theirs),
            await town.api.get(f"{address}/cultivars", headers=theirs),
            await town.api.get(f"{V1}/species/{made['key']}", headers=theirs),
            await town.api.get(f"{town.ada_garden}/species", headers=theirs),
        ]

        assert [answer.status_code for answer in answers] == [404] * 7
        listed = await town.api.get(f"{town.bob_garden}/species", headers=theirs)
        assert listed.json()["total"] == 144
        # The same name is free in another garden.
        await add(town.api, f"{town.bob_garden}/species", CHARD, town.bob)

    async def test_a_plant_or_cultivar_of_another_gardens_species_is_refused(
        self, town: Town
    ) -> None:
        made = await add(town.api, f"{town.ada_garden}/species", CHARD, town.ada)

        for noun in ("plants", "cultivars"):
            answer = await town.api.post(
                f"{town.bob_garden}/{noun}",
                json={"name": "X", "species_key": made["key"]},
                headers=town.bob.headers,
            )

            assert (answer.status_code, answer.json()["details"]["field"]) == (409, "species_key")

    async def test_only_a_garden_admin_writes(self, town: Town) -> None:
        grower, viewer = town.bench.person("gil"), town.bench.person("vic")
        town.bench.join(town.first, grower, Role.GROWER)
        town.bench.join(town.first, viewer, Role.VIEWER)
        key = town.bench.api_key(town.ada, town.first, KeyScope.READ)

        for headers in (grower.headers, viewer.headers, key):
            address = f"{town.ada_garden}/species"
            assert (await town.api.get(address, headers=headers)).status_code == 200
            made = await town.api.post(address, json=CHARD, headers=headers)
            copied = await town.api.post(f"{address}/allium_cepa/copy", headers=headers)
            assert (made.status_code, copied.status_code) == (403, 403)

    @pytest.mark.parametrize(
        ("noun", "key"),
        [
            ("species", "allium_cepa"),
            ("botanical-families", "araceae"),
            ("cultivars", "lactuca_sativa.maikoenig"),
        ],
    )
    async def test_a_shared_entry_is_refused_and_its_copy_is_ones_own(
        self, town: Town, noun: str, key: str
    ) -> None:
        mine = town.ada.headers
        address = f"{town.ada_garden}/{noun}/{key}"
        before = (await town.api.get(address, headers=mine)).json()
        field = "name" if noun == "cultivars" else "name_de"

        changed = await town.api.patch(address, json={field: "Müsli"}, headers=mine)
        deleted = await town.api.delete(address, headers=mine)
        copied = await town.api.post(f"{address}/copy", headers=mine)
        own = f"{town.ada_garden}/{noun}/{copied.json()['key']}"
        own_changed = await town.api.patch(own, json={field: "Müsli"}, headers=mine)

        assert (changed.status_code, deleted.status_code) == (403, 403)
        assert "make a copy" in changed.json()["message"]
        assert (await town.api.get(address, headers=mine)).json() == before
        assert (copied.status_code, copied.headers["location"]) == (201, own)
        given = {"key", "tenant_key", "revision", "created_at", "created_by", "updated_at"}
        given |= {"seed_revision"}
        assert {k: v for k, v in copied.json().items() if k not in given} == {
            k: v for k, v in before.items() if k not in given
        }
        assert copied.json()["seed_revision"] is None
        assert own_changed.json()[field] == "Müsli"
        assert (await town.api.delete(own, headers=mine)).status_code == 204

    async def test_a_second_copy_is_refused(self, api: httpx.AsyncClient) -> None:
        first = await api.post(f"{GARDEN}/species/allium_cepa/copy")
        second = await api.post(f"{GARDEN}/species/allium_cepa/copy")

        assert (first.status_code, second.status_code) == (201, 409)
        assert second.json()["details"]["field"] == "scientific_name"

    async def test_a_copy_asked_for_twice_under_one_key_is_made_once(
        self, api: httpx.AsyncClient
    ) -> None:
        again = {"Idempotency-Key": "copy-1"}
        first = await api.post(f"{GARDEN}/species/allium_cepa/copy", headers=again)
        second = await api.post(f"{GARDEN}/species/allium_cepa/copy", headers=again)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()

    async def test_a_species_in_use_is_not_deleted(self, api: httpx.AsyncClient) -> None:
        made = await add(api, f"{GARDEN}/species", CHARD)
        address = f"{GARDEN}/species/{made['key']}"
        plant = {"name": "Küchenbeet 3", "species_key": made["key"]}
        await add(api, f"{GARDEN}/plants", plant)

        answer = await api.delete(address)

        assert (answer.status_code, answer.json()["error_code"]) == (409, "BROKEN_REFERENCE")
        assert "Küchenbeet 3" in answer.json()["message"]
        assert answer.json()["details"]["kind"] == "plants"
        assert (await api.get(address)).status_code == 200

    async def test_a_stale_revision_is_refused(self, api: httpx.AsyncClient) -> None:
        made = await add(api, f"{GARDEN}/cultivars", {"name": "X", "species_key": "zea_mays"})
        address = f"{GARDEN}/cultivars/{made['key']}"
        await api.patch(address, json={"maturity_d": 90})

        for answer in (
            await api.patch(address, json={"maturity_d": 80}, headers={"If-Match": '"1"'}),
            await api.delete(address, headers={"If-Match": '"1"'}),
        ):
            assert answer.status_code == 412
        assert (await api.get(address)).json()["maturity_d"] == 90

    @pytest.mark.parametrize(
        ("noun", "body", "field"),
        [
            ("species", {**CHARD, "scientific_name": "Basella"}, "scientific_name"),
            ("species", {**CHARD, "ph_low": 7, "ph_high": 6}, "ph_low"),
            ("species", {**CHARD, "harvest_months": [6, 6]}, "harvest_months"),
            ("botanical-families", {**FAMILY, "name": "Basella family"}, "name"),
            ("botanical-families", {**FAMILY, "order": "Basellaceae"}, "order"),
        ],
    )
    async def test_what_contradicts_itself_is_named_and_not_written(
        self, api: httpx.AsyncClient, noun: str, body: dict[str, Any], field: str
    ) -> None:
        before = (await api.get(f"{GARDEN}/{noun}")).json()["total"]

        answer = await api.post(f"{GARDEN}/{noun}", json=body)

        assert (answer.status_code, answer.json()["details"]["field"]) == (422, field)
        assert (await api.get(f"{GARDEN}/{noun}")).json()["total"] == before

    async def test_a_change_that_contradicts_the_rest_is_not_written(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await add(api, f"{GARDEN}/species", {**CHARD, "ph_high": 6.5})
        address = f"{GARDEN}/species/{made['key']}"

        answer = await api.patch(address, json={"ph_low": 7})

        assert answer.status_code == 422
        assert (await api.get(address)).json() == made

    @pytest.mark.parametrize("field", ["family_key", "sequence_key"])
    async def test_what_it_points_to_must_be_there(
        self, api: httpx.AsyncClient, field: str
    ) -> None:
        answer = await api.post(f"{GARDEN}/species", json={**CHARD, field: "none"})

        assert (answer.status_code, answer.json()["details"]["field"]) == (409, field)

    async def test_nobody_says_what_a_seed_is(self, api: httpx.AsyncClient) -> None:
        made = await add(api, f"{GARDEN}/species", CHARD)

        created = await api.post(f"{GARDEN}/cultivars", json={**CHARD, "seed_revision": 1})
        patched = await api.patch(
            f"{GARDEN}/species/{made['key']}", json={"seed_revision": 1, "tenant_key": "*"}
        )

        assert (created.status_code, patched.status_code) == (422, 422)


class TestSharedEntries:
    @pytest.mark.parametrize(
        ("noun", "body", "patch"),
        [
            ("species", CHARD, {"edible": False}),
            ("botanical-families", FAMILY, {"min_break_years": 1}),
            ("cultivars", {"name": "X", "species_key": "zea_mays"}, {"maturity_d": 90}),
            (
                "location-types",
                {"name_en": "Polytunnel", "name_de": "Folientunnel"},
                {"icon": "mdi:tunnel"},
            ),
        ],
    )
    async def test_a_platform_admin_writes_and_nobody_else(
        self, town: Town, noun: str, body: dict[str, Any], patch: dict[str, Any]
    ) -> None:
        refused = await town.api.post(f"{V1}/{noun}", json=body, headers=town.ada.headers)
        made = await add(town.api, f"{V1}/{noun}", body, town.root)
        address = f"{V1}/{noun}/{made['key']}"
        seen = await town.api.get(address, headers=town.bob.headers)
        theirs = [
            await town.api.patch(address, json=patch, headers=town.bob.headers),
            await town.api.delete(address, headers=town.bob.headers),
        ]
        changed = await town.api.patch(address, json=patch, headers=town.root.headers)
        deleted = await town.api.delete(address, headers=town.root.headers)

        assert refused.status_code == 403
        assert made["tenant_key"] == "*"
        assert (seen.status_code, seen.json()) == (200, made)
        assert [answer.status_code for answer in theirs] == [403, 403]
        assert changed.json() == {**made, **patch} | {
            name: changed.json()[name] for name in ("revision", "updated_at")
        }
        assert deleted.status_code == 204
        gone = await town.api.get(address, headers=town.bob.headers)
        assert gone.status_code == 404

    async def test_a_shared_species_that_a_garden_uses_is_kept_and_the_garden_not_named(
        self, town: Town
    ) -> None:
        plant = {"name": "Secret corner", "species_key": "ficus_lyrata"}
        await add(town.api, f"{town.ada_garden}/plants", plant, town.ada)

        answer = await town.api.delete(f"{V1}/species/ficus_lyrata", headers=town.root.headers)

        assert answer.status_code == 409
        assert "plants" in answer.json()["message"]
        assert "Secret" not in answer.text

    async def test_a_type_of_a_location_is_kept(self, api: httpx.AsyncClient) -> None:
        site = (await api.get(f"{GARDEN}/sites")).json()["items"][0]["key"]
        body = {"name": "Bed 1", "site_key": site, "location_type_key": "bed"}
        unknown = await api.post(
            f"{GARDEN}/locations", json={**body, "location_type_key": "castle"}
        )
        await add(api, f"{GARDEN}/locations", body)

        answer = await api.delete(f"{V1}/location-types/bed")

        assert (unknown.status_code, answer.status_code) == (409, 409)
        assert unknown.json()["details"]["field"] == "location_type_key"
        assert (await api.get(f"{V1}/location-types/bed")).json()["name_de"] == "Beet"

    async def test_nobody_reads_it_without_an_account(self, town: Town) -> None:
        key = town.bench.api_key(town.ada, town.first, KeyScope.READ)
        ingest = town.bench.api_key(town.ada, town.first, KeyScope.INGEST)

        for noun in ("species", "botanical-families", "cultivars", "location-types"):
            address = f"{V1}/{noun}"
            assert (await town.api.get(address)).status_code == 401
            assert (await town.api.get(address, headers=key)).status_code == 200
            assert (await town.api.get(address, headers=ingest)).status_code == 403
