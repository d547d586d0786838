"""Branching where the policy is unsure: which step is left, and which answer is likeliest."""

from __future__ import annotations

import pytest

from bench.sandbox import Sandbox
from bench.search import Branching, Finished, Trace, branch, list_finished, select_probable
from tests.scripted import ScriptedPolicy, problem

START = "<code>"


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


def greedily(partial: str, index: int) -> str:
    """x = 1, then y = 1, then the two side by side."""
    if "x =" not in partial:
        return step("x = 1")
    if "y =" not in partial:
        return step("y = 1")
    return box(partial.split("x = ")[1][0] + partial.split("y = ")[1][0])


def otherwise(partial: str, index: int) -> str:
    return greedily(partial, index).replace("= 1", "= 2")


async def search(sandbox: Sandbox, probability: dict[str, float] | None, **knobs: int) -> Trace:
    def tell(text: str) -> float:
        assert probability is not None
        return next((p for part, p in probability.items() if part in text), 1.0)

    policy = ScriptedPolicy(otherwise, greedily, None if probability is None else tell)
    config = Branching(**knobs)  # type: ignore[arg-type]
    return await branch(problem(), policy, sandbox, config=config, seed=0)


def answers(trace: Trace) -> list[str]:
    return [each.answer for each in list_finished(trace)]


@pytest.mark.asyncio(loop_scope="package")
async def test_the_first_solution_is_the_greedy_one_and_others_leave_it_where_it_is_unsure(
    sandbox: Sandbox,
) -> None:
    # Left of 1 at the root: 0.1. Below x = 1: 0.5, and the way there has 0.9.
    unsure_of_y = {"x = 1": 0.9, "y = 1": 0.5, "x = 2": 0.1, "y = 2": 0.5}
    assert answers(await search(sandbox, unsure_of_y, n=2)) == ["11", "12"]
    unsure_of_x = {"x = 1": 0.5, "y = 1": 0.9, "x = 2": 0.5, "y = 2": 0.1}
    assert answers(await search(sandbox, unsure_of_x, n=2)) == ["11", "21"]


@pytest.mark.asyncio(loop_scope="package")
async def test_where_the_policy_is_sure_nothing_more_is_written(sandbox: Sandbox) -> None:
    trace = await search(sandbox, {"x = 1": 0.99, "y = 1": 0.99}, n=50)
    assert answers(trace) == ["11"]


@pytest.mark.asyncio(loop_scope="package")
async def test_a_node_is_asked_for_no_more_than_its_candidates(sandbox: Sandbox) -> None:
    # Without probabilities only repetitions say that nothing new is left.
    trace = await search(sandbox, None, n=50, candidates=3)
    children = [sum(node.parent == other.index for node in trace.nodes) for other in trace.nodes]
    assert max(children) == 3
    assert sorted(set(answers(trace))) == ["11", "12", "21", "22"]


@pytest.mark.asyncio(loop_scope="package")
async def test_tokens_end_the_search(sandbox: Sandbox) -> None:
    sure = {"x = 1": 0.5, "x = 2": 0.4, "y = 1": 0.5, "y = 2": 0.4}
    whole = await search(sandbox, sure, n=50)
    cut = await search(sandbox, sure, n=50, tokens=1)
    assert len(cut.rollouts) == 1 < len(whole.rollouts)
    assert cut.events == whole.events[: len(cut.events)]


def test_an_answer_has_the_probability_of_its_solutions_together() -> None:
    found = [
        Finished("1", (), -1.0),  # 0.37
        Finished("2", (), -1.5),  # 0.22
        Finished("\\frac{4}{2}", (), -1.6),  # 0.20, the same answer
    ]
    assert select_probable(found) == 1
    assert select_probable(found[:2]) == 0
    assert select_probable([]) is None
    assert select_probable([*found[:1], Finished("2", (), None), Finished("2", ())]) == 1
