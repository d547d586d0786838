"""One training by itself, out of files of rows: what `accelerate launch` starts on many devices.

    python -m rstar_train.fit sft --recipe R --rows sft.jsonl --base FOLDER --out FOLDER
    accelerate launch --config_file rstar_train/launch/fsdp.yaml -m rstar_train.fit ppm ...

`--base` is a folder of `rstar-train` or of Hugging Face: the base model for `sft`, the round's
policy for the others. The lineage that is written names it, and `rstar-bench run` takes `--out` as
a policy or a PPM. The figures are printed, and repeated runs go on where they were. `rstar-train
evolve` runs the same functions in one process.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.checkpoints.checkpoint import Checkpoint, Kind, read_checkpoint
from bench.checkpoints.weights import full_weights
from bench.console import run_guarded
from bench.errors import BenchError
from bench.files.digests import file_digest
from bench.prompts import OFFICIAL
from bench.prompts.plans import PLANS
from bench.runs.header import git_state, package_versions
from rstar_train.cpl_figures import PreferenceFigures
from rstar_train.figures import Figures
from rstar_train.policy.sft import train_policy
from rstar_train.policy.step_apo import add_reference, train_step_apo
from rstar_train.publishing.checkpoint import Lineage, publish
from rstar_train.recipes.cpl import PreferenceSettings
from rstar_train.recipes.recipe import AnyRound, Recipe, load_recipe, sections_digest
from rstar_train.recipes.settings import LoRASettings
from rstar_train.rows.preferences import REFERENCED, PreferenceRow
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows, write_rows
from rstar_train.training.batching import draw_whole_problems
from rstar_train.training.processes import first_process_first, is_first
from rstar_train.training.trainer import training_digest
from rstar_train.value.orm_pqm import train_orm, train_orm_on_pairs, train_pqm
from rstar_train.value.plan_value import train_plan_value
from rstar_train.value.ppm import train_ppm


@dataclass(frozen=True, slots=True)
class Training:
    """One kind of training: the rows it reads, and the sections of a recipe it takes."""

    row: type
    train: Callable[..., Figures]
    section: Literal["sft", "ppm", "preference", "value"]
    about: str
    by_rules: bool = False
    """Whether it depends on the rules that the rows were made by."""

    @property
    def kind(self) -> Kind:
        """What is trained, as the harness knows it: every scorer is used as a PPM is."""
        return "policy" if self.section in ("sft", "preference") else "ppm"


def _train_step_apo(
    rows: Sequence[PreferenceRow],
    base: Path,
    out: Path,
    *,
    settings: PreferenceSettings,
    lora: LoRASettings,
    seed: int,
) -> PreferenceFigures:
    """Train on pairs; the first process adds the reference's log-probabilities where they lack."""
    if any(row.ref_chosen is None or row.ref_rejected is None for row in rows):
        rows = draw_whole_problems(rows, settings.max_rows, seed)  # those that training will draw
        known = training_digest(seed, {"preference": settings}, base, rows)[:12]
        file = out / known / REFERENCED
        with first_process_first():
            if not file.is_file():
                adapts = lora.rank > 0
                found = add_reference(rows, base, max_length=settings.max_length, adapts=adapts)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_rows(found, file)
        rows = read_rows(PreferenceRow, file)
    return train_step_apo(rows, base, out, settings=settings, lora=lora, seed=seed)


TRAININGS: Mapping[str, Training] = {
    "sft": Training(SFTRow, train_policy, "sft", "the policy, on sft.jsonl"),
    "ppm": Training(PairRow, train_ppm, "ppm", "a PPM, on pairs.jsonl", by_rules=True),
    "orm": Training(OutcomeRow, train_orm, "ppm", "an outcome model, on outcomes.jsonl"),
    "orm-pairs": Training(
        PairRow, train_orm_on_pairs, "ppm", "an outcome model, on solutions in pairs.jsonl"
    ),
    "pqm": Training(StepRow, train_pqm, "ppm", "a model of Q, on steps.jsonl"),
    "step-apo": Training(
        PreferenceRow, _train_step_apo, "preference", "CPL's policy, on pairs.jsonl"
    ),
    "plan-value": Training(
        StepRow, train_plan_value, "value", "CPL's value model, on values.jsonl"
    ),
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
    parser.add_argument("--base", required=True, type=Path, help="folder of the model to train")
    parser.add_argument("--out", required=True, type=Path, help="where the result is written")
    given = parser.parse_args(argv)
    level = logging.INFO if is_first() else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", stream=sys.stderr)
    return run_guarded("rstar_train.fit", lambda: _fit(given))


def _fit(given: argparse.Namespace) -> int:
    training = TRAININGS[given.what]
    recipe = load_recipe(given.recipe)
    settings = recipe.defaults if given.round is None else recipe.at(given.round)
    if not hasattr(settings, training.section):
        raise BenchError(
            f"the recipe {recipe.name!r} trains {recipe.system}, which has no section "
            f"{training.section!r}; choose a recipe that has one"
        )
    if given.out.resolve() == given.base.resolve():
        raise BenchError(
            f"--out {given.out} is the folder of --base, whose weights would be lost; give another"
        )
    parent = read_checkpoint(given.base, "policy")
    with first_process_first():  # an adapter is merged
        base = full_weights(parent)
    figures = training.train(
        read_rows(training.row, given.rows),
        base,
        given.out,
        settings=getattr(settings, training.section),
        lora=settings.lora,
        seed=recipe.seed,
        **({"rules": settings.rows.rules} if training.by_rules else {}),
    )
    if is_first():
        lineage = _lineage(given, recipe, settings, parent, figures)
        publish(given.out, given.out, lineage, lora=settings.lora, leave_out=())
        print(json.dumps(figures.to_json(), indent=2))
    return 0


def _lineage(
    given: argparse.Namespace,
    recipe: Recipe,
    settings: AnyRound,
    parent: Checkpoint,
    figures: Figures,
) -> Lineage:
    """Return what is known of a training: of who found the rows, a file of them says nothing."""
    training = TRAININGS[given.what]
    decided = ("lora", training.section, *(["rows"] if training.by_rules else []))
    sections = {name: getattr(settings, name) for name in decided}
    return Lineage(
        name=given.out.resolve().name,
        kind=training.kind,
        parent=parent,
        round=given.round or 0,
        recipe=recipe.name,
        searcher={},
        annotation=settings.search.annotation,
        inputs={
            "recipe": sections_digest(recipe.seed, sections),
            "parent": parent.digest,
            "data": file_digest(given.rows),
        },
        figures=figures.to_json(),
        trained_by={
            "git": git_state(Path(__file__).parent),
            "packages": package_versions(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        template=(PLANS if recipe.system == "cpl" else OFFICIAL).name,
    )


if __name__ == "__main__":
    raise SystemExit(main())
