"""The policy alone in the plan format: a plan and its solution written at once, or n of them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.engines.base import Policy, StepScorer
from bench.prompts.plans import START_OF_PLAN, WHOLE_STOPS, Solutions, split_actions
from bench.sandbox import Sandbox
from bench.search.expansion import Expander
from bench.search.plans.steps import SOLUTIONS, PlanSteps
from bench.search.sampling import Sampling, add_chain, begin_samples, end_samples, fill_budget
from bench.search.settings import SearchConfig
from bench.search.tree import ROOT, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGreedy(SearchConfig):
    """The knobs of one greedy plan with its solution."""

    solutions: Solutions = SOLUTIONS
    """What the solution below a plan is: `code` is run, `text` has its answer in a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSampling(Sampling):
    """The knobs of sampled plans with their solutions."""

    solutions: Solutions = SOLUTIONS
    """What the solution below a plan is: `code` is run, `text` has its answer in a box."""


async def plan_greedy(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: PlanGreedy, seed: int
) -> Trace:
    """Write one plan and its solution, always the likeliest token."""
    steps = PlanSteps(sandbox, config.solutions)
    with Expander.start(
        problem, policy, steps, None, search="plan_greedy", seed=seed, rules="", text=START_OF_PLAN
    ) as expander:
        await _write(expander, 1, greedy=True)
        return expander.trace


async def plan_sample(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: PlanSampling,
    seed: int,
    scorer: StepScorer | None = None,
    begun: Trace | None = None,
) -> Trace:
    """Write `config.n` plans with their solutions, or as many as the tokens pay for.

    `begun` is the trace of a smaller budget, which is gone on with.
    """
    steps = PlanSteps(sandbox, config.solutions)
    with Expander.start(
        problem,
        policy,
        steps,
        scorer,
        search="plan_sample",
        seed=seed,
        rules="",
        text=START_OF_PLAN,
    ) as expander:
        await fill_budget(expander, config, _write, begun)
        return expander.trace


async def _write(expander: Expander, n: int, *, greedy: bool) -> None:
    """Add `n` plans with their solutions to those that there are."""
    root = expander.trace.nodes[ROOT]
    lasts = []
    for index, whole in await begin_samples(expander, n, WHOLE_STOPS, greedy=greedy):
        lasts.append(await add_chain(expander, root, index, whole, split_actions(whole.text)))
    await end_samples(expander, lasts)
