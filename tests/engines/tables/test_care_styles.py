"""The care presets."""

import pytest

from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.tables.care_styles import CARE_PRESETS


@pytest.mark.parametrize(
    ("style", "water", "winter", "feed", "months", "check"),
    [
        (CareStyle.TROPICAL, 7, 1.5, 14, (3, 9), 14),
        (CareStyle.SUCCULENT, 14, 3.0, 30, (4, 9), 21),
        (CareStyle.ORCHID, 7, 2.0, 14, (3, 10), 14),
        (CareStyle.CALATHEA, 5, 1.5, 21, (4, 9), 7),
        (CareStyle.HERB_TROPICAL, 5, 1.5, 14, (3, 10), 7),
        (CareStyle.MEDITERRANEAN, 10, 2.0, 30, (4, 9), 21),
        (CareStyle.FERN, 4, 1.5, 21, (3, 9), 14),
        (CareStyle.CACTUS, 21, 4.0, 30, (5, 8), 30),
        (CareStyle.OUTDOOR_ANNUAL_VEG, 3, 1.0, 14, (4, 9), 7),
        (CareStyle.OUTDOOR_PERENNIAL, 5, 2.0, 21, (3, 9), 14),
        (CareStyle.CUSTOM, 7, 1.5, 14, (3, 9), 14),
    ],
)
def test_preset_has_the_intervals_of_its_style(
    style: CareStyle, *, water: int, winter: float, feed: int, months: tuple[int, int], check: int
) -> None:
    preset = CARE_PRESETS[style]

    assert preset.watering_interval_d == water
    assert preset.winter_watering_factor == winter
    assert preset.fertilising_interval_d == feed
    assert preset.fertilising_months == tuple(range(months[0], months[1] + 1))
    assert preset.pest_check_interval_d == check


def test_every_style_has_a_preset() -> None:
    assert set(CARE_PRESETS) == set(CareStyle)
