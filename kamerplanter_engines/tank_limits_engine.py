"""Which limits of a person a tank can keep."""

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.tank import TankFields


def check_limits(tank: TankFields) -> None:
    """Refuse limits of a person that no value could keep.

    Raises:
        InvalidInputError: A low limit is not below its high limit; names the field.
    """
    pairs = (
        ("ec_low_ms_cm", tank.ec_low_ms_cm, tank.ec_high_ms_cm),
        ("ph_low", tank.ph_low, tank.ph_high),
        (
            "water_temperature_low_c",
            tank.water_temperature_low_c,
            tank.water_temperature_high_c,
        ),
    )
    for field, low, high in pairs:
        if low is not None and high is not None and low >= high:
            raise InvalidInputError(
                f"Field {field} is {low}, but must be below the high limit {high}.",
                field=field,
                value=low,
                allowed=f"< {high:g}",
                limit=high,
            )
