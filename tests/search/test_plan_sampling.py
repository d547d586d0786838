"""The policy alone in the plan format: a chain of nodes a plan, and how each ends."""

from __future__ import annotations

import pytest

from bench.sandbox import Sandbox
from bench.search import (
    NodeKind,
    PlanGreedy,
    PlanSampling,
    cut_to_rollouts,
    list_finished,
    plan_greedy,
    plan_sample,
)
from tests.scripted import ScriptedScorer, problem
from tests.search.planners import START, Planner, program, solve, step

pytestmark = pytest.mark.asyncio(loop_scope="package")

PLAN = step(1, "add") + step(2, "print")
WRITTEN = {
    START: [(PLAN + program("print(1 + 2)"), 0.5), (PLAN + program("print(4)"), 0.5), (PLAN, 0.5)]
}


async def test_a_greedy_plan_is_a_chain_of_its_steps_and_its_solution(sandbox: Sandbox) -> None:
    policy = Planner(WRITTEN)
    trace = await plan_greedy(problem(), policy, sandbox, config=PlanGreedy(), seed=0)
    assert [node.kind for node in trace.nodes[1:]] == [
        NodeKind.STEP,
        NodeKind.STEP,
        NodeKind.ANSWER,
    ]
    assert [found.answer for found in list_finished(trace)] == ["3"]
    assert policy.stops == [("</solution>",)]
    assert [node.tokens for node in trace.nodes[1:]] == [4, 0, 0]  # one completion


async def test_samples_keep_their_order_and_what_breaks_off_has_no_answer(
    sandbox: Sandbox,
) -> None:
    config = PlanSampling(n=3)
    scorer = ScriptedScorer({"add": 0.25, "print(": 0.5}, default=-0.5)
    trace = await plan_sample(
        problem(), Planner(WRITTEN), sandbox, config=config, seed=0, scorer=scorer
    )
    assert [found.answer for found in list_finished(trace)] == ["3", "4"]
    assert [found.step_scores for found in list_finished(trace)] == [(0.25, -0.5, 0.5)] * 2
    assert [trace.nodes[index].kind for index in trace.rollouts][2] is NodeKind.STOPPED
    assert trace.usage.executions == 2


async def test_text_is_not_run(sandbox: Sandbox) -> None:
    policy = Planner({START: [(PLAN + solve("3"), 0.5)]})
    config = PlanSampling(n=1, solutions="text")
    trace = await plan_sample(problem(), policy, sandbox, config=config, seed=0)
    assert [found.answer for found in list_finished(trace)] == ["3"]
    assert trace.usage.executions == 0


async def test_a_larger_budget_begins_with_the_samples_of_a_smaller(sandbox: Sandbox) -> None:
    large, small = [
        await plan_sample(
            problem(),
            Planner(WRITTEN),
            sandbox,
            config=PlanSampling(n=2, tokens=tokens),
            seed=0,
        )
        for tokens in (30, 10)
    ]
    assert (large.usage.policy_generated, small.usage.policy_generated) == (32, 16)
    assert cut_to_rollouts(large, len(small.rollouts)) == small
