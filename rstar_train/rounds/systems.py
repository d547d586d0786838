"""The systems that recipes train, by the recipe's key `system`: what their rounds do and leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rstar_train.publishing import cards, cpl_cards
from rstar_train.recipes.recipe import Recipe, System
from rstar_train.rounds import cpl, rstar
from rstar_train.rounds.at_work import RoundAtWork


@dataclass(frozen=True, slots=True)
class SystemEntry:
    """What a system's name stands for."""

    round: Callable[..., RoundAtWork]
    """Takes what `RoundAtWork` has."""
    stages_of: Callable[[Any], Sequence[str]]
    """The stages of a round, from its sections."""
    fits: Mapping[str, str]
    """The stages that train, and the section of each."""
    write_cards: Callable[[Path, Any], None]
    """Takes the folder that a round was published in, and its figures."""


SYSTEMS: Mapping[System, SystemEntry] = {
    "rstar": SystemEntry(
        rstar.Round, rstar.stages_of, {"policy": "sft", "ppm": "ppm"}, cards.write_cards
    ),
    "cpl": SystemEntry(
        cpl.PlanRound,
        cpl.stages_of,
        {"sft": "sft", "policy": "preference", "value": "value"},
        cpl_cards.write_cards,
    ),
}


def system_of(recipe: Recipe) -> SystemEntry:
    """Return the system that a recipe trains."""
    return SYSTEMS[recipe.system]
