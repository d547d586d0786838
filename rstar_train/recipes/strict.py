"""Frozen dataclasses out of YAML mappings, read strictly: a wrong key or value is named.

A field with a default may be left out; any other is required. What a message says: the file, the
key with its section, what the value must be, the value given, and close matches to a misspelt name.
This module knows types and ranges (`bench.knobs`); what keys must have in common is the business of
`rstar_train.recipes.recipe`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar

from bench.errors import RecipeError, UnknownNameError
from bench.knobs import Knob, make_knob
from rstar_train.recipes.settings import EvaluationRun

T = TypeVar("T")


def build(kind: type[T], data: Any, file: str, where: str = "") -> T:
    """Return a dataclass read from a mapping. Raises RecipeError.

    Args:
        kind: the dataclass.
        data: what the YAML file holds at this place.
        file: the file's name, for messages.
        where: the section's dotted name with a full stop at its end; empty for the whole file.
    """
    types = _check_keys(kind, data, file, where)
    values = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        expected, key = types[field.name], f"{where}{field.name}"
        if field.name in data:
            values[field.name] = _value(expected, data[field.name], file, key)
        elif field.default is dataclasses.MISSING:
            raise RecipeError(f"{file}: the key {key} ({_describe(expected)}) is missing")
    return kind(**values)


def override(section: T, data: Any, file: str, where: str) -> T:
    """Return a section with some of its keys replaced. Raises RecipeError."""
    types = _check_keys(type(section), data, file, where)
    changes = {key: _value(types[key], value, file, f"{where}{key}") for key, value in data.items()}
    return dataclasses.replace(section, **changes)  # type: ignore[type-var]


def _build_run(data: Any, file: str, where: str) -> EvaluationRun:
    """Return a run whose search's knobs stand beside its name and its problems."""
    if not isinstance(data, dict):
        raise RecipeError(f"{file}: {where.removesuffix('.')} must be a mapping, not {data!r}")
    own = [field.name for field in dataclasses.fields(EvaluationRun) if field.name != "config"]
    knobs = {name: value for name, value in data.items() if name not in own}
    run = build(EvaluationRun, {k: v for k, v in data.items() if k in own}, file, where)
    try:
        settings = run.entry.config
    except UnknownNameError as error:
        raise RecipeError(f"{file}: {error}") from error
    return dataclasses.replace(run, config=build(settings, knobs, file, where))


def _check_keys(kind: type, data: Any, file: str, where: str) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields; refuse what is no mapping of them."""
    section = where.removesuffix(".")
    if not isinstance(data, dict):
        raise RecipeError(f"{file}: {section or 'the file'} must be a mapping, not {data!r}")
    known: Mapping[str, Any] = typing.get_type_hints(kind, include_extras=True)
    unknown = sorted(set(data) - set(known), key=str)  # YAML's keys need not be strings
    if unknown:
        kind_of_key = f"key of {section}" if section else "key"
        raise RecipeError(f"{file}: {UnknownNameError(kind_of_key, str(unknown[0]), known)}")
    return known


def _value(expected: Any, value: Any, file: str, key: str) -> Any:
    if expected is EvaluationRun:
        return _build_run(value, file, f"{key}.")
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        return build(expected, value, file, f"{key}.")
    knob = make_knob(key, expected)
    if knob is not None:
        return _read(knob, value, file)
    if value is None and _is_optional(expected):
        return None
    (item, _) = typing.get_args(_not_null(expected))
    if isinstance(value, list) and all(_fits(item, each) for each in value):
        return tuple(_value(item, each, file, f"{key}[{i}]") for i, each in enumerate(value))
    raise RecipeError(f"{file}: {key} must be {_describe(expected)}, not {value!r}")


def _read(knob: Knob, value: Any, file: str) -> Any:
    try:
        return knob.read(value)
    except ValueError as error:
        if knob.choices and isinstance(value, str):
            named = UnknownNameError(f"value of {knob.name}", value, knob.choices)
            raise RecipeError(f"{file}: {named}") from None
        null = ", or null" if knob.optional else ""
        raise RecipeError(f"{file}: {knob.name} must be {error}{null}, not {value!r}") from None


def _fits(item: Any, value: Any) -> bool:
    """Whether a value may stand in a list of `item`; ranges are looked at later."""
    if dataclasses.is_dataclass(item):
        return isinstance(value, dict)
    knob = make_knob("", item)
    return knob is not None and knob.fits(value)


def _is_optional(expected: Any) -> bool:
    return typing.get_origin(expected) in (UnionType, typing.Union)


def _not_null(expected: Any) -> Any:
    """Return the type that a value may be of where it may also be null."""
    if not _is_optional(expected):
        return expected
    (kind,) = (each for each in typing.get_args(expected) if each is not NoneType)
    return kind


def _describe(expected: Any) -> str:
    """Return what a value of a type must be, in words."""
    knob = make_knob("", expected)
    if knob is not None:
        return knob.required + (", or null" if knob.optional else "")
    if _is_optional(expected):
        return f"{_describe(_not_null(expected))}, or null"
    if typing.get_origin(expected) is tuple:
        item = make_knob("", typing.get_args(expected)[0])
        plural = {int: "whole numbers", float: "numbers", str: "names"}
        return f"a list of {'mappings' if item is None else plural[item.kind]}"
    return "a mapping"
