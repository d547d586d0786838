"""Monte Carlo tree search over reasoning steps (rStar-Math, section 3).

A rollout walks down from the root by UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)), expanding each
node it finds unexpanded with candidate steps whose code ran, until it reaches an answer; that
trajectory's value is added to every node on its path. Two annotations exist. Terminal-guided: q
starts at 0, values are +1 or -1 from `reward`. PPM-augmented: q starts at the PPM's value, and
being scored counts as the first visit, as the authors confirm; values come from `reward` where
there is one (training) and from the PPM at the answer where there is none (test time). No reference
answer is visible here.

That is the search under the `paper` rules. Where the released code does otherwise, a field of
`Rules` says so; no other difference is in this module.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.engines.base import Policy, StepScorer
from bench.errors import BenchError
from bench.prompts import START
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Searcher
from bench.search.rules import PAPER, Rules
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Reward = Callable[[Trace, Node], Awaitable[float]]
"""The value of a finished trajectory, +1 or -1, from who knows the answer: training only."""

DEAD_END = -1.0
"""The value of an end without an answer: what a wrong answer is worth."""


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
    tokens: int | None = None
    """Begin no rollout once the policy has generated so many tokens; None: no limit."""


async def mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
    rules: Rules = PAPER,
    start: str = START,
) -> Trace:
    """Search one problem, whose solutions all begin with `start`.

    Raises BenchError where neither `scorer` nor `reward` is given.
    """
    with searching(
        problem, policy, sandbox, scorer, reward, config=config, seed=seed, rules=rules, start=start
    ) as searcher:
        await grow(searcher, config, reward, rollouts=config.rollouts)
        return searcher.trace


def searching(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    scorer: StepScorer | None,
    reward: Reward | None,
    *,
    config: MCTS,
    seed: int,
    rules: Rules = PAPER,
    start: str = START,
) -> Searcher:
    """Begin a tree, to be grown by `grow`. Raises BenchError without a source of values."""
    if scorer is None and reward is None:
        raise BenchError(
            "MCTS needs a value for its finished trajectories: pass a PPM (--ppm), or, in "
            "training, a reward"
        )
    return Searcher.start(
        problem,
        policy,
        sandbox,
        scorer,
        search="mcts",
        seed=seed,
        rules=rules,
        max_depth=config.max_depth,
        text=start,
    )


async def grow(searcher: Searcher, config: MCTS, reward: Reward | None, *, rollouts: int) -> None:
    """Go on until the tree has had `rollouts` rollouts, or its tokens, or nothing is left."""
    trace = searcher.trace
    tokens = math.inf if config.tokens is None else config.tokens
    while (
        len(trace.rollouts) < rollouts
        and trace.usage.policy_generated < tokens
        and not trace.nodes[ROOT].exhausted
    ):
        await _rollout(searcher, config, reward)


async def _rollout(searcher: Searcher, config: MCTS, reward: Reward | None) -> None:
    trace, rules = searcher.trace, searcher.rules
    begun = len(trace.events)
    end = await _descend(searcher, config, reward)
    if rules.answers_when_made:
        # Of several answers that a rollout made, the best valued is its own.
        reached = [event for event in trace.events[begun:] if event.kind is EventKind.REACHED]
        if reached:
            end = trace.nodes[max(reached, key=lambda event: event.value).node]
    elif end.kind is NodeKind.ANSWER:
        trace.record(EventKind.REACHED, end, await _value(trace, end, reward))
    elif rules.dead_ends_back_up:
        trace.record(EventKind.REACHED, end, DEAD_END)
    if rules.closes_ancestors:
        _close(trace, end)
    trace.record(EventKind.ROLLOUT, end)


async def _descend(searcher: Searcher, config: MCTS, reward: Reward | None) -> Node:
    """Walk from the root to an answer or a dead end, expanding on the way."""
    trace, rules = searcher.trace, searcher.rules
    node = trace.nodes[ROOT]
    deepest = config.max_depth + (rules.root_is_free and node.expanded)
    while node.kind is not NodeKind.ANSWER and node.depth < deepest:
        if not node.expanded:
            await _expand(searcher, node, config, reward)
        child = select(trace, node, config.c, rules.unvisited)
        if child is None:
            trace.record(EventKind.CLOSED, node)
            break
        node = child
    return node


async def _expand(searcher: Searcher, node: Node, config: MCTS, reward: Reward | None) -> None:
    """Give a node its children and their first statistics."""
    trace, rules = searcher.trace, searcher.rules
    known = len(trace.nodes)
    children = await searcher.adopt(node, await searcher.propose(node, config.candidates))
    rewarded = rules.answers_when_made and reward is not None
    unscored = [child for child in children if not (rewarded and child.kind is NodeKind.ANSWER)]
    await searcher.score(trace.text(node.index), [[child] for child in unscored])
    if not rules.dead_ends_back_up:
        for dead in trace.nodes[known:]:
            if dead.kind in (NodeKind.FAILED_CODE, NodeKind.TOO_DEEP):
                trace.record(EventKind.VISITED, dead, DEAD_END)
    for child in children:
        if rules.answers_when_made and child.kind is NodeKind.ANSWER:
            trace.record(EventKind.REACHED, child, await _value(trace, child, reward))
            trace.record(EventKind.CLOSED, child)
        elif child.value is not None:
            trace.record(EventKind.VISITED, child, child.value)


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


def _close(trace: Trace, end: Node) -> None:
    """Close a walked trajectory, and every ancestor of which nothing is left to visit."""
    node = end
    while True:
        if not node.exhausted:
            trace.record(EventKind.CLOSED, node)
        if node.parent is None:
            return
        node = trace.nodes[node.parent]
        if any(not trace.nodes[index].exhausted for index in node.children):
            return


async def _value(trace: Trace, end: Node, reward: Reward | None) -> float:
    if reward is not None:
        return await reward(trace, end)
    assert end.value is not None, "an answer node of a PPM-guided search is scored on expansion"
    return end.value
