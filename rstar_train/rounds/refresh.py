"""The on-policy refresh of a round: what its new policy writes, and how its PPM does on that.

After the SFT the new policy samples or searches problems of the pool. The PPM is trained on those
that may be trained on (`rstar_train.rows.on_policy`). On the held-out ones it is measured, as a
best-of-N would use it: how well it tells right from wrong solutions of one problem under each
aggregate. The best of these becomes the PPM's own. Not a problem of any evaluation is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.ppm_config import LAST, Aggregate
from bench.checkpoints.weights import full_weights
from bench.engines.ppm import PPMScorer
from bench.evaluation.rescoring import rescore
from bench.reports.headroom import headroom
from bench.reports.headroom.choosing import Choosing
from bench.reports.headroom.report import Kind, Part
from bench.reports.headroom.scoring import ScoreWorth
from bench.runs.reader import load_run
from bench.types import Problem
from rstar_train.figures import (
    HeadroomFigures,
    OnPolicyRowFigures,
    ShareFigures,
    WorthFigures,
)
from rstar_train.publishing.checkpoint import Lineage, publish
from rstar_train.recipes.settings import LoRASettings, RefreshSettings
from rstar_train.rounds.stages import MANIFEST, Trained
from rstar_train.rows.on_policy import Solution, pair_rows, read_solutions, value_rows
from rstar_train.rows.row import PairRow, StepRow, write_rows
from rstar_train.rows.samples import read_samples
from rstar_train.search.pool import Pool, draw_by_hash, family_of, tier_of

PAIRS, VALUES = "pairs.jsonl", "values.jsonl"


def draw_problems(pool: Pool, searched: Collection[str], count: int, seed: int) -> list[Problem]:
    """Return what a round's new policy samples: `count` problems to train on, and those held out.

    What the round did not search comes first: the policy has not learnt it.
    """
    fresh = [p.id for p in pool.training if p.id not in searched]
    drawn = draw_by_hash(fresh, count, f"{seed}:refresh")
    if len(drawn) < count:
        others = (p.id for p in pool.training if p.id in searched)
        drawn |= draw_by_hash(others, count - len(drawn), f"{seed}:refresh")
    return [p for p in pool.problems if p.id in drawn or p.id in pool.held_out]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A run whose solutions a round's PPM learns from, and of which problems."""

    run: Path
    problems: Sequence[Problem]


def runs_learnt(
    settings: RefreshSettings, pool: Pool, work: Path, number: int, trained: Path, seed: int
) -> list[Learnt]:
    """Return what the PPM of round `number` learns from, of a training run's folder `work`.

    `trained` is the folder of what the round trains: of a further seed it has a name of its own.
    """
    written = "searched" if settings.search == "mcts" else "trees"
    found = [Learnt(trained / "on_policy" / written, pool.training)]
    if settings.round_trees:
        found.append(Learnt(_trees(work, number), pool.training))
    if settings.earlier_problems:
        drawn = draw_by_hash(
            [p.id for p in pool.training], settings.earlier_problems, f"{seed}:earlier"
        )
        problems = [p for p in pool.training if p.id in drawn]
        found += [Learnt(_trees(work, earlier), problems) for earlier in range(1, number)]
    return found


def _trees(work: Path, number: int) -> Path:
    return work / f"round-{number}" / "search" / "trees"


def publish_scorer(
    trained: Trained[Any],
    out: Path,
    name: str,
    *,
    policy: Checkpoint,
    number: int,
    recipe: str,
    lora: LoRASettings,
) -> Checkpoint:
    """Publish in `out` a PPM that was trained from a policy on that policy's own solutions."""
    lineage = Lineage(
        name=name,
        kind="ppm",
        parent=policy,
        round=number,
        recipe=recipe,
        searcher={"policy": {"name": policy.name, "digest": policy.digest}},
        annotation="on-policy",
        inputs=trained.inputs,
        figures=trained.figures.to_json(),
        trained_by=trained.trained_by,
    )
    return publish(trained.folder, out, lineage, lora=lora, leave_out=(MANIFEST,))


def make_rows(learnt: Sequence[Learnt], folder: Path) -> OnPolicyRowFigures:
    """Write the pairs and values of the solutions in some runs into `folder`. Raises RunDirError.

    A problem that was solved always, or never, has none: it says nothing about which of its
    solutions to choose, and a PPM that learns it learns to tell problems apart.
    """
    found: dict[str, list[Solution]] = defaultdict(list)
    problems: dict[str, Problem] = {}
    for each in learnt:
        for problem, record, trace in read_samples(each.problems, each.run):
            problems[problem.id] = problem
            found[problem.id] += read_solutions(record, trace)
    pairs: list[PairRow] = []
    values: list[StepRow] = []
    mixed = 0
    for problem_id, solutions in found.items():
        problem = problems[problem_id]
        if len({each.right for each in solutions}) > 1:
            mixed += 1
            pairs += pair_rows(problem, solutions)
            values += value_rows(problem, solutions)
    write_rows(pairs, folder / PAIRS)
    write_rows(values, folder / VALUES)
    return OnPolicyRowFigures(
        problems=sum(map(bool, found.values())),
        mixed=mixed,
        pairs=len(pairs),
        step_pairs=sum(row.kind == "step" for row in pairs),
        values=len(values),
    )


def measure_worth(problems: Sequence[Problem], samples: Path, ppm: Checkpoint) -> WorthFigures:
    """Return what a PPM is worth on samples of held-out problems, and the aggregate that is best.

    Raises MissingRunError: nothing was sampled.
    """
    scorer = PPMScorer(full_weights(ppm), name=ppm.name)
    try:
        by_id = {problem.id: problem for problem in problems}
        run = rescore(load_run(samples), by_id, scorer, ppm=ppm.digest)
    finally:
        scorer.close()
    kinds = {p.id: Kind(family_of(p), tier_of(p)) for p in problems}
    (report,) = headroom([run], lambda _: kinds)
    whole, *parts = report.sampled[0].parts
    assert whole.scoring is not None, "the samples were scored"
    auc = {
        name: ShareFigures(found.interval.estimate, found.interval.low, found.interval.high)
        for name, found in whole.scoring.auc.items()
        if found is not None
    }
    return WorthFigures(
        aggregate=_best(whole.scoring),
        auc=auc,
        problems_with_both=next((f.interval.n for f in whole.scoring.auc.values() if f), 0),
        best_of_n=_at_most(whole.choosing, "best_of_n"),
        weighted=_at_most(whole.choosing, "weighted"),
        headroom=_headroom(whole),
        by_family={part.name: _headroom(part) for part in parts if part.kind == "family"},
    )


def _best(scoring: ScoreWorth) -> Aggregate:
    """Return the aggregate with the largest AUC; of equals the first."""
    found = {name: each.interval.estimate for name, each in scoring.auc.items() if each}
    return as_aggregate(max(found, key=found.__getitem__, default=LAST))


def as_aggregate(name: str) -> Aggregate:
    """Return the name of an aggregate as its type."""
    assert name in get_args(Aggregate), f"{name!r} is no aggregate"
    return name  # type: ignore[return-value]


def _at_most(choosing: Choosing, selector: str) -> dict[str, float]:
    """Return by aggregate what a selector gets of all the samples."""
    return {
        name.removeprefix(f"{selector} "): curve[-1]
        for name, curve in choosing.chosen.items()
        if name.startswith(f"{selector} ")
    }


def _headroom(part: Part) -> HeadroomFigures:
    found = part.choosing
    ceiling = found.ceiling[-1]
    return HeadroomFigures(
        problems=found.problems,
        samples=len(found.oracle),
        pass_at_1=found.oracle[0],
        greedy=None if found.greedy is None else found.greedy.estimate,
        majority=found.chosen["majority"][-1],
        oracle=found.oracle[-1],
        ceiling=ShareFigures(ceiling.estimate, ceiling.low, ceiling.high),
    )
