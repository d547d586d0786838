"""A PPM that is a head on a policy's own states, fitted to stored runs of it: minutes, no recipe.

The rows are those of a round's refresh (`rstar_train.rounds.refresh`): solutions of one problem are
merged into a tree, siblings are paired, and every prefix is worth the share of right solutions that
begin so. The backbone stays the policy's, so that a search which generates with the batch-invariant
engine scores a candidate at the price of a row (`bench.engines.invariant_ppm`).
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights
from bench.errors import BenchError
from bench.files.digests import file_digest
from bench.files.outputs import check_output
from bench.prompts import OFFICIAL
from bench.runs.questions import read_problems
from bench.runs.reader import load_run
from rstar_train.figures import OnPolicyRowFigures, PPMFigures, WorthFigures
from rstar_train.publishing.checkpoint import Lineage, publish
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rounds import refresh
from rstar_train.rounds.stages import describe_training
from rstar_train.rows.row import PairRow, StepRow, read_rows

log = logging.getLogger(__name__)

SETTINGS = PPMSettings(
    epochs=1,
    learning_rate=1.0,  # of L-BFGS, which looks for a step's length by itself
    batch_size=40,
    max_length=1024,
    warmup_fraction=0.0,
    max_rows=0,
    learn="both",
    bias=True,
    head_only=True,
)
_FORM = LoRASettings(rank=1, alpha=1, dropout=0.0)
"""An adapter that changes nothing, in which the head is saved."""


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """What a head was fitted to, and what it is worth."""

    checkpoint: Checkpoint
    rows: OnPolicyRowFigures
    training: PPMFigures
    worth: WorthFigures | None
    """On solutions of other problems; None where none were given."""


def fit_head_on(
    policy: Checkpoint, runs: Sequence[Path], out: Path, *, samples: Path | None, seed: int
) -> HeadFigures:
    """Fit a head to the solutions in some runs, measure it on `samples`, publish it in `out`.

    Where `samples` are given, a run of the search `sample` of other problems, its best aggregate
    becomes the PPM's own. Raises BenchError: runs without problems or with problems that were
    sampled too, a policy of other prompts, no problem that was solved sometimes; CheckpointError,
    MissingExtraError.
    """
    from rstar_train.value.ppm import train_ppm

    if policy.template != OFFICIAL.name:
        raise BenchError(
            f"the policy {policy.name!r} writes in the template {policy.template!r}, and a head is "
            f"fitted to solutions in {OFFICIAL.name!r}; choose a policy of rstar-train"
        )
    check_output(out / "ppm.json")
    learnt = [refresh.Learnt(run, [*read_problems(load_run(run)).values()]) for run in runs]
    _require_apart(learnt, samples)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        rows = refresh.make_rows(learnt, folder)
        pairs = read_rows(PairRow, folder / refresh.PAIRS)
        values = read_rows(StepRow, folder / refresh.VALUES)
        if not rows.mixed:
            raise BenchError(
                f"none of the {rows.problems} problems in {', '.join(map(str, runs))} has right "
                "and wrong solutions; search harder problems, or with more rollouts"
            )
        log.info("%d problems, %d of them solved sometimes", rows.problems, rows.mixed)
        base = full_weights(policy)
        figures = train_ppm(
            pairs, base, folder / "ppm", settings=SETTINGS, lora=_FORM, seed=seed, values=values
        )
        shutil.rmtree(folder / "ppm" / "trainer", ignore_errors=True)
        lineage = Lineage(
            name=f"{policy.name}-head",
            kind="ppm",
            parent=policy,
            round=int(policy.lineage.get("round", 0)),
            recipe=str(policy.lineage.get("recipe", "none")),
            searcher={"policy": {"name": policy.name, "digest": policy.digest}},
            annotation="on-policy",
            inputs={
                "parent": policy.digest,
                **{str(run): file_digest(run / "records.jsonl") for run in runs},
            },
            figures=figures.to_json(),
            trained_by=describe_training(),
        )
        checkpoint = publish(folder / "ppm", out, lineage, lora=_FORM, leave_out=())
    worth = None if samples is None else _measure(samples, checkpoint)
    return HeadFigures(checkpoint, rows, figures, worth)


def _require_apart(learnt: Sequence[refresh.Learnt], samples: Path | None) -> None:
    for each in learnt:
        if not each.problems:
            raise BenchError(
                f"{each.run} names no benchmark whose problems are here; a head is fitted to runs "
                "of rstar-bench run"
            )
    if samples is None:
        return
    sampled = {problem.question for problem in read_problems(load_run(samples)).values()}
    both = [p.id for each in learnt for p in each.problems if p.question in sampled]
    if both:
        raise BenchError(
            f"{len(both)} problems are learnt from and in {samples} as well, {both[0]!r} the "
            "first; measure a head on other problems"
        )


def _measure(samples: Path, ppm: Checkpoint) -> WorthFigures:
    problems = [*read_problems(load_run(samples)).values()]
    worth = refresh.measure_worth(problems, samples, ppm)
    assert ppm.folder is not None, "it has just been published"
    config = PPMConfig.load(ppm.folder)
    dataclasses.replace(config, aggregate=refresh.as_aggregate(worth.aggregate)).save(ppm.folder)
    return worth
