"""The fields of the forms about places, tanks, plants and probes, and their way into the models."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from homeassistant.const import UnitOfTemperature, UnitOfVolume
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util.unit_conversion import TemperatureConverter, VolumeConverter
from homeassistant.util.unit_system import UnitSystem
from pydantic import ValidationError

from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.site import BASE_HIGH_C, BASE_LOW_C, LocationFields
from kamerplanter_engines.models.tank import TankFields, TankType

from ..numbers import FormNumber, Limits  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from .base import FormError, form_error_of

MAX_VOLUME_L = 100_000
MAX_EC_MS_CM = 250
MAX_TEMPERATURE_C = 50

LIMITS = "limits"
CARE = "care"
FROM_SPECIES = "from_species"
EDIBLE: dict[bool | None, str] = {None: FROM_SPECIES, True: "yes", False: "no"}


def number(
    field: str,
    low: float,
    high: float | None = None,
    *,
    unit: str | None = None,
    step: float | None = None,
) -> FormNumber:
    """Return a box for a number of at least `low`; without a step any number of digits will do.

    Args:
        field: What it is, for the error; named as in the model that it goes into.
        low: The least that it may be.
        high: The most that it may be.
        unit: Shown beside it.
        step: 1 = it is a whole number.
    """
    config = NumberSelectorConfig(
        min=low, mode=NumberSelectorMode.BOX, step="any" if step is None else step
    )
    if high is not None:
        config["max"] = high
    if unit is not None:
        config["unit_of_measurement"] = unit
    return FormNumber(field, Limits(low=low, high=high, is_whole=step == 1), config)


def choice(options: Sequence[str], translation_key: str) -> SelectSelector:
    """Return a list whose options are translated by the frontend."""
    return SelectSelector(
        SelectSelectorConfig(
            options=list(options),
            translation_key=translation_key,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def labelled(options: Sequence[tuple[str, str]], *, custom: bool = False) -> SelectSelector:
    """Return a list of pairs of value and label."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=value, label=label) for value, label in options],
            mode=SelectSelectorMode.DROPDOWN,
            custom_value=custom,
        )
    )


def text_of(user_input: Mapping[str, Any], name: str) -> str | None:
    """Return a text without blanks around it; an empty one is none."""
    return str(user_input.get(name) or "").strip() or None


def name_of(user_input: Mapping[str, Any]) -> str:
    """Return the name that a person gave.

    Raises:
        FormError: It is empty.
    """
    name = text_of(user_input, "name")
    if name is None:
        raise FormError("name_needed", field="name")
    return name


# --- Place --------------------------------------------------------------------------------


def location_schema(units: UnitSystem) -> vol.Schema:
    """Return the form of a place; the temperature in the person's unit."""
    limits = (round(_in_unit(limit, units), 2) for limit in (BASE_LOW_C, BASE_HIGH_C))
    temperature = number("base_temperature_c", *limits, unit=units.temperature_unit)
    return vol.Schema(
        {vol.Required("name"): TextSelector(), vol.Required("base_temperature"): temperature}
    )


def location_from(
    user_input: Mapping[str, Any], site_key: str, units: UnitSystem
) -> LocationFields:
    """Return the place of a form, in °C.

    Raises:
        FormError: A value does not fit.
    """
    base_c = TemperatureConverter.convert(
        user_input["base_temperature"], units.temperature_unit, UnitOfTemperature.CELSIUS
    )
    try:
        return LocationFields(
            name=name_of(user_input), site_key=site_key, base_temperature_c=round(base_c, 2)
        )
    except ValidationError as error:
        raise form_error_of(error) from error


def location_values(location: LocationFields, units: UnitSystem) -> dict[str, Any]:
    """Return a place as the form shows it, in the person's unit."""
    shown = round(_in_unit(location.base_temperature_c, units), 2)
    return {"name": location.name, "base_temperature": shown}


def base_temperature(units: UnitSystem) -> float:
    """Return the base temperature that counts where nobody gives one, in the person's unit."""
    return round(_in_unit(LocationFields.model_fields["base_temperature_c"].default, units), 2)


def _in_unit(value_c: float, units: UnitSystem) -> float:
    return TemperatureConverter.convert(value_c, UnitOfTemperature.CELSIUS, units.temperature_unit)


# --- Tank ---------------------------------------------------------------------------------


def tank_schema(units: UnitSystem) -> vol.Schema:
    """Return the form of a tank; volume and temperatures in the person's units."""
    degrees = TemperatureConverter.convert(
        MAX_TEMPERATURE_C, UnitOfTemperature.CELSIUS, units.temperature_unit
    )
    freezing = TemperatureConverter.convert(0, UnitOfTemperature.CELSIUS, units.temperature_unit)

    def temperature(field: str) -> FormNumber:
        return number(field, freezing, degrees, unit=units.temperature_unit)

    def conductivity(field: str) -> FormNumber:
        return number(field, 0, MAX_EC_MS_CM, unit="mS/cm")

    limits: dict[Any, Any] = {
        vol.Optional("ec_low"): conductivity("ec_low_ms_cm"),
        vol.Optional("ec_high"): conductivity("ec_high_ms_cm"),
        vol.Optional("ph_low"): number("ph_low", 0, 14),
        vol.Optional("ph_high"): number("ph_high", 0, 14),
        vol.Optional("water_temperature_low"): temperature("water_temperature_low_c"),
        vol.Optional("water_temperature_high"): temperature("water_temperature_high_c"),
        vol.Optional("level_low"): number("level_low_pct", 0, 100, unit="%"),
    }
    volume = VolumeConverter.convert(MAX_VOLUME_L, UnitOfVolume.LITERS, units.volume_unit)
    return vol.Schema(
        {
            vol.Required("name"): TextSelector(),
            vol.Required("tank_type", default=TankType.NUTRIENT.value): choice(
                [kind.value for kind in TankType], "tank_type"
            ),
            vol.Required("volume"): number("volume_l", 0, volume, unit=units.volume_unit),
            vol.Optional("plain_water", default=False): BooleanSelector(),
            vol.Optional(LIMITS): section(vol.Schema(limits), {"collapsed": True}),
        }
    )


def tank_from(user_input: Mapping[str, Any], units: UnitSystem) -> TankFields:
    """Return the tank of a form, in litres and °C.

    Raises:
        FormError: A value does not fit.
    """
    limits: Mapping[str, Any] = user_input.get(LIMITS) or {}

    def celsius(name: str) -> float | None:
        if (value := limits.get(name)) is None:
            return None
        converted = TemperatureConverter.convert(
            value, units.temperature_unit, UnitOfTemperature.CELSIUS
        )
        return round(converted, 2)

    for kind in ("ec", "ph", "water_temperature"):
        low, high = limits.get(f"{kind}_low"), limits.get(f"{kind}_high")
        if low is not None and high is not None and low >= high:
            raise FormError("low_not_below_high")
    volume_l = VolumeConverter.convert(user_input["volume"], units.volume_unit, UnitOfVolume.LITERS)
    try:
        return TankFields(
            name=name_of(user_input),
            tank_type=TankType(user_input["tank_type"]),
            volume_l=round(volume_l, 3),
            plain_water=user_input.get("plain_water", False),
            ec_low_ms_cm=limits.get("ec_low"),
            ec_high_ms_cm=limits.get("ec_high"),
            ph_low=limits.get("ph_low"),
            ph_high=limits.get("ph_high"),
            level_low_pct=limits.get("level_low"),
            water_temperature_low_c=celsius("water_temperature_low"),
            water_temperature_high_c=celsius("water_temperature_high"),
        )
    except ValidationError as error:
        found = form_error_of(error)
        field = "volume" if found.field == "volume_l" else found.field
        raise FormError(found.error, field=field, placeholders=found.placeholders) from error


def tank_values(tank: TankFields, units: UnitSystem) -> dict[str, Any]:
    """Return a tank as the form shows it, in the person's units."""

    def shown(value_c: float | None) -> float | None:
        if value_c is None:
            return None
        value = TemperatureConverter.convert(
            value_c, UnitOfTemperature.CELSIUS, units.temperature_unit
        )
        return round(value, 2)

    volume = VolumeConverter.convert(tank.volume_l, UnitOfVolume.LITERS, units.volume_unit)
    limits = {
        "ec_low": tank.ec_low_ms_cm,
        "ec_high": tank.ec_high_ms_cm,
        "ph_low": tank.ph_low,
        "ph_high": tank.ph_high,
        "level_low": tank.level_low_pct,
        "water_temperature_low": shown(tank.water_temperature_low_c),
        "water_temperature_high": shown(tank.water_temperature_high_c),
    }
    return {
        "name": tank.name,
        "tank_type": tank.tank_type.value,
        "volume": round(volume, 3),
        "plain_water": tank.plain_water,
        LIMITS: _given(limits),
    }


# --- Plant --------------------------------------------------------------------------------


NOT_CHOSEN = ""
"""Shown in a list that a person has to choose from: else the front end chooses what is first."""


def plant_schema(
    species: Sequence[tuple[str, str]], tanks: Sequence[tuple[str, str]]
) -> vol.Schema:
    """Return the form of a plant.

    Args:
        species: Key and shown name of each species.
        tanks: Key and name of each tank; without any the field is left out.
    """
    care: dict[Any, Any] = {
        vol.Optional("care_style"): choice([style.value for style in CareStyle], "care_style"),
        vol.Optional("watering_interval_d"): number(
            "watering_interval_d", 1, 365, unit="d", step=1
        ),
        vol.Optional("soil_moisture_low_pct"): number("soil_moisture_low_pct", 0, 100, unit="%"),
        vol.Optional("soil_moisture_high_pct"): number("soil_moisture_high_pct", 0, 100, unit="%"),
        vol.Optional("edible", default=FROM_SPECIES): choice(list(EDIBLE.values()), "edible"),
    }
    fields: dict[Any, Any] = {
        vol.Required("name"): TextSelector(),
        vol.Required("species_key"): labelled(species),
    }
    if tanks:
        fields[vol.Optional("tank_key")] = labelled(tanks)
    fields[vol.Optional("planted_on")] = DateSelector()
    fields[vol.Optional(CARE)] = section(vol.Schema(care), {"collapsed": True})
    return vol.Schema(fields)


def phase_schema(phases: Sequence[tuple[str, str]]) -> vol.Schema:
    """Return the form of a plant's phase from entry id and shown name of each."""
    return vol.Schema(
        {
            vol.Required("phase_entry_id", default=phases[0][0]): labelled(phases),
            vol.Required("phase_started_on"): DateSelector(),
        }
    )


def plant_from(user_input: Mapping[str, Any], phase_input: Mapping[str, Any]) -> PlantFields:
    """Return the plant of the two forms.

    Raises:
        FormError: A value does not fit.
    """
    care: Mapping[str, Any] = user_input.get(CARE) or {}
    interval_d = care.get("watering_interval_d")
    low, high = care.get("soil_moisture_low_pct"), care.get("soil_moisture_high_pct")
    if low is not None and high is not None and low >= high:
        raise FormError("low_not_below_high")
    edible = care.get("edible", FROM_SPECIES)
    planted_on, style = user_input.get("planted_on"), care.get("care_style")
    try:
        return PlantFields(
            name=name_of(user_input),
            species_key=user_input["species_key"],
            tank_key=user_input.get("tank_key"),
            phase_entry_id=phase_input.get("phase_entry_id"),
            phase_started_on=_day(phase_input.get("phase_started_on")),
            planted_on=_day(planted_on),
            care_style=None if style is None else CareStyle(style),
            watering_interval_d=None if interval_d is None else int(interval_d),
            soil_moisture_low_pct=low,
            soil_moisture_high_pct=high,
            edible=next(value for value, name in EDIBLE.items() if name == edible),
        )
    except ValidationError as error:
        raise form_error_of(error) from error


def plant_values(plant: PlantFields) -> dict[str, Any]:
    """Return a plant as the form shows it."""
    care = {
        "care_style": None if plant.care_style is None else plant.care_style.value,
        "watering_interval_d": plant.watering_interval_d,
        "soil_moisture_low_pct": plant.soil_moisture_low_pct,
        "soil_moisture_high_pct": plant.soil_moisture_high_pct,
        "edible": EDIBLE[plant.edible],
    }
    values = {
        "name": plant.name,
        "species_key": plant.species_key,
        "tank_key": plant.tank_key,
        "planted_on": None if plant.planted_on is None else plant.planted_on.isoformat(),
    }
    return _given(values) | {CARE: _given(care)}


# --- Probe --------------------------------------------------------------------------------


def probe_schema(places: Sequence[tuple[str, str]]) -> vol.Schema:
    """Return the form of a probe from value and label of each place where it can be."""
    return vol.Schema(
        {vol.Required("name"): TextSelector(), vol.Required("place"): labelled(places)}
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _day(text: str | None) -> date | None:
    return None if not text else date.fromisoformat(text)
