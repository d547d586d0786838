"""Monte Carlo tree search over reasoning steps (rStar-Math, section 3).

A rollout walks down from the root by UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)), expanding each
node it finds unexpanded with candidate steps whose code ran, until it reaches an answer; that
trajectory's value is added to every node on its path. Two annotations exist. Terminal-guided: q
starts at 0, values are +1 or -1 from `reward`. PPM-augmented: q starts at the PPM's value, and
being scored counts as the first visit, as the authors confirm; values come from `reward` where
there is one (training) and from the PPM at the answer where there is none (test time). No reference
answer is visible here.

Choices the paper leaves open: an unvisited child comes first; a finished trajectory is not walked
twice; a rollout that ends without an answer (no valid child, or the depth limit) backs up -1, what
a wrong answer is worth, or the search would go on digging where nothing can be finished.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.engines.base import Policy, StepScorer
from bench.errors import BenchError
from bench.sandbox import Sandbox
from bench.search.expansion import Searcher
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Reward = Callable[[Trace, Node], Awaitable[float]]
"""The value of a finished trajectory, +1 or -1, from who knows the answer: training only."""

DEAD_END = -1.0
"""The value of a rollout that ends without an answer."""


@dataclass(frozen=True, slots=True)
class MCTS:
    """The budget and the constants of a search."""

    rollouts: int = 16
    """Rollouts per problem (paper: 8 in round 1, 16 after)."""
    candidates: int = 8
    """Candidate steps per expansion (paper: 5 in round 1, 8 after, 32 at test time)."""
    max_depth: int = 16
    """Steps from the root to the deepest node (paper: 16)."""
    c: float = 2.0
    """Exploration constant c of UCT (paper: 2)."""


async def mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
) -> Trace:
    """Search one problem. Raises BenchError where neither `scorer` nor `reward` is given."""
    if scorer is None and reward is None:
        raise BenchError(
            "MCTS needs a value for its finished trajectories: pass a PPM (--ppm), or, in "
            "training, a reward"
        )
    with Searcher.start(problem, policy, sandbox, scorer, search="mcts", seed=seed) as searcher:
        trace = searcher.trace
        for _ in range(config.rollouts):
            if trace.nodes[ROOT].exhausted:
                break
            end = await _descend(searcher, config)
            trace.rollouts.append(end.index)
            value = DEAD_END
            if end.kind is NodeKind.ANSWER:
                trace.finished.append(end.index)
                value = await reward(trace, end) if reward else _ppm_value(end)
            backup(trace, end, value)
            _mark_exhausted(trace, end)
        return trace


async def _descend(searcher: Searcher, config: MCTS) -> Node:
    """Walk from the root to an answer or a dead end, expanding on the way."""
    node = searcher.trace.nodes[ROOT]
    while node.kind is not NodeKind.ANSWER and node.depth < config.max_depth:
        if not node.expanded:
            await searcher.expand(node, config.candidates)
            if searcher.scoring is not None:
                _count_scores_as_visits(searcher.trace, node)
        child = select(searcher.trace, node, config.c)
        if child is None:
            return node
        node = child
    return node


def select(trace: Trace, node: Node, c: float) -> Node | None:
    """Return the child with the highest UCT that is not exhausted; ties go to the first."""
    open_children = [
        child for index in node.children if not (child := trace.nodes[index]).exhausted
    ]
    return max(open_children, key=lambda child: uct(child, node, c), default=None)


def uct(child: Node, parent: Node, c: float) -> float:
    """UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)); infinite before the first visit."""
    if child.visits == 0:
        return math.inf
    # A parent may be unvisited while its children are scored; ln 1 = 0 leaves the choice to Q.
    return child.mean + c * math.sqrt(math.log(max(parent.visits, 1)) / child.visits)


def backup(trace: Trace, end: Node, value: float) -> None:
    """Add a trajectory's value to every node on its path, the root included."""
    node: Node | None = end
    while node is not None:
        node.q += value
        node.visits += 1
        node = trace.nodes[node.parent] if node.parent is not None else None


def _count_scores_as_visits(trace: Trace, node: Node) -> None:
    for index in node.children:
        child = trace.nodes[index]
        child.q, child.visits = child.value or 0.0, 1


def _mark_exhausted(trace: Trace, end: Node) -> None:
    """Close a walked trajectory, and every ancestor of which nothing is left to visit."""
    end.exhausted = True
    node = end
    while node.parent is not None:
        node = trace.nodes[node.parent]
        if any(not trace.nodes[index].exhausted for index in node.children):
            return
        node.exhausted = True


def _ppm_value(end: Node) -> float:
    assert end.value is not None, "an answer node of a PPM-guided search is scored on expansion"
    return end.value
