"""Recipes: every number of a training run, in one YAML file, read strictly.

The file's sections are the defaults; `rounds` lists the rounds, each a mapping of the sections and
keys in which it differs. `Recipe.at(k)` returns the sections of round k. The key `system` says
which system is trained, and with that which sections there are: rStar-Math's unless it is set.
Recipes ship with the package in this folder; a path to a file of your own works too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import yaml

from bench.errors import BenchError, RecipeError, UnknownNameError
from bench.files.digests import short_digest
from bench.knobs import Seed
from rstar_train.recipes import strict
from rstar_train.recipes.cpl import (
    AnySearch,
    CPLRound,
    PlanPairSettings,
    PlanRowSettings,
    PlanSearchSettings,
    PreferenceSettings,
)
from rstar_train.recipes.settings import (
    AblationSettings,
    EvaluationSettings,
    FitSettings,
    LoRASettings,
    PoolSettings,
    PPMSettings,
    RefreshSettings,
    RowSettings,
    SearchSettings,
)

RECIPES = Path(__file__).parent

System = Literal["rstar", "cpl"]
"""rStar-Math (arXiv 2501.04519), or CPL (arXiv 2409.08642)."""


class AnyRound(Protocol):
    """The sections that a round has, whatever the system."""

    @property
    def search(self) -> AnySearch:
        """Who searches, and how."""

    @property
    def lora(self) -> LoRASettings:
        """What every training trains."""

    @property
    def sft(self) -> FitSettings:
        """The policy's training on right solutions."""

    @property
    def evaluation(self) -> EvaluationSettings:
        """What the round is measured by."""


S = TypeVar("S", bound=AnyRound)


@dataclass(frozen=True, slots=True)
class RoundSettings:
    """The sections of one round, its overrides applied."""

    search: SearchSettings
    rows: RowSettings
    lora: LoRASettings
    sft: FitSettings
    ppm: PPMSettings
    evaluation: EvaluationSettings
    refresh: RefreshSettings = RefreshSettings()

    def validate(self) -> str:
        """Return what is wrong between sections, as `key must be ...`."""
        ppm_is_in_q = self.search.rules == "paper" and self.search.annotation == "ppm"
        if self.rows.rules == "official" and ppm_is_in_q:
            return (
                "rows.rules must be paper where search.rules is paper and search.annotation is "
                "ppm: the released extraction knows right answers by a Q of 1, and under the "
                "paper's rules the PPM's value is in Q; not 'official'"
            )
        if self.rows.rules == "official" and self.ppm.learn not in (None, "pairs"):
            return (
                "ppm.learn must be pairs where rows.rules is official: values are learnt as the "
                "paper's tanh, and the released code reads a fifth of the score; not "
                f"{self.ppm.learn!r}"
            )
        if not self.refresh.problems and self.ppm.learn not in (None, "pairs"):
            return (
                "refresh.problems must be above 0 where ppm.learn is not pairs: the values are "
                f"those of the new policy's solutions; not {self.refresh.problems!r}"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Recipe(Generic[S]):
    """A whole run, with rounds of the system's sections."""

    name: str
    seed: int
    base: str
    """Name of the model that every round's SFT starts from."""
    checkpoints: str
    """Folder under `results/checkpoints` where the rounds' adapters go."""
    pool: PoolSettings
    defaults: S
    """The sections that the rounds override."""
    ablation: AblationSettings
    rounds: tuple[S, ...]
    again: tuple[int, ...] = ()
    """Seeds with which the last round is trained once more, on what its search found."""
    system: System = "rstar"

    def at(self, number: int) -> S:
        """Return the sections of round `number` (from 1). Raises BenchError."""
        if not 1 <= number <= len(self.rounds):
            raise BenchError(
                f"the recipe {self.name!r} has {len(self.rounds)} rounds; there is no round "
                f"{number}"
            )
        return self.rounds[number - 1]


def sections_digest(seed: int, sections: Mapping[str, Any]) -> str:
    """Return the first 16 hex digits of a SHA-256 over a seed and some sections, by name.

    Keys that are null are left out: an option that is new and not used changes no digest, and what
    was made before it is still good.
    """
    values = {name: dataclasses.asdict(section) for name, section in sections.items()}
    text = json.dumps(_without_null({"seed": seed, **values}), sort_keys=True)
    return short_digest(text.encode())


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_without_null(each) for each in value]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The keys of a recipe's file, but for its sections."""

    name: str
    seed: Seed
    base: str
    checkpoints: str
    pool: PoolSettings
    ablation: AblationSettings = AblationSettings()
    again: tuple[Seed, ...] = ()
    rounds: tuple[str, ...] = ()
    system: System = "rstar"


@dataclass(frozen=True, slots=True, kw_only=True)
class _RStarFile(_Head):
    search: SearchSettings
    rows: RowSettings
    lora: LoRASettings
    sft: FitSettings
    ppm: PPMSettings
    evaluation: EvaluationSettings
    refresh: RefreshSettings = RefreshSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class _CPLFile(_Head):
    search: PlanSearchSettings
    lora: LoRASettings
    sft: FitSettings
    preference: PreferenceSettings
    value: PPMSettings
    evaluation: EvaluationSettings
    rows: PlanRowSettings = PlanRowSettings()
    pairs: PlanPairSettings = PlanPairSettings()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the recipes of a system are read as: a file, and the sections of a round."""

    file: type[_RStarFile] | type[_CPLFile]
    round: type[RoundSettings] | type[CPLRound]

    @property
    def sections(self) -> tuple[str, ...]:
        """What a round may override; the pool is the same in all, or coverage means nothing."""
        return tuple(field.name for field in dataclasses.fields(self.round))


_KINDS: Mapping[System, _Kind] = {
    "rstar": _Kind(_RStarFile, RoundSettings),
    "cpl": _Kind(_CPLFile, CPLRound),
}


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name or by path. Raises UnknownNameError, RecipeError."""
    path = recipe_path(name)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path.name}: the file must be a mapping, not {data!r}")
    kind = _KINDS[_system(data, path.name)]
    overrides = data.get("rounds")
    file = strict.build(kind.file, {**data, "rounds": []}, path.name)
    if not isinstance(overrides, list) or not overrides:
        given = "missing" if "rounds" not in data else f"not {overrides!r}"
        raise RecipeError(
            f"{path.name}: the key rounds must be a list of mappings, one for each round "
            f"({{}} for one without overrides), {given}"
        )
    defaults = kind.round(**{section: getattr(file, section) for section in kind.sections})
    rounds = tuple(
        _round(defaults, each, kind.sections, path.name, f"rounds[{number}]")
        for number, each in enumerate(overrides, start=1)
    )
    recipe: Recipe = Recipe(
        name=file.name,
        seed=file.seed,
        base=file.base,
        checkpoints=file.checkpoints,
        pool=file.pool,
        defaults=defaults,
        ablation=file.ablation,
        rounds=rounds,
        again=file.again,
        system=file.system,
    )
    for wrong in _faults(recipe):
        raise RecipeError(f"{path.name}: {wrong}")
    return recipe


def _system(data: Mapping[Any, Any], file: str) -> System:
    given = data.get("system", "rstar")
    for system in _KINDS:
        if given == system:
            return system
    if isinstance(given, str):
        raise RecipeError(f"{file}: {UnknownNameError('value of system', given, _KINDS)}")
    raise RecipeError(f"{file}: system must be one of {', '.join(_KINDS)}, not {given!r}")


def recipe_path(name: str) -> Path:
    """Return the file of a recipe. Raises UnknownNameError, RecipeError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if path.is_file():
        return path
    if path.parent != RECIPES:
        shipped = ", ".join(shipped_recipes())
        raise RecipeError(f"no recipe file {name!r}; shipped recipes: {shipped}")
    raise UnknownNameError("recipe", name, shipped_recipes())


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def _round(
    defaults: RoundSettings | CPLRound,
    overrides: Any,
    sections: Sequence[str],
    file: str,
    where: str,
) -> RoundSettings | CPLRound:
    if not isinstance(overrides, dict):
        raise RecipeError(f"{file}: {where} must be a mapping, not {overrides!r}")
    unknown = sorted(set(overrides) - set(sections), key=str)
    if unknown:
        named = UnknownNameError(f"section of {where}", str(unknown[0]), sections)
        raise RecipeError(f"{file}: {named}")
    return type(defaults)(
        **{
            name: strict.override(
                getattr(defaults, name), overrides.get(name, {}), file, f"{where}.{name}."
            )
            for name in sections
        }
    )


def _faults(recipe: Recipe) -> Iterator[str]:
    """Yield what no single key can say: what keys of one or several sections have in common."""
    if wrong := recipe.pool.validate():
        yield f"pool.{wrong}"
    rounds = {f"rounds[{number}]: ": each for number, each in enumerate(recipe.rounds, start=1)}
    for where, settings in {"": recipe.defaults, **rounds}.items():
        if wrong := settings.search.validate():
            yield f"{where}search.{wrong}"
        if wrong := settings.evaluation.validate():
            yield f"{where}evaluation.{wrong}"
        if wrong := settings.validate():
            yield f"{where}{wrong}"
    first = recipe.rounds[0].search
    if first.policy == "previous" or first.annotation == "ppm":
        yield (
            "rounds[1]: before round 1 there is no policy and no PPM; search.policy must be a "
            "demonstrator or base, and search.annotation terminal"
        )
