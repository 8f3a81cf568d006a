"""What the live values of a place mean together, for screens that have them at hand."""

from kamerplanter_engines.climate_engine import AirState, ClimateReason, air_state

__all__ = ["AirState", "ClimateReason", "air_now"]


def air_now(
    temperature_c: float,
    humidity_pct: float,
    *,
    leaf_c: float | None = None,
    ppfd_umol: float | None = None,
) -> AirState:
    """Return vapour pressure deficit and dew point of a place.

    It answers for whatever good readings of these kinds can be.

    Args:
        temperature_c: Of the air. [°C]
        humidity_pct: Relative humidity. [%]
        leaf_c: Measured temperature of the leaf; none = assumed from the light. [°C]
        ppfd_umol: Photon flux on the leaf; none = not measured. [µmol/(m² s)]

    Raises:
        OutOfRangeError: A value is no reading of its kind.
    """
    return air_state(temperature_c, humidity_pct, leaf_c=leaf_c, ppfd_umol=ppfd_umol)
