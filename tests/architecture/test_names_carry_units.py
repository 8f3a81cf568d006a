"""Every number of a model says its unit in its name."""

import importlib
import pkgutil
import types
import typing

import pytest

import kamerplanter_engines.models
from kamerplanter_engines.models.base import Model

SUFFIXES = (
    "_ms_cm",
    "_c",
    "_pct",
    "_kpa",
    "_l",
    "_ml",
    "_mg_l",
    "_g",
    "_cm",
    "_m2",
    "_deg",
    "_s",
    "_d",
    "_h",
    "_min",
    "_ratio",
    "_factor",
    "_per_min",
    "_per_h",
    "_per_d",
    "_mv_ph",
)
# Dimensionless, or in the canonical unit of the kind that stands beside them.
WITHOUT_UNIT = {
    "ph",
    "ph_low",
    "ph_high",
    "ph_target",
    "factor",
    "raw",
    "value",
    "low",
    "high",
    "target",
    "last_value",
    "offset",
    "zero_shift",
    "entered_value",
    "difference",
    "spread",
    "limit",
    "finest_step",
}


def _models() -> list[type[Model]]:
    for info in pkgutil.iter_modules(kamerplanter_engines.models.__path__):
        importlib.import_module(f"kamerplanter_engines.models.{info.name}")
    found, queue = [], [Model]
    while queue:
        queue += (children := queue.pop().__subclasses__())
        found += [child for child in children if ".models." in child.__module__]
    return sorted(set(found), key=lambda model: (model.__module__, model.__qualname__))


def _is_float(annotation: object) -> bool:
    if annotation is float:
        return True
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return any(_is_float(part) for part in typing.get_args(annotation))
    return False


@pytest.mark.parametrize(
    "model", _models(), ids=lambda model: f"{model.__module__}.{model.__qualname__}"
)
def test_float_field_ends_in_a_unit(model: type[Model]) -> None:
    floats = {name for name, info in model.model_fields.items() if _is_float(info.annotation)}

    unnamed = {name for name in floats - WITHOUT_UNIT if not name.endswith(SUFFIXES)}

    assert unnamed == set()
