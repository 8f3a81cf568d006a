"""Closes the gate of the harvest for treatments that the server does not know yet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from kamerplanter_backend.client.requests import LogTreatment
from kamerplanter_backend.client.views import GardenSnapshot, PlantView
from kamerplanter_engines.models.ipm import Blocker, HarvestVerdict, Treatment
from kamerplanter_engines.safety_interval_engine import applied_on, check_harvest

UNSENT = "unsent"
"""Begins the key of a treatment that is not on the server; it is also its tenant."""


def unsent_treatments(
    commands: Iterable[LogTreatment], zones: Mapping[str, ZoneInfo]
) -> tuple[Treatment, ...]:
    """Return the applications that commands will book, one for each of these plants.

    Args:
        commands: What the server does not know yet.
        zones: The zone whose days count for a plant, by its key; those of others are left out.
    """
    return tuple(
        Treatment(
            key=f"{UNSENT}:{index}",
            tenant_key=UNSENT,
            created_at=command.fields.at,
            updated_at=command.fields.at,
            plant_key=plant_key,
            applied_on=applied_on(command.fields.at, zones[plant_key]),
            **dict(command.fields),
        )
        for index, command in enumerate(commands)
        for plant_key in dict.fromkeys(command.plant_keys)
        if plant_key in zones
    )


def with_gate(
    snapshot: GardenSnapshot, unsent: Sequence[Treatment], today: Mapping[str, date]
) -> GardenSnapshot:
    """Return a snapshot whose plants show what unsent treatments forbid.

    Args:
        snapshot: What the server said last.
        unsent: Applications that it does not know yet.
        today: The local date where a plant stands, by its key.
    """
    if not unsent:
        return snapshot
    return snapshot.model_copy(
        update={
            "plants": tuple(
                _closed(view, unsent, today[view.plant.key]) for view in snapshot.plants
            )
        }
    )


def verdict_with(verdict: HarvestVerdict, unsent: Sequence[Treatment]) -> HarvestVerdict:
    """Return the server's verdict with what unsent treatments of the plant forbid added."""
    return _joined(unsent, verdict.blockers, verdict.safe_on, verdict.on)


def _closed(view: PlantView, unsent: Sequence[Treatment], today: date) -> PlantView:
    mine = [item for item in unsent if item.plant_key == view.plant.key]
    if not mine:
        return view
    verdict = _joined(mine, view.blockers, view.safe_harvest_on, today)
    return view.model_copy(
        update={
            "has_treatment": True,
            "karenz_active": not verdict.allowed,
            "safe_harvest_on": verdict.safe_on,
            "karenz_days_left": verdict.days_left,
            "harvest_allowed": verdict.allowed,
            "blockers": verdict.blockers,
        }
    )


def _joined(
    unsent: Sequence[Treatment], blockers: Sequence[Blocker], safe_on: date | None, on: date
) -> HarvestVerdict:
    """Ask the engine about all that forbids a harvest, and all that may."""
    verdict = check_harvest([*map(_treatment, blockers), *unsent], on)
    if not verdict.allowed or safe_on is None:
        return verdict
    # What is over no longer blocks, but it still says from when on it was permitted.
    return verdict.model_copy(update={"safe_on": max(safe_on, verdict.safe_on or safe_on)})


def _treatment(blocker: Blocker) -> Treatment:
    noon = datetime.combine(blocker.applied_on, time(12), tzinfo=UTC)
    return Treatment(
        key=blocker.treatment_key,
        tenant_key=UNSENT,
        created_at=noon,
        updated_at=noon,
        plant_key=UNSENT,
        product=blocker.product,
        ingredient=blocker.ingredient,
        interval_d=blocker.interval_d,
        at=noon,
        applied_on=blocker.applied_on,
    )
