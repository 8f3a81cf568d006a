"""The calendar over HTTP: its events, and feeds that calendar programs read."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event

from kamerplanter_backend.common.exceptions import StoreFullError
from kamerplanter_backend.config.logging import configure_logging
from kamerplanter_backend.config.settings import Environment, Mode
from tests.backend.api.harness import GARDEN, Bench, settings_of
from tests.backend.api.people import Crew, crew_of
from tests.backend.api.test_garden_routes import add

FEEDS = f"{GARDEN}/calendar/feeds"
NOW = "2026-05-01T10:00:00Z"


@pytest.fixture
def crew(server_of: Callable[..., Bench]) -> Crew:
    """Return a garden with people of each role."""
    return crew_of(server_of)


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Return what a server in production writes to its log, access lines and libraries included."""
    root, before, stream = logging.getLogger(), structlog.get_config(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    production = settings_of(
        environment=Environment.PRODUCTION, log_level="debug", bcrypt_rounds=12
    )
    configure_logging(production, stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def make(api: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await api.post(FEEDS, json={"name": "Phone", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def read(api: httpx.AsyncClient, made: dict[str, Any]) -> list[Event]:
    answer = await api.get(path_of(made["address"]))
    assert answer.status_code == 200, answer.text
    return IcsCalendarStream.calendar_from_ics(answer.text).events


class TestEvents:
    async def events(self, api: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
        window = {"start": "2026-05-01", "end": "2026-07-01"}
        answer = await api.get(f"{GARDEN}/calendar/events", params=window | asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def lay_out(self, api: httpx.AsyncClient) -> None:
        plant = await add(
            api,
            "plants",
            name="Tomato",
            species_key="solanum_lycopersicum",
            phase_entry_id="flowering",
            phase_started_on="2026-05-01",
        )
        await add(api, "tasks", title="Roots", due_on="2026-05-03", plant_key=plant["key"])
        await add(
            api, "planting-runs", name="Beans", species_key="ficus_lyrata", planned_on="2026-05-20"
        )
        await api.post(
            f"{GARDEN}/ipm/treatments",
            json={
                "plant_keys": [plant["key"]],
                "application": {"product": "Neem", "interval_d": 3, "at": NOW},
            },
        )

    async def test_everything_is_in_it_by_day(self, api: httpx.AsyncClient) -> None:
        await self.lay_out(api)

        found = await self.events(api)

        assert [(e["on"], e["kind"], e["subject_name"]) for e in found][:3] == [
            ("2026-05-03", "task_due", "Tomato"),
            ("2026-05-05", "harvest_safe", "Tomato"),
            ("2026-05-20", "run_planned", "Beans"),
        ]
        assert [e["kind"] for e in found][3:] == ["phase_end"]

    @pytest.mark.parametrize(
        ("categories", "kinds"),
        [
            (["task"], ["task_due"]),
            (["karenz", "planting_run"], ["harvest_safe", "run_planned"]),
            (["phase"], ["phase_end"]),
        ],
    )
    async def test_categories_choose(
        self, api: httpx.AsyncClient, categories: list[str], kinds: list[str]
    ) -> None:
        await self.lay_out(api)

        assert [e["kind"] for e in await self.events(api, category=categories)] == kinds

    async def test_a_done_task_stays_on_its_day_and_a_skipped_one_goes(
        self, api: httpx.AsyncClient
    ) -> None:
        done = await add(api, "tasks", title="Done", due_on="2026-05-03")
        skipped = await add(api, "tasks", title="Skipped", due_on="2026-05-03")
        await api.post(f"{GARDEN}/tasks/{done['key']}/complete")
        await api.post(f"{GARDEN}/tasks/{skipped['key']}/skip")

        assert [(e["kind"], e["title"]) for e in await self.events(api)] == [("task_done", "Done")]

    async def test_days_are_those_of_the_site(self, api: httpx.AsyncClient) -> None:
        site = (await api.get(f"{GARDEN}/sites")).json()["items"][0]["key"]
        await api.patch(f"{GARDEN}/sites/{site}", json={"time_zone": "America/Los_Angeles"})
        await add(api, "tasks", title="Late", due_at="2026-05-02T06:30:00Z")
        await add(api, "tasks", title="Too early", due_at="2026-05-01T06:30:00Z")

        assert [(e["title"], e["on"]) for e in await self.events(api)] == [("Late", "2026-05-01")]

    async def test_archived_plants_are_not_in_it(self, api: httpx.AsyncClient) -> None:
        await self.lay_out(api)
        plant = (await api.get(f"{GARDEN}/plants")).json()["items"][0]
        await api.delete(f"{GARDEN}/plants/{plant['key']}")

        assert [e["kind"] for e in await self.events(api)] == ["run_planned"]

    @pytest.mark.parametrize("end", ["2026-05-01", "2026-04-01", "2028-05-01"])
    async def test_a_window_that_is_none_is_refused(self, api: httpx.AsyncClient, end: str) -> None:
        answer = await api.get(
            f"{GARDEN}/calendar/events", params={"start": "2026-05-01", "end": end}
        )

        assert (answer.status_code, answer.json()["details"]["field"]) == (422, "end")

    async def test_nothing_of_another_garden_is_in_it(self, crew: Crew) -> None:
        await crew.add("ann", "/tasks", title="Ours", due_on="2026-05-03")
        window = {"start": "2026-05-01", "end": "2026-06-01"}
        other = "/api/v1/t/elsewhere/calendar/events"

        async with crew.client("stranger") as stranger:
            assert (await stranger.get(other, params=window)).json() == []
        assert await crew.status("stranger", "GET", "/calendar/events", params=window) == 404


class TestFeedFile:
    async def test_a_calendar_program_reads_it_without_a_login(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        task = await add(api, "tasks", title="Tie, up; now please", due_on="2026-05-03")
        made = await make(api)

        async with bench.client() as program:
            answer = await program.get(path_of(made["address"]))

        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        # One value: where two stand, some programs take the laxer one.
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
        (event,) = IcsCalendarStream.calendar_from_ics(answer.text).events
        assert event.uid == f"task-{task['key']}@{made['feed']['key']}.kamerplanter"
        # A whole day is two dates, the end not part of it.
        assert (event.dtstart, event.dtend) == (date(2026, 5, 3), date(2026, 5, 4))
        assert "DTSTART;VALUE=DATE:20260503" in answer.text
        assert event.summary == "Tie, up; now please"
        assert event.dtstamp == bench.clock()

    async def test_lines_end_and_fold_as_the_standard_wants(self, api: httpx.AsyncClient) -> None:
        await add(api, "tasks", title="Gießen 🌱 " * 16, due_on="2026-05-03")
        made = await make(api, name="Ärger, viel; ß" * 10)

        content = (await api.get(path_of(made["address"]))).content

        lines = content.split(b"\r\n")
        assert lines[0] == b"BEGIN:VCALENDAR"
        assert lines[-2:] == [b"END:VCALENDAR", b""]
        assert b"\n" not in content.replace(b"\r\n", b"")
        assert max(map(len, lines)) <= 75
        for line in lines:
            line.decode()  # no character is cut in two
        calendar = IcsCalendarStream.calendar_from_ics(content.decode())
        assert calendar.name == ["Ärger, viel; ß" * 10]
        assert calendar.events[0].summary == "Gießen 🌱 " * 16

    async def test_it_holds_a_month_back_and_three_ahead(self, api: httpx.AsyncClient) -> None:
        today = date(2026, 5, 1)
        for days in (-31, -30, 90, 91):
            day = (today + timedelta(days=days)).isoformat()
            await add(api, "tasks", title=str(days), due_on=day)

        assert [event.summary for event in await read(api, await make(api))] == ["-30", "90"]

    async def test_its_categories_and_language_are_its_own(self, api: httpx.AsyncClient) -> None:
        plant = await add(api, "plants", name="Tomate", species_key="solanum_lycopersicum")
        await add(api, "tasks", kind="watering", plant_key=plant["key"], due_on="2026-05-03")
        await add(
            api, "planting-runs", name="Bohnen", species_key="ficus_lyrata", planned_on="2026-05-20"
        )
        german = await make(api, language="de", categories=["task", "planting_run"])
        english = await make(api, categories=["task"])

        assert [e.summary for e in await read(api, german)] == [
            "Tomate: Gießen",
            "Bohnen: Pflanzung geplant",
        ]
        assert [e.summary for e in await read(api, english)] == ["Tomate: Water"]

    async def test_an_event_that_moves_keeps_its_uid(self, api: httpx.AsyncClient) -> None:
        task = await add(api, "tasks", title="Roots", due_on="2026-05-03")
        made = await make(api)
        (before,) = await read(api, made)

        await api.patch(f"{GARDEN}/tasks/{task['key']}", json={"due_on": "2026-05-09"})

        (after,) = await read(api, made)
        assert (after.uid, after.dtstart) == (before.uid, date(2026, 5, 9))

    async def test_the_same_events_are_the_same_bytes(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        await add(api, "tasks", title="Roots", due_on="2026-05-03")
        made = await make(api)

        first = (await api.get(path_of(made["address"]))).content
        bench.clock.wait(hours=3)

        assert (await api.get(path_of(made["address"]))).content == first

    async def test_a_renamed_plant_is_a_change_of_its_events(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        plant = await add(api, "plants", name="Basil", species_key="ocimum_basilicum")
        application = {"product": "Neem", "interval_d": 3, "at": NOW}
        body = {"plant_keys": [plant["key"]], "application": application}
        assert (await api.post(f"{GARDEN}/ipm/treatments", json=body)).status_code == 201
        made = await make(api, categories=["karenz"])
        bench.clock.wait(hours=3)

        await api.patch(f"{GARDEN}/plants/{plant['key']}", json={"name": "Thai basil"})

        (event,) = await read(api, made)
        assert "Thai basil" in (event.summary or "")
        assert event.dtstamp == event.last_modified == bench.clock()

    async def test_it_is_read_where_nothing_can_be_written(
        self, api: httpx.AsyncClient, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await add(api, "tasks", title="Roots", due_on="2026-05-03")
        made = await make(api)

        def full(*_args: object) -> None:
            raise StoreFullError("The disk is full.", reason="full")

        monkeypatch.setattr(bench.server.services.calendar, "note_fetch", full)

        assert [event.summary for event in await read(api, made)] == ["Roots"]

    async def test_reading_it_is_noted_by_the_hour(
        self, api: httpx.AsyncClient, bench: Bench
    ) -> None:
        made = await make(api)
        address = f"{FEEDS}/{made['feed']['key']}"

        seen = []
        for minutes in (0, 59, 1):
            bench.clock.wait(minutes=minutes)
            await read(api, made)
            seen.append((await api.get(address)).json()["last_fetched_at"])

        assert seen == [NOW, NOW, "2026-05-01T11:00:00Z"]


class TestWrongAddress:
    @pytest.mark.parametrize(
        "address",
        [
            "{key}.ics",
            "{key}.ics?token=",
            "{key}.ics?token=wrong",
            "{key}.ics?token={token}x",
            "{key}.ics?token=%00%ff",
            "{key}.ics?token=" + "x" * 5000,
            "{key}?token={token}",
            "none.ics?token={token}",
            "{key}.ics?key={token}",
        ],
    )
    async def test_everything_wrong_is_not_there(
        self, api: httpx.AsyncClient, address: str
    ) -> None:
        made = await make(api)
        path = address.format(key=made["feed"]["key"], token=made["token"])

        answer = await api.get(f"/api/v1/calendar/feeds/{path}")

        assert answer.status_code == 404
        assert made["token"] not in answer.text

    async def test_an_unknown_feed_and_a_wrong_token_answer_alike(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await make(api)
        answers = []
        for key in (made["feed"]["key"], "0" * 32):
            body = (await api.get(f"/api/v1/calendar/feeds/{key}.ics?token=wrong")).json()
            text = json.dumps({n: body[n] for n in ("error_code", "message", "details")})
            answers.append(text.replace(key, "KEY"))

        assert answers[0] == answers[1]

    async def test_a_renewed_token_and_a_revoked_feed_end_the_old_address(
        self, api: httpx.AsyncClient
    ) -> None:
        made = await make(api)
        address = f"{FEEDS}/{made['feed']['key']}"

        renewed = (await api.post(f"{address}/token")).json()
        old = await api.get(path_of(made["address"]))
        new = await api.get(path_of(renewed["address"]))
        assert (await api.delete(address)).status_code == 204
        gone = await api.get(path_of(renewed["address"]))

        assert [a.status_code for a in (old, new, gone)] == [404, 200, 404]

    async def test_the_token_is_shown_once(self, api: httpx.AsyncClient) -> None:
        made = await make(api)
        address = f"{FEEDS}/{made['feed']['key']}"

        shown = [
            await api.get(address),
            await api.get(FEEDS),
            await api.patch(address, json={"name": "Tablet"}),
        ]

        query = parse_qs(urlsplit(made["address"]).query)
        assert query == {"token": [made["token"]]}
        assert len(made["token"]) >= 43
        for answer in shown:
            assert answer.status_code == 200
            assert made["token"] not in answer.text
            assert "token" not in answer.text

    async def test_the_store_holds_its_hash_alone(
        self, server_of: Callable[..., Bench], tmp_path: Path
    ) -> None:
        bench = server_of(store=f"sqlite:///{tmp_path / 'garden.db'}")
        async with bench.client(headers={"Idempotency-Key": "f-1"}) as api:
            made = await make(api)

        written = content_of(tmp_path)
        assert made["feed"]["key"].encode() in written
        assert made["token"].encode() not in written

    async def test_it_never_reaches_the_log(
        self, api: httpx.AsyncClient, log_lines: io.StringIO
    ) -> None:
        made = await make(api)

        good = await api.get(path_of(made["address"]))
        bad = await api.get(path_of(made["address"]).replace(".ics", "x.ics"))

        ours = [
            line
            for line in log_lines.getvalue().splitlines()
            if json.loads(line)["logger"] != "httpx"
        ]
        assert (good.status_code, bad.status_code) == (200, 404)
        reads = [line for line in ours if "/calendar/feeds/{key}.ics" in line]
        assert len(reads) == 2
        whose = [json.loads(line) for line in reads]
        assert [(line["tenant_slug"], line["user_key"]) for line in whose] == [
            ("platform", "system"),
            (None, None),
        ]
        assert not [line for line in ours if made["token"] in line or "?token" in line]


class TestWhoseFeed:
    async def made(self, crew: Crew, name: str) -> dict[str, Any]:
        return await crew.add(name, "/calendar/feeds", name=f"Of {name}")

    async def reads(self, crew: Crew, made: dict[str, Any]) -> int:
        async with crew.bench.client() as program:
            return (await program.get(path_of(made["address"]))).status_code

    async def test_each_sees_ones_own_and_an_admin_all(self, crew: Crew) -> None:
        await self.made(crew, "ann")
        await self.made(crew, "viewer")

        async def names(who: str) -> list[str]:
            found = (await crew.call(who, "GET", "/calendar/feeds?sort=name")).json()["items"]
            return [feed["name"] for feed in found]

        assert await names("ann") == ["Of ann"]
        assert await names("viewer") == ["Of viewer"]
        assert await names("ben") == []
        assert await names("admin") == ["Of ann", "Of viewer"]

    async def test_somebody_elses_is_not_there(self, crew: Crew) -> None:
        made = await self.made(crew, "ann")
        path = f"/calendar/feeds/{made['feed']['key']}"

        assert [
            await crew.status("ben", "GET", path),
            await crew.status("ben", "PATCH", path, json={"name": "Mine"}),
            await crew.status("ben", "POST", f"{path}/token"),
            await crew.status("ben", "DELETE", path),
        ] == [404] * 4

    async def test_an_admin_ends_it_and_does_not_get_its_address(self, crew: Crew) -> None:
        made = await self.made(crew, "ann")
        path = f"/calendar/feeds/{made['feed']['key']}"

        assert await crew.status("admin", "POST", f"{path}/token") == 404
        assert await self.reads(crew, made) == 200
        assert await crew.status("admin", "DELETE", path) == 204
        assert await self.reads(crew, made) == 404

    async def test_it_ends_with_the_membership(self, crew: Crew) -> None:
        made = await self.made(crew, "ann")
        async with crew.client("ann") as ann:
            left = await ann.post(f"/api/v1/tenants/{crew.tenant.slug}/leave")
            assert left.status_code in {200, 204}, left.text

        assert await self.reads(crew, made) == 404

    async def test_a_suspended_garden_is_read_and_not_written(self, crew: Crew) -> None:
        made = await self.made(crew, "ann")
        boss = crew.bench.person("boss", is_platform_admin=True)
        async with crew.bench.client(headers=boss.headers) as client:
            done = await client.put(
                f"/api/v1/admin/tenants/{crew.tenant.key}/suspension", json={"suspended": True}
            )
            assert done.status_code == 200

        assert await self.reads(crew, made) == 200
        answer = await crew.call("ann", "GET", f"/calendar/feeds/{made['feed']['key']}")
        assert answer.json()["last_fetched_at"] is None
        refused = await crew.call("ann", "POST", "/calendar/feeds", json={"name": "X"})
        assert (refused.status_code, refused.json()["error_code"]) == (403, "TENANT_SUSPENDED")

    async def test_the_address_is_the_public_one(self, server_of: Callable[..., Bench]) -> None:
        bench = server_of(Mode.LIGHT, public_url="https://garden.lan/")
        async with bench.client() as api:
            made = await make(api)

        key, token = made["feed"]["key"], made["token"]
        assert made["address"] == (
            f"https://garden.lan/api/v1/calendar/feeds/{key}.ics?token={token}"
        )
