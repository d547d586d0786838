"""REBASE: a level's width is shared out by the PPM's values."""

from __future__ import annotations

import pytest

from bench.sandbox import Sandbox
from bench.search import ROOT, NodeKind, Rebase, Trace, list_finished, rebase
from bench.search.rebase import share_out
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

START = "<code>"


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


def grow(partial: str, index: int) -> str:
    """First steps x = 0, 1, ..., each followed by an answer with its number."""
    return step(f"x = {index}") if partial == START else box(partial.split("x = ")[1][0])


async def search(sandbox: Sandbox, script: object, values: dict[str, float], **knobs: int) -> Trace:
    return await rebase(
        problem(),
        ScriptedPolicy(script),  # type: ignore[arg-type]
        sandbox,
        config=Rebase(**knobs),  # type: ignore[arg-type]
        seed=0,
        scorer=ScriptedScorer(values),
    )


def test_shares_are_those_of_the_papers_formula_rounded_up_from_the_best_down() -> None:
    # exp(0), exp(-1), exp(-2) of 6: 3.99, then 2 of 0.37 : 0.14, which is 1.46, then nothing.
    assert share_out(6, [0.9, 0.7, 0.5], 0.2) == [4, 2, 0]
    assert share_out(6, [0.5, 0.7, 0.9], 0.2) == [0, 2, 4]
    assert share_out(4, [0.5, 0.5, 0.5, 0.5], 0.2) == [1, 1, 1, 1]
    assert share_out(3, [0.5, 0.5], 0.2) == [2, 1]


@pytest.mark.parametrize("width", [1, 7, 64])
def test_shares_add_up_to_the_width_whatever_the_temperature(width: int) -> None:
    for balance in (1e-3, 0.2, 1e3):
        shares = share_out(width, [0.99, 0.0, 0.3, 0.30001], balance)
        assert sum(shares) == width and min(shares) >= 0
    assert share_out(64, [0.99, 0.0, 0.3], 1e-3) == [64, 0, 0]


@pytest.mark.asyncio(loop_scope="package")
async def test_the_better_a_step_the_more_often_it_is_gone_on_from(sandbox: Sandbox) -> None:
    # Rewards 0.9, 0.7, 0.5 of three steps: as above, with 3 to share: 2, 1, 0.
    trace = await search(sandbox, grow, {"x = 0": 0.8, "x = 1": 0.4, "x = 2": 0.0}, width=3)
    assert [each.answer for each in list_finished(trace)] == ["0", "0", "1"]
    assert [len(node.children) for node in trace.nodes[1:4]] == [2, 1, 0]


@pytest.mark.asyncio(loop_scope="package")
async def test_a_finished_solution_takes_its_place_along_and_a_failed_step_gives_it_back(
    sandbox: Sandbox,
) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return [box("9"), step("1 / 0"), step("x = 5")][index]
        return box(str(index))

    trace = await search(sandbox, script, {}, width=3)
    assert [each.answer for each in list_finished(trace)] == ["9", "0", "1"]


@pytest.mark.asyncio(loop_scope="package")
async def test_a_search_that_cannot_go_on_or_finish_ends_where_it_stood(sandbox: Sandbox) -> None:
    failing = await search(sandbox, {START: [step("1 / 0")]}, {}, width=2)
    assert (failing.rollouts, failing.finished) == ([ROOT], [])
    endless = await search(
        sandbox, lambda partial, index: step(f"x = {len(partial)}"), {}, width=2, max_depth=3
    )
    assert endless.finished == []
    ends = [endless.nodes[at] for at in endless.rollouts]
    assert [(end.depth, end.kind) for end in ends] == [(3, NodeKind.STEP)] * 2
