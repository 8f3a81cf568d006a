"""What is expected of the routes of accounts, of gardens as a whole, and of the client."""

from collections.abc import Callable
from typing import Any

from tests.backend.api.walk_measuring import MEASURING, PH
from tests.backend.api.walk_table import (
    ACCOUNT,
    ACCOUNT_READ,
    APPLICATION,
    CATALOGUE,
    CORRECTION,
    GARDEN,
    LEAVE,
    MANAGE,
    MEASURE,
    PLATFORM,
    PUBLIC,
    RECORD,
    RULES,
    VIEW,
    WATERING,
    WORK,
    Row,
    Who,
    calibration_body,
    harvest_body,
    location_body,
    plant_body,
    probe_body,
    run_body,
    tank_body,
    task_body,
)
from tests.backend.api.walk_world import NOW, TOMATO, Things

PASSWORD = "a sound password"

ACCOUNTS: dict[str, Row] = {
    **{
        name: Row(who=PUBLIC)
        for name in (
            "health_health",
            "health_live",
            "health_ready",
            "health_mode",
            "auth_list_providers",
            "auth_logout",
            "auth_verify_email_page",
            "auth_password_reset_page",
            "auth_page_script",
            "auth_page_style",
            "openapi",
            "docs",
            "start",
            "bundle",
            "style",
            "icon",
        )
    },
    "calendar_read_feed": Row(who=PUBLIC, key=Things.feed, answers=frozenset({404})),
    "auth_register": Row(
        who=PUBLIC,
        body=lambda things: {
            "email": f"{things.new_name().split()[1]}@example.org",
            "password": PASSWORD,
            "display_name": "Ada",
        },
    ),
    "auth_login": Row(
        who=PUBLIC,
        body=lambda things: {"email": "nobody@example.org", "password": PASSWORD},
        answers=frozenset({401}),
    ),
    "auth_refresh": Row(who=PUBLIC, answers=frozenset({401})),
    "auth_verify_email": Row(
        who=PUBLIC, body=lambda things: {"token": "x" * 43}, answers=frozenset({401})
    ),
    "auth_request_verification": Row(
        who=PUBLIC, body=lambda things: {"email": "nobody@example.org"}
    ),
    "auth_request_reset": Row(who=PUBLIC, body=lambda things: {"email": "nobody@example.org"}),
    "auth_confirm_reset": Row(
        who=PUBLIC,
        body=lambda things: {"token": "x" * 43, "new_password": PASSWORD},
        answers=frozenset({401}),
    ),
    "auth_begin": Row(
        who=PUBLIC, key=lambda things: {"provider": "unknown"}, answers=frozenset({404})
    ),
    "auth_finish": Row(
        who=PUBLIC,
        key=lambda things: {"provider": "unknown"},
        query={"code": "code", "state": "state"},
        answers=frozenset({404}),
    ),
    "auth_logout_all": Row(who=ACCOUNT),
    "auth_create_api_key": Row(
        who=ACCOUNT,
        body=lambda things: {
            "label": "Balcony",
            "tenant_slug": things.world.bench.garden(things.actor, things.new_name()).slug,
            "scopes": ["read"],
        },
    ),
    "auth_list_api_keys": Row(who=ACCOUNT),
    "auth_revoke_api_key": Row(who=ACCOUNT, key=Things.api_key),
    "users_get_me": Row(who=ACCOUNT_READ),
    "users_update_me": Row(who=ACCOUNT, body=lambda things: {"display_name": "Ada L."}),
    "users_delete_me": Row(who=ACCOUNT, body=lambda things: {}),
    "users_change_password": Row(who=ACCOUNT, body=lambda things: {"new_password": PASSWORD}),
    "users_list_sessions": Row(who=ACCOUNT),
    "users_end_session": Row(who=ACCOUNT, key=Things.session),
    "users_list_links": Row(who=ACCOUNT),
    "users_link_provider": Row(
        who=ACCOUNT,
        key=lambda things: {"provider": "unknown"},
        body=lambda things: {},
        answers=frozenset({404}),
    ),
    "users_unlink_provider": Row(
        who=ACCOUNT, key=lambda things: {"key": "unknown"}, answers=frozenset({404})
    ),
    "admin_list_tenants": Row(who=PLATFORM),
    "admin_list_users": Row(who=PLATFORM),
    "admin_list_audit": Row(who=PLATFORM),
    "admin_activate_user": Row(
        who=PLATFORM, key=Things.account, body=lambda things: {"is_active": False}
    ),
    "admin_appoint_user": Row(
        who=PLATFORM, key=Things.account, body=lambda things: {"is_platform_admin": True}
    ),
    "admin_suspend_tenant": Row(
        who=PLATFORM, key=Things.tenant_key, body=lambda things: {"suspended": True}
    ),
    "admin_get_stats": Row(who=PLATFORM),
    "admin_list_tenant_members": Row(who=PLATFORM, key=Things.tenant_key),
    "admin_delete_tenant": Row(who=PLATFORM, key=Things.tenant_key),
    "admin_delete_user": Row(who=PLATFORM, key=Things.account),
}

TENANTS: dict[str, Row] = {
    "tenants_list_gardens": Row(who=ACCOUNT_READ),
    "tenants_create_garden": Row(who=ACCOUNT, body=lambda things: {"name": things.new_name()}),
    "tenants_accept_invitation": Row(
        who=ACCOUNT, body=lambda things: {"token": things.invitation_token()}
    ),
    "tenants_get_garden": Row(who=VIEW),
    "tenants_update_garden": Row(who=RULES, body=lambda things: {"description": "By the river"}),
    "tenants_list_audit": Row(who=RECORD),
    "tenants_delete_garden": Row(who=RULES, own_garden=True),
    "tenants_list_members": Row(who=VIEW),
    "tenants_set_role": Row(who=RULES, key=Things.member, body=lambda things: {"role": "grower"}),
    "tenants_remove_member": Row(who=RULES, key=Things.member),
    "tenants_leave": Row(who=LEAVE, own_garden=True),
    "tenants_list_invitations": Row(who=RECORD),
    "tenants_invite_by_link": Row(who=RULES, body=lambda things: {"role": "grower"}),
    "tenants_invite_by_mail": Row(
        who=RULES,
        body=lambda things: {
            "email": f"{things.new_name().split()[1]}@example.org",
            "role": "viewer",
        },
    ),
    "tenants_revoke_invitation": Row(who=RULES, key=Things.invitation),
}


def _asked(who: Who, body: Callable[[Things], Any]) -> Row:
    return Row(who=who, body=body)


def _keyed(key: Callable[[Things], str], **more: Any) -> Callable[[Things], Any]:
    return lambda things: {"key": key(things), **more}


def _fields(make: Callable[[Things], Any]) -> Callable[[Things], Any]:
    return lambda things: {"fields": make(things)}


def _of_plant(things: Things) -> Any:
    return {"plant_key": things.plant()}


def _released(things: Things) -> Any:
    return things.run_and_plant()


def _reading(things: Things) -> Any:
    reading = {"kind": "ec", "at": NOW, "received_at": NOW, "value": 1.8, "verdict": "good"}
    return {"readings": [{"probe_key": things.probe(), **reading}]}


def _window(things: Things) -> Any:
    window = {"from_at": "2026-04-30T00:00:00Z", "until_at": "2026-05-02T00:00:00Z"}
    return {"probe_key": things.probe(), "kind": "ec", **window}


_REQUESTS: dict[str, Row] = {
    "SetSite": _asked(WORK, lambda things: {"fields": {"name": "Home", "time_zone": "UTC"}}),
    "CreateLocation": _asked(WORK, _fields(location_body)),
    "UpdateLocation": _asked(WORK, _keyed(Things.location, patch={"base_temperature_c": 8})),
    "CreateTank": _asked(WORK, _fields(tank_body)),
    "UpdateTank": _asked(WORK, _keyed(Things.tank, patch={"volume_l": 30})),
    "ArchiveTank": _asked(MANAGE, _keyed(Things.tank)),
    "CreatePlant": _asked(WORK, _fields(plant_body)),
    "UpdatePlant": _asked(WORK, _keyed(Things.plant, patch={"edible": True})),
    "ArchivePlant": _asked(MANAGE, _keyed(Things.plant)),
    "SetPhase": _asked(WORK, _keyed(Things.plant, entry_id="vegetative", reason="Bought")),
    "CreateProbe": _asked(WORK, _fields(probe_body)),
    "UpdateProbe": _asked(WORK, _keyed(Things.probe, patch={"name": "Probe"})),
    "ArchiveProbe": _asked(MANAGE, _keyed(Things.probe)),
    "RecordReadings": _asked(MEASURE, _reading),
    "ReportPresence": _asked(
        MEASURE,
        lambda things: {
            "said": [
                {
                    "probe_key": things.probe(),
                    "is_online": False,
                    "since": "2026-04-30T10:00:00Z",
                }
            ]
        },
    ),
    "ReportSolution": _asked(
        MEASURE,
        lambda things: {
            "hold": {
                "probe_key": things.probe(),
                "dialog": "dialog",
                "since": "2026-04-30T10:00:00Z",
                "until": "2026-04-30T10:15:00Z",
            }
        },
    ),
    "Calibrate": _asked(
        WORK,
        lambda things: {"probe_key": things.probe(), "fields": calibration_body(things)},
    ),
    "WithdrawCalibration": _asked(WORK, _keyed(Things.calibration, reason="Swapped buffers")),
    "ReplaceProbe": _asked(WORK, lambda things: {"probe_key": things.probe()}),
    "LogMeasurement": _asked(WORK, lambda things: {"fields": {"tank_key": things.tank(), **PH}}),
    "RemoveMeasurement": _asked(WORK, _keyed(Things.measurement)),
    "GetTrend": _asked(VIEW, lambda things: {"probe_key": things.probe(), "kind": "ec"}),
    "ListMeasurements": _asked(VIEW, lambda things: {"tank_key": things.tank()}),
    "ListCalibrations": _asked(VIEW, lambda things: {"probe_key": things.probe()}),
    "EvaluateGarden": _asked(MEASURE, lambda things: {}),
    "AddTask": _asked(WORK, _fields(task_body)),
    "UpdateTask": _asked(WORK, _keyed(Things.task, patch={"title": "Prune"})),
    "CompleteTask": _asked(WORK, _keyed(Things.task)),
    "ReopenTask": _asked(WORK, _keyed(Things.done_task)),
    "DeleteTask": _asked(WORK, _keyed(Things.task)),
    "LogWatering": _asked(
        WORK, lambda things: {"plant_keys": [things.plant()], "fields": WATERING}
    ),
    "ConfirmCare": _asked(
        WORK, lambda things: {"plant_key": things.plant(), "kind": "fertilising"}
    ),
    "LogTreatment": _asked(
        WORK, lambda things: {"plant_keys": [things.plant()], "fields": APPLICATION}
    ),
    "CorrectTreatment": _asked(MANAGE, _keyed(Things.treatment, **CORRECTION)),
    "LogHarvest": _asked(WORK, _fields(harvest_body)),
    "CreateRun": _asked(WORK, _fields(run_body)),
    "UpdateRun": _asked(WORK, _keyed(Things.run, patch={"quantity": 3})),
    "DeleteRun": _asked(MANAGE, _keyed(Things.run)),
    "StartRun": _asked(WORK, _keyed(Things.run)),
    "AdoptPlants": _asked(
        WORK, lambda things: {"key": things.active_run(), "plant_keys": [things.plant()]}
    ),
    "ReleasePlant": _asked(WORK, _released),
    "BeginHarvest": _asked(WORK, _keyed(Things.active_run)),
    "CompleteRun": _asked(WORK, _keyed(Things.harvesting_run)),
    "CancelRun": _asked(WORK, _keyed(Things.active_run)),
    "ListRuns": _asked(VIEW, lambda things: {}),
    "ListRunPlants": _asked(VIEW, _keyed(Things.active_run)),
    "CheckHarvest": _asked(VIEW, _of_plant),
    "ListSpecies": _asked(VIEW, lambda things: {}),
    "ListPhases": _asked(VIEW, lambda things: {"species_key": TOMATO}),
    "ListTreatments": _asked(VIEW, _of_plant),
    "GetTreatment": _asked(VIEW, _keyed(Things.treatment)),
    "ListPhaseChanges": _asked(VIEW, _of_plant),
    "ListIrrigation": _asked(VIEW, _of_plant),
    "ListHarvests": _asked(VIEW, _of_plant),
    "ListReadings": _asked(VIEW, _window),
    "ListObjects": _asked(VIEW, lambda things: {}),
}

CLIENT: dict[str, Row] = {
    "client_snapshot": Row(who=VIEW),
    "client_changes": Row(who=VIEW, is_stream=True),
    **{f"client_{name}": row for name, row in _REQUESTS.items()},
}

TABLE: dict[str, Row] = {**ACCOUNTS, **TENANTS, **GARDEN, **MEASURING, **CATALOGUE, **CLIENT}
