"""The ordinary routes of a noun, shown on tanks."""

from typing import Any

import httpx
import pytest

from tests.backend.api.harness import GARDEN, Bench

TANKS = f"{GARDEN}/tanks"
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


async def add(api: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await api.post(TANKS, json={"name": "A", "volume_l": 60, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class TestCreate:
    async def test_the_answer_says_what_was_made_and_where(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(TANKS, json={"name": "A", "volume_l": 60})

        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["location"] == f"{TANKS}/{made['key']}"
        assert (await api.get(answer.headers["location"])).json() == made

    async def test_what_only_the_server_may_say_is_refused(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            TANKS, json={"name": "A", "volume_l": 60, "tenant_key": "other", "revision": 7}
        )

        assert answer.status_code == 422
        names = [problem["field"] for problem in answer.json()["details"]["fields"]]
        assert names == ["tenant_key", "revision"]
        assert (await api.get(TANKS)).json()["total"] == 0

    async def test_the_same_command_twice_is_done_once(self, api: httpx.AsyncClient) -> None:
        body, key = {"name": "A", "volume_l": 60}, {"Idempotency-Key": "tank-1"}

        first = await api.post(TANKS, json=body, headers=key)
        second = await api.post(TANKS, json=body, headers=key)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert (await api.get(TANKS)).json()["total"] == 1

    async def test_so_it_is_in_the_catalogue_of_all_gardens(self, api: httpx.AsyncClient) -> None:
        body = {"name_en": "Polytunnel", "name_de": "Folientunnel"}
        key = {"Idempotency-Key": "tunnel-1"}

        first = await api.post("/api/v1/location-types", json=body, headers=key)
        second = await api.post("/api/v1/location-types", json=body, headers=key)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()

    async def test_its_key_with_another_body_is_refused(self, api: httpx.AsyncClient) -> None:
        key = {"Idempotency-Key": "tank-1"}
        await api.post(TANKS, json={"name": "A", "volume_l": 60}, headers=key)

        answer = await api.post(TANKS, json={"name": "B", "volume_l": 60}, headers=key)

        assert (answer.status_code, answer.json()["error_code"]) == (409, "IDEMPOTENCY_CONFLICT")
        assert answer.json()["details"]["field"] == "Idempotency-Key"
        assert answer.json()["message"] == (
            "Idempotency-Key 'tank-1' was used for something else; use a new one."
        )
        assert (await api.get(TANKS)).json()["total"] == 1

    @pytest.mark.parametrize("key", ["", "a b", "x" * 101, "a/b", "\u00e4"])
    async def test_a_key_that_cannot_be_one_is_refused(
        self, api: httpx.AsyncClient, key: str
    ) -> None:
        answer = await api.post(
            TANKS,
            json={"name": "A", "volume_l": 60},
            headers={b"Idempotency-Key": key.encode()},
        )

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == "Idempotency-Key"
        assert (await api.get(TANKS)).json()["total"] == 0


class TestGet:
    async def test_whoever_has_this_state_gets_it_not_again(self, api: httpx.AsyncClient) -> None:
        tank = await add(api)
        address = f"{TANKS}/{tank['key']}"

        same = await api.get(address, headers={"If-None-Match": '"1"'})
        older = await api.get(address, headers={"If-None-Match": '"0"'})

        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
        assert older.status_code == 200

    @pytest.mark.parametrize("known", ['W/"1"', '"0", "1"', '"0",W/"1"', "*"])
    async def test_an_etag_may_have_gone_through_proxies(
        self, api: httpx.AsyncClient, known: str
    ) -> None:
        tank = await add(api)

        answer = await api.get(f"{TANKS}/{tank['key']}", headers={"If-None-Match": known})

        assert (answer.status_code, answer.content) == (304, b"")


class TestUpdate:
    async def test_one_field_changes_and_the_others_stay(self, api: httpx.AsyncClient) -> None:
        tank = await add(api, ph_low=5.5, plain_water=True)

        answer = await api.patch(f"{TANKS}/{tank['key']}", json={"volume_l": 80})

        changed = answer.json()
        assert changed["volume_l"] == 80
        assert answer.headers["etag"] == '"2"'
        for name in tank.keys() - {"volume_l", "revision", "updated_at"}:
            assert changed[name] == tank[name]

    async def test_null_clears(self, api: httpx.AsyncClient) -> None:
        tank = await add(api, ph_low=5.5)

        answer = await api.patch(
            f"{TANKS}/{tank['key']}", content=b'{"ph_low": null}', headers=MERGE_PATCH
        )

        assert (answer.status_code, answer.json()["ph_low"]) == (200, None)

    @pytest.mark.parametrize(
        ("patch", "field"),
        [
            ({"revision": 9}, "revision"),
            ({"tenant_key": "other"}, "tenant_key"),
            ({"created_by": "me"}, "created_by"),
            ({"colour": "red"}, "colour"),
            ({"name": None}, "name"),
            ({"volume_l": 0}, "volume_l"),
            ({"volume_l": "a lot"}, "volume_l"),
        ],
    )
    async def test_what_cannot_be_is_named_and_nothing_changes(
        self, api: httpx.AsyncClient, patch: dict[str, Any], field: str
    ) -> None:
        tank = await add(api)
        address = f"{TANKS}/{tank['key']}"

        answer = await api.patch(address, json=patch | {"ph_high": 7})

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == field
        assert (await api.get(address)).json() == tank

    async def test_whoever_saw_an_older_state_overwrites_nothing(
        self, api: httpx.AsyncClient
    ) -> None:
        tank = await add(api)
        address = f"{TANKS}/{tank['key']}"
        await api.patch(address, json={"volume_l": 70}, headers={"If-Match": '"1"'})

        answer = await api.patch(address, json={"volume_l": 80}, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.json()["error_code"]) == (412, "STALE_REVISION")
        assert (await api.get(address)).json()["volume_l"] == 70

    @pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1", "*"])
    async def test_forms_of_the_tag(self, api: httpx.AsyncClient, tag: str) -> None:
        tank = await add(api)

        answer = await api.patch(
            f"{TANKS}/{tank['key']}", json={"volume_l": 80}, headers={"If-Match": tag}
        )

        assert answer.status_code == 200

    async def test_a_tag_that_is_none_of_ours(self, api: httpx.AsyncClient) -> None:
        tank = await add(api)

        answer = await api.patch(
            f"{TANKS}/{tank['key']}", json={"volume_l": 80}, headers={"If-Match": '"abc"'}
        )

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == "If-Match"


class TestDelete:
    async def test_it_is_out_of_sight_afterwards(self, api: httpx.AsyncClient) -> None:
        tank = await add(api)

        answer = await api.delete(f"{TANKS}/{tank['key']}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert (await api.get(TANKS)).json()["total"] == 0
        archived = (await api.get(TANKS, params={"archived": True})).json()
        assert [item["key"] for item in archived["items"]] == [tank["key"]]

    async def test_whoever_saw_an_older_state_deletes_nothing(self, api: httpx.AsyncClient) -> None:
        tank = await add(api)
        await api.patch(f"{TANKS}/{tank['key']}", json={"volume_l": 70})

        answer = await api.delete(f"{TANKS}/{tank['key']}", headers={"If-Match": '"1"'})

        assert answer.status_code == 412
        assert (await api.get(TANKS)).json()["total"] == 1


class TestList:
    async def test_pages_hold_each_item_once_while_others_come_and_go(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        made = []
        for number in range(7):
            bench.clock.wait(seconds=1)
            made.append((await add(api, name=f"Tank {number}"))["key"])

        first = (await api.get(TANKS, params={"limit": 3})).json()
        await api.delete(f"{TANKS}/{made[0]}")
        second = (await api.get(TANKS, params={"limit": 3, "cursor": first["cursor"]})).json()
        third = (await api.get(TANKS, params={"limit": 3, "cursor": second["cursor"]})).json()

        seen = [item["key"] for page in (first, second, third) for item in page["items"]]
        assert seen == made
        assert (first["total"], first["limit"]) == (7, 3)
        assert second["total"] == 6
        assert third["cursor"] is None

    async def test_the_order_can_be_chosen(self, api: httpx.AsyncClient) -> None:
        for name in ("B", "C", "A"):
            await add(api, name=name)

        up = (await api.get(TANKS, params={"sort": "name"})).json()
        down = (await api.get(TANKS, params={"sort": "-name"})).json()

        assert [item["name"] for item in up["items"]] == ["A", "B", "C"]
        assert [item["name"] for item in down["items"]] == ["C", "B", "A"]

    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({"limit": 0}, "limit"),
            ({"limit": 201}, "limit"),
            ({"limit": "many"}, "limit"),
            ({"sort": "volume"}, "sort"),
            ({"sort": "tenant_key"}, "sort"),
            ({"colour": "red"}, "colour"),
            ({"tenant_key": "other"}, "tenant_key"),
            ({"archived": "perhaps"}, "archived"),
        ],
    )
    async def test_what_cannot_be_asked_for_is_named(
        self, api: httpx.AsyncClient, parameters: dict[str, Any], field: str
    ) -> None:
        answer = await api.get(TANKS, params=parameters)

        assert answer.status_code == 422
        assert [problem["field"] for problem in answer.json()["details"]["fields"]] == [field]

    @pytest.mark.parametrize("cursor", ["x", "e30", "bnVsbA", "' OR 1=1 --"])
    async def test_a_cursor_that_is_none(self, api: httpx.AsyncClient, cursor: str) -> None:
        answer = await api.get(TANKS, params={"cursor": cursor})

        assert answer.status_code == 422
        assert answer.json()["details"]["field"] == "cursor"

    async def test_a_cursor_of_another_order(self, api: httpx.AsyncClient) -> None:
        for name in ("B", "C", "A"):
            await add(api, name=name)
        cursor = (await api.get(TANKS, params={"limit": 1})).json()["cursor"]

        answer = await api.get(TANKS, params={"sort": "name", "cursor": cursor})

        assert answer.status_code == 422
