"""Frozen dataclasses out of YAML mappings, read strictly: a wrong key or value is named.

A field with a default may be left out; any other is required. What a message says: the file, the
key with its section, the type expected, the value given, and close matches to a misspelt name.
This module knows types; which values make sense is `rstar_train.recipes.recipe`'s business.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar

from bench.errors import RecipeError, UnknownNameError

T = TypeVar("T")


def build(kind: type[T], data: Any, file: str, where: str = "") -> T:
    """Return a dataclass read from a mapping. Raises RecipeError.

    Args:
        kind: the dataclass.
        data: what the YAML file holds at this place.
        file: the file's name, for messages.
        where: the section's dotted name with a full stop at its end; empty for the whole file.
    """
    _check_keys(kind, data, file, where)
    types = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        expected, key = types[field.name], f"{where}{field.name}"
        if field.name in data:
            values[field.name] = _value(expected, data[field.name], file, key)
        elif field.default is dataclasses.MISSING:
            raise RecipeError(f"{file}: the key {key} ({_describe(expected)}) is missing")
    return kind(**values)


def overridden(section: T, data: Any, file: str, where: str) -> T:
    """Return a section with some of its keys replaced. Raises RecipeError."""
    kind = type(section)
    _check_keys(kind, data, file, where)
    types = typing.get_type_hints(kind)
    changes = {key: _value(types[key], value, file, f"{where}{key}") for key, value in data.items()}
    return dataclasses.replace(section, **changes)  # type: ignore[type-var]


def _check_keys(kind: type, data: Any, file: str, where: str) -> None:
    section = where.removesuffix(".")
    if not isinstance(data, dict):
        raise RecipeError(f"{file}: {section or 'the file'} must be a mapping, not {data!r}")
    known: Mapping[str, Any] = typing.get_type_hints(kind)
    unknown = sorted(set(data) - set(known), key=str)  # YAML's keys need not be strings
    if unknown:
        kind_of_key = f"key of {section}" if section else "key"
        raise RecipeError(f"{file}: {UnknownNameError(kind_of_key, str(unknown[0]), known)}")


def _value(expected: Any, value: Any, file: str, key: str) -> Any:
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        return build(expected, value, file, f"{key}.")
    origin = typing.get_origin(expected)
    if origin is UnionType:
        if value is None:
            return None
        if _fits(_not_null(expected), value):
            return _value(_not_null(expected), value, file, key)
    elif origin is tuple:
        (item, _) = typing.get_args(expected)
        if isinstance(value, list) and all(_fits(item, each) for each in value):
            return tuple(_value(item, each, file, f"{key}[{i}]") for i, each in enumerate(value))
    elif origin is typing.Literal:
        if value in typing.get_args(expected) and isinstance(value, str):
            return value
        if isinstance(value, str):
            raise RecipeError(
                f"{file}: {UnknownNameError(f'value of {key}', value, typing.get_args(expected))}"
            )
    elif _fits(expected, value):
        return float(value) if expected is float else value
    raise RecipeError(f"{file}: {key} must be {_describe(expected)}, not {value!r}")


def _not_null(expected: Any) -> Any:
    """Return the type that a value may be of where it may also be null."""
    (kind,) = (each for each in typing.get_args(expected) if each is not NoneType)
    return kind


def _fits(expected: Any, value: Any) -> bool:
    """Whether a value is of a plain type; of a nested section, whether it is a mapping."""
    if dataclasses.is_dataclass(expected) or typing.get_origin(expected) is not None:
        return not dataclasses.is_dataclass(expected) or isinstance(value, dict)
    if expected is bool:
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if expected is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, expected)


_NAMES = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
}
_PLURALS = {int: "integers", float: "numbers", str: "strings"}


def _describe(expected: Any) -> str:
    origin = typing.get_origin(expected)
    if origin is tuple:
        return f"a list of {_PLURALS.get(typing.get_args(expected)[0], 'mappings')}"
    if origin is typing.Literal:
        return "one of " + ", ".join(typing.get_args(expected))
    if origin is UnionType:
        return f"{_describe(_not_null(expected))}, or null"
    return _NAMES.get(expected, "a mapping")
