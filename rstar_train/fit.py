"""One training by itself, out of files of rows: what `accelerate launch` starts on many devices.

    python -m rstar_train.fit sft --recipe R --rows sft.jsonl --base FOLDER --out FOLDER
    accelerate launch --config_file rstar_train/launch/fsdp.yaml -m rstar_train.fit ppm ...

`--base` is a Hugging Face folder: the base model for `sft`, the round's policy for the others. The
figures are printed, and repeated runs go on where they were. `rstar-train evolve` runs the same
functions in one process.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.console import run_guarded
from rstar_train.figures import Figures
from rstar_train.policy.sft import train_policy
from rstar_train.recipes.recipe import load_recipe
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows
from rstar_train.training.processes import is_first
from rstar_train.value.orm_pqm import train_orm, train_orm_on_pairs, train_pqm
from rstar_train.value.ppm import train_ppm


@dataclass(frozen=True, slots=True)
class Training:
    """One kind of training: the rows it reads, and the sections of a recipe it takes."""

    row: type
    train: Callable[..., Figures]
    section: Literal["sft", "ppm"]
    about: str
    by_rules: bool = False
    """Whether it depends on the rules that the rows were made by."""


TRAININGS: Mapping[str, Training] = {
    "sft": Training(SFTRow, train_policy, "sft", "the policy, on sft.jsonl"),
    "ppm": Training(PairRow, train_ppm, "ppm", "a PPM, on pairs.jsonl", by_rules=True),
    "orm": Training(OutcomeRow, train_orm, "ppm", "an outcome model, on outcomes.jsonl"),
    "orm-pairs": Training(
        PairRow, train_orm_on_pairs, "ppm", "an outcome model, on solutions in pairs.jsonl"
    ),
    "pqm": Training(StepRow, train_pqm, "ppm", "a model of Q, on steps.jsonl"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Train one model; return the exit status, 2 with a sentence for what a user can fix."""
    parser = argparse.ArgumentParser(prog="rstar_train.fit", description="Train one model.")
    parser.add_argument(
        "what",
        choices=TRAININGS,
        help="; ".join(f"{name}: {each.about}" for name, each in TRAININGS.items()),
    )
    parser.add_argument("--recipe", required=True, help="name of a shipped recipe, or a YAML file")
    parser.add_argument("--round", type=int, help="take that round's settings [the defaults]")
    parser.add_argument("--rows", required=True, type=Path, help="the file of training rows")
    parser.add_argument("--base", required=True, type=Path, help="a Hugging Face model folder")
    parser.add_argument("--out", required=True, type=Path, help="where the result is written")
    given = parser.parse_args(argv)
    level = logging.INFO if is_first() else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", stream=sys.stderr)
    return run_guarded("rstar_train.fit", lambda: _fit(given))


def _fit(given: argparse.Namespace) -> int:
    training = TRAININGS[given.what]
    recipe = load_recipe(given.recipe)
    settings = recipe.defaults if given.round is None else recipe.at(given.round)
    figures = training.train(
        read_rows(training.row, given.rows),
        given.base,
        given.out,
        settings=getattr(settings, training.section),
        lora=settings.lora,
        seed=recipe.seed,
        **({"rules": settings.rows.rules} if training.by_rules else {}),
    )
    if is_first():
        print(json.dumps(figures.to_json(), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
