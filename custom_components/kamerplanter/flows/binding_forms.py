"""The forms that say where one value comes from, and their way into a binding."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    TextSelector,
)
from pydantic import ValidationError

from kamerplanter_backend.telemetry.messages.kinds import (
    canonical_unit,
    defaults_of_kind,
    option_limits,
)
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_backend.telemetry.messages.payload import needs_comma, read_number
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    MAX_TEMPERATURE_COEFFICIENT_PCT,
    Availability,
    ChannelBinding,
    ChannelKind,
    CurvePoint,
)
from kamerplanter_engines.probe_engine import is_possible_curve, is_topic
from kamerplanter_engines.units import READING_UNITS, reading_conversion

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike
from ..numbers import FormNumber  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .base import FormError, form_error_of
from .forms import labelled, number, text_of

MORE = "more"
NUMERIC_DOMAINS = (Platform.SENSOR, Platform.NUMBER, "input_number")

_DEVICE_CLASSES: dict[ChannelKind, tuple[SensorDeviceClass, ...]] = {
    ChannelKind.EC: (SensorDeviceClass.CONDUCTIVITY,),
    ChannelKind.PH: (SensorDeviceClass.PH,),
    ChannelKind.WATER_TEMPERATURE: (SensorDeviceClass.TEMPERATURE,),
    ChannelKind.SOIL_MOISTURE: (SensorDeviceClass.MOISTURE, SensorDeviceClass.HUMIDITY),
    ChannelKind.SOIL_TEMPERATURE: (SensorDeviceClass.TEMPERATURE,),
    ChannelKind.SOIL_EC: (SensorDeviceClass.CONDUCTIVITY,),
    ChannelKind.ORP: (SensorDeviceClass.VOLTAGE,),
    ChannelKind.AIR_TEMPERATURE: (SensorDeviceClass.TEMPERATURE,),
    ChannelKind.AIR_HUMIDITY: (SensorDeviceClass.HUMIDITY,),
    ChannelKind.LEAF_TEMPERATURE: (SensorDeviceClass.TEMPERATURE,),
    ChannelKind.BATTERY: (SensorDeviceClass.BATTERY,),
    ChannelKind.SIGNAL: (SensorDeviceClass.SIGNAL_STRENGTH,),
}
"""The others have no class of their own: there the unit decides."""

_SPELLINGS: dict[ChannelKind, tuple[str, ...]] = {
    ChannelKind.PPFD: (
        "μmol/s⋅m²",
        "μmol/m²/s",
        "µmol/m²/s",
        "μmol/(m²·s)",
        "µmol/(m²·s)",
        "μmol/m²s",
        "µmol/m²s",
        "μmol m⁻² s⁻¹",
        "µmol m⁻² s⁻¹",
        "umol/m2/s",
    ),
}
"""How sensors write what Home Assistant has no unit for; of others it is the canonical one."""

_CONVERTED_BY_HAND = frozenset({ChannelKind.PPFD})
"""Its unit has to be chosen although there is one: with a factor it is that of a meter of lux."""

_FROM_RAW = (ChannelKind.SOIL_MOISTURE, ChannelKind.BATTERY)
"""What devices tell in counts or volts, of which a curve makes a percentage."""
_CONDUCTIVITIES = (ChannelKind.EC, ChannelKind.SOIL_EC)
_COMPENSATION = ("compensated", "temperature_coefficient_pct")
"""Fields of a conductivity; without them the defaults of the binding count."""

# Field of the form in minutes -> field of the binding in seconds.
_DURATIONS = {"max_age_min": "max_age_s", "stuck_after_min": "stuck_after_s", "hold_min": "hold_s"}


def topic_schema(kind: ChannelKind) -> vol.Schema:
    """Return the form of a value that arrives by MQTT."""
    fields: dict[Any, Any] = {
        vol.Required("topic"): TextSelector(),
        vol.Optional("path"): TextSelector(),
        **_unit_field(kind),
        vol.Optional("decimal_comma", default=False): BooleanSelector(),
        **_curve_field(kind),
    }
    message: dict[Any, Any] = {
        vol.Optional("guard_path"): TextSelector(),
        vol.Optional("time_path"): TextSelector(),
    }
    return _with_more(fields, _judgement_fields(kind) | message)


def entity_schema(hass: HomeAssistant, kind: ChannelKind, *, show_all: bool) -> vol.Schema:
    """Return the form of a value that a sensor of Home Assistant has already."""
    fields: dict[Any, Any] = {
        vol.Optional("entity_id"): EntitySelector(_entities(hass, kind, show_all=show_all)),
        vol.Optional("show_all", default=False): BooleanSelector(),
        **_unit_field(kind),
        vol.Optional("decimal_comma", default=False): BooleanSelector(),
        **_curve_field(kind),
    }
    return _with_more(fields, _judgement_fields(kind))


def availability_schema() -> vol.Schema:
    """Return the form of the topic on which a device says that it is there."""
    return vol.Schema({vol.Optional("topic"): TextSelector(), vol.Optional("path"): TextSelector()})


def binding_of_topic(kind: ChannelKind, user_input: Mapping[str, Any]) -> ChannelBinding:
    """Return the binding of a topic form.

    Raises:
        FormError: A value does not fit.
    """
    topic = text_of(user_input, "topic")
    if topic is None or not is_topic(topic):
        raise FormError("bad_topic", field="topic")
    more: Mapping[str, Any] = user_input.get(MORE) or {}
    return _binding(
        kind,
        user_input,
        topic=topic,
        path=text_of(user_input, "path"),
        decimal_comma=user_input.get("decimal_comma", False),
        guard_path=text_of(more, "guard_path"),
        time_path=text_of(more, "time_path"),
    )


def binding_of_entity(
    kind: ChannelKind, user_input: Mapping[str, Any], state: State | None
) -> ChannelBinding:
    """Return the binding of an entity form.

    Args:
        kind: What it measures.
        user_input: What the form says.
        state: The present state of the chosen entity, if it has one; its unit must be known.

    Raises:
        FormError: A value does not fit.
    """
    entity_id = user_input.get("entity_id")
    if not entity_id:
        raise FormError("entity_needed", field="entity_id")
    unit = None if state is None else state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    binding = _binding(
        kind,
        user_input,
        entity_id=entity_id,
        decimal_comma=user_input.get("decimal_comma", False),
    )
    if unit and binding.unit is None and not binding.curve:
        _check_unit(kind, unit, field="entity_id")
    return binding


def availability_from(user_input: Mapping[str, Any]) -> Availability | None:
    """Return the availability of a form; without a topic there is none.

    Raises:
        FormError: The topic has wildcards.
    """
    topic = text_of(user_input, "topic")
    if topic is None:
        return None
    if not is_topic(topic):
        raise FormError("bad_topic", field="topic")
    try:
        return Availability(topic=topic, path=text_of(user_input, "path"))
    except ValidationError as error:
        raise form_error_of(error) from error


def binding_values(binding: ChannelBinding) -> dict[str, Any]:
    """Return a binding as its form shows it."""
    more: dict[str, Any] = {
        name: value / 60
        for name, field in _DURATIONS.items()
        if (value := getattr(binding, field)) is not None
    }
    if binding.rate_per_min is not None:
        more["rate_per_min"] = binding.rate_per_min
    if binding.factor != 1:
        more["factor"] = binding.factor
    more |= binding.model_dump(include=set(_COMPENSATION), exclude_defaults=True)
    for name in ("guard_path", "time_path"):
        if (value := getattr(binding, name)) is not None:
            more[name] = value
    values = {
        "topic": binding.topic,
        "path": binding.path,
        "entity_id": binding.entity_id,
        "unit": binding.unit,
        "curve": curve_text(binding.curve) or None,
    }
    shown = {name: value for name, value in values.items() if value is not None}
    return shown | {"decimal_comma": binding.decimal_comma, MORE: more}


def curve_from(text: str | None) -> tuple[CurvePoint, ...]:
    """Return the points of a text such as `3100:0, 1400:100`.

    Raises:
        FormError: It does not read as pairs of raw value and percent.
    """
    if text is None:
        return ()
    try:
        pairs = [part.split(":") for part in text.replace(";", ",").split(",") if part.strip()]
        return tuple(CurvePoint(raw=float(raw), value=float(value)) for raw, value in pairs)
    except ValueError as error:
        raise FormError("bad_curve", field="curve") from error


def curve_text(curve: Sequence[CurvePoint]) -> str:
    """Return a curve as a person writes it."""
    return ", ".join(f"{point.raw:g}:{point.value:g}" for point in curve)


def _binding(
    kind: ChannelKind,
    user_input: Mapping[str, Any],
    **source: Any,  # noqa: ANN401 - pydantic looks at each
) -> ChannelBinding:
    more: Mapping[str, Any] = user_input.get(MORE) or {}
    unit = text_of(user_input, "unit")
    if unit is not None:
        _check_unit(kind, unit, field="unit")
    curve = curve_from(text_of(user_input, "curve"))
    if not is_possible_curve(kind, curve):
        raise FormError("bad_curve", field="curve")
    durations = {
        field: value * 60
        for name, field in _DURATIONS.items()
        if (value := more.get(name)) is not None
    }
    try:
        return ChannelBinding(
            kind=kind,
            unit=unit,
            curve=curve,
            factor=more.get("factor", 1.0),
            rate_per_min=more.get("rate_per_min"),
            **{name: more[name] for name in _COMPENSATION if name in more},
            **source,
            **durations,
        )
    except ValidationError as error:
        found = form_error_of(error)
        # What concerns two fields at once names none; here that is only the curve.
        if found.field == "base" and curve:
            raise FormError("bad_curve", field="curve") from error
        raise found from error


def _check_unit(kind: ChannelKind, unit: str, *, field: str) -> None:
    try:
        reading_conversion(kind, unit)
    except UnknownUnitError as error:
        raise FormError(
            "unknown_unit", field=field, placeholders={"value": unit} | error.placeholders
        ) from error


def defaults_of(kind: ChannelKind, texts: Texts) -> dict[str, str]:
    """Return what holds where a field is left empty, as the texts of the fields name it."""
    known = defaults_of_kind(kind)
    rate = known.rate_per_min
    return {
        "default_unit": canonical_unit(kind) or "pH",
        "default_max_age": f"{known.max_age_s / 60:g} min",
        "default_hold": f"{known.hold_s / 60:g} min",
        "default_rate": (
            texts.choice("binding_default", "no_rate")
            if rate is None
            else f"{texts.number(rate)} {_rate_unit(kind)}"
        ),
    }


def _rate_unit(kind: ChannelKind) -> str:
    return f"{canonical_unit(kind) or 'pH'}/min"


def _unit_field(kind: ChannelKind) -> dict[Any, Any]:
    units = [unit for unit in READING_UNITS[kind] if unit]
    if len(units) == 1 and kind not in _CONVERTED_BY_HAND:
        return {}
    return {vol.Optional("unit"): labelled([(unit, unit) for unit in units], custom=True)}


def _curve_field(kind: ChannelKind) -> dict[Any, Any]:
    return {vol.Optional("curve"): TextSelector()} if kind in _FROM_RAW else {}


def _judgement_fields(kind: ChannelKind) -> dict[Any, Any]:
    conductivity: dict[Any, Any] = {}
    if kind in _CONDUCTIVITIES:
        conductivity = {
            vol.Optional("compensated", default=True): BooleanSelector(),
            vol.Optional("temperature_coefficient_pct"): number(
                "temperature_coefficient_pct", 0, MAX_TEMPERATURE_COEFFICIENT_PCT, unit="%"
            ),
        }
    return conductivity | {
        vol.Optional("factor"): number("factor", 1e-6, 1e6),
        vol.Optional("max_age_min"): _minutes("max_age_s"),
        vol.Optional("rate_per_min"): number(
            "rate_per_min", *option_limits("rate_per_min"), unit=_rate_unit(kind)
        ),
        vol.Optional("stuck_after_min"): _minutes("stuck_after_s"),
        vol.Optional("hold_min"): _minutes("hold_s"),
    }


def _minutes(field: str) -> FormNumber:
    low_s, high_s = option_limits(field)
    return number(field, low_s / 60, high_s / 60, unit="min")


def _with_more(fields: dict[Any, Any], more: dict[Any, Any]) -> vol.Schema:
    return vol.Schema(fields | {vol.Optional(MORE): section(vol.Schema(more), {"collapsed": True})})


def _entities(hass: HomeAssistant, kind: ChannelKind, *, show_all: bool) -> EntitySelectorConfig:
    ours = _our_entities(hass)
    if show_all:
        numeric = [
            state.entity_id
            for state in hass.states.async_all(NUMERIC_DOMAINS)
            if state.entity_id not in ours and _is_numeric(state)
        ]
        return EntitySelectorConfig(include_entities=sorted(numeric))
    wanted = EntityWithDeviceFilterSelectorConfig(domain=list(NUMERIC_DOMAINS))
    if (classes := _DEVICE_CLASSES.get(kind)) is not None:
        wanted["device_class"] = [str(item) for item in classes]
    else:
        wanted["unit_of_measurement"] = list(_SPELLINGS.get(kind, (canonical_unit(kind) or "",)))
    return EntitySelectorConfig(filter=[wanted], exclude_entities=sorted(ours))


def _our_entities(hass: HomeAssistant) -> set[str]:
    """Return our own entities: what shows a value cannot be where it comes from."""
    return {
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.platform == DOMAIN
    }


def _is_numeric(state: State) -> bool:
    if state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) is not None:
        return True
    text = state.state
    return read_number(text, decimal_comma=needs_comma(text))[0] is not None


def looks_like_comma(kind: ChannelKind, text: str) -> bool:
    """Tell whether a text is a plausible value of a kind with a decimal comma, and else none."""
    return FieldReader(ChannelBinding(kind=kind)).looks_like_comma(text)
