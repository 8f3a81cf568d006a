"""A garden as a worker hears it trusts its probes as far as screens do."""

from datetime import timedelta

from kamerplanter_backend.telemetry.worker.garden_directory import RELEVANT, GardenEntry
from kamerplanter_backend.telemetry.worker.live_garden import LiveGarden
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

PH = ChannelKind.PH


def probe(garden: Garden, tank: Tank, key: str) -> Probe:
    channel = ChannelBinding(kind=PH, topic=key)
    return garden.probe(name=key, tank_key=tank.key, key=key, channels=(channel,))


def heard(garden: Garden, values: dict[str, float]) -> LiveGarden:
    """Return a worker's garden that has heard and stored a value of each probe."""
    live = LiveGarden(
        entry=GardenEntry(tenant_key="t", slug="garden", is_suspended=False),
        started_at=garden.now,
    )
    sync(garden, live)
    for key, value in values.items():
        live.intakes[key].on_message(key, str(value), retained=False, received_at=garden.now)
        garden.services.telemetry.record(garden.context(), live.intakes[key].take_readings())
    return live


def sync(garden: Garden, live: LiveGarden) -> None:
    keys = [view.probe.key for view in garden.snapshot().probes]
    live.sync(garden.services.telemetry.memories(garden.context(), keys), garden.now)


def test_probes_that_disagree_are_doubted_until_they_agree(garden: Garden) -> None:
    tank = garden.tank()
    probes = [probe(garden, tank, key) for key in ("left", "right")]
    live = heard(garden, {"left": 5.8, "right": 6.9})

    sync(garden, live)

    for item in probes:
        quality = live.intakes[item.key].quality(garden.now)
        assert quality.verdict is Verdict.SUSPECT
        assert quality.reasons == (Reason.PROBES_DISAGREE,)
    garden.wait(minutes=20)
    live.intakes["right"].on_message("right", "5.9", retained=False, received_at=garden.now)
    garden.services.telemetry.record(garden.context(), live.intakes["right"].take_readings())
    sync(garden, live)
    assert live.intakes["left"].quality(garden.now).verdict is Verdict.GOOD


def test_a_probe_that_drifted_is_doubted(garden: Garden) -> None:
    tank = garden.tank()
    probe(garden, tank, "left")
    live = heard(garden, {"left": 5.5})
    fields = HandMeasurementFields(tank_key=tank.key, kind=PH, value=5.9)

    for reason in (Reason.MEASURE_AGAIN, Reason.DRIFTED):
        garden.services.hand_measurement.log(garden.context(), fields)
        sync(garden, live)
        quality = live.intakes["left"].quality(garden.now)
        assert (quality.verdict, quality.reasons) == (Verdict.SUSPECT, (reason,))
    # Without this the worker would not look again when somebody measures by hand.
    assert "hand_measurements" in RELEVANT


def test_a_frozen_probe_is_found_though_the_worker_restarts_ever_again(garden: Garden) -> None:
    water, soil = ChannelKind.WATER_TEMPERATURE, ChannelKind.SOIL_TEMPERATURE
    garden.probe(
        name="twins",
        tank_key=garden.tank().key,
        key="twins",
        channels=tuple(ChannelBinding(kind=kind, topic=kind.value) for kind in (water, soil)),
    )
    verdicts = []

    for hour in range(8):
        live = heard(garden, {})
        for kind, value in ((water, "21.375"), (soil, f"{20.5 + hour / 10}")):
            intake = live.intakes["twins"]
            (judged,) = intake.on_message(kind.value, value, retained=False, received_at=garden.now)
            garden.services.telemetry.record(garden.context(), intake.take_readings())
            if kind is water:
                verdicts.append((judged.verdict, judged.reasons))
        garden.now += timedelta(hours=1)

    assert verdicts[:6] == [(Verdict.GOOD, ())] * 6
    assert verdicts[-1] == (Verdict.SUSPECT, (Reason.STUCK,))
