"""After a restart in order, or a power cut, everything is there and nothing cries wolf."""

import asyncio
import time

import pytest

from demo.states import State
from tests.end_to_end.conftest import Run
from tests.end_to_end.real_garden import (
    BASIL,
    HOLD_S,
    PROBE,
    PROBLEMS,
    SHORT_AGE_S,
    TANK,
    RealGarden,
)

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]

VALUE_S = 1.0
DERIVED_S = 2.0
BATCH_S = 1.0
"""What a power cut may cost."""
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
        garden.send_temperature(20.4)
        values = {
            (TANK, "ec"): await garden.wait_for(TANK, "ec", 4.2, VALUE_S),
            (PROBE, "soil_moisture"): await garden.wait_for(PROBE, "soil_moisture", 34.5, VALUE_S),
        }
        if how == "by a power cut":
            await asyncio.sleep(BATCH_S)
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
            after = await garden.wait_for(subject, row, before.state, 5)
            assert after.attributes["restored"] is True
            # The broker has repeated the EC meanwhile: that is no new measurement.
            assert after.attributes["measured_at"] == before.attributes["measured_at"]
            assert garden.age_s(subject, row) >= time.monotonic() - stopped_s
        assert await _karenz(garden) == karenz
        await garden.wait_for(BASIL, "karenz_active", "on", 1)
        assert await garden.items() == items

        quiet_until_s = time.monotonic() + QUIET_S
        while time.monotonic() < quiet_until_s:
            for row in PROBLEMS:
                assert garden.shown(TANK, row).state == "unknown", row
            await asyncio.sleep(0.1)
        assert await garden.items() == items
        assert time.monotonic() - stopped_s > SHORT_AGE_S
        # Older than it may be, whatever the broker repeats.
        assert garden.shown(TANK, "water_temperature").state == "unknown"
        assert [line for line in garden.our_log(log_start) if " ERROR " in line] == []

        await _fresh_values_count_at_once(garden)

    run(story())


async def _karenz(garden: RealGarden) -> tuple[str, ...]:
    rows = ("karenz_active", "safe_harvest_date", "harvest_allowed")
    for row in rows:
        await garden.states.until(BASIL, row, _is_known, 5, "Karenz")
    return tuple(garden.shown(BASIL, row).state for row in rows)


async def _fresh_values_count_at_once(garden: RealGarden) -> None:
    """One good reading ends the not knowing; two beyond the hold time raise, ten minutes or not."""
    sent_s = garden.send_ec(1.9)
    state = await garden.wait_for(TANK, "ec", 1.9, VALUE_S)
    assert "restored" not in state.attributes
    state = await garden.wait_for(TANK, "ec_problem", "off", DERIVED_S)
    assert state.seen_s - sent_s <= DERIVED_S

    began_s = garden.send_ec(4.3)
    await asyncio.sleep(HOLD_S + 0.1)
    garden.send_ec(4.31)
    await garden.wait_for(TANK, "ec_problem", "on", DERIVED_S)
    await garden.open_soon("EC", 1, DERIVED_S)
    assert time.monotonic() - began_s <= HOLD_S + 2 * DERIVED_S
    garden.send_ec(1.9)
    await garden.wait_for(TANK, "ec_problem", "off", DERIVED_S)
    await garden.open_soon("EC", 0, DERIVED_S)


def _is_known(state: State) -> bool:
    return state.state not in {"unknown", "unavailable"}
