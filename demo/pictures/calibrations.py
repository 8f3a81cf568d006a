"""Walks through calibrations as a grower does, bottle by bottle."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.api import Api
from demo.garden_setup import BASIL_PROBE, TANK_NAME
from demo.pictures.hands import PATIENCE_MS, Hands
from demo.session import Session
from demo.simulator import INTERVAL_SECONDS
from kamerplanter_engines.models.telemetry import ChannelKind

DUE_FOR_D = 15
STANDARD_MS_CM = 1.413
STEADY_WITHIN_MS = 150_000
REPAIR = "issues.calibration_due.fix_flow.step"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is calibrated, and what the probe shows in each solution.

    Args:
        name: How its pictures are called.
        title: The subentry whose dialog leads to it; empty = the repair does.
        kind: What is calibrated.
        method: Which solutions; empty = there is but one choice.
        sensor: Device and sensor of the simulator.
        shown: By the probe, solution after solution.
    """

    name: str
    title: str
    kind: ChannelKind
    method: str
    sensor: tuple[str, str]
    shown: Sequence[float]


# Of an electrode that has aged: 95 % of the slope, and 0.06 off at pH 7.
PH = Calibration("ph", TANK_NAME, ChannelKind.PH, "ph_7_4_10", ("tank", "ph"), (7.06, 4.22, 9.92))
EC = Calibration("ec", "", ChannelKind.EC, "standard", ("tank", "ec"), (1.36,))
SOIL = Calibration(
    "soil", BASIL_PROBE, ChannelKind.SOIL_MOISTURE, "", ("bed1", "moisture"), (4.0, 71.0)
)
_KIND_OF: Mapping[str, str] = {TANK_NAME: "tank", BASIL_PROBE: "probe"}


async def make_due(api: Api, entity_id: str) -> None:
    """Book a calibration of EC that was made longer ago than one lasts."""
    done = datetime.now().astimezone() - timedelta(days=DUE_FOR_D)
    await api.call_action(
        "kamerplanter.calibrate",
        {
            "entity_id": entity_id,
            "kind": "ec",
            "points": [{"reference": STANDARD_MS_CM, "raw": STANDARD_MS_CM}],
            "at": done.strftime("%Y-%m-%d %H:%M:%S"),
        },
    )


class CalibrationWalk:
    """Calibrates something and takes a picture of each page.

    Args:
        hands: With which it clicks.
        session: The garden.
        what: What is calibrated.
    """

    def __init__(self, hands: Hands, session: Session, what: Calibration) -> None:
        self._hands = hands
        self._session = session
        self._what = what
        self._steps = f"config_subentries.{_KIND_OF[what.title]}.step" if what.title else REPAIR

    async def walk(self) -> None:
        """Go from the first page to the last."""
        hands, what = self._hands, self._what
        await self._enter()
        if what.method:
            await hands.reads(f"{self._steps}.calibration_method.description")
            await hands.pick(0, f"selector.calibration_method.options.{what.method}")
            await self._save("method")
            await hands.go_on()
        for number, shown in enumerate(what.shown, 1):
            await self._solution(str(number) if len(what.shown) > 1 else "", shown)
        await hands.reads(f"{self._steps}.calibration_summary.menu_options.calibration_store")
        await self._save("result")
        await hands.choose(f"{self._steps}.calibration_summary.menu_options.calibration_store")
        self._hang(None)
        back = f"{self._steps}.calibration_back.menu_options.calibration_is_back"
        await hands.reads(back)
        await self._save("back")
        await hands.choose(back)
        if what.title:
            await hands.reads(f"config_subentries.{_KIND_OF[what.title]}.abort.calibrated")
        else:
            await hands.sees("dialogs.repair_flow.success.description")
        await self._save("end")

    async def _enter(self) -> None:
        hands = self._hands
        if self._what.title:
            await hands.open_known(self._what.title)
            await hands.reads(f"{self._steps}.manage.description")
            await self._save("manage")
            await hands.choose(f"{self._steps}.manage.menu_options.calibrate")
        else:
            await hands.open("repairs")
            await hands.page.get_by_text(TANK_NAME).first.click(timeout=PATIENCE_MS)
        await hands.reads(f"{self._steps}.calibrate.data.channel")
        await hands.pick(0, f"selector.channel_kind.options.{self._what.kind}")
        await self._save("channel")
        await hands.go_on()

    async def _solution(self, number: str, shown: float) -> None:
        hands, steps = self._hands, self._steps
        steady = f"{steps}.calibration_solution.menu_options.calibration_steady"
        await hands.reads(steady)
        await self._save(f"instruction{number}")
        self._hang(shown)
        await hands.choose(steady)
        value = hands.dialog.locator("step-flow-progress strong")
        await value.first.wait_for(timeout=PATIENCE_MS)
        # With the next reading there is something to compare; the third one may end the waiting.
        await asyncio.sleep(INTERVAL_SECONDS)
        await self._save(f"live{number}")
        await hands.reads(f"{steps}.calibration_reading.data.raw", patience_ms=STEADY_WITHIN_MS)
        await self._save(f"reading{number}")
        await hands.go_on()

    def _hang(self, shown: float | None) -> None:
        device, sensor = self._what.sensor
        self._session.simulator.command({"device": device, "sensor": sensor, "bottle": shown})

    async def _save(self, page: str) -> None:
        await self._hands.save(f"calibration-{self._what.name}-{page}")
