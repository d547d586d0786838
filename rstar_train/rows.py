"""Training rows out of finished trees: solutions for the policy, preference pairs for the PPM.

SFT (section 3.4): of each problem, the two correct trajectories with the highest mean Q, ties by
the smallest Q on the path. Pairs (section 3.3): below one prefix, the two best steps by Q that
lead to a correct answer against the two worst that lead to wrong ones only; for the final answer,
where few prefixes have both, whole solutions: the two correct ones with the highest mean Q against
the two wrong ones with the lowest. Trees come from a search with a reward, so an answer node's Q
is +1 or -1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from bench.prompts import OFFICIAL, START
from bench.search import ROOT, Node, Trace
from bench.types import Problem

TOP = 2
"""Best and worst candidates taken per step, and solutions per problem (paper: 2)."""


@dataclass(frozen=True, slots=True)
class SFTRow:
    """One solution to imitate."""

    problem_id: str
    prompt: str
    completion: str
    mean_q: float


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two continuations of one prompt, the first preferred."""

    problem_id: str
    prompt: str
    chosen: str
    rejected: str
    kind: str
    """`step`: siblings below one prefix; `solution`: whole solutions."""
    weight: float
    """1 / (pairs of the group), so that each group counts once."""


def sft_rows(problem: Problem, trace: Trace) -> list[SFTRow]:
    """Return at most two solutions of a problem, best first."""
    correct = [index for index in trace.finished if trace.nodes[index].mean > 0]
    ranked = sorted(correct, key=lambda index: _rank(trace, index), reverse=True)
    # As in search, the prompt holds the `<code>` that opens every solution: tokens merge across it.
    prompt = OFFICIAL.render(problem.question, START)
    rows: dict[str, SFTRow] = {}
    for index in ranked:
        text = trace.text(index).removeprefix(START)
        rows.setdefault(text, SFTRow(problem.id, prompt, text, _rank(trace, index)[0]))
    return list(rows.values())[:TOP]


def pair_rows(problem: Problem, trace: Trace) -> list[PairRow]:
    """Return the preference pairs of a problem that has correct and wrong trajectories."""
    return [*_step_pairs(problem, trace), *_solution_pairs(problem, trace)]


def _step_pairs(problem: Problem, trace: Trace) -> Iterator[PairRow]:
    leads_right, leads_wrong = _descendants(trace)
    for node in trace.nodes:
        children = [child for i in node.children if (child := trace.nodes[i]).visits > 0]
        by_q = sorted(children, key=lambda child: child.mean)
        positives = [child for child in reversed(by_q) if child.index in leads_right][:TOP]
        only_wrong = leads_wrong - leads_right
        negatives = [child for child in by_q if child.index in only_wrong][:TOP]
        pairs = [(p, n) for p, n in product(positives, negatives) if p.mean > n.mean]
        prompt = OFFICIAL.render(problem.question, trace.text(node.index))
        for chosen, rejected in pairs:
            weight = 1 / len(pairs)
            yield PairRow(problem.id, prompt, chosen.text, rejected.text, "step", weight)


def _solution_pairs(problem: Problem, trace: Trace) -> Iterator[PairRow]:
    ranked = sorted(trace.finished, key=lambda index: _rank(trace, index), reverse=True)
    right = [index for index in ranked if trace.nodes[index].mean > 0][:TOP]
    wrong = [index for index in reversed(ranked) if trace.nodes[index].mean < 0][:TOP]
    prompt = OFFICIAL.render(problem.question, START)
    for positive, negative in product(right, wrong):
        yield PairRow(
            problem.id,
            prompt,
            trace.text(positive).removeprefix(START),
            trace.text(negative).removeprefix(START),
            "solution",
            1 / (len(right) * len(wrong)),
        )


def _rank(trace: Trace, index: int) -> tuple[float, float]:
    values = [node.mean for node in trace.lineage(index)]
    return fmean(values), min(values)


def _descendants(trace: Trace) -> tuple[set[int], set[int]]:
    """Nodes with a correct answer below or at them, and nodes with a wrong one."""
    right: set[int] = set()
    wrong: set[int] = set()
    for index in trace.finished:
        marked = right if trace.nodes[index].mean > 0 else wrong
        node: Node = trace.nodes[index]
        while node.index != ROOT:
            marked.add(node.index)
            assert node.parent is not None
            node = trace.nodes[node.parent]
    return right, wrong
