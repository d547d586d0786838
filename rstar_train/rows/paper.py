"""Training rows out of finished trees, as the paper says: what to imitate, what to prefer.

SFT (section 3.4): of each problem, the two correct trajectories with the highest mean Q, ties by
the smallest Q on the path. Pairs (section 3.3): below one prefix, the two best steps by Q that
lead to a correct answer against the two worst that lead to wrong ones only; for the final answer,
where few prefixes have both, whole solutions: the two correct ones with the highest mean Q against
the two wrong ones with the lowest. Trees come from a search with a reward; what an answer was
worth is read from the tree's clock, since a PPM's first guess is in its Q, too.

How the released code extracts rows is in `rstar_train.rows.official`; rows for the outcome and
value models of the ablation are in `rstar_train.rows.values`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from statistics import fmean

from bench.prompts import OFFICIAL, START
from bench.search import ROOT, EventKind, Node, Trace
from bench.types import Problem
from rstar_train.rows.row import PairRow, SFTRow

TOP = 2
"""Best and worst candidates taken per step, and solutions per problem (paper: 2)."""


def rewards(trace: Trace) -> dict[int, float]:
    """Return what each finished trajectory was worth: +1 right, -1 wrong, 0 undecided."""
    reached = {event.node: event.value for event in trace.events if event.kind is EventKind.REACHED}
    # A trace from before there was a clock has no events; without a PPM its Q is the reward.
    return {index: reached.get(index, trace.nodes[index].mean) for index in trace.finished}


def solved_share(trace: Trace) -> float:
    """Return the share of finished trajectories that were right; 0 where none was finished."""
    values = rewards(trace).values()
    return sum(value > 0 for value in values) / len(values) if values else 0.0


def sft_rows(problem: Problem, *traces: Trace) -> list[SFTRow]:
    """Return at most two solutions of a problem, best first, out of all its trees."""
    correct = [
        (rank(trace, index), trace.text(index).removeprefix(START))
        for trace in traces
        for index, value in rewards(trace).items()
        if value > 0
    ]
    # As in search, the prompt holds the `<code>` that opens every solution: tokens merge across it.
    prompt = OFFICIAL.render(problem.question, START)
    rows: dict[str, SFTRow] = {}
    for (mean, _), text in sorted(correct, key=lambda each: each[0], reverse=True):
        rows.setdefault(text, SFTRow(problem.id, prompt, text, mean))
    return list(rows.values())[:TOP]


def pair_rows(problem: Problem, trace: Trace) -> list[PairRow]:
    """Return the preference pairs of a problem that has correct and wrong trajectories."""
    values = rewards(trace)
    return [*_step_pairs(problem, trace, values), *_solution_pairs(problem, trace, values)]


def rank(trace: Trace, index: int) -> tuple[float, float]:
    """Return the mean and the least Q on the path to a node: what trajectories are ranked by."""
    values = [node.mean for node in trace.lineage(index)]
    return fmean(values), min(values)


def _step_pairs(problem: Problem, trace: Trace, values: Mapping[int, float]) -> Iterator[PairRow]:
    leads_right, leads_wrong = _descendants(trace, values)
    only_wrong = leads_wrong - leads_right
    for node in trace.nodes:
        children = [child for i in node.children if (child := trace.nodes[i]).visits > 0]
        by_q = sorted(children, key=lambda child: child.mean)
        positives = [child for child in reversed(by_q) if child.index in leads_right][:TOP]
        negatives = [child for child in by_q if child.index in only_wrong][:TOP]
        pairs = [(p, n) for p, n in product(positives, negatives) if p.mean > n.mean]
        prompt = OFFICIAL.render(problem.question, trace.text(node.index))
        for chosen, rejected in pairs:
            yield PairRow(
                problem.id,
                prompt,
                chosen.text,
                rejected.text,
                "step",
                1 / len(pairs),
                len(positives),
                len(negatives),
                chosen.mean - rejected.mean,
            )


def _solution_pairs(
    problem: Problem, trace: Trace, values: Mapping[int, float]
) -> Iterator[PairRow]:
    ranked = sorted(trace.finished, key=lambda index: rank(trace, index), reverse=True)
    right = [index for index in ranked if values[index] > 0][:TOP]
    wrong = [index for index in reversed(ranked) if values[index] < 0][:TOP]
    prompt = OFFICIAL.render(problem.question, START)
    for positive, negative in product(right, wrong):
        yield PairRow(
            problem.id,
            prompt,
            trace.text(positive).removeprefix(START),
            trace.text(negative).removeprefix(START),
            "solution",
            1 / (len(right) * len(wrong)),
            len(right),
            len(wrong),
            rank(trace, positive)[0] - rank(trace, negative)[0],
        )


def _descendants(trace: Trace, values: Mapping[int, float]) -> tuple[set[int], set[int]]:
    """Nodes with a correct answer below or at them, and nodes with a wrong one."""
    right: set[int] = set()
    wrong: set[int] = set()
    for index, value in values.items():
        if value == 0:
            continue
        marked = right if value > 0 else wrong
        node: Node = trace.nodes[index]
        while node.index != ROOT:
            marked.add(node.index)
            assert node.parent is not None
            node = trace.nodes[node.parent]
    return right, wrong
