"""Monte Carlo tree search over reasoning steps (rStar-Math, section 3).

A rollout walks down from the root by UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)), expanding each
node it finds unexpanded with candidate steps whose code ran, until it reaches an answer; that
trajectory's value is added to every node on its path. Two annotations exist. Terminal-guided: q
starts at 0, values are +1 or -1 from `reward`. PPM-augmented: q starts at the PPM's value, and
being scored counts as the first visit, as the authors confirm; values come from `reward` where
there is one (training) and from the PPM at the answer where there is none (test time). No reference
answer is visible here.

Where the paper is silent, this is our choice: an unvisited child comes first, a dead end is worth
what a wrong answer is, and a node below which nothing is left is not visited again. The released
code chooses otherwise (`bench.search.official.mcts`).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from bench.engines.base import Policy, StepScorer
from bench.errors import BenchError
from bench.knobs import Count, Use
from bench.prompts import START
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import Iterations, Stepwise, Weight
from bench.search.steps import TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Reward = Callable[[Trace, Node], Awaitable[float]]
"""The value of a finished trajectory, +1 or -1, from who knows the answer: training only."""

DEAD_END = -1.0
"""The value of an end without an answer: what a wrong answer is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MCTS(Stepwise):
    """The knobs of MCTS."""

    rollouts: Annotated[Iterations, Use.BUDGET, Use.LABEL] = 8
    """Rollouts of a problem (paper: 8 in round 1, 16 after)."""
    c: Weight = 2.0
    """Exploration constant c of UCT (paper: 2), under `efficient` of PUCT."""
    tokens: Annotated[Count, Use.BUDGET] | None = None
    """Generated tokens of a problem after which nothing new is begun; none: no limit."""
    rules: Literal["paper", "official", "efficient"] = "paper"
    """`paper` searches as the paper prints it, `official` as the released code plays it,
    `efficient`, ours, with tokens spent on what differs."""


async def mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
    start: str = START,
) -> Trace:
    """Search one problem, whose solutions all begin with `start`.

    Raises BenchError where neither `scorer` nor `reward` is given.
    """
    with start_tree(
        problem, policy, sandbox, scorer, reward, config=config, seed=seed, start=start
    ) as expander:
        await grow_tree(expander, config, reward, rollouts=config.rollouts)
        return expander.trace


def start_tree(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    scorer: StepScorer | None,
    reward: Reward | None,
    *,
    config: MCTS,
    seed: int,
    start: str = START,
) -> Expander:
    """Return a tree that is its root, to be grown. Raises BenchError without any values."""
    require_values(scorer, reward)
    return Expander.start(
        problem, policy, TaggedSteps(sandbox), scorer, search="mcts", seed=seed, text=start
    )


def require_values(scorer: StepScorer | None, reward: Reward | None) -> None:
    """Raise BenchError where nothing gives finished trajectories a value."""
    if scorer is None and reward is None:
        raise BenchError(
            "MCTS needs a value for its finished trajectories: pass a PPM (--ppm), or, in "
            "training, a reward"
        )


async def grow_tree(
    expander: Expander, config: MCTS, reward: Reward | None, *, rollouts: int
) -> None:
    """Go on until the tree has had `rollouts` rollouts, or its tokens, or nothing is left."""
    while has_budget(expander.trace, config, rollouts):
        await _rollout(expander, config, reward)


def has_budget(trace: Trace, config: MCTS, rollouts: int) -> bool:
    """Whether another rollout may begin, and has something left to visit."""
    tokens = math.inf if config.tokens is None else config.tokens
    return (
        len(trace.rollouts) < rollouts
        and trace.usage.policy_generated < tokens
        and not trace.nodes[ROOT].exhausted
    )


async def _rollout(expander: Expander, config: MCTS, reward: Reward | None) -> None:
    """Walk to an end, back its value up, and close what is finished."""
    trace = expander.trace
    end = await _descend(expander, config)
    answered = end.kind is NodeKind.ANSWER
    value = await value_of(trace, end, reward) if answered else DEAD_END
    trace.record(EventKind.REACHED, end, value)
    close(trace, end)
    trace.record(EventKind.ROLLOUT, end)


async def _descend(expander: Expander, config: MCTS) -> Node:
    """Walk from the root to an answer or a dead end, expanding on the way."""
    trace = expander.trace
    node = trace.nodes[ROOT]
    while node.kind is not NodeKind.ANSWER and node.depth < config.max_depth:
        if not node.expanded:
            await _expand(expander, node, config.candidates)
        child = select(trace, node, config.c)
        if child is None:
            trace.record(EventKind.CLOSED, node)
            break
        node = child
    return node


async def _expand(expander: Expander, node: Node, candidates: int) -> None:
    """Give a node its children; being scored counts as a child's first visit."""
    proposals = await expander.propose(node, candidates)
    children = await expander.add_candidates(node, proposals)
    await expander.score(node, [[child] for child in children])
    for child in children:
        if child.value is not None:
            expander.trace.record(EventKind.VISITED, child, child.value)


def select(trace: Trace, node: Node, c: float, unvisited: float = math.inf) -> Node | None:
    """Return the open child with the highest UCT; ties go to the first."""
    open_children = [
        child for index in node.children if not (child := trace.nodes[index]).exhausted
    ]
    return max(open_children, key=lambda child: uct(child, node, c, unvisited), default=None)


def uct(child: Node, parent: Node, c: float, unvisited: float = math.inf) -> float:
    """UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)); `unvisited` before the first visit."""
    if child.visits == 0:
        return unvisited
    # A parent may be unvisited while its children are scored; ln 1 = 0 leaves the choice to Q.
    return child.mean + c * math.sqrt(math.log(max(parent.visits, 1)) / child.visits)


def explore(parent: Node, visits: int, c: float, prior: float) -> float:
    """Return c P sqrt(N_parent) / (1 + N): what PUCT adds to Q of a child with N visits."""
    # A parent may be unvisited while its children are scored.
    return c * prior * math.sqrt(max(parent.visits, 1)) / (1 + visits)


def close(trace: Trace, end: Node, is_open: Callable[[Node], bool] = lambda node: False) -> None:
    """Close a walked trajectory, and every ancestor of which nothing is left to visit.

    `is_open` says of a node whose children are all closed whether it may get more.
    """
    node = end
    while True:
        if not node.exhausted:
            trace.record(EventKind.CLOSED, node)
        if node.parent is None:
            return
        node = trace.nodes[node.parent]
        if is_open(node) or any(not trace.nodes[index].exhausted for index in node.children):
            return


async def value_of(trace: Trace, end: Node, reward: Reward | None) -> float:
    """Return what a finished trajectory is worth: the reward's word, else the PPM's."""
    if reward is not None:
        return await reward(trace, end)
    assert end.value is not None, "an answer node of a PPM-guided search is scored on expansion"
    return end.value
