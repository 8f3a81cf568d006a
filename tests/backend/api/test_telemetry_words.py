"""What is refused of a batch says which field it is, what it was, and what is possible."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.backend.api.harness import Bench
from tests.backend.api.test_telemetry_routes import new_probe, ph, send


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (
            {"kind": "ec", "value": 1850},
            "value 1850 mS/cm is no ec; possible are 0 to 15 mS/cm.",
        ),
        (
            {"kind": "ec", "value": -3, "unit": "µS/cm"},
            "value -3 µS/cm is no ec; possible are 0 to 15000 µS/cm.",
        ),
        (
            {"kind": "leaf_temperature", "value": 176, "unit": "°F"},
            "value 176 °F is no leaf_temperature; possible are -58 to 158 °F.",
        ),
        # By how the channel counts: what is sent is multiplied by 0.1.
        (
            {"kind": "level", "value": 1337},
            "value 1337 % is no level; possible are 0 to 1050 %.",
        ),
        # What a thermometer says that was cut off, and a value that is stored.
        ({"kind": "leaf_temperature", "value": -127}, None),
        ({"kind": "ec", "value": 0.0}, None),
        # Its factor makes the same of each number.
        ({"kind": "soil_temperature", "value": 70}, None),
        (
            {"kind": "orp", "value": 250},
            (
                "kind orp is not measured by probe Probe; its channels: ec, level, "
                "leaf_temperature, soil_temperature."
            ),
        ),
        (
            {"kind": "ph", "value": 6, "probe_key": "nobody"},
            "probe_key 'nobody' is no probe of this garden, or an archived one; give another one.",
        ),
    ],
)
async def test_why_a_value_is_none(
    api: httpx.AsyncClient, reading: dict[str, Any], message: str | None
) -> None:
    channels = [
        {"kind": "ec"},
        {"kind": "level", "factor": 0.1},
        {"kind": "leaf_temperature"},
        {"kind": "soil_temperature", "unit": "°F", "factor": 5e-324},
    ]
    key = await new_probe(api, channels=channels)

    (result,) = await send(api, {"probe_key": key} | reading)

    assert result["message"] == message


@pytest.mark.parametrize(
    ("shift", "why"),
    [
        (timedelta(hours=1), "lies more than 2 minutes ahead; set the clock of the device"),
        (timedelta(days=-91), "is older than single readings are kept"),
    ],
)
async def test_why_a_time_does_not_count(
    api: httpx.AsyncClient, bench: Bench, shift: timedelta, why: str
) -> None:
    probe = await new_probe(api)
    at = bench.clock() + shift

    first, second = await send(api, ph(probe, 5.8, at - timedelta(minutes=1)), ph(probe, 5.9))

    assert second["message"] is None
    told = (at - timedelta(minutes=1)).isoformat()
    assert first["message"] == (
        f"at {told} {why}; another reading of this channel is taken for the one of now."
    )
