"""Care intervals by style of plant.

Source: [Kamerplanter] care presets.
"""

from kamerplanter_engines.models.care import CarePreset, CareStyle


def _preset(
    water_d: int, winter: float, feed_d: int, months: tuple[int, int], pest_d: int
) -> CarePreset:
    """Build a preset; months are first and last month of feeding in the north."""
    first, last = months
    return CarePreset(
        watering_interval_d=water_d,
        winter_watering_factor=winter,
        fertilising_interval_d=feed_d,
        fertilising_months=tuple(range(first, last + 1)),
        pest_check_interval_d=pest_d,
    )


CARE_PRESETS: dict[CareStyle, CarePreset] = {
    CareStyle.TROPICAL: _preset(7, 1.5, 14, (3, 9), 14),
    CareStyle.SUCCULENT: _preset(14, 3.0, 30, (4, 9), 21),
    CareStyle.ORCHID: _preset(7, 2.0, 14, (3, 10), 14),
    CareStyle.CALATHEA: _preset(5, 1.5, 21, (4, 9), 7),
    CareStyle.HERB_TROPICAL: _preset(5, 1.5, 14, (3, 10), 7),
    CareStyle.MEDITERRANEAN: _preset(10, 2.0, 30, (4, 9), 21),
    CareStyle.FERN: _preset(4, 1.5, 21, (3, 9), 14),
    CareStyle.CACTUS: _preset(21, 4.0, 30, (5, 8), 30),
    CareStyle.OUTDOOR_ANNUAL_VEG: _preset(3, 1.0, 14, (4, 9), 7),
    CareStyle.OUTDOOR_PERENNIAL: _preset(5, 2.0, 21, (3, 9), 14),
    CareStyle.CUSTOM: _preset(7, 1.5, 14, (3, 9), 14),
}
"""Days between waterings, winter factor, days between feeds, months of feeding, pest checks."""
