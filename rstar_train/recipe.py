"""Recipes: every number of a training run, in one YAML file, read strictly.

An unknown key, a missing one or a value of the wrong type is an error that names the file, the key
and the type expected. Recipes ship with the package under `recipes/`; a path to a file of your own
works too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import operator
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.errors import RecipeError, UnknownNameError

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Which problems are searched."""

    tier: str
    families: tuple[str, ...]
    """Families of the embedded pool's training split."""
    problems: int
    held_out: int
    """Of these, the last so many are kept out of training, to measure the PPM's pair accuracy."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Terminal-guided search of round 1 (paper: 8 rollouts, 5 candidates)."""

    rollouts: int
    candidates: int
    max_depth: int
    c: float
    mistake_rate: float
    """Of the demonstrator: probability that a proposed step is a plausible mistake."""


@dataclass(frozen=True, slots=True)
class LoRASettings:
    """Low-rank adapters on all seven linear layers of a block."""

    rank: int
    alpha: int
    dropout: float


@dataclass(frozen=True, slots=True)
class FitSettings:
    """One supervised or pairwise training run."""

    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int
    """Tokens; longer rows are dropped and counted."""
    warmup_fraction: float
    max_rows: int
    """At most so many rows, drawn with the recipe's seed; 0 means all."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The paired comparison after the round."""

    problems: int
    benchmark: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run."""

    name: str
    seed: int
    base: str
    """Name of the model that every round's SFT starts from."""
    pool: PoolSettings
    search: SearchSettings
    lora: LoRASettings
    sft: FitSettings
    ppm: FitSettings
    evaluation: EvaluationSettings

    def digest(self, *sections: str) -> str:
        """First 16 hex digits of a SHA-256 over the values of some sections, and the seed."""
        values = dataclasses.asdict(self)
        text = json.dumps({name: values[name] for name in ("seed", *sections)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_RANGES: tuple[tuple[str, str, Callable[[Recipe], bool]], ...] = (
    ("pool.problems", "at least 1", lambda r: r.pool.problems >= 1),
    (
        "pool.held_out",
        "at least 0 and less than pool.problems",
        lambda r: 0 <= r.pool.held_out < r.pool.problems,
    ),
    ("search.rollouts", "at least 1", lambda r: r.search.rollouts >= 1),
    ("search.candidates", "at least 1", lambda r: r.search.candidates >= 1),
    ("search.max_depth", "at least 1", lambda r: r.search.max_depth >= 1),
    ("search.c", "at least 0", lambda r: r.search.c >= 0),
    ("search.mistake_rate", "from 0 to 1", lambda r: 0 <= r.search.mistake_rate <= 1),
    ("lora.rank", "at least 1", lambda r: r.lora.rank >= 1),
    ("lora.dropout", "from 0 to less than 1", lambda r: 0 <= r.lora.dropout < 1),
    *(
        (f"{part}.{key}", expected, lambda r, p=part, k=key, h=holds: h(getattr(getattr(r, p), k)))
        for part in ("sft", "ppm")
        for key, expected, holds in (
            ("epochs", "above 0", lambda value: value > 0),
            ("learning_rate", "above 0", lambda value: value > 0),
            ("batch_size", "at least 1", lambda value: value >= 1),
            ("max_length", "at least 1", lambda value: value >= 1),
            ("warmup_fraction", "from 0 to less than 1", lambda value: 0 <= value < 1),
            ("max_rows", "at least 0", lambda value: value >= 0),
        )
    ),
    ("evaluation.problems", "at least 1", lambda r: r.evaluation.problems >= 1),
)
"""What values a recipe may hold, beyond their types: key, words for the error, test."""


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name or by path. Raises UnknownNameError, RecipeError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        if path.parent != RECIPES:
            raise RecipeError(f"no recipe file {name!r}; shipped recipes: {', '.join(_shipped())}")
        raise UnknownNameError("recipe", name, _shipped())
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not YAML: {error}") from error
    recipe = typing.cast(Recipe, _build(Recipe, data, path.name, ""))
    for key, expected, holds in _RANGES:
        if not holds(recipe):
            value = operator.attrgetter(key)(recipe)
            raise RecipeError(f"{path.name}: {key} must be {expected}, not {value!r}")
    return recipe


def _shipped() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def _build(kind: type, data: Any, file: str, where: str) -> object:
    section = where.removesuffix(".")
    if not isinstance(data, dict):
        raise RecipeError(f"{file}: {section or 'the file'} must be a mapping, not {data!r}")
    types = typing.get_type_hints(kind)
    unknown = sorted(set(data) - set(types), key=str)  # YAML's keys need not be strings
    if unknown:
        kind_of_key = f"key of {section}" if section else "key"
        raise RecipeError(f"{file}: {UnknownNameError(kind_of_key, str(unknown[0]), types)}")
    values = {}
    for key, expected in types.items():
        if key not in data:
            raise RecipeError(f"{file}: the key {where}{key} ({_describe(expected)}) is missing")
        values[key] = _value(expected, data[key], file, f"{where}{key}")
    return kind(**values)


def _value(expected: Any, value: Any, file: str, key: str) -> Any:
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        return _build(expected, value, file, f"{key}.")
    if typing.get_origin(expected) is tuple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif expected is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
    elif isinstance(value, expected) and not isinstance(value, bool):
        return value
    raise RecipeError(f"{file}: {key} must be {_describe(expected)}, not {value!r}")


def _describe(expected: Any) -> str:
    if typing.get_origin(expected) is tuple:
        return "a list of strings"
    names = {int: "an integer", float: "a number", str: "a string"}
    return names.get(expected, "a mapping")
