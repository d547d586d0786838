"""MCTS over the steps of a plan (CPL, arXiv 2409.08642, as its released code plays it).

An iteration walks from the root to a node that has no children yet, gives it some, and ends; there
are no rollouts. Below a node the walk takes the child with the highest

    PUCT(s) = Q(s) + c P(s) sqrt(N_parent) / (1 + N(s)),

P the geometric mean of the step's token probabilities at temperature 1, Q of an unvisited child 0;
equals are drawn from the seed. A finished solution is never walked to again. What an iteration
backs up, each as one visit of every node on the path: the value model's score of the node that got
children, then each new end at once: +1 or -1 from `reward` in training, the value model's score at
test time, and -1 for what is malformed, fails or is too deep. So Q = q / N, and an end's is its
reward.

Where neither the paper nor the code is clear, this is our choice: the root, which is no step, is
scored 0, as is every node without a value model (in the code a random head scores round 1); a node
below which nothing is left to visit is closed. A solution may follow any number of steps, also none
and the most that a plan may have.

`solution_mcts` is the same search without plans, over the steps of rStar-Math's solutions. One
greedy answer is asked for below a program's output, which it only copies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from bench.engines.base import Completion, Policy, StepScorer, derive_seed
from bench.errors import BenchError
from bench.knobs import Count, Use
from bench.prompts import START
from bench.prompts.plans import START_OF_PLAN, Solutions
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.mcts import DEAD_END, Reward, close, explore, require_values, value_of
from bench.search.plans.steps import SOLUTIONS, LimitedSteps, PlanSteps
from bench.search.settings import Depth, Iterations, SearchConfig, Weight, Width
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PUCT(SearchConfig):
    """The knobs of CPL's search, whatever its steps are."""

    iterations: Annotated[Iterations, Use.BUDGET, Use.LABEL] = 200
    """Nodes of a problem that are given children (CPL: 200 in round 1, 100 in round 2)."""
    root_children: Width = 5
    """Candidates of the first step (CPL: 5)."""
    children: Width = 3
    """Candidates of every other step (CPL: 3)."""
    c_puct: Weight = 1.5
    """Exploration constant of PUCT (CPL's code: 1.5)."""
    tokens: Annotated[Count, Use.BUDGET] | None = None
    """Generated tokens of a problem after which nothing new is begun; none: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CPL(PUCT):
    """The knobs of a search over plans."""

    plan_depth: Depth = 6
    """Steps of a plan at most (CPL: 6)."""
    solutions: Solutions = SOLUTIONS
    """What the solution below a plan is: `code` is run, `text` has its answer in a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CPLSolution(PUCT):
    """The knobs of the same search without plans."""

    max_depth: Depth = 16
    """Steps of a solution at most (rStar-Math's paper: 16)."""


async def plan_mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: CPL,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
) -> Trace:
    """Search one problem's plans.

    Raises BenchError: neither `scorer` nor `reward` is given, or the policy tells no probabilities.
    """
    require_values(scorer, reward)
    steps = PlanSteps(sandbox, config.solutions, config.plan_depth)
    with Expander.start(
        problem, policy, steps, scorer, search="cpl", seed=seed, rules="", text=START_OF_PLAN
    ) as expander:
        await _grow(expander, config, reward)
        return expander.trace


async def solution_mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: CPLSolution,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
) -> Trace:
    """Search one problem's solutions, step by step. Raises as `plan_mcts`."""
    require_values(scorer, reward)
    steps = LimitedSteps(sandbox, config.max_depth)
    with Expander.start(
        problem, policy, steps, scorer, search="cpl_solution", seed=seed, rules="", text=START
    ) as expander:
        await _grow(expander, config, reward)
        return expander.trace


async def _grow(expander: Expander, config: PUCT, reward: Reward | None) -> None:
    """Go on until there were `iterations`, or the tokens are spent, or nothing is left."""
    trace = expander.trace
    tokens = math.inf if config.tokens is None else config.tokens
    for _ in range(config.iterations):
        if trace.usage.policy_generated >= tokens or trace.nodes[ROOT].exhausted:
            break
        leaf = _descend(trace, config.c_puct)
        trace.record(EventKind.REACHED, leaf, await _score_leaf(expander, leaf))
        ends = await _expand(expander, leaf, config)
        await _end(expander, leaf, ends, reward)


def _descend(trace: Trace, c: float) -> Node:
    """Walk from the root to a node without children."""
    node = trace.nodes[ROOT]
    while node.expanded:
        node = choose_child(trace, node, c)
    return node


def choose_child(trace: Trace, node: Node, c: float) -> Node:
    """Return the open child with the highest PUCT; of equals one that the seed draws."""
    children = [child for index in node.children if not (child := trace.nodes[index]).exhausted]
    bounds = [puct(child, node, c) for child in children]
    highest = max(bounds)
    best = [child for child, bound in zip(children, bounds, strict=True) if bound == highest]
    if len(best) == 1:
        return best[0]
    return best[derive_seed(trace.seed, trace.problem_id, node.path, node.visits) % len(best)]


def puct(child: Node, parent: Node, c: float) -> float:
    """PUCT(s) = Q(s) + c P(s) sqrt(N_parent) / (1 + N(s)); Q is 0 before the first visit."""
    assert child.prior is not None, "a policy that tells no probabilities is refused"
    return child.mean + explore(parent, child.visits, c, child.prior)


async def _score_leaf(expander: Expander, leaf: Node) -> float:
    """Return what the value model thinks of a node; 0 for the root, or without one."""
    if leaf.parent is not None:
        await expander.score(expander.trace.nodes[leaf.parent], [[leaf]])
    return leaf.value or 0.0


async def _expand(expander: Expander, leaf: Node, config: PUCT) -> list[Node]:
    """Give a node its children; return the new ends, repetitions left out."""
    trace = expander.trace
    if leaf.kind is NodeKind.CODE_END:
        proposals = await expander.propose(leaf, 1, greedy=True)
    else:
        wanted = config.root_children if leaf.index == ROOT else config.children
        proposals = await expander.propose(leaf, wanted)
    _require_probabilities(expander, proposals)
    known = len(trace.nodes)
    await expander.add_candidates(leaf, proposals)
    to_go_on = (NodeKind.STEP, NodeKind.CODE_END, NodeKind.DUPLICATE)
    return [node for node in trace.nodes[known:] if node.kind not in to_go_on]


def _require_probabilities(expander: Expander, proposals: list[Completion]) -> None:
    if any(step.logprob is None and step.tokens for step in proposals):
        raise BenchError(
            f"the search {expander.trace.search!r} goes by the probabilities of steps, and the "
            f"policy {expander.policy.name!r} tells none; choose one that does"
        )


async def _end(expander: Expander, leaf: Node, ends: list[Node], reward: Reward | None) -> None:
    """Back up the new ends below a node, and close what nothing is left to visit of."""
    trace = expander.trace
    answers = [end for end in ends if end.kind is NodeKind.ANSWER]
    if reward is None:
        await expander.score(leaf, [[answer] for answer in answers])
    for end in ends:
        value = await value_of(trace, end, reward) if end in answers else DEAD_END
        trace.record(EventKind.REACHED, end, value)
        close(trace, end)
        trace.record(EventKind.ROLLOUT, end)
