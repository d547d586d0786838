"""Training a scorer from its terms to its folder: what the PPM, the ORM and the PQM share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkpoints.ppm_config import Learnt, PPMConfig, Squash
from bench.errors import BenchError, MissingExtraError
from bench.prompts import OFFICIAL
from rstar_train.batches import Ids, Row, Term, steps, whole_problems
from rstar_train.objectives import Objective
from rstar_train.recipes.recipe import Recipe
from rstar_train.training.processes import processes
from rstar_train.training.trainer import digest, load_tokenizer
from rstar_train.training.watcher import resumable


@dataclass(frozen=True, slots=True)
class Goal:
    """What is learnt, and how its scores are to be read."""

    kind: Learnt
    objective: Objective
    squash: Squash = "tanh"
    summed: bool = False
    """Whether a step's terms are added up, as in the official code, not averaged by weight."""


class Texts:
    """Tokenizes whole texts, each once; None for one over the length limit."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        """Start with none."""
        self._tokenizer, self._max_length = tokenizer, max_length
        self._known: dict[str, Ids | None] = {}

    def __call__(self, text: str) -> Ids | None:
        """Return a text's tokens; none is appended."""
        if text not in self._known:
            ids = tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
            self._known[text] = ids if 0 < len(ids) <= self._max_length else None
        return self._known[text]


def train_value(
    rows: Sequence[Row],
    make: Callable[[Row, Texts], Term | None],
    goal: Goal,
    recipe: Recipe,
    base: Path,
    out: Path,
) -> dict[str, Any]:
    """Train a scorer on `rows` with the recipe's `ppm` section; return figures for its lineage.

    `make` turns a row into a term of the loss, or None where a text of it is too long.
    `base` is the Hugging Face folder of the round's policy. `ppm.max_rows` takes whole problems,
    `ppm.batch_size` is the fewest terms of a step. A training that was killed goes on at its last
    checkpoint. Raises BenchError, CheckpointError, MissingExtraError.
    """
    try:
        from rstar_train.value_model import fit_value

        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    drawn = whole_problems(rows, recipe.ppm.max_rows, recipe.seed)
    ids = Texts(tokenizer, recipe.ppm.max_length)
    terms = [term for row in drawn if (term := make(row, ids)) is not None]
    if not terms:
        raise BenchError(
            f"each of the {len(drawn)} rows has a text of more than {recipe.ppm.max_length} "
            "tokens; raise ppm.max_length"
        )
    inputs = f"{goal.kind} {goal.squash} {digest(recipe, ('lora', 'ppm'), base, drawn)}"
    figures = fit_value(
        steps(terms, recipe.ppm.batch_size, processes=processes()),
        goal.objective,
        label=goal.kind.upper(),
        settings=recipe.ppm,
        lora=recipe.lora,
        seed=recipe.seed,
        base=base,
        out=out,
        checkpoint=resumable(out / "trainer", inputs),
        summed=goal.summed,
    )
    PPMConfig(OFFICIAL.name, OFFICIAL.digest, goal.squash, kind=goal.kind).save(out)
    return {
        "rows": len(terms),
        "problems": len({term.problem_id for term in terms}),
        "dropped_too_long": len(drawn) - len(terms),
        **figures,
    }
