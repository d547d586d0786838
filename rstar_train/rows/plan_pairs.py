"""Preference pairs out of CPL's trees, and which of them are critical.

Below each prefix (the released code): every step of a plan with q > 0 against every one with q < 0;
of the solutions only the best against the worst, which needs max > 0 > min, their margin scaled
down. Steps are compared with steps and solutions with solutions. What is malformed, broke off or
is too deep is no side of a pair. A solution whose program fails is one, worth -1.

Settings may keep only the pairs that are critical. What makes a pair critical is

    min_margin   by q_chosen - q_rejected, from that number on
    verified     by outcomes, after CSO (arXiv 2602.03412): at or below the chosen side the tree
                 holds a right solution, and at or below the rejected side wrong ones only, one at
                 least. CSO runs the policy on from an alternative that its reward model likes; here
                 the search has gone on from both. A right solution that it did not find below the
                 rejected side is not seen, so the flip is verified up to the search's budget.

For instance-DPO whole responses are paired, right ones with wrong ones of one tree, drawn without
repetition with a seed, at most as many as the tree has pairs of steps and solutions.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path
from statistics import fmean

from bench.errors import BenchError
from bench.search import Node, NodeKind, Trace
from bench.types import Problem
from rstar_train.cpl_figures import PreferencePairFigures
from rstar_train.recipes.cpl import PlanPairSettings
from rstar_train.rows.making import read_traces
from rstar_train.rows.plan_trees import is_solution, written
from rstar_train.rows.preferences import INSTANCES, PAIRS, PairKind, PreferenceRow
from rstar_train.rows.row import write_rows


class TreeOutcome(StrEnum):
    """Whether a tree gives pairs, and why not."""

    PAIRS = "pairs"
    ONLY_RIGHT = "only right steps and solutions"
    ONLY_WRONG = "only wrong steps and solutions"
    UNDECIDED = "neither right nor wrong ones"
    APART = "right and wrong ones, not below one prefix"
    NOT_CRITICAL = "no critical pair"


@dataclass(frozen=True, slots=True)
class TreePairs:
    """The pairs of one tree."""

    outcome: TreeOutcome
    rows: list[PreferenceRow]
    """Of steps and of solutions."""
    filtered: int = 0
    """Pairs that were not critical."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair."""

    text: str
    full: str
    """With the rest of a solution."""
    q: float


def pair_rows(problem: Problem, trace: Trace, settings: PlanPairSettings) -> TreePairs:
    """Return the pairs of a tree."""
    signs = {_sign(node.mean) for node in trace.nodes if _is_side(node)}
    if not {1, -1} <= signs:
        return TreePairs(_lacks(signs), [])
    ends = _ends_below(trace)
    found = [
        (_row(problem, trace, kind, chosen, rejected, ends, settings), chosen, rejected)
        for kind, chosen, rejected in _pairs(trace)
    ]
    kept = [
        row
        for row, chosen, rejected in found
        if row.q_chosen - row.q_rejected >= (settings.min_margin or 0.0)
        and (not settings.verified or _is_flip(ends, chosen, rejected))
    ]
    outcome = TreeOutcome.PAIRS
    if not kept:
        outcome = TreeOutcome.NOT_CRITICAL if found else TreeOutcome.APART
    return TreePairs(outcome, kept, len(found) - len(kept))


def instance_rows(problem: Problem, trace: Trace, count: int, *, seed: int) -> list[PreferenceRow]:
    """Return at most `count` pairs of whole responses, right and wrong ones of one tree."""
    ends = [node for node in trace.nodes if is_solution(node)]
    right = [node for node in ends if node.mean > 0]
    wrong = [node for node in ends if node.mean < 0]
    drawn = list(product(right, wrong))

    def response(end: Node) -> Side:
        text = written(trace.lineage(end.index))
        return Side(text, text, end.mean)

    random.Random(f"{seed}:{problem.id}:{trace.seed}").shuffle(drawn)
    return [
        _make_row(problem, "", response(good), response(bad), good.mean - bad.mean, "instance")
        for good, bad in drawn[:count]
    ]


def make_pairs(
    problems: Sequence[Problem], trees: Path, settings: PlanPairSettings, folder: Path, *, seed: int
) -> PreferencePairFigures:
    """Write the pairs of `problems`, from the run directory `trees`, into `folder`.

    Raises BenchError: no tree gave any; RunDirError.
    """
    pairs: list[PreferenceRow] = []
    instances: list[PreferenceRow] = []
    outcomes: Counter[TreeOutcome] = Counter()
    filtered = 0
    for problem, traces in read_traces(problems, trees, Counter()):
        for trace in traces:
            found = pair_rows(problem, trace, settings)
            outcomes[found.outcome] += 1
            filtered += found.filtered
            pairs += found.rows
            instances += instance_rows(problem, trace, len(found.rows), seed=seed)
    counted = {str(outcome): count for outcome, count in sorted(outcomes.items())}
    if not pairs:
        raise BenchError(
            f"none of the {sum(outcomes.values())} trees gave a preference pair ("
            + "; ".join(f"{name}: {count}" for name, count in counted.items())
            + "): raise search.iterations, search other problems, or ask less of critical pairs"
        )
    write_rows(pairs, folder / PAIRS)
    write_rows(instances, folder / INSTANCES)
    return PreferencePairFigures(
        trees=sum(outcomes.values()),
        step_pairs=sum(row.kind == "step" for row in pairs),
        solution_pairs=sum(row.kind == "solution" for row in pairs),
        instance_pairs=len(instances),
        problems_with_pairs=len({row.problem_id for row in pairs}),
        outcomes=counted,
        filtered=filtered,
        mean_step_margin=_mean_margin(pairs, "step"),
        mean_solution_margin=_mean_margin(pairs, "solution"),
    )


def _pairs(trace: Trace) -> Iterator[tuple[PairKind, Node, Node]]:
    """Yield what is compared below each prefix, in the order of the tree."""
    below: dict[int, list[Node]] = {}
    for node in trace.nodes:
        if _is_side(node):
            assert node.parent is not None, "the root is no side of a pair"
            below.setdefault(node.parent, []).append(node)
    for siblings in below.values():
        steps = [node for node in siblings if node.kind is NodeKind.STEP]
        right, wrong = ([n for n in steps if _sign(n.mean) == sign] for sign in (1, -1))
        for chosen, rejected in product(right, wrong):
            yield "step", chosen, rejected
        solutions = [node for node in siblings if is_solution(node)]
        if solutions:
            best = max(solutions, key=lambda node: node.mean)
            worst = min(solutions, key=lambda node: node.mean)
            if best.mean > 0 > worst.mean:
                yield "solution", best, worst


def _row(
    problem: Problem,
    trace: Trace,
    kind: PairKind,
    chosen: Node,
    rejected: Node,
    ends: Mapping[int, Sequence[Node]],
    settings: PlanPairSettings,
) -> PreferenceRow:
    difference = chosen.mean - rejected.mean
    return _make_row(
        problem,
        written(trace.lineage(chosen.index)[:-1]),
        Side(written([chosen]), _go_on(trace, chosen, ends, 1), chosen.mean),
        Side(written([rejected]), _go_on(trace, rejected, ends, -1), rejected.mean),
        difference if kind == "step" else settings.solution_scale * difference,
        kind,
    )


def _make_row(
    problem: Problem, before: str, chosen: Side, rejected: Side, margin: float, kind: PairKind
) -> PreferenceRow:
    return PreferenceRow(
        problem_id=problem.id,
        dataset=problem.benchmark,
        prompt=problem.question,
        initial_reason_steps=before,
        chosen=chosen.text,
        rejected=rejected.text,
        full_chosen=chosen.full,
        full_rejected=rejected.full,
        answer=problem.answer,
        q_chosen=chosen.q,
        q_rejected=rejected.q,
        margin=margin,
        kind=kind,
    )


def _is_side(node: Node) -> bool:
    return (node.kind is NodeKind.STEP and node.visits > 0) or is_solution(node)


def _sign(q: float) -> int:
    return (q > 0) - (q < 0)


def _lacks(signs: set[int]) -> TreeOutcome:
    if 1 in signs:
        return TreeOutcome.ONLY_RIGHT
    return TreeOutcome.ONLY_WRONG if -1 in signs else TreeOutcome.UNDECIDED


def _ends_below(trace: Trace) -> dict[int, list[Node]]:
    """Return the judged solutions at or below each node that has any."""
    found: dict[int, list[Node]] = {}
    for end in filter(is_solution, trace.nodes):
        for node in trace.lineage(end.index):
            found.setdefault(node.index, []).append(end)
    return found


def _is_flip(ends: Mapping[int, Sequence[Node]], chosen: Node, rejected: Node) -> bool:
    """Whether the outcome is another one by what the tree holds at and below both sides."""
    above = any(end.mean > 0 for end in ends.get(chosen.index, ()))
    below = [end.mean < 0 for end in ends.get(rejected.index, ())]
    return above and bool(below) and all(below)


def _go_on(trace: Trace, side: Node, ends: Mapping[int, Sequence[Node]], sign: int) -> str:
    """Return a side and the rest of the first solution of a sign below it; else the side alone."""
    for end in ends.get(side.index, ()):
        if _sign(end.mean) == sign:
            return written(trace.lineage(end.index)[side.depth - 1 :])
    return written([side])


def _mean_margin(rows: Sequence[PreferenceRow], kind: PairKind) -> float | None:
    margins = [row.margin for row in rows if row.kind == kind]
    return round(fmean(margins), 4) if margins else None
