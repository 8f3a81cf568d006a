"""One valid example of every model, and of every stored document with what it points to."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.models.calendar import CalendarFeedFields
from kamerplanter_backend.domain.models.identity import (
    ApiKeyFields,
    LoginDelayFields,
    LoginStateFields,
    OneTimeTokenFields,
    ProviderLinkFields,
    RefreshTokenFields,
    SessionFields,
    TokenPurpose,
    UserFields,
)
from kamerplanter_backend.domain.models.system import (
    InstallationFields,
    JobRunFields,
    SeedMarkFields,
)
from kamerplanter_backend.domain.models.tenant import (
    AuditAction,
    AuditEntryFields,
    InvitationFields,
    MembershipFields,
    RetiredSlugFields,
    TenantFields,
)
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.base import Entity, Model
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.care import (
    CareConfirmationFields,
    CareKind,
    CareOutcome,
    CareStyle,
)
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import TreatmentFields
from kamerplanter_engines.models.irrigation import IrrigationFields
from kamerplanter_engines.models.location_type import LocationTypeFields
from kamerplanter_engines.models.phase import PhaseChangeFields, PhaseEntry, PhaseSequenceFields
from kamerplanter_engines.models.plant import PlantAlertFields, PlantFields
from kamerplanter_engines.models.planting_run import PlantingRunFields
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.site import LocationFields, SiteFields
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from kamerplanter_engines.models.species import SpeciesFields
from kamerplanter_engines.models.tank import TankAlertFields, TankFields, TankProblem
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    ProbeFields,
    Reading,
    Verdict,
)

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
TODAY = date(2026, 5, 1)
TENANT = "garden-1"
OTHER_TENANT = "garden-2"

CALIBRATION = CalibrationFields(
    kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.35, value=1.413),)
)

EXAMPLES: Mapping[type[Model], Mapping[str, Any]] = {
    PhaseEntry: {"entry_id": "veg", "phase": "vegetative", "duration_d": 28},
    PhaseSequenceFields: {
        "name": "Tomato",
        "entries": (PhaseEntry(entry_id="veg", phase="vegetative", duration_d=28),),
    },
    SpeciesFields: {
        "scientific_name": "Solanum lycopersicum",
        "name_en": "Tomato",
        "name_de": "Tomate",
        "care_style": CareStyle.OUTDOOR_ANNUAL_VEG,
        "edible": True,
        "sequence_key": "sequence-1",
    },
    BotanicalFamilyFields: {
        "name": "Solanaceae",
        "name_en": "Nightshade family",
        "name_de": "Nachtschattengewächse",
        "order": "Solanales",
        "min_break_years": 4,
    },
    CultivarFields: {"name": "Sungold", "species_key": "species-1", "maturity_d": 65},
    LocationTypeFields: {"name_en": "Bed", "name_de": "Beet", "icon": "mdi:grass"},
    SiteFields: {"name": "Home", "time_zone": "Europe/Berlin", "latitude_deg": 52.5},
    LocationFields: {"name": "Bed 1", "site_key": "site-1"},
    TankFields: {"name": "Tank 1", "volume_l": 50.0},
    PlantingRunFields: {"name": "Tomatoes", "species_key": "species-1", "quantity": 3},
    PlantFields: {"name": "Tomato 1", "species_key": "species-1"},
    ChannelBinding: {"kind": ChannelKind.EC, "topic": "tank/1/ec", "unit": "mS/cm"},
    ProbeFields: {
        "name": "Probe 1",
        "channels": (ChannelBinding(kind=ChannelKind.EC, topic="tank/1/ec"),),
    },
    CalibrationFields: {"kind": ChannelKind.EC, "points": CALIBRATION.points},
    HandMeasurementFields: {
        "tank_key": "tank-1",
        "kind": ChannelKind.PH,
        "value": 5.9,
        "at": NOW,
    },
    TankAlertFields: {"tank_key": "tank-1", "kind": TankProblem.EC},
    ProbePresenceFields: {"probe_key": "probe-1", "is_online": False, "since": NOW},
    SolutionHoldFields: {
        "probe_key": "probe-1",
        "dialog": "dialog-1",
        "since": NOW,
        "until": NOW,
    },
    PlantAlertFields: {"plant_key": "plant-1"},
    PhaseChangeFields: {
        "plant_key": "plant-1",
        "from_entry_id": "veg",
        "from_started_on": TODAY,
        "to_entry_id": "veg",
        "started_on": TODAY,
        "by": "person-1",
        "reason": "Began earlier than written",
    },
    TaskFields: {"title": "Look at the roots", "kind": TaskKind.CUSTOM, "due_on": TODAY},
    IrrigationFields: {"plant_key": "plant-1", "at": NOW, "volume_l": 0.5},
    CareConfirmationFields: {
        "plant_key": "plant-1",
        "kind": CareKind.WATERING,
        "outcome": CareOutcome.DONE,
        "at": NOW,
        "done_on": TODAY,
    },
    TreatmentFields: {"plant_key": "plant-1", "product": "Neem", "interval_d": 7, "at": NOW},
    HarvestFields: {"plant_key": "plant-1", "at": NOW, "weight_g": 120.0},
    UserFields: {"email": "ada@example.org", "display_name": "Ada"},
    ProviderLinkFields: {
        "user_key": "user-1",
        "provider": "example",
        "issuer": "https://login.example.org",
        "subject": "248289761001",
        "linked_at": NOW,
    },
    SessionFields: {
        "user_key": "user-1",
        "method": "password",
        "started_at": NOW,
        "last_used_at": NOW,
        "expires_at": NOW,
        "until_at": NOW,
    },
    RefreshTokenFields: {"session_key": "session-1", "token_hash": "a" * 64, "expires_at": NOW},
    ApiKeyFields: {
        "user_key": "user-1",
        "garden_key": TENANT,
        "label": "Balcony",
        "scopes": (KeyScope.READ,),
        "key_hash": "f" * 64,
        "prefix": "kp_abcde",
    },
    OneTimeTokenFields: {
        "user_key": "user-1",
        "purpose": TokenPurpose.VERIFY_EMAIL,
        "token_hash": "b" * 64,
        "email": "ada@example.org",
        "expires_at": NOW,
    },
    LoginStateFields: {
        "provider": "example",
        "state_hash": "c" * 64,
        "browser_hash": "d" * 64,
        "nonce": "n" * 43,
        "code_verifier": "v" * 43,
        "expires_at": NOW,
    },
    LoginDelayFields: {"name_hash": "e" * 64, "last_failed_at": NOW},
    CalendarFeedFields: {"name": "Phone"},
    AuditEntryFields: {
        "action": AuditAction.TREATMENT_LOGGED,
        "subject_kind": "treatments",
        "subject": "treatment-1",
    },
    TenantFields: {"name": "Allotment 7"},
    RetiredSlugFields: {"slug": "allotment", "deleted_by": "user-1", "free_at": NOW},
    MembershipFields: {"garden_key": "tenant-1", "user_key": "user-1", "role": Role.GROWER},
    InvitationFields: {"email": "new@garden.example", "role": Role.GROWER},
    JobRunFields: {
        "job": "generate_due_care_reminders",
        "period": "2026-05-01",
        "claimed_by": "process-1",
        "claimed_at": NOW,
        "lease_until": NOW,
    },
    SeedMarkFields: {"name": "species", "digest": "0123abcd"},
    InstallationFields: {},
    Reading: {
        "probe_key": "probe-1",
        "kind": ChannelKind.EC,
        "at": NOW,
        "received_at": NOW,
        "value": 1.8,
        "verdict": Verdict.GOOD,
    },
}
"""The least that each model needs, and what makes it look real."""

MORE: Mapping[str, Mapping[str, Any]] = {
    "calibrations": {"done_at": NOW, "fit": fit(CALIBRATION)},
    "hand_measurements": {"measured_at": NOW},
    "irrigations": {"watered_on": TODAY},
    "treatments": {"applied_on": TODAY},
    "harvests": {"harvested_on": TODAY},
    "calendar_feeds": {"token_hash": "9" * 64},
    "tenants": {"slug": "allotment-7"},
    "invitations": {"garden_key": "tenant-1", "token_hash": "0" * 64, "expires_at": NOW},
}
"""What the services add to the fields of a document, by collection."""


def example[M: Model](model: type[M], **changes: object) -> M:
    """Return the example of a model, with some fields changed."""
    return model(**{**EXAMPLES[model], **changes})


def context(tenant_key: str = TENANT, **changes: object) -> Context:
    """Return the context of a grower in Berlin at noon of the first of May."""
    values: dict[str, Any] = {
        "tenant_key": tenant_key,
        "actor": "person-1",
        "role": Role.ADMIN,
        "now": NOW,
        "zone": ZoneInfo("Europe/Berlin"),
        "latitude_deg": 52.5,
        **changes,
    }
    return Context(**values)


def fields_of(entity: type[Entity]) -> type[Model]:
    """Return the model with what a person may say of an entity."""
    own = [base for base in entity.__bases__ if not issubclass(base, Entity)]
    return next(base for base in own if issubclass(base, Model))


def repository_of(collection: str) -> type[Repository[Any]]:
    """Return the repository of a collection."""
    return next(found for found in REPOSITORIES if found.collection.name == collection)


def add[E: Entity](
    uow: UnitOfWork, repository: type[Repository[E]], *, key: str | None = None, **changes: object
) -> E:
    """Add the example of a kind of document, with the things that it must point to."""
    collection = repository.collection
    fields = fields_of(collection.entity)
    for reference in collection.references:
        is_required = collection.entity.model_fields[reference.field].is_required()
        is_needed = is_required or reference.field in EXAMPLES[fields]
        if is_needed and reference.field not in changes:
            target = repository_of(reference.collection)
            found = uow.of(target).first() or add(uow, target)
            changes[reference.field] = found.key
    more: dict[str, object] = {**MORE.get(collection.name, {}), **changes}
    said = {name: more.pop(name) for name in list(more) if name in fields.model_fields}
    return uow.of(repository).add(example(fields, **said), key=key, **more)
