"""Rows as the released code extracts them, its choices included; compared by `rstar-train replay`.

Solutions: correct trajectories by mean Q, then by least Q; two are taken, and of these any that
holds the word "error" is dropped, so that fewer can remain. Pairs: node by node, breadth first,
through nodes that lead to right and to wrong answers; the two children of highest Q that lead to a
right answer against the two of lowest Q that lead to a wrong one, up to four where the other side
has only one; a child may be on both sides. A pair is kept if the chosen step's Q is higher, and so
is the mean Q of its best completion (the best child that leads to a right answer, again and again)
against the other's worst. A leaf is right at Q = 1 and wrong at Q = -1; dead ends are neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.answers import check
from bench.prompts import OFFICIAL, START
from bench.search import Trace
from bench.search.official.trees import TOO_MANY_CODE_ERRORS
from bench.types import Problem
from rstar_train.rows.official_trees import (
    OfficialNode,
    OfficialTree,
    of_trace,
)
from rstar_train.rows.row import PairRow, SFTRow

TOP = 2
TOP_AGAINST_ONE = 4
"""Candidates of one side where the other has only one."""
LEAST_MARGIN = 0.5
LEAST_EDITS = 20
"""Pairs below either are filtered out: the difference of Q, and the edit distance in characters."""

Test = Callable[[OfficialNode], bool]


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution that is imitated."""

    text: str
    mean_q: float
    min_q: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference between two children of a node."""

    prefix: str
    """The prompt with the solution so far."""
    chosen: str
    rejected: str
    margin: float
    """Q of the chosen step minus Q of the rejected one."""
    completion_margin: float
    """The same of the means over their completions."""
    pos_count: int
    neg_count: int


def trajectories(tree: OfficialTree) -> list[OfficialNode]:
    """Return the leaves that are traced, depth first: answers, and ends with a code error.

    A tree without any answer has none.
    """
    leaves = [node for node in tree.root.walk() if not node.children]
    if not any(leaf.is_answer for leaf in leaves):
        return []
    return [leaf for leaf in leaves if leaf.is_answer or leaf.answer == TOO_MANY_CODE_ERRORS]


def correct_trajectories(tree: OfficialTree) -> list[OfficialNode]:
    """Return those of `trajectories` whose answer equals the reference."""
    gold = tree.problem.answer
    return [
        node
        for node in trajectories(tree)
        if node.is_answer and (node.answer == gold or check(gold, node.answer).correct)
    ]


def solutions(*trees: OfficialTree) -> list[Solution]:
    """Return at most two correct solutions of a problem's trees, best first."""
    found = []
    for leaf in (leaf for tree in trees for leaf in correct_trajectories(tree)):
        q = [node.q for node in leaf.path]
        found.append(Solution(leaf.solution.strip(), sum(q) / len(q), min(q)))
    found.sort(key=lambda each: (each.mean_q, each.min_q), reverse=True)
    return [each for each in found[:TOP] if "error" not in each.text.lower()]


def pairs(tree: OfficialTree) -> list[Pair]:
    """Return the step pairs of a tree, before any filter."""
    right, wrong = _leading(tree.root, _is_right), _leading(tree.root, _is_wrong)
    found: list[Pair] = []
    queue = [tree.root]
    for node in queue:  # grows while it is walked
        found += _pairs_below(node, tree.problem.question, right, wrong)
        queue += [child for child in node.children if child.tag in right and child.tag in wrong]
    return found


def passes(chosen: str, rejected: str, margin: float) -> bool:
    """Whether a pair survives the released code's filter."""
    return margin >= LEAST_MARGIN and not _within(chosen, rejected, LEAST_EDITS)


def rows_of_solutions(trees: Sequence[OfficialTree]) -> list[SFTRow]:
    """Return the solutions of a problem's trees as rows."""
    problem = trees[0].problem
    prompt = OFFICIAL.render(problem.question, START)
    return [
        SFTRow(problem.id, prompt, each.text.removeprefix(START), each.mean_q)
        for each in solutions(*trees)
    ]


def rows_of_pairs(tree: OfficialTree) -> list[PairRow]:
    """Return the step pairs of a tree as rows, each group weighing 1 before any filter."""
    return [
        PairRow(
            tree.problem.id,
            each.prefix,
            each.chosen,
            each.rejected,
            "step",
            1 / (each.pos_count * each.neg_count),
            each.pos_count,
            each.neg_count,
            each.margin,
        )
        for each in pairs(tree)
    ]


def sft_rows(problem: Problem, *traces: Trace) -> list[SFTRow]:
    """Return the solutions of our own trees, chosen by these rules."""
    return rows_of_solutions([of_trace(problem, trace) for trace in traces])


def pair_rows(problem: Problem, trace: Trace) -> list[PairRow]:
    """Return the step pairs of one of our own trees."""
    return rows_of_pairs(of_trace(problem, trace))


def _pairs_below(node: OfficialNode, question: str, right: set[str], wrong: set[str]) -> list[Pair]:
    good = sorted((c for c in node.children if c.tag in right), key=lambda c: c.q, reverse=True)
    bad = sorted((c for c in node.children if c.tag in wrong), key=lambda c: c.q)
    # As released: the lists are cut one after the other, so that 1 against 4 stays 1 against 4.
    chosen, rejected = good[:TOP], bad[:TOP]
    if len(chosen) == 1:
        rejected = bad[:TOP_AGAINST_ONE]
    if len(rejected) == 1:
        chosen = good[:TOP_AGAINST_ONE]
    prefix = OFFICIAL.render(question, node.solution)
    found = []
    for positive in chosen:
        for negative in rejected:
            margin = positive.q - negative.q
            best, worst = _completed(positive, right, True), _completed(negative, wrong, False)
            if margin > 0 and best > worst:
                found.append(
                    Pair(
                        prefix,
                        positive.text,
                        negative.text,
                        margin,
                        best - worst,
                        len(chosen),
                        len(rejected),
                    )
                )
    return found


def _completed(node: OfficialNode, leading: set[str], best: bool) -> float:
    """Return the mean Q from a node down, following the best (or worst) child that leads on."""
    q = [node.q]
    while options := [child for child in node.children if child.tag in leading]:
        node = sorted(options, key=lambda child: child.q, reverse=best)[0]
        q.append(node.q)
    return sum(q) / len(q)


def _leading(root: OfficialNode, is_end: Test) -> set[str]:
    """Return the tags of the nodes at or below which a leaf passes the test."""
    return {node.tag for leaf in root.walk() if is_end(leaf) for node in leaf.path}


def _is_right(node: OfficialNode) -> bool:
    return node.is_answer and node.q == 1


def _is_wrong(node: OfficialNode) -> bool:
    return node.is_answer and node.q == -1


def _within(a: str, b: str, limit: int) -> bool:
    """Whether the edit distance is below `limit`, which bounds the band that is computed."""
    if abs(len(a) - len(b)) >= limit:
        return False
    row = {j: j for j in range(min(len(b), limit) + 1)}
    for i, char in enumerate(a, start=1):
        low, high = max(0, i - limit), min(len(b), i + limit)
        fresh: dict[int, int] = {}
        for j in range(low, high + 1):
            if j == 0:
                fresh[j] = i
                continue
            replaced = row.get(j - 1, limit) + (char != b[j - 1])
            fresh[j] = min(replaced, row.get(j, limit) + 1, fresh.get(j - 1, limit) + 1)
        row = fresh
    return row.get(len(b), limit) < limit
