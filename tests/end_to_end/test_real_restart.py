"""After a restart in order, or a power cut, everything is there and nothing cries wolf."""

import asyncio
import itertools
import time

import pytest

from demo.states import State
from tests.end_to_end.conftest import Run
from tests.end_to_end.real_garden import (
    BASIL,
    PATIENCE_S,
    PROBE,
    PROBLEMS,
    SHORT_AGE_S,
    TANK,
    RealGarden,
)

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]

TEMPERATURE_C = 20.4
QUIET_S = 4.0
"""How long we look for false alarms."""


@pytest.mark.parametrize("how", ["in order", "by a power cut"])
def test_a_restart_keeps_everything_and_raises_nothing(
    how: str, garden: RealGarden, run: Run
) -> None:
    async def story() -> None:
        # Out of band once, which is no problem yet, and kept by the broker: it comes again.
        garden.send_ec(4.2)
        garden.send_moisture(34.5)
        garden.send_temperature(TEMPERATURE_C)
        values = {
            (TANK, "ec"): await garden.wait_for(TANK, "ec", 4.2),
            (PROBE, "soil_moisture"): await garden.wait_for(PROBE, "soil_moisture", 34.5),
        }
        if how == "by a power cut":
            # What comes last is stored last, and a problem knows what is stored.
            await garden.states.until(
                TANK,
                "temperature_problem",
                lambda state: state.attributes.get("value_c") == TEMPERATURE_C,
                PATIENCE_S,
                "the temperature is stored",
            )
        await garden.add_task(f"Clean the filter {how}")
        await garden.treat()
        karenz = await _karenz(garden)
        items = await garden.items()
        log_start = len(garden.home.log_lines())

        stopped_s = time.monotonic()
        # What was acknowledged just now must be there.
        await (garden.home.stop() if how == "in order" else garden.home.kill())
        await asyncio.sleep(SHORT_AGE_S / 2)
        await garden.home.start()
        await garden.follow()

        for (subject, row), before in values.items():
            after = await garden.wait_for(subject, row, before.state)
            assert after.attributes["restored"] is True
            # The broker has repeated the EC meanwhile: that is no new measurement.
            assert after.attributes["measured_at"] == before.attributes["measured_at"]
            assert garden.age_s(subject, row) >= time.monotonic() - stopped_s
        assert await _karenz(garden) == karenz
        await garden.wait_for(BASIL, "karenz_active", "on")
        assert await garden.items() == items

        quiet_until_s = time.monotonic() + QUIET_S
        while time.monotonic() < quiet_until_s:
            for row in PROBLEMS:
                assert garden.shown(TANK, row).state == "unknown", row
            await asyncio.sleep(0.1)
        assert await garden.items() == items
        assert time.monotonic() - stopped_s > SHORT_AGE_S
        # Older than it may be, whatever the broker repeats.
        await garden.wait_for(TANK, "water_temperature", "unknown")
        assert [line for line in garden.our_log(log_start) if " ERROR " in line] == []

        await _fresh_values_count_at_once(garden)

    run(story())


async def _karenz(garden: RealGarden) -> tuple[str, ...]:
    rows = ("karenz_active", "safe_harvest_date", "harvest_allowed")
    for row in rows:
        await garden.states.until(BASIL, row, _is_known, PATIENCE_S, "Karenz")
    return tuple(garden.shown(BASIL, row).state for row in rows)


async def _fresh_values_count_at_once(garden: RealGarden) -> None:
    """One good reading ends the not knowing; those beyond the hold time raise at any time."""
    garden.send_ec(1.9)
    state = await garden.wait_for(TANK, "ec", 1.9)
    assert "restored" not in state.attributes
    await garden.wait_for(TANK, "ec_problem", "off")

    high = itertools.count(430)
    await garden.until(TANK, "ec_problem", "on", lambda: garden.send_ec(next(high) / 100))
    await garden.open_soon("EC", 1)
    garden.send_ec(1.9)
    await garden.wait_for(TANK, "ec_problem", "off")
    await garden.open_soon("EC", 0)


def _is_known(state: State) -> bool:
    return state.state not in {"unknown", "unavailable"}
