"""Which probes are company for one that stands still, and which are not any more."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import GOOD, Make, hear

PH = ChannelKind.PH
PACE = timedelta(minutes=30)
STUCK = (Verdict.SUSPECT, (Reason.STUCK.value,))

type Verdicts = list[tuple[Verdict, tuple[str, ...]]]


def bound(key: str) -> ChannelBinding:
    return ChannelBinding(kind=PH, topic=key, path="v")


def probe(garden: Garden, key: str, **place: str) -> Probe:
    return garden.probe(
        key=key,
        name=key,
        channels=(bound(key),),
        availability=Availability(topic=f"{key}/state"),
        **place,
    )


class Listening:
    """A left probe that stands still, and a right one that moves with each reading."""

    def __init__(self, garden: Garden, make: Make) -> None:
        self._garden = garden
        self.listener = make(garden, garden.now)
        self.step, self._right = 0.04, 5.6
        self.intakes = self.listener.sync()
        hear(garden, self.intakes["left"], garden.now, 5.82)

    def go_on(self, hours: float, *, without_right: bool = False) -> Verdicts:
        """Return the verdicts on the left one."""
        found = []
        for _ in range(round(hours * 2)):
            self._garden.now += PACE
            self._right = round(self._right + self.step, 2)
            # It trembles, as any meter does.
            shown = round(self._right + self._garden.now.minute // 30 % 2 / 100, 2)
            if not without_right and "right" in self.intakes:
                hear(self._garden, self.intakes["right"], self._garden.now, shown)
            found.append(hear(self._garden, self.intakes["left"], self._garden.now, 5.83))
        return found

    def sync(self) -> None:
        self.intakes = self.listener.sync()


def in_one_tank(garden: Garden, make: Make) -> Listening:
    tank = garden.tank()
    for key in ("left", "right"):
        probe(garden, key, tank_key=tank.key)
    return Listening(garden, make)


def test_beside_one_that_moves_for_six_hours(garden: Garden, make: Make) -> None:
    verdicts = in_one_tank(garden, make).go_on(7)

    assert verdicts[:12] == [GOOD] * 12
    assert verdicts[12:] == [STUCK] * 2


def test_in_the_soil_of_one_plant(garden: Garden, make: Make) -> None:
    plant = garden.plant()
    for key in ("left", "right"):
        channel = ChannelBinding(kind=ChannelKind.SOIL_TEMPERATURE, topic=key, path="v")
        garden.probe(key=key, name=key, channels=(channel,), plant_key=plant.key)
    listening = Listening(garden, make)
    listening.step = 0.2

    assert listening.go_on(7)[-1] == STUCK


@pytest.mark.parametrize("place", ["another tank", "no place"])
def test_probes_elsewhere_are_no_company(garden: Garden, make: Make, place: str) -> None:
    probe(garden, "left", **({"tank_key": garden.tank().key} if place == "another tank" else {}))
    other = {"tank_key": garden.tank(name="Other").key} if place == "another tank" else {}
    probe(garden, "right", **other)

    assert set(Listening(garden, make).go_on(9)) == {GOOD}


def replaced(garden: Garden) -> None:
    garden.services.probe.replace_device(garden.context(), "right")


def rebound(garden: Garden) -> None:
    channel = bound("right").model_copy(update={"factor": 1.01}).model_dump(mode="json")
    garden.services.probe.update(garden.context(), "right", {"channels": [channel]})


def moved(garden: Garden) -> None:
    tank = garden.tank(name="Other")
    garden.services.probe.update(garden.context(), "right", {"tank_key": tank.key})


def archived(garden: Garden) -> None:
    garden.services.probe.archive(garden.context(), "right")


@pytest.mark.parametrize("change", [replaced, rebound, moved, archived])
def test_one_that_is_another_now_or_elsewhere_speaks_no_more(
    garden: Garden, make: Make, change: Callable[[Garden], None]
) -> None:
    listening = in_one_tank(garden, make)
    assert set(listening.go_on(5.5)) == {GOOD}

    change(garden)
    listening.sync()

    assert set(listening.go_on(5, without_right=change is moved)) == {GOOD}
    # A restart brings nothing back.
    listening.intakes = make(garden, garden.now).sync()
    assert set(listening.go_on(0.5, without_right=change is moved)) == {GOOD}
    last = listening.go_on(2)[-1]
    assert last == (STUCK if change in {replaced, rebound} else GOOD)


def test_one_that_is_gone_speaks_no_more(garden: Garden, make: Make) -> None:
    listening = in_one_tank(garden, make)
    listening.go_on(5.5)

    listening.intakes["right"].on_message(
        "right/state", "offline", retained=False, received_at=garden.now
    )

    assert set(listening.go_on(1, without_right=True)) == {GOOD}
    # It is back, and what it measured before counts again.
    assert listening.go_on(0.5) == [STUCK]


def test_a_calibration_is_no_movement(garden: Garden, make: Make) -> None:
    listening = in_one_tank(garden, make)
    listening.step = 0.0
    assert set(listening.go_on(5)) == {GOOD}
    points = (CalibrationPoint(raw=7.4, value=7.0), CalibrationPoint(raw=4.4, value=4.01))
    fields = CalibrationFields(kind=PH, points=points)

    garden.services.calibration.calibrate(garden.context(), "right", fields)
    listening.sync()

    assert set(listening.go_on(2)) == {GOOD}
    listening.intakes = make(garden, garden.now).sync()
    assert set(listening.go_on(6)) == {GOOD}


@pytest.mark.parametrize("is_gone", [False, True])
def test_one_that_a_script_sends_is_company_for_one_that_a_device_sends(
    garden: Garden, make: Make, *, is_gone: bool
) -> None:
    listening = in_one_tank(garden, make)
    desk = ReadingDesk(garden.services.telemetry)
    found: Verdicts = []
    for number in range(14):
        if is_gone and number == 10:
            said = ProbePresenceFields(probe_key="right", is_online=False, since=garden.now)
            garden.services.presence.report(garden.context(), [said])
        if not (is_gone and number >= 10):
            value = round(5.6 + number * 0.04, 2)
            desk.take(garden.context(), [SentReading(probe_key="right", kind=PH, value=value)])
        listening.sync()
        found += listening.go_on(0.5, without_right=True)

    assert found[-1] == (GOOD if is_gone else STUCK)


@pytest.mark.parametrize("is_gone", [False, True])
def test_one_that_a_device_sends_is_company_for_one_that_a_script_sends(
    garden: Garden, make: Make, *, is_gone: bool
) -> None:
    listening = in_one_tank(garden, make)
    intake = listening.intakes["right"]
    start = garden.now
    for number in range(14):
        hear(garden, intake, garden.now, round(5.6 + number * 0.04, 2))
        garden.now += PACE
    if is_gone:
        said = ProbePresenceFields(probe_key="right", is_online=False, since=garden.now)
        garden.services.presence.report(garden.context(), [said])
    sent = [
        SentReading(probe_key="left", kind=PH, value=5.83, at=start + number * PACE)
        for number in range(1, 14)
    ]

    found = [
        (item.verdict, item.reasons)
        for first in range(0, len(sent), 5)
        for item in ReadingDesk(garden.services.telemetry).take(
            garden.context(), sent[first : first + 5]
        )
    ]

    assert found == [GOOD] * 12 + [GOOD if is_gone else STUCK]
