"""More rollouts for what stays unsolved: training only."""

from __future__ import annotations

import pytest

from bench.sandbox import Sandbox
from bench.search import MCTS, Node, Trace, mcts
from rstar_train.search.until_solved import search_until_solved
from tests.scripted import ScriptedPolicy, problem
from tests.search.recording import Recorder, reward

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def never(trace: Trace, end: Node) -> float:
    return -1.0


def endless(partial: str, index: int) -> str:
    """A step, or an answer that no reward likes."""
    if index == 0 and partial != "<code>":
        return f"<answer>\\boxed{{{len(partial)}}}<end_of_answer>"
    return f"\nx = {index}\n<end_of_step>"


async def test_an_unsolved_problem_gets_the_next_budget_and_a_solved_one_stops(
    sandbox: Sandbox,
) -> None:
    config = MCTS(candidates=3, max_depth=5)
    for is_right, expected in ((never, 6), (reward, 2)):
        policy = ScriptedPolicy(endless if is_right is never else lambda p, i: RIGHT[i % 2])
        trace = await search_until_solved(
            problem(), policy, sandbox, config=config, seed=0, reward=is_right, budgets=(2, 4, 6)
        )
        assert len(trace.rollouts) == expected


RIGHT = ("<answer>\\boxed{2}<end_of_answer>", "<answer>\\boxed{1}<end_of_answer>")


async def test_the_tree_is_the_one_of_the_budget_it_stopped_at(sandbox: Sandbox) -> None:
    config = MCTS(rollouts=6, candidates=3, max_depth=5)
    grown = await search_until_solved(
        problem(), Recorder(9), sandbox, config=config, seed=4, reward=never, budgets=(2, 6)
    )
    at_once = await mcts(problem(), Recorder(9), sandbox, config=config, seed=4, reward=never)
    assert grown == at_once
