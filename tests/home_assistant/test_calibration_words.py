"""Numbers of a calibration as people read them: no powers of ten, no digit that nobody measured."""

import pytest
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.flows.calibration_words import measured, result_lines
from custom_components.kamerplanter.texts import Texts
from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind


@pytest.mark.parametrize(
    ("number", "unit", "told"),
    [
        (21873, "", "21873"),
        (16_777_215.4, "", "16777215"),
        (-23_456.7, "", "-23457"),
        (1234.56, "", "1235"),
        (177.48, "mV", "177,5 mV"),
        (7.0123, "pH", "pH 7,012"),
        (0.00001234, "", "0,00001234"),
        (0, "mV", "0 mV"),
    ],
)
async def test_a_number_is_written_out(
    hass: HomeAssistant, number: float, unit: str, told: str
) -> None:
    hass.config.language = "de"

    assert measured(await Texts.async_load(hass), number, unit) == told


async def test_the_result_of_a_fine_converter_is_written_out(hass: HomeAssistant) -> None:
    dry, soaked = CalibrationPoint(raw=16e6, value=0), CalibrationPoint(raw=8e6, value=100)
    fitted = fit(CalibrationFields(kind=ChannelKind.SOIL_MOISTURE, points=(dry, soaked)))

    # 100 % in 8,000,000 steps, and twice that up to nothing.
    assert "× -0.0000125 + 200" in result_lines(await Texts.async_load(hass), fitted)
