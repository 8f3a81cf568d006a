"""A time without a zone is one of the house; one that its clock never shows is refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.moments import moment_of
from kamerplanter_engines.errors import InvalidInputError


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-03-29 01:59:59", 0),
        ("2026-03-29 03:00", 1),
        # The hour comes twice; the first one is still summer time.
        ("2026-10-25 02:30", 0),
        ("2026-10-25 03:00", 2),
    ],
)
async def test_a_time_is_one_of_the_clock_of_the_house(
    hass: HomeAssistant, written: str, hour: int
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")

    moment = moment_of(datetime.fromisoformat(written))

    assert (moment.tzinfo, moment.hour) == (UTC, hour)


@pytest.mark.parametrize("minute", [0, 30, 59])
async def test_an_hour_that_is_left_out_is_refused(hass: HomeAssistant, minute: int) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")

    with pytest.raises(InvalidInputError) as caught:
        moment_of(datetime.fromisoformat(f"2026-03-29 02:{minute:02}"))

    assert caught.value.field == "at"
    assert caught.value.placeholders["value"] == f"2026-03-29 02:{minute:02}"


async def test_a_time_with_a_zone_is_what_it_says(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    written = datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("America/New_York"))

    assert moment_of(written) == datetime(2026, 3, 29, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "written"),
    [("Europe/Berlin", "0001-01-01 00:00"), ("America/New_York", "9999-12-31 23:30")],
)
async def test_an_end_of_the_calendar_is_refused(
    hass: HomeAssistant, zone: str, written: str
) -> None:
    await hass.config.async_set_time_zone(zone)

    with pytest.raises(InvalidInputError) as caught:
        moment_of(datetime.fromisoformat(written))

    assert caught.value.field == "at"
    assert caught.value.placeholders["value"] == written
