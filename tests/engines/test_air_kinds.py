"""Air, leaf and light: what their channels take for good, and what not."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines import units
from kamerplanter_engines.climate_engine import PPFD_HIGH_UMOL, air_state, leaf_offset_k
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    ChannelBinding,
    ChannelKind,
    ProbeFields,
    Reason,
    Verdict,
)
from kamerplanter_engines.probe_engine import check_bindings
from kamerplanter_engines.tables.channels import CHANNELS
from tests.engines.channel_bench import BAD, GOOD, HOUR, SUSPECT, Bench

AIR, HUMIDITY = ChannelKind.AIR_TEMPERATURE, ChannelKind.AIR_HUMIDITY
LEAF, PPFD = ChannelKind.LEAF_TEMPERATURE, ChannelKind.PPFD


@pytest.mark.parametrize(
    ("kind", "value", "verdict", "reasons"),
    [
        (AIR, 24.5, GOOD, ()),
        (AIR, -10, GOOD, ()),
        (AIR, -10.1, SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,)),
        (AIR, 50.1, SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,)),
        (AIR, 70.1, BAD, (Reason.OUTSIDE_PHYSICAL,)),
        (AIR, -50.1, BAD, (Reason.OUTSIDE_PHYSICAL,)),
        (AIR, 85.0, BAD, (Reason.STARTUP_SIGNATURE,)),
        (AIR, -127.0, BAD, (Reason.DISCONNECT_SIGNATURE,)),
        (AIR, 0.0, SUSPECT, (Reason.EXACT_ZERO,)),
        (LEAF, 85.0, BAD, (Reason.STARTUP_SIGNATURE,)),
        (LEAF, -5.1, SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,)),
        (LEAF, 0.0, SUSPECT, (Reason.EXACT_ZERO,)),
        (HUMIDITY, 54.2, GOOD, ()),
        (HUMIDITY, 100, GOOD, ()),
        (HUMIDITY, 104, GOOD, ()),
        (HUMIDITY, 105.1, BAD, (Reason.OUTSIDE_PHYSICAL,)),
        (HUMIDITY, 0, SUSPECT, (Reason.EXACT_ZERO,)),
        (PPFD, 0, GOOD, ()),
        (PPFD, 400, GOOD, ()),
        (PPFD, -3, GOOD, ()),
        (PPFD, -10.1, BAD, (Reason.OUTSIDE_PHYSICAL,)),
        (PPFD, 2500.1, SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,)),
        (PPFD, 4000.1, BAD, (Reason.OUTSIDE_PHYSICAL,)),
    ],
)
def test_one_value(
    kind: ChannelKind, value: float, verdict: Verdict, reasons: tuple[Reason, ...]
) -> None:
    judged = Bench(kind).one(0, value)

    assert (judged.verdict, judged.reasons) == (verdict, reasons)


@pytest.mark.parametrize(("kind", "value", "shown"), [(HUMIDITY, 104, 100), (PPFD, -3, 0)])
def test_what_a_meter_errs_by_at_the_ends_is_not_shown(
    kind: ChannelKind, value: float, shown: float
) -> None:
    assert Bench(kind).one(0, value).value == shown


def test_a_lamp_is_switched() -> None:
    bench = Bench(PPFD)

    verdicts = [bench.one(60 * n, value).verdict for n, value in enumerate([0, 0, 900, 900, 0])]

    assert verdicts == [GOOD] * 5


def test_air_moves_as_fast_as_the_table_says() -> None:
    # 0.5 K in a minute is the fastest true change, 2 % of humidity; twice that is still believed.
    air, humidity = Bench(AIR), Bench(HUMIDITY)
    assert air.one(0, 20).verdict is humidity.one(0, 50).verdict is GOOD

    assert air.one(60, 21).verdict is humidity.one(60, 54).verdict is GOOD
    assert air.one(120, 22.1).reasons == humidity.one(120, 58.1).reasons == (Reason.RATE,)


def test_frost_comes_slowly_and_a_dead_circuit_at_once() -> None:
    frost, dead = Bench(AIR), Bench(AIR)
    for minute, value in enumerate([1.0, 0.6, 0.3, 0.1]):
        frost.one(600 * minute, value)
    dead.one(0, 21.5)

    assert frost.one(2400, 0.0).verdict is GOOD
    assert Reason.EXACT_ZERO in dead.one(7200, 0.0).reasons


def test_night_fog_in_frost_is_no_broken_bus() -> None:
    bench = Bench(AIR, HUMIDITY, PPFD)
    bench.message(0, air_temperature=0.3, air_humidity=99.0, ppfd=5.0)

    found = bench.message(600, air_temperature=0.0, air_humidity=100.0, ppfd=0.0)

    assert {item.verdict for item in found.values()} == {GOOD}


def test_zeros_of_a_broken_bus_are_doubted() -> None:
    bench = Bench(AIR, HUMIDITY, PPFD)
    bench.message(0, air_temperature=21.3, air_humidity=55.0, ppfd=300.0)

    found = bench.message(60, air_temperature=0.0, air_humidity=0.0, ppfd=0.0)

    assert found["air_temperature"].verdict is found["air_humidity"].verdict is SUSPECT


def test_f_30_a_missing_board_measures_no_air() -> None:
    bench = Bench(AIR, HUMIDITY, PPFD)

    found = bench.message(
        0, air_temperature=Reason.NOT_A_NUMBER, air_humidity=Reason.NOT_A_NUMBER, ppfd=-36.0
    )

    assert {item.verdict for item in found.values()} == {BAD}


def test_water_that_keeps_still_has_not_stuck_because_the_air_moves() -> None:
    bench = Bench(ChannelKind.WATER_TEMPERATURE, AIR)
    bench.message(-60, water_temperature=20.94, air_temperature=19.9)

    for minute in range(0, 8 * 60, 10):
        found = bench.message(
            60 * minute, water_temperature=21.0, air_temperature=20 + minute / 100
        )

    assert {item.verdict for item in found.values()} == {GOOD}


@pytest.mark.parametrize(
    "unit",
    [
        "µmol/m²/s",
        "μmol/m²/s",
        "umol/m2/s",
        "µmol/(m²·s)",
        "µmol/(m² s)",
        "µmol m⁻² s⁻¹",
        "umol m-2 s-1",
        "µmol·m⁻²·s⁻¹",
        "umol/m^2/s",
        "µmol/s/m²",
        "UMOL/M2/S",
    ],
)
def test_photon_flux_is_spelled_in_many_ways(unit: str) -> None:
    assert units.normalise_unit(unit) == units.PPFD_UNIT
    assert units.to_canonical(PPFD, 400, unit) == 400


@pytest.mark.parametrize("unit", ["µmol/s", "mol/m²/d", "µmol", "W/m²", "klx", "fc"])
def test_other_units_of_light_are_none(unit: str) -> None:
    with pytest.raises(UnknownUnitError, match="use one of: µmol/m²/s"):
        units.to_canonical(PPFD, 400, unit)


@pytest.mark.parametrize("unit", ["lx", "lux", "Lux"])
def test_lux_needs_the_factor_of_the_lamp(unit: str) -> None:
    binding = ChannelBinding(kind=PPFD, topic="t", unit=unit, factor=0.0185)

    with pytest.raises(
        UnknownUnitError, match=r"give µmol/m²/s and, as factor,.*sun 0\.0185"
    ) as no:
        check_bindings(ProbeFields(name="Light", channels=(binding,)))

    assert no.value.field == "channels.0.unit"


@given(
    temperature=st.floats(CHANNELS[AIR].physical_low, CHANNELS[AIR].physical_high),
    humidity=st.floats(0, 100),
    leaf=st.none() | st.floats(CHANNELS[LEAF].physical_low, CHANNELS[LEAF].physical_high),
    ppfd=st.none() | st.floats(0, CHANNELS[PPFD].physical_high),
)
def test_whatever_channels_take_means_something(
    temperature: float, humidity: float, leaf: float | None, ppfd: float | None
) -> None:
    state = air_state(temperature, humidity, leaf_c=leaf, ppfd_umol=ppfd)

    assert state.air_vpd_kpa >= 0
    assert state.dew_point_c is None or state.dew_point_c <= temperature + 1e-9
    assert state.leaf_c == (temperature + leaf_offset_k(ppfd) if leaf is None else leaf)


def test_limits_of_the_engine_are_those_of_the_channels() -> None:
    assert CHANNELS[PPFD].physical_high == PPFD_HIGH_UMOL
    assert CHANNELS[HUMIDITY].shown_high == 100
    assert CHANNELS[PPFD].shown_low == 0


def test_a_place_excludes_tank_and_plant() -> None:
    for other in ("tank_key", "plant_key"):
        with pytest.raises(ValueError, match="location_key excludes tank_key and plant_key"):
            ProbeFields.model_validate({"name": "Air", "location_key": "tent", other: "x"})
    both = ProbeFields(name="In tank and soil", tank_key="tank", plant_key="plant")
    assert both.location_key is None


def test_values_are_shown_for_hours() -> None:
    ages = {kind: CHANNELS[kind].max_age_s for kind in AIR_KINDS}

    assert ages == {AIR: 2 * HOUR, HUMIDITY: 2 * HOUR, LEAF: 2 * HOUR, PPFD: 4 * HOUR}
    assert timedelta(seconds=ages[PPFD]) == timedelta(hours=4)
