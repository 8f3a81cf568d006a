"""What follows when a device says goodbye, and when it is back."""

from datetime import timedelta

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.tank import Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import (
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

PH, EC, MOISTURE = ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_MOISTURE
WELL, TOO_HIGH = 6.0, 7.9


def say(garden: Garden, probe: Probe, *, online: bool = False, ago_s: float = 0) -> int:
    since = garden.now - timedelta(seconds=ago_s)
    report = ProbePresenceFields(probe_key=probe.key, is_online=online, since=since)
    return garden.services.presence.report(garden.context(), (report,))


def gone_since(garden: Garden, probe: Probe) -> object:
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    return view.gone_since


def shown(garden: Garden, tank: Tank) -> tuple[bool | None, tuple[str, ...], float | None]:
    view = garden.snapshot().tank(tank.key)
    assert view is not None
    problem = view.problem(TankProblem.PH)
    return problem.is_on, problem.reasons, problem.value


def two_probes(garden: Garden, old: float, young: float) -> tuple[Tank, Probe, Probe]:
    tank = garden.tank()
    first = garden.probe(PH, name="Old", tank_key=tank.key, key="probe-1")
    garden.wait(minutes=1)
    second = garden.probe(PH, name="Young", tank_key=tank.key, key="probe-2")
    garden.measure(first, PH, old)
    garden.measure(second, PH, young)
    garden.wait(seconds=1)
    return tank, first, second


def test_another_probe_speaks_at_once_for_one_that_said_goodbye(garden: Garden) -> None:
    tank, old, _ = two_probes(garden, 6.0, 6.2)
    assert shown(garden, tank) == (False, (), 6.0)

    assert say(garden, old) == 1

    assert shown(garden, tank) == (False, (), 6.2)
    assert gone_since(garden, old) == garden.now


def test_nobody_knows_how_a_tank_is_whose_only_probe_said_goodbye(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure(probe, PH, WELL)
    garden.wait(seconds=1)

    say(garden, probe)

    assert shown(garden, tank) == (None, ("no_data",), WELL)


def test_what_was_measured_by_hand_speaks_for_a_probe_that_said_goodbye(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure(probe, PH, WELL)
    garden.wait(seconds=1)
    say(garden, probe)

    fields = HandMeasurementFields(tank_key=tank.key, kind=PH, value=6.3)
    logged = garden.services.hand_measurement.log(garden.context(), fields)

    assert shown(garden, tank) == (False, (), 6.3)
    assert logged.comparisons == ()


def test_a_goodbye_ends_no_problem(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure_for(10, probe, PH, TOO_HIGH)
    assert garden.open_kinds() == [TaskKind.TANK_PH]

    say(garden, probe)
    garden.wait(minutes=10)
    garden.services.telemetry.evaluate(garden.context())

    assert shown(garden, tank) == (True, ("high", "no_data"), TOO_HIGH)
    assert garden.open_kinds() == [TaskKind.TANK_PH]


def test_a_goodbye_raises_no_problem_that_was_waiting(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure_for(2, probe, PH, TOO_HIGH)

    say(garden, probe)
    garden.wait(minutes=30)
    garden.services.telemetry.evaluate(garden.context())

    assert shown(garden, tank) == (None, ("no_data",), TOO_HIGH)
    assert garden.open_kinds() == []


def test_a_device_that_sleeps_between_its_readings_is_no_reason_to_wait_for_ever(
    garden: Garden,
) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)

    for _ in range(3):
        garden.measure(probe, PH, TOO_HIGH)
        garden.wait(seconds=1)
        say(garden, probe)
        garden.wait(minutes=10)
    garden.measure(probe, PH, TOO_HIGH)

    assert shown(garden, tank) == (True, ("high",), TOO_HIGH)


def test_a_probe_that_sends_a_reading_is_back(garden: Garden) -> None:
    tank, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    garden.wait(minutes=1)

    garden.measure(old, PH, 6.1)

    assert shown(garden, tank) == (False, (), 6.1)
    assert gone_since(garden, old) is None


def test_any_channel_of_a_device_tells_that_it_is_back(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, EC, tank_key=tank.key)
    garden.measure(probe, PH, WELL)
    garden.wait(seconds=1)
    say(garden, probe)
    garden.wait(seconds=1)

    garden.measure(probe, EC, 1.4, verdict=Verdict.SUSPECT, reasons=(Reason.STUCK,))

    assert shown(garden, tank) == (False, (), WELL)


def test_a_reading_from_before_the_goodbye_brings_nobody_back(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    before = garden.now
    garden.wait(minutes=1)
    say(garden, old)

    garden.measure(old, PH, 6.1, at=before, received_at=before)

    assert gone_since(garden, old) == garden.now


def test_a_goodbye_that_is_told_late_is_over(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)

    assert say(garden, old, ago_s=60) == 0

    assert gone_since(garden, old) is None


def test_a_device_says_itself_that_it_is_back(garden: Garden) -> None:
    tank, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    garden.wait(minutes=1)

    assert say(garden, old, online=True) == 1
    assert say(garden, old, ago_s=30) == 0, "an older report than what is known"

    assert shown(garden, tank) == (False, (), 6.0)


def test_the_same_said_twice_keeps_its_first_moment(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    since = garden.now
    garden.wait(minutes=1)

    assert say(garden, old) == 0

    assert gone_since(garden, old) == since


def test_a_device_of_which_nothing_is_known_is_there(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)

    assert say(garden, old, online=True) == 0

    with open_unit(garden.store, garden.context()) as uow:
        assert uow.of(ProbePresenceRepository).find() == []


def test_a_goodbye_that_lies_ahead_of_the_clock_keeps_nobody_away(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)

    garden.wait(hours=-1)
    assert gone_since(garden, old) is None
    assert say(garden, old) == 1

    assert gone_since(garden, old) == garden.now


def test_nothing_is_dosed_by_probes_that_said_goodbye(garden: Garden) -> None:
    tank, old, young = two_probes(garden, 6.0, 6.9)
    found = []
    for probe in (None, old, young):
        if probe is not None:
            say(garden, probe)
        view = garden.snapshot().tank(tank.key)
        assert view is not None
        [together] = view.agreements
        found.append((together.agrees, together.may_decide_dose, together.probe_keys))

    assert found == [
        (False, False, ("probe-1", "probe-2")),
        (True, True, ("probe-2",)),
        (True, False, ()),
    ]


def test_of_three_probes_the_one_that_said_goodbye_keeps_no_quarrel_alive(garden: Garden) -> None:
    tank, old, _ = two_probes(garden, 6.9, 6.0)
    third = garden.probe(PH, name="Third", tank_key=tank.key)
    garden.measure(third, PH, 6.29)
    garden.wait(seconds=1)

    say(garden, old)

    view = garden.snapshot().tank(tank.key)
    assert view is not None
    assert (view.agreements[0].agrees, len(view.agreements[0].probe_keys)) == (True, 2)


def test_dry_soil_stays_dry_and_moist_soil_no_reason_to_look(garden: Garden) -> None:
    dry, moist = (
        garden.plant(name, name=name, soil_moisture_low_pct=20) for name in ("dry", "moist")
    )
    probes = [garden.probe(MOISTURE, plant_key=item.key) for item in (dry, moist)]
    for _ in range(7):
        garden.wait(minutes=10)
        garden.measure(probes[0], MOISTURE, 12)
        garden.measure(probes[1], MOISTURE, 60)
    garden.wait(seconds=1)

    for probe in probes:
        say(garden, probe)
    garden.services.telemetry.evaluate(garden.context())

    views = {item.plant.key: item for item in garden.snapshot().plants}
    assert views["dry"].attention_reasons == ("soil_dry", "no_data")
    assert views["moist"].attention_reasons == ()
    assert garden.open_kinds() == [TaskKind.WATERING]


def test_soil_that_waits_to_be_dry_is_not_called_dry_by_a_goodbye(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    probe = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure(probe, MOISTURE, 12)
    garden.wait(seconds=1)

    say(garden, probe)
    garden.wait(hours=2)
    garden.services.telemetry.evaluate(garden.context())

    assert garden.open_kinds() == []


def test_a_new_name_does_not_bring_a_device_back(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    since = garden.now
    garden.wait(minutes=1)

    garden.services.probe.update(garden.context(), old.key, {"name": "Left"})

    assert gone_since(garden, old) == since


def test_what_is_no_probe_of_this_garden_is_refused(garden: Garden) -> None:
    _, old, young = two_probes(garden, 6.0, 6.2)
    foreign = ProbePresenceFields(probe_key="nobody", is_online=False, since=garden.now)
    garden.services.probe.archive(garden.context(role=Role.ADMIN), young.key)
    own = foreign.model_copy(update={"probe_key": old.key})
    archived = foreign.model_copy(update={"probe_key": young.key})
    report = garden.services.presence.report

    with pytest.raises(NotFoundError, match="nobody"):
        report(garden.context(), (foreign,))
    with pytest.raises(NotFoundError):
        report(garden.context(tenant_key="other"), (own,))

    assert report(garden.context(), (foreign, archived, own)) == 1
    assert report(garden.context(), ()) == 0


def test_a_deleted_probe_leaves_nothing_behind(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)

    with open_unit(garden.store, garden.context(), (ProbeRepository,)) as uow:
        uow.of(ProbeRepository).remove(old.key)

    with open_unit(garden.store, garden.context()) as uow:
        assert uow.of(ProbePresenceRepository).find() == []


def test_a_garden_brings_the_presence_of_its_probes_along(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    lines = list(garden.services.transfer.export(garden.context().tenant_key, garden.now))
    other = Garden(now=garden.now)

    other.services.transfer.restore(other.context(role=Role.ADMIN), lines)

    assert gone_since(other, old) == garden.now
    other.store.close()
