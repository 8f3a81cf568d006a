"""What is expected of each route: who may call it, and a request that would succeed.

Written down by hand from the permission matrix, on purpose without a look at `GRANTS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from tests.backend.api.walk_world import NOW, TODAY, TOMATO, Things, days_from_now

type Body = Callable[[Things], Any]

VIEWER, GROWER, ADMIN = Role.VIEWER, Role.GROWER, Role.ADMIN
READ, WRITE, INGEST, RULE = KeyScope.READ, KeyScope.WRITE, KeyScope.INGEST, KeyScope.ADMIN


@dataclass(frozen=True, slots=True)
class Who:
    """Who may call a route."""

    kind: str
    """`public`, `account`, `platform` or `garden`."""
    role: Role | None = None
    """The lowest role, in a garden."""
    scope: KeyScope | None = None
    """What an API key needs; none = no API key may."""
    reads: bool = False
    """Works in a suspended garden too."""


PUBLIC = Who("public")
ACCOUNT = Who("account")
ACCOUNT_READ = Who("account", scope=READ)
PLATFORM = Who("platform")
VIEW = Who("garden", VIEWER, READ, reads=True)
WORK = Who("garden", GROWER, WRITE)
MANAGE = Who("garden", ADMIN, WRITE)
FEEDS = Who("garden", VIEWER, WRITE)
MEASURE = Who("garden", GROWER, INGEST)
RULES = Who("garden", ADMIN, RULE)
RECORD = Who("garden", ADMIN, RULE, reads=True)
LEAVE = Who("garden", VIEWER, RULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One route."""

    who: Who
    key: Callable[[Things], Any] | None = None
    """Makes what the path names: its `key`, or all of its parts."""
    body: Body | None = None
    query: dict[str, str] = field(default_factory=dict)
    answers: frozenset[int] = frozenset({200, 201, 202, 204})
    """What whoever may call it gets."""
    is_stream: bool = False
    own_garden: bool = False
    """The call takes the caller out of the garden, or the garden away."""


def _crud(
    tag: str, one: str, many: str, key: Callable[[Things], str], **more: Any
) -> dict[str, Row]:
    """Return the rows of a noun; what has no rule has no route."""
    read = more.get("read", VIEW)
    rows = {
        f"{tag}_list_{many}": Row(who=read),
        f"{tag}_get_{one}": Row(who=read, key=key),
    }
    if "create" in more:
        rows[f"{tag}_create_{one}"] = Row(who=more["create"], body=more["body"])
    if "update" in more:
        rows[f"{tag}_update_{one}"] = Row(who=more["update"], key=key, body=more["patch"])
    if "delete" in more:
        rows[f"{tag}_delete_{one}"] = Row(who=more["delete"], key=key)
    return rows


def _renamed(things: Things) -> Any:
    return {"name": things.new_name()}


def location_body(things: Things) -> Any:
    return {"name": things.new_name(), "site_key": things.site()}


def tank_body(things: Things) -> Any:
    return {"name": things.new_name(), "volume_l": 40}


def plant_body(things: Things) -> Any:
    return {"name": things.new_name(), "species_key": TOMATO, "tank_key": things.tank()}


def run_body(things: Things) -> Any:
    return {"name": things.new_name(), "species_key": TOMATO, "quantity": 2}


def calibration_body(things: Things) -> Any:
    return {"kind": "ec", "points": [{"raw": 1.35, "value": 1.413}]}


def probe_body(things: Things) -> Any:
    return {"name": things.new_name(), "tank_key": things.tank()}


def task_body(things: Things) -> Any:
    return {"title": things.new_name(), "due_on": days_from_now(1), "plant_key": things.plant()}


def harvest_body(things: Things) -> Any:
    return {"plant_key": things.plant(), "at": NOW, "weight_g": 120}


APPLICATION = {"product": "Neem oil", "interval_d": 3, "at": NOW}
WATERING = {"kind": "water", "at": NOW, "volume_l": 0.5}
CORRECTION = {"patch": {"interval_d": 7}, "reason": "Read the label again"}

GARDEN: dict[str, Row] = {
    **_crud(
        "sites",
        "site",
        "sites",
        Things.site,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=lambda things: {"name": things.new_name(), "time_zone": "Europe/Berlin"},
        patch=_renamed,
    ),
    **_crud(
        "sites",
        "location",
        "locations",
        Things.location,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=location_body,
        patch=_renamed,
    ),
    **_crud(
        "plants",
        "plant",
        "plants",
        Things.plant,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=plant_body,
        patch=lambda things: {"tank_key": things.tank()},
    ),
    "plants_get_plant_state": Row(who=VIEW, key=Things.plant),
    "plants_set_phase": Row(
        who=WORK,
        key=Things.plant,
        body=lambda things: {"entry_id": "vegetative", "reason": "Bought as a young plant"},
    ),
    **_crud(
        "tanks",
        "tank",
        "tanks",
        Things.tank,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=tank_body,
        patch=lambda things: {"location_key": things.location()},
    ),
    "export_export_garden": Row(who=VIEW),
    "tanks_get_tank_state": Row(who=VIEW, key=Things.tank),
    "tanks_list_tank_alerts": Row(who=VIEW, key=Things.tank),
    **_crud(
        "telemetry",
        "probe",
        "probes",
        Things.probe,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=probe_body,
        patch=lambda things: {"plant_key": things.plant()},
    ),
    "telemetry_list_readings": Row(
        who=VIEW,
        key=Things.probe,
        query={"kind": "ec", "from_at": "2026-04-30T00:00:00Z", "until_at": "2026-05-02T00:00:00Z"},
    ),
    "telemetry_list_latest": Row(who=VIEW, key=Things.probe),
    "telemetry_list_calibrations": Row(who=VIEW, key=Things.probe),
    "telemetry_calibrate": Row(who=WORK, key=Things.probe, body=calibration_body),
    "telemetry_hold_in_solution": Row(
        who=MEASURE,
        key=Things.probe,
        body=lambda things: {
            "dialog": "dialog",
            "since": "2026-04-30T10:00:00Z",
            "until": "2026-04-30T10:15:00Z",
        },
    ),
    "telemetry_send_readings": Row(
        who=MEASURE,
        body=lambda things: {
            "readings": [{"probe_key": things.probe(), "kind": "ec", "value": 1.8}]
        },
    ),
    **_crud(
        "planting_runs",
        "planting_run",
        "planting_runs",
        Things.run,
        create=WORK,
        update=WORK,
        delete=MANAGE,
        body=run_body,
        patch=lambda things: {"location_key": things.location()},
    ),
    "planting_runs_start_run": Row(
        who=WORK, key=Things.run, body=lambda things: {"plant_keys": [things.plant()]}
    ),
    "planting_runs_list_run_plants": Row(who=VIEW, key=Things.active_run),
    "planting_runs_adopt_plants": Row(
        who=WORK, key=Things.active_run, body=lambda things: {"plant_keys": [things.plant()]}
    ),
    "planting_runs_release_plant": Row(who=WORK, key=Things.run_and_plant),
    "planting_runs_begin_harvest": Row(who=WORK, key=Things.active_run),
    "planting_runs_complete_run": Row(who=WORK, key=Things.harvesting_run),
    "planting_runs_cancel_run": Row(who=WORK, key=Things.active_run),
    **_crud(
        "tasks",
        "task",
        "tasks",
        Things.task,
        create=WORK,
        update=WORK,
        delete=WORK,
        body=task_body,
        patch=lambda things: {"title": things.new_name()},
    ),
    "tasks_complete_task": Row(who=WORK, key=Things.task),
    "tasks_skip_task": Row(who=WORK, key=Things.task),
    "tasks_reopen_task": Row(who=WORK, key=Things.done_task),
    "irrigation_confirm_care": Row(
        who=WORK, body=lambda things: {"plant_key": things.plant(), "kind": "pest_check"}
    ),
    **_crud(
        "irrigation",
        "irrigation",
        "irrigations",
        Things.irrigation,
        update=WORK,
        patch=lambda things: {"note": "By hand"},
    ),
    "irrigation_log_watering": Row(
        who=WORK,
        body=lambda things: {"plant_keys": [things.plant()], "watering": WATERING},
    ),
    "ipm_check_harvest": Row(who=VIEW, key=Things.plant),
    **_crud("ipm", "treatment", "treatments", Things.treatment),
    "ipm_log_treatment": Row(
        who=WORK,
        body=lambda things: {"plant_keys": [things.plant()], "application": APPLICATION},
    ),
    "ipm_correct_treatment": Row(who=MANAGE, key=Things.treatment, body=lambda things: CORRECTION),
    **_crud(
        "harvest",
        "harvest",
        "harvests",
        Things.harvest,
        create=WORK,
        update=WORK,
        body=harvest_body,
        patch=lambda things: {"note": "Sweet"},
    ),
    "calendar_list_events": Row(
        who=VIEW, query={"start": TODAY.isoformat(), "end": days_from_now(30)}
    ),
    **_crud(
        "calendar",
        "feed",
        "feeds",
        Things.feed,
        create=FEEDS,
        update=FEEDS,
        delete=FEEDS,
        body=_renamed,
        patch=_renamed,
    ),
    "calendar_renew_feed": Row(who=FEEDS, key=Things.feed),
}


def _species(things: Things) -> Any:
    return things.species_body()


def _family(things: Things) -> Any:
    return things.family_body()


def _cultivar(things: Things) -> Any:
    return {"name": things.new_name(), "species_key": things.species()}


def _shared_cultivar(things: Things) -> Any:
    return {"name": things.new_name(), "species_key": things.shared_species()}


def _named_en(things: Things) -> Any:
    return {"name_en": things.new_name()}


_SHARED = {"read": ACCOUNT_READ, "create": PLATFORM, "update": PLATFORM, "delete": PLATFORM}
_OF_GARDEN = {"create": MANAGE, "update": MANAGE, "delete": MANAGE}

CATALOGUE: dict[str, Row] = {
    **_crud(
        "botanical_families",
        "botanical_family",
        "botanical_families",
        Things.shared_family,
        body=_family,
        patch=_named_en,
        **_SHARED,
    ),
    "botanical_families_list_species_of_botanical_family": Row(
        who=ACCOUNT_READ, key=Things.shared_family
    ),
    **_crud(
        "species",
        "species",
        "species",
        Things.shared_species,
        body=_species,
        patch=_named_en,
        **_SHARED,
    ),
    "species_list_cultivars_of_species": Row(who=ACCOUNT_READ, key=Things.shared_species),
    "species_get_phase_sequence": Row(who=ACCOUNT_READ, key=Things.shared_species),
    **_crud(
        "cultivars",
        "cultivar",
        "cultivars",
        Things.shared_cultivar,
        body=_shared_cultivar,
        patch=_renamed,
        **_SHARED,
    ),
    **_crud(
        "location_types",
        "location_type",
        "location_types",
        Things.location_type,
        body=lambda things: {"name_en": things.new_name(), "name_de": things.new_name()},
        patch=_named_en,
        **_SHARED,
    ),
    **_crud(
        "garden_botanical_families",
        "botanical_family",
        "botanical_families",
        Things.family,
        body=_family,
        patch=_named_en,
        **_OF_GARDEN,
    ),
    "garden_botanical_families_list_species_of_botanical_family": Row(who=VIEW, key=Things.family),
    "garden_botanical_families_copy_botanical_family": Row(who=MANAGE, key=Things.shared_family),
    **_crud(
        "garden_species",
        "species",
        "species",
        Things.species,
        body=_species,
        patch=_named_en,
        **_OF_GARDEN,
    ),
    "garden_species_list_cultivars_of_species": Row(who=VIEW, key=Things.species),
    "garden_species_copy_species": Row(who=MANAGE, key=Things.shared_species),
    "garden_species_get_garden_phase_sequence": Row(who=VIEW, key=Things.species),
    **_crud(
        "garden_cultivars",
        "cultivar",
        "cultivars",
        Things.cultivar,
        body=_cultivar,
        patch=_renamed,
        **_OF_GARDEN,
    ),
    "garden_cultivars_copy_cultivar": Row(who=MANAGE, key=Things.shared_cultivar),
}
