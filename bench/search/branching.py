"""Branching where the policy is unsure: distinct solutions, likeliest first, and no PPM.

Samples of a small policy repeat each other: what it is sure of, it writes again and again. Here the
first solution is the greedy one. Every further one leaves what is known at the one step where the
probability of something new is largest, P(the steps up to there) times what the candidates there
have left of 1, draws a candidate there and goes on greedily. So tokens are spent where the policy
itself is undecided, and nowhere else (the idea of entropy-guided branching, e.g. arXiv 2503.21961,
with the probabilities of whole steps for a measure).

The answer is the one whose distinct solutions have the most probability together: what a vote of
ever more samples comes to, with every solution paid for once.

When two candidates are one, and when a node is asked no more, is decided as by the rules
`efficient` (`bench.search.efficient`), which choose by a PPM as well; `candidates` is the most that
a node is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from bench.engines.base import Policy
from bench.knobs import Count, Use
from bench.sandbox import Sandbox
from bench.search.efficient import LEAST, DistinctSteps
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import SAMPLES, Samples, Stepwise
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Branching(Stepwise):
    """The knobs of a search that branches where the policy is unsure."""

    n: Annotated[Samples, Use.BUDGET, Use.LABEL] = SAMPLES
    """Solutions of a problem."""
    tokens: Annotated[Count, Use.BUDGET] | None = None
    """Generated tokens of a problem after which nothing new is begun; none: no limit."""


async def branch(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: Branching, seed: int
) -> Trace:
    """Search one problem until its solutions, its tokens or what is likely new are used up."""
    steps = DistinctSteps(sandbox)
    with Expander.start(problem, policy, steps, None, search="branch", seed=seed) as expander:
        trace = expander.trace
        tokens = math.inf if config.tokens is None else config.tokens
        await _finish(expander, trace.nodes[ROOT], config)
        while len(trace.rollouts) < config.n and trace.usage.policy_generated < tokens:
            node = _find_undecided(trace, steps, config)
            if node is None:
                break
            asked = steps.count_asked(node)
            drawn = await expander.propose(node, 1, purpose=f"from {asked}")
            for child in await expander.add_candidates(node, drawn, first=asked):
                await _finish(expander, child, config)
        return trace


async def _finish(expander: Expander, node: Node, config: Branching) -> None:
    """Go on greedily from a node to an end."""
    trace = expander.trace
    while node.kind is not NodeKind.ANSWER and node.depth < config.max_depth:
        likeliest = await expander.propose(node, 1, greedy=True, purpose="greedy")
        await expander.add_candidates(node, likeliest)
        node = trace.nodes[-1]
        if not node.kind.is_valid:
            break
    trace.record(EventKind.ROLLOUT, node)


def _find_undecided(trace: Trace, steps: DistinctSteps, config: Branching) -> Node | None:
    """Return the node where something new is likeliest; None where it is nowhere likely enough."""
    reached = {ROOT: 1.0}
    for node in trace.nodes[1:]:
        if node.parent in reached and node.kind is NodeKind.STEP:
            # Without probabilities every step counts alike, and the earliest node is asked.
            step = 1.0 if node.logprob is None else math.exp(node.logprob)
            reached[node.index] = reached[node.parent] * step
    undecided = {}
    for index, probability in reached.items():
        node, unseen = trace.nodes[index], steps.estimate_unseen(trace.nodes[index])
        may_ask = 0 < steps.count_asked(node) < config.candidates and unseen >= LEAST
        if may_ask and node.depth < config.max_depth:
            undecided[index] = probability * unseen
    return trace.nodes[max(undecided, key=undecided.__getitem__)] if undecided else None
