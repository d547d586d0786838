"""Recipes: every number of a training run, in one YAML file, read strictly.

The file's sections are the defaults; `rounds` lists the rounds, each a mapping of the sections and
keys in which it differs. `Recipe.at(k)` is the recipe of round k alone. Recipes ship with the
package under `recipes/`; a path to a file of your own works too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError, RecipeError, UnknownNameError
from rstar_train.recipes import strict
from rstar_train.recipes.settings import (
    AblationSettings,
    EvaluationSettings,
    FitSettings,
    LoRASettings,
    PoolSettings,
    PPMSettings,
    RowSettings,
    SearchSettings,
)

__all__ = [
    "OVERRIDABLE",
    "RECIPES",
    "EvaluationSettings",
    "FitSettings",
    "LoRASettings",
    "PPMSettings",
    "PoolSettings",
    "Recipe",
    "RoundSettings",
    "RowSettings",
    "SearchSettings",
    "load_recipe",
    "recipe_path",
    "shipped",
]

RECIPES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """The sections of one round, its overrides applied."""

    search: SearchSettings
    rows: RowSettings
    lora: LoRASettings
    sft: FitSettings
    ppm: PPMSettings
    evaluation: EvaluationSettings


OVERRIDABLE = tuple(field.name for field in dataclasses.fields(RoundSettings))
"""Sections that a round may override; the pool is the same in all, or coverage means nothing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run, or with `at` one round of it."""

    name: str
    seed: int
    base: str
    """Name of the model that every round's SFT starts from."""
    checkpoints: str
    """Folder under `results/checkpoints` where the rounds' adapters go."""
    pool: PoolSettings
    search: SearchSettings
    rows: RowSettings
    lora: LoRASettings
    sft: FitSettings
    ppm: PPMSettings
    evaluation: EvaluationSettings
    ablation: AblationSettings = AblationSettings()
    rounds: tuple[RoundSettings, ...] = ()

    def at(self, number: int) -> Recipe:
        """Return round `number` (from 1) as a recipe of its own. Raises BenchError."""
        if not 1 <= number <= len(self.rounds):
            raise BenchError(
                f"the recipe {self.name!r} has {len(self.rounds)} rounds; there is no round "
                f"{number}"
            )
        chosen = self.rounds[number - 1]
        sections = {name: getattr(chosen, name) for name in OVERRIDABLE}
        return dataclasses.replace(self, rounds=(), **sections)

    def digest(self, *sections: str) -> str:
        """First 16 hex digits of a SHA-256 over the values of some sections, and the seed.

        Keys that are null are left out: an option that is new and not used changes no digest, and
        what was made before it is still good.
        """
        text = json.dumps(_without_null(self.values("seed", *sections)), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def values(self, *sections: str) -> dict[str, Any]:
        """Return some sections as plain data."""
        values = dataclasses.asdict(self)
        return {name: values[name] for name in sections}


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_without_null(each) for each in value]
    return value


_RANGES: tuple[tuple[str, str, Callable[[Recipe], bool]], ...] = (
    ("pool.sources", "at least one source", lambda r: bool(r.pool.sources)),
    (
        "pool.sources",
        "sources of at least 0 problems each",
        lambda r: all(source.problems >= 0 for source in r.pool.sources),
    ),
    ("pool.held_out", "at least 0", lambda r: r.pool.held_out >= 0),
    ("search.rollouts", "at least 1", lambda r: r.search.rollouts >= 1),
    ("search.candidates", "at least 1", lambda r: r.search.candidates >= 1),
    ("search.max_depth", "at least 1", lambda r: r.search.max_depth >= 1),
    ("search.c", "at least 0", lambda r: r.search.c >= 0),
    (
        "search.unsolved_rollouts",
        "ascending, and above search.rollouts",
        lambda r: (
            list(budgets := (r.search.rollouts, *r.search.unsolved_rollouts))
            == sorted(set(budgets))
        ),
    ),
    ("search.trees", "at least 1", lambda r: r.search.trees >= 1),
    ("search.temperature", "above 0", lambda r: r.search.temperature > 0),
    ("search.step_tokens", "at least 1", lambda r: r.search.step_tokens >= 1),
    ("search.mistake_rate", "from 0 to 1", lambda r: 0 <= r.search.mistake_rate <= 1),
    ("search.concurrency", "at least 1", lambda r: r.search.concurrency >= 1),
    (
        "rows.rules",
        "paper where search.rules is paper and search.annotation is ppm: the released extraction "
        "knows right answers by a Q of 1, and under the paper's rules the PPM's value is in Q",
        lambda r: (
            (r.rows.rules, r.search.rules, r.search.annotation) != ("official", "paper", "ppm")
        ),
    ),
    ("rows.sft_per_family", "at least 0", lambda r: r.rows.sft_per_family >= 0),
    ("rows.pairs_per_family", "at least 0", lambda r: r.rows.pairs_per_family >= 0),
    ("rows.min_solved_share", "from 0 to 1", lambda r: 0 <= r.rows.min_solved_share <= 1),
    ("lora.rank", "at least 0", lambda r: r.lora.rank >= 0),
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
    ("ppm.centering", "above 0, or null", lambda r: r.ppm.centering is None or r.ppm.centering > 0),
    ("ablation.samples", "at least 2", lambda r: r.ablation.samples >= 2),
    ("evaluation.runs", "at least one run", lambda r: bool(r.evaluation.runs)),
    (
        "evaluation.runs",
        "runs of at least 1 problem, the first one with the search greedy",
        lambda r: (
            r.evaluation.runs[0].search == "greedy"
            and all(run.problems >= 1 for run in r.evaluation.runs)
        ),
    ),
)
"""What values a recipe may hold, beyond their types: key, words for the error, test."""


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name or by path. Raises UnknownNameError, RecipeError."""
    path = recipe_path(name)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path.name}: the file must be a mapping, not {data!r}")
    overrides = data.get("rounds")
    recipe = strict.build(Recipe, {**data, "rounds": []}, path.name)
    if not isinstance(overrides, list) or not overrides:
        given = "missing" if "rounds" not in data else f"not {overrides!r}"
        raise RecipeError(
            f"{path.name}: the key rounds must be a list of mappings, one for each round "
            f"({{}} for one without overrides), {given}"
        )
    rounds = tuple(
        _round(recipe, each, path.name, f"rounds[{number}]")
        for number, each in enumerate(overrides, start=1)
    )
    recipe = dataclasses.replace(recipe, rounds=rounds)
    _check_values(recipe, path.name, "")
    for number in range(1, len(rounds) + 1):
        _check_values(recipe.at(number), path.name, f"rounds[{number}]: ")
    _check_first_round(recipe, path.name)
    return recipe


def recipe_path(name: str) -> Path:
    """Return the file of a recipe. Raises UnknownNameError, RecipeError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if path.is_file():
        return path
    if path.parent != RECIPES:
        raise RecipeError(f"no recipe file {name!r}; shipped recipes: {', '.join(shipped())}")
    raise UnknownNameError("recipe", name, shipped())


def shipped() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def _round(recipe: Recipe, overrides: Any, file: str, where: str) -> RoundSettings:
    if not isinstance(overrides, dict):
        raise RecipeError(f"{file}: {where} must be a mapping, not {overrides!r}")
    unknown = sorted(set(overrides) - set(OVERRIDABLE), key=str)
    if unknown:
        named = UnknownNameError(f"section of {where}", str(unknown[0]), OVERRIDABLE)
        raise RecipeError(f"{file}: {named}")
    return RoundSettings(
        **{
            name: strict.overridden(
                getattr(recipe, name), overrides.get(name, {}), file, f"{where}.{name}."
            )
            for name in OVERRIDABLE
        }
    )


def _check_values(recipe: Recipe, file: str, where: str) -> None:
    for key, expected, holds in _RANGES:
        if not holds(recipe):
            value = operator.attrgetter(key)(recipe)
            raise RecipeError(f"{file}: {where}{key} must be {expected}, not {value!r}")


def _check_first_round(recipe: Recipe, file: str) -> None:
    first = recipe.rounds[0].search
    if first.policy == "previous" or first.annotation == "ppm":
        raise RecipeError(
            f"{file}: rounds[1]: before round 1 there is no policy and no PPM; search.policy must "
            "be a demonstrator or base, and search.annotation terminal"
        )
