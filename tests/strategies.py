"""Hypothesis strategies: any valid value of any model, read off its declaration."""

from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from unicodedata import category

from hypothesis import strategies as st
from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from kamerplanter_backend.domain.models.identity import ProfileFields
from kamerplanter_engines.models.base import Model, one_line, plain_text
from kamerplanter_engines.models.site import SiteFields
from kamerplanter_engines.models.telemetry import ChannelBinding

KEY_PATTERN = r"^[A-Za-z0-9_.:-]+$"
KEYS = st.text("abcXYZ0123456789_.:-", min_size=1, max_size=40)

TEXTS = st.one_of(
    st.sampled_from(
        [
            "\0",
            "a\0b",
            "😀🌱",
            "\U0001f469\u200d\U0001f33e",  # one picture of three code points
            "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
            "e\u0301",  # not the same as é
            "'; DROP TABLE x; --",
            "ß" * 30,
        ]
    ),
    st.text(min_size=1, max_size=60),
)
"""Text with the letters that stores stumble over."""


def _visible(text: str) -> str:
    seen = "".join(letter for letter in text if category(letter) != "Cc")
    return seen if seen.strip() else "leaf"


VISIBLE_TEXTS = TEXTS.map(_visible)
"""The same for fields that take no control characters, and more than blanks."""

INSTANTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - the zone comes below
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)

SPECIAL: dict[tuple[type[Model], str], st.SearchStrategy[Any]] = {
    (SiteFields, "time_zone"): st.sampled_from(["Europe/Berlin", "America/Lima", "Asia/Kolkata"]),
    (ProfileFields, "time_zone"): st.sampled_from([None, "Europe/Berlin", "America/Lima"]),
    (ChannelBinding, "curve"): st.just(()),
    (ChannelBinding, "entity_id"): st.none(),
    (ChannelBinding, "topic"): VISIBLE_TEXTS,
}
"""Fields whose validators know more than their types."""


def models[M: Model](model: type[M], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[M]:
    """Return any valid value of a model; some fields may be given."""
    return values(model, **fixed).flatmap(lambda found: _built(model, found))


def values(
    model: type[BaseModel], **fixed: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return any values for the fields of a model."""
    return st.fixed_dictionaries(
        {name: fixed[name] if name in fixed else _field(model, name) for name in model.model_fields}
    )


def _built[M: Model](model: type[M], found: dict[str, Any]) -> st.SearchStrategy[M]:
    try:
        return st.just(model(**found))
    except ValidationError:
        return st.nothing()


def _field(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    for (owner, field), strategy in SPECIAL.items():
        if field == name and issubclass(model, owner):
            return strategy
    info = model.model_fields[name]
    return _of_type(info.annotation, _limits(info))


def _limits(info: FieldInfo) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for item in info.metadata:
        for limit in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
            found = getattr(item, limit, None)
            if found is not None:
                limits[limit] = found
        if isinstance(item, AfterValidator) and item.func in {one_line, plain_text}:
            limits["visible"] = True
    return limits


def _of_type(annotation: Any, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return st.one_of(*(_of_type(option, limits) for option in get_args(annotation)))
    if origin is tuple:
        least = limits.get("min_length", 0)
        item = _of_type(get_args(annotation)[0], {})
        return st.lists(item, min_size=least, max_size=least + 2).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.none()), max_size=3)
    if hasattr(annotation, "__metadata__"):  # Annotated
        inner = {} if limits else _limits(FieldInfo.from_annotation(annotation))
        return _of_type(get_args(annotation)[0], {**inner, **limits})
    if annotation is str:
        plain = VISIBLE_TEXTS if "visible" in limits else TEXTS
        texts = _matching(limits["pattern"]) if "pattern" in limits else plain
        return texts.map(lambda text: text[: limits.get("max_length", 4000)])
    return _number(annotation, limits) if annotation in (int, float) else _of_class(annotation)


def _matching(pattern: str) -> st.SearchStrategy[str]:
    return KEYS if pattern == KEY_PATTERN else st.from_regex(pattern, fullmatch=True)


def _of_class(annotation: type) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    if issubclass(annotation, Model):
        return models(annotation)
    plain: dict[type, st.SearchStrategy[Any]] = {
        NoneType: st.none(),
        bool: st.booleans(),
        datetime: INSTANTS,
        AwareDatetime: INSTANTS,
        date: st.dates(date(1970, 1, 1), date(2199, 1, 1)),
    }
    return plain[annotation]


def _number(annotation: type, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    if annotation is int:
        return st.integers(
            limits.get("ge", limits.get("gt", -(2**53) - 1) + 1), limits.get("le", 2**53)
        )
    return st.floats(
        limits.get("ge", limits.get("gt")),
        limits.get("le"),
        exclude_min="gt" in limits,
        allow_nan=False,
        allow_infinity=False,
    )
