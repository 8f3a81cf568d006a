"""Two gardens full of things, and everybody who may knock at their doors."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, override
from uuid import uuid4

from kamerplanter_backend.api.rate_limit import forget_calls
from kamerplanter_backend.auth.sessions import Device, begin_session
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.calendar import CalendarFeedFields
from kamerplanter_backend.domain.models.tenant import InvitationFields, Tenant
from kamerplanter_backend.domain.repositories.identity import (
    RefreshTokenRepository,
    SessionRepository,
)
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.irrigation import WateringFields
from kamerplanter_engines.models.location_type import LocationTypeFields
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.planting_run import PlantingRunFields
from kamerplanter_engines.models.site import LocationFields, SiteFields
from kamerplanter_engines.models.species import SpeciesFields
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from tests.backend.api.harness import START, Bench, Person
from tests.factories import CALIBRATION

TOMATO = "solanum_lycopersicum"
"""A species that all gardens share."""

TODAY = START.date()
NOW = START.isoformat()
ROLES = {"viewer": Role.VIEWER, "grower": Role.GROWER, "admin": Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Place:
    """A garden and its members by role."""

    tenant: Tenant
    members: dict[Role, Person]


class World:
    """A server with two gardens, one more that is suspended, and people of all kinds."""

    def __init__(self) -> None:
        self.bench = Bench(Mode.FULL)
        # A test must not leave a thread behind that was not there before.
        self.bench.start_threads()
        self._count = 0
        self._api_keys: dict[tuple[str, str, frozenset[KeyScope]], dict[str, str]] = {}
        self.stranger = self.bench.person("stranger")
        self.platform_admin = self.bench.person("platform", is_platform_admin=True)
        self.north, self.south = self.place("North"), self.place("South")
        self.suspended = self.place("West")
        self.bench.server.tenants.suspend(
            self.platform_context(), self.suspended.tenant.key, suspended=True
        )
        # Somebody who may do everything in both gardens: only the address tells them apart.
        self.both = self.bench.person("both")
        for place in (self.north, self.south):
            self.bench.join(place.tenant, self.both, Role.ADMIN)
        own = self.bench.garden(self.platform_admin, "Platform")
        self.platform_key = self.key_of(self.platform_admin, own, *KeyScope)

    def settle(self) -> None:
        """Wait for what the rate limit cleans up a moment later."""
        forget_calls(self.bench.app)

    def close(self) -> None:
        """Close the server."""
        self.bench.close()

    def place(self, name: str) -> Place:
        """Make a garden with one member of each role."""
        members = {role: self.newcomer(f"{role}-{name}") for role in ROLES.values()}
        tenant = self.bench.garden(members[Role.ADMIN], name)
        for role in (Role.VIEWER, Role.GROWER):
            self.bench.join(tenant, members[role], role)
        return Place(tenant, members)

    def newcomer(self, name: str = "newcomer") -> Person:
        """Make an account that nobody has used yet."""
        self._count += 1
        return self.bench.person(f"{name}-{self._count}".lower())

    def key_of(self, person: Person, tenant: Tenant, *scopes: KeyScope) -> dict[str, str]:
        """Return an API key; used once, so that its use is not written at the next call."""
        wanted = (person.key, tenant.key, frozenset(scopes))
        if wanted not in self._api_keys:
            headers = self.bench.api_key(person, tenant, *scopes)
            self.bench.server.accounts.provider.authenticate(
                headers["Authorization"], self.bench.clock()
            )
            self._api_keys[wanted] = headers
        return self._api_keys[wanted]

    def platform_context(self) -> Context:
        """Return the context of the platform admin."""
        return account_context(self.platform_admin.key, self.bench.clock(), role=Role.ADMIN)

    def cursor(self) -> int:
        """Return the number of the latest change of the store."""
        return self.bench.server.store.last_cursor()


class Things:
    """Makes what a request needs, anew for each: in one garden, on behalf of one person."""

    def __init__(self, world: World, tenant: Tenant, actor: Person) -> None:
        self.world, self.tenant, self.actor = world, tenant, actor
        self.services = world.bench.server.services
        self.context = world.bench.server.contexts.make(
            tenant.key, actor=actor.key, role=Role.ADMIN, now=world.bench.clock()
        )
        self.keys: list[str] = []

    def _key(self, make: Callable[[], str]) -> str:
        self.keys.append(make())
        return self.keys[-1]

    def _name(self) -> str:
        return f"Thing {uuid4().hex}"

    def new_name(self) -> str:
        """Return a name that nothing has."""
        return self._name()

    # --- The garden's own ------------------------------------------------------------------------

    def site(self) -> str:
        fields = SiteFields(name=self._name(), time_zone="UTC")
        return self._key(lambda: self.services.site.create(self.context, fields).key)

    def location(self) -> str:
        def make() -> str:
            site = self.services.site.create(
                self.context, SiteFields(name=self._name(), time_zone="UTC")
            )
            fields = LocationFields(name=self._name(), site_key=site.key)
            return self.services.location.create(self.context, fields).key

        return self._key(make)

    def plant(self) -> str:
        return self._key(self._plant)

    def _plant(self) -> str:
        fields = PlantFields(name=self._name(), species_key=TOMATO)
        return self.services.plant.create(self.context, fields).key

    def tank(self) -> str:
        fields = TankFields(name=self._name(), volume_l=50)
        return self._key(lambda: self.services.tank.create(self.context, fields).key)

    def probe(self) -> str:
        fields = ProbeFields(
            name=self._name(), channels=(ChannelBinding(kind=ChannelKind.EC, topic="a/b"),)
        )
        return self._key(lambda: self.services.probe.create(self.context, fields).key)

    def calibration(self) -> str:
        def make() -> str:
            return self.services.calibration.calibrate(self.context, self.probe(), CALIBRATION).key

        return self._key(make)

    def measurement(self) -> str:
        def make() -> str:
            fields = HandMeasurementFields(tank_key=self.tank(), kind=ChannelKind.PH, value=5.9)
            return self.services.hand_measurement.log(self.context, fields).key

        return self._key(make)

    def run(self) -> str:
        return self._key(self._run)

    def _run(self) -> str:
        fields = PlantingRunFields(name=self._name(), species_key=TOMATO, quantity=1)
        return self.services.planting_run.create(self.context, fields).key

    def active_run(self) -> str:
        return self._key(lambda: self._started()[0])

    def harvesting_run(self) -> str:
        def make() -> str:
            run, _ = self._started()
            self.services.planting_run.begin_harvest(self.context, run)
            return run

        return self._key(make)

    def run_and_plant(self) -> dict[str, str]:
        """Return a run that goes on and a plant of it, as parts of a path."""
        run, plant = self._both_keys()
        return {"key": run, "plant_key": plant}

    def _both_keys(self) -> tuple[str, str]:
        run, plant = self._started()
        self.keys += [run, plant]
        return run, plant

    def _started(self) -> tuple[str, str]:
        run, plant = self._run(), self._plant()
        self.services.planting_run.start(self.context, run, TODAY, (plant,))
        return run, plant

    def task(self) -> str:
        return self._key(self._task)

    def _task(self) -> str:
        fields = TaskFields(title=self._name(), due_on=TODAY)
        return self.services.task.add(self.context, fields).key

    def done_task(self) -> str:
        return self._key(lambda: self.services.task.complete(self.context, self._task(), START).key)

    def irrigation(self) -> str:
        fields = WateringFields(at=START)
        return self._key(
            lambda: self.services.irrigation.log(self.context, (self._plant(),), fields)[0].key
        )

    def treatment(self) -> str:
        fields = ApplicationFields(product="Neem", interval_d=3, at=START)
        return self._key(
            lambda: self.services.ipm.log_treatment(self.context, (self._plant(),), fields)[0].key
        )

    def harvest(self) -> str:
        return self._key(
            lambda: (
                self.services.harvest.create(
                    self.context, HarvestFields(plant_key=self._plant(), at=START)
                ).key
            )
        )

    def feed(self) -> str:
        fields = CalendarFeedFields(name=self._name())
        return self._key(lambda: self.services.calendar.create_feed(self.context, fields)[0].key)

    def family(self) -> str:
        return self._key(lambda: self._family(self.context))

    def species(self) -> str:
        return self._key(lambda: self._species(self.context))

    def cultivar(self) -> str:
        return self._key(lambda: self._cultivar(self.context))

    # --- What all gardens share ------------------------------------------------------------------

    def shared_family(self) -> str:
        return self._key(lambda: self._family(self.world.platform_context()))

    def shared_species(self) -> str:
        return self._key(lambda: self._species(self.world.platform_context()))

    def shared_cultivar(self) -> str:
        return self._key(lambda: self._cultivar(self.world.platform_context()))

    def location_type(self) -> str:
        fields = LocationTypeFields(name_en=self._name(), name_de=self._name())
        context = self.world.platform_context()
        return self._key(lambda: self.services.location_type.create(context, fields).key)

    def _family(self, context: Context) -> str:
        fields = BotanicalFamilyFields(**self.family_body())
        return self.services.botanical_family.create(context, fields).key

    def family_body(self) -> dict[str, Any]:
        letters = "".join(chr(ord("a") + int(digit, 16)) for digit in uuid4().hex[:12])
        return {"name": f"X{letters}aceae", "name_en": self._name(), "name_de": self._name()}

    def _species(self, context: Context) -> str:
        return self.services.species.create(context, SpeciesFields(**self.species_body())).key

    def species_body(self) -> dict[str, Any]:
        name = self._name()
        return {
            "scientific_name": name,
            "name_en": name,
            "name_de": name,
            "sequence_key": "annual_harvest",
        }

    def _cultivar(self, context: Context) -> str:
        fields = CultivarFields(name=self._name(), species_key=TOMATO)
        return self.services.cultivar.create(context, fields).key

    # --- Accounts --------------------------------------------------------------------------------

    def member(self) -> str:
        """Return the key of the membership of somebody new."""

        def make() -> str:
            person = self.world.newcomer()
            self.world.bench.join(self.tenant, person, Role.VIEWER)
            with open_unit(self.world.bench.server.store, self.context) as uow:
                found = uow.of(MembershipRepository).between(self.tenant.key, person.key)
            assert found is not None
            return found.key

        return self._key(make)

    def invitation(self) -> str:
        return self._key(lambda: self._invite()[0])

    def invitation_token(self) -> str:
        return self._invite()[1]

    def _invite(self) -> tuple[str, str]:
        # An invitation counts as long as its maker is an admin, which the actor need not be.
        context = replace(self.context, actor=self.tenant.owner_key or "")
        invitation, token = self.world.bench.server.members.invite(
            context, InvitationFields(role=Role.VIEWER)
        )
        return invitation.key, token

    def session(self) -> str:
        def make() -> str:
            server = self.world.bench.server
            writes = (SessionRepository, RefreshTokenRepository)
            with open_unit(server.store, self.world.platform_context(), writes) as uow:
                session, _ = begin_session(
                    uow,
                    server.accounts.policy,
                    self.actor.key,
                    method="password",
                    is_persistent=True,
                    device=Device(),
                )
            return session.key

        return self._key(make)

    def api_key(self) -> str:
        """Return the key of an API key of the actor, who may have no garden yet."""

        def make() -> str:
            own = self.world.bench.garden(self.actor, self._name())
            made = self.world.bench.server.accounts.api_keys.create(
                self.actor.key,
                tenant_slug=own.slug,
                label="Walk",
                scopes=frozenset({KeyScope.READ}),
                expires_at=None,
                now=self.world.bench.clock(),
            )
            return made.key.key

        return self._key(make)

    def account(self) -> str:
        return self._key(lambda: self.world.newcomer().key)

    def tenant_key(self) -> str:
        return self._key(lambda: self.world.place("New").tenant.key)


class NoThings(Things):
    """Names things that do not exist."""

    @override
    def _key(self, make: Callable[[], str]) -> str:
        return super()._key(lambda: uuid4().hex)

    @override
    def _both_keys(self) -> tuple[str, str]:
        keys = uuid4().hex, uuid4().hex
        self.keys += keys
        return keys


def days_from_now(days: int) -> str:
    """Return a local date of the gardens."""
    return date.fromordinal(TODAY.toordinal() + days).isoformat()
