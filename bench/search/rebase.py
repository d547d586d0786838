"""REBASE: every level has room for so many steps, shared out by the PPM (Wu et al. 2024).

A search of width B is to end with B solutions. At each level the solutions that are not finished
share out what is left of the width: a node with reward R_j is asked for about
B exp(R_j / T) / sum_k exp(R_k / T) steps (arXiv 2408.00724). Unlike a beam it asks
good nodes for more than bad ones, and unlike MCTS it never goes back.

The paper rounds to the nearest, which need not add up; its code rounds up, the best node first,
until the width is given away, and so does this. A reward is the PPM's value of the path, as its own
aggregate makes it, brought to [0, 1]. A step whose code fails gives its place back to the level.
Equal steps are two, as in the paper: each has its own part of the width, and its own vote.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from bench.engines.base import Policy, StepScorer
from bench.knobs import Positive, Use
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import SAMPLES, Depth, SearchConfig, Width
from bench.search.steps import RepeatableSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide(SearchConfig):
    """The knobs of searches that grow so many solutions level by level."""

    width: Annotated[Width, Use.LABEL] = SAMPLES
    """Solutions that grow side by side."""
    max_depth: Depth = 16
    """Steps of a solution at most (paper: 16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase(SideBySide):
    """The knobs of REBASE."""

    balance: Positive = 0.2
    """Temperature of the shares: small, and the best node gets all (its code: 0.2)."""


async def rebase(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Rebase,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until `width` solutions are finished or none can go on."""
    steps = RepeatableSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="rebase", seed=seed) as expander:
        await _grow(expander, config)
        return expander.trace


async def _grow(expander: Expander, config: Rebase) -> None:
    trace, left = expander.trace, config.width
    going, shares = [trace.nodes[ROOT]], [left]
    for _ in range(config.max_depth):
        children = await _expand(expander, going, shares)
        if not children:
            break
        for end in (child for child in children if child.kind is NodeKind.ANSWER):
            trace.record(EventKind.ROLLOUT, end)
            left -= 1
        going = [child for child in children if child.kind is not NodeKind.ANSWER]
        if not going or not left:
            return
        rewards = [(1 + expander.value_path(child)) / 2 for child in going]
        shares = share_out(left, rewards, config.balance)
    for unfinished in going:
        trace.record(EventKind.ROLLOUT, unfinished)


async def _expand(expander: Expander, nodes: Sequence[Node], shares: Sequence[int]) -> list[Node]:
    """Ask every node for its share of steps; return the children of all that can go on."""
    asked = [(node, share) for node, share in zip(nodes, shares, strict=True) if share]
    proposals = await asyncio.gather(*(expander.propose(node, share) for node, share in asked))
    children = []
    for (node, _), completions in zip(asked, proposals, strict=True):
        added = await expander.add_candidates(node, completions)
        await expander.score(node, [[child] for child in added])
        children += added
    return children


def share_out(width: int, rewards: Sequence[float], balance: float) -> list[int]:
    """Return how many steps each node is asked for: `width` in all, more where more is expected."""
    best = max(rewards)
    weights = [math.exp((reward - best) / balance) for reward in rewards]
    order = sorted(range(len(rewards)), key=lambda at: rewards[at], reverse=True)
    shares = [0] * len(rewards)
    for place, at in enumerate(order):
        rest = math.fsum(weights[other] for other in order[place:])
        # The last of them gets what is left, whatever rounding does to its share of it.
        exact = width * weights[at] / rest if place + 1 < len(order) else width
        shares[at] = min(width, math.ceil(exact))
        width -= shares[at]
    return shares
