"""A 0 or full scale beside another such or a bad field of its device is doubtful."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from tests.engines.channel_bench import BAD, EC, GOOD, LEVEL, MOISTURE, SOIL, SUSPECT, WATER, Bench

PPFD, AIR, BATTERY = ChannelKind.PPFD, ChannelKind.AIR_TEMPERATURE, ChannelKind.BATTERY


@pytest.mark.parametrize(
    ("kind", "value", "doubtful_beside", "reasons"),
    [
        (MOISTURE, 0, 0, ()),
        (MOISTURE, 0, 1, (Reason.BAD_COMPANY,)),
        (MOISTURE, 0.5, 1, ()),
        (MOISTURE, 100, 0, (Reason.FULL_SCALE,)),
        (MOISTURE, 100, 1, (Reason.FULL_SCALE, Reason.BAD_COMPANY)),
        (LEVEL, 100, 0, ()),
        (LEVEL, 100, 1, (Reason.BAD_COMPANY,)),
        (LEVEL, 99.9, 2, ()),
        (EC, 1.4, 3, ()),
        (WATER, 21.4, 3, ()),
        # The dark, and what a device says of itself.
        (PPFD, 0, 3, ()),
        (BATTERY, 0, 3, ()),
    ],
)
def test_what_nobody_bound_speaks_against_ends_only(
    kind: ChannelKind, value: float, doubtful_beside: int, reasons: tuple[Reason, ...]
) -> None:
    bench = Bench(kind)
    bench.doubtful_beside = doubtful_beside

    judged = bench.one(0, value)

    assert (judged.value, judged.reasons) == (value, reasons)
    assert judged.verdict is (SUSPECT if reasons else GOOD)


def test_the_company_may_be_bound_or_not() -> None:
    bench = Bench(SOIL, MOISTURE)
    alone = bench.message(0, soil_temperature=24.4, soil_moisture=0.0)
    bench.doubtful_beside = 1
    beside = bench.message(60, soil_temperature=24.5, soil_moisture=0.0)

    assert alone["soil_moisture"].verdict is GOOD
    assert beside["soil_moisture"].verdict is SUSPECT
    assert beside["soil_temperature"].verdict is GOOD


class TestLightBelowNothing:
    def test_alone_it_is_the_dark(self) -> None:
        judged = Bench(PPFD).one(0, -2)

        assert (judged.value, judged.verdict) == (0, GOOD)

    @pytest.mark.parametrize("doubtful_beside", [1, 3])
    def test_beside_a_failed_field_it_is_none(self, doubtful_beside: int) -> None:
        bench = Bench(PPFD)
        bench.doubtful_beside = doubtful_beside

        judged = bench.one(0, -0.04)

        assert (judged.value, judged.verdict) == (None, BAD)
        assert judged.reasons == (Reason.BAD_COMPANY,)

    def test_f_30_beside_a_board_that_is_missing(self) -> None:
        judged = Bench(PPFD, AIR).message(0, ppfd=-2, air_temperature=Reason.NOT_A_NUMBER)

        assert {item.verdict for item in judged.values()} == {BAD}

    @pytest.mark.parametrize(("kind", "value"), [(MOISTURE, 0), (LEVEL, 0), (LEVEL, 100)])
    def test_dry_soil_and_a_full_tank_are_no_bad_company(
        self, kind: ChannelKind, value: float
    ) -> None:
        judged = Bench(PPFD, kind).message(0, ppfd=-3, **{kind: value})

        assert judged[kind].verdict is judged["ppfd"].verdict is GOOD
        assert judged["ppfd"].value == 0

    def test_two_doubtful_ends_are(self) -> None:
        judged = Bench(PPFD, SOIL, MOISTURE).message(
            0, ppfd=-3, soil_temperature=0, soil_moisture=0
        )

        assert judged["ppfd"].verdict is BAD
