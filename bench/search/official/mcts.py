"""MCTS as the released code plays it, node by node, its oddities included.

What it does otherwise than `bench.search.mcts`, which is as the paper prints it:

- An unvisited child has UCT 0, so without a PPM the first child is followed until its UCT falls
  below 0. The paper's is infinite: every child is tried once.
- A finished trajectory counts as soon as its expansion made it, and is never selected. The paper's
  counts when a rollout has walked to it.
- A dead end's -1 is its own. The paper's is its whole path's.
- A node is closed once a rollout has come to it and found all its children closed; that rollout is
  spent. The paper's is closed as soon as nothing is left below it.
- Choosing the root's child takes no step of a rollout, once the root has children. So every rollout
  but the first may go one step deeper than the depth limit.
- A step is read and run as a whole program (`bench.search.official.steps`).

`rstar-bench replay` compares the trees with recorded ones.
"""

from __future__ import annotations

from bench.engines.base import Policy, StepScorer
from bench.prompts import START
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.mcts import (
    DEAD_END,
    MCTS,
    Reward,
    has_budget,
    require_values,
    select,
    value_of,
)
from bench.search.official.steps import ERRORS_THRESHOLD, WholePrograms
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

UNVISITED = 0.0
"""UCT of a child that was never visited."""


async def official_mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
    errors_threshold: int = ERRORS_THRESHOLD,
    start: str = START,
) -> Trace:
    """Search one problem as the released code does.

    `errors_threshold` is that of `WholePrograms`. Raises BenchError where neither `scorer` nor
    `reward` is given.
    """
    with start_official_tree(
        problem,
        policy,
        sandbox,
        scorer,
        reward,
        config=config,
        seed=seed,
        errors_threshold=errors_threshold,
        start=start,
    ) as expander:
        await grow_official_tree(expander, config, reward, rollouts=config.rollouts)
        return expander.trace


def start_official_tree(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    scorer: StepScorer | None,
    reward: Reward | None,
    *,
    config: MCTS,
    seed: int,
    errors_threshold: int = ERRORS_THRESHOLD,
    start: str = START,
) -> Expander:
    """Return a tree that is its root, to be grown. Raises BenchError without any values."""
    require_values(scorer, reward)
    steps = WholePrograms(sandbox, config.max_depth, errors_threshold)
    return Expander.start(
        problem, policy, steps, scorer, search="mcts", seed=seed, rules="official", text=start
    )


async def grow_official_tree(
    expander: Expander, config: MCTS, reward: Reward | None, *, rollouts: int
) -> None:
    """Go on until the tree has had `rollouts` rollouts, or its tokens, or nothing is left."""
    while has_budget(expander.trace, config, rollouts):
        await _rollout(expander, config, reward)


async def _rollout(expander: Expander, config: MCTS, reward: Reward | None) -> None:
    """Walk to an end; of several answers that the walk made, the best valued is the rollout's."""
    trace = expander.trace
    begun = len(trace.events)
    end = await _descend(expander, config, reward)
    reached = [event for event in trace.events[begun:] if event.kind is EventKind.REACHED]
    if reached:
        end = trace.nodes[max(reached, key=lambda event: event.value).node]
    trace.record(EventKind.ROLLOUT, end)


async def _descend(expander: Expander, config: MCTS, reward: Reward | None) -> Node:
    """Walk from the root until nothing can be selected, expanding on the way."""
    trace = expander.trace
    node = trace.nodes[ROOT]
    deepest = config.max_depth + 1 if node.expanded else config.max_depth
    while node.kind is not NodeKind.ANSWER and node.depth < deepest:
        if not node.expanded:
            await _expand(expander, node, config.candidates, reward)
        child = select(trace, node, config.c, UNVISITED)
        if child is None:
            trace.record(EventKind.CLOSED, node)
            break
        node = child
    return node


async def _expand(expander: Expander, node: Node, candidates: int, reward: Reward | None) -> None:
    """Give a node its children, dead ends their -1, and answers their value at once."""
    trace = expander.trace
    known = len(trace.nodes)
    children = await expander.add_candidates(node, await expander.propose(node, candidates))
    # A rewarded answer is not asked the PPM about.
    unscored = [child for child in children if reward is None or child.kind is not NodeKind.ANSWER]
    await expander.score(node, [[child] for child in unscored])
    for made in trace.nodes[known:]:
        if made.kind in (NodeKind.FAILED_CODE, NodeKind.TOO_DEEP):
            trace.record(EventKind.VISITED, made, DEAD_END)
    for child in children:
        if child.kind is NodeKind.ANSWER:
            trace.record(EventKind.REACHED, child, await value_of(trace, child, reward))
            trace.record(EventKind.CLOSED, child)
        elif child.value is not None:
            trace.record(EventKind.VISITED, child, child.value)
