"""The one garden of a server without accounts, and what is laid out in it at the first start."""

from dataclasses import replace
from pathlib import Path

import pytest

from kamerplanter_backend.bootstrap import build_services, open_seeded_store, open_store
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY, account_context
from kamerplanter_backend.light_garden import open_light_garden
from kamerplanter_backend.migrations.seeds import seed_catalogue
from kamerplanter_engines.models.site import LocationFields
from tests.backend.garden import START

ALL = ["Ficus", "Strawberry row", "Tomato in the tent"]


def opened(path: Path, *, without: tuple[str, ...] = (), starts: int = 1) -> tuple[list[str], int]:
    """Start on a store whose catalogue lacks some species.

    Returns:
        The names of its plants, and how many treatments are on record.
    """
    store = open_store(path)
    try:
        seed_catalogue(store, START)
        account = account_context(SYSTEM_USER_KEY, START, role=Role.ADMIN)
        with open_unit(
            store,
            replace(account, tenant_key=SHARED_TENANT),
            (SpeciesRepository, CultivarRepository),
        ) as uow:
            species, cultivars = uow.of(SpeciesRepository), uow.of(CultivarRepository)
            for cultivar in cultivars.find(Where("species_key", "in", without)):
                cultivars.remove(cultivar.key)
            for key in without:
                species.remove(key)
        services = build_services(store)
        for _ in range(starts):
            open_light_garden(store, services, with_demo=True, now=START)
        garden = replace(account, tenant_key=PLATFORM_KEY)
        with open_unit(store, garden) as uow:
            assert uow.of(TenantRepository).get(PLATFORM_KEY).demo_made_at == START
        plants = services.home.snapshot(garden).plants
        treated = [services.ipm.list_of_plant(garden, view.plant.key) for view in plants]
        return sorted(view.plant.name for view in plants), sum(map(len, treated))
    finally:
        store.close()


@pytest.mark.parametrize("starts", [1, 2])
def test_it_has_a_demo_once(tmp_path: Path, starts: int) -> None:
    assert opened(tmp_path / "garden.db", starts=starts) == (ALL, 1)


def test_a_garden_in_which_somebody_has_begun_gets_none(tmp_path: Path) -> None:
    store = open_seeded_store(tmp_path / "garden.db", START)
    services = build_services(store)
    garden = replace(
        account_context(SYSTEM_USER_KEY, START, role=Role.ADMIN), tenant_key=PLATFORM_KEY
    )
    open_light_garden(store, services, with_demo=False, now=START)
    home = services.site.find(garden)
    assert home is not None
    fields = LocationFields(name="Shed", site_key=home.key, location_type_key="bed")
    services.location.create(garden, fields)

    open_light_garden(store, services, with_demo=True, now=START)

    assert services.home.snapshot(garden).plants == ()
    store.close()


def test_it_goes_without_a_plant_whose_species_is_not_in_the_catalogue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when a person's own entry has the name of one that the files would bring."""
    without = ("solanum_lycopersicum", "fragaria_x_ananassa")

    assert opened(tmp_path / "garden.db", without=without) == (["Ficus"], 0)
    assert "goes without 'Tomato in the tent'" in caplog.text
