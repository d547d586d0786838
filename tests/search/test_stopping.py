"""Rules that stop a vote, and the search that goes by them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.sandbox import Sandbox
from bench.search import Consistency, Trace, list_finished, sample_until_sure
from bench.search.stopping import (
    beta_confidence,
    count_until,
    stop_when_a_window_agrees,
    stop_when_sure,
)
from tests.scripted import ScriptedPolicy, problem


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


# Rules.


@pytest.mark.parametrize(
    ("first", "second", "sure"),
    [(0, 0, 1 / 2), (1, 0, 3 / 4), (4, 0, 31 / 32), (2, 1, 11 / 16), (3, 3, 1 / 2)],
)
def test_the_confidence_is_the_integral_of_the_beta_density(
    first: int, second: int, sure: float
) -> None:
    assert beta_confidence(first, second) == pytest.approx(sure)
    steps = 20_000  # by the midpoint rule
    points = [(at + 0.5) / steps for at in range(steps)]
    density = [p**first * (1 - p) ** second for p in points]
    upper = sum(value for p, value in zip(points, density, strict=True) if p > 0.5)
    assert beta_confidence(first, second) == pytest.approx(upper / sum(density), abs=1e-4)


def test_the_beta_rule_stops_at_four_of_four_as_the_paper_has_it_at_95_percent() -> None:
    rule = stop_when_sure(0.95)
    assert count_until(["1"] * 10, rule) == 4
    assert count_until(["1", "2", "1", "1", "1", "1", "1", "1"], rule) == 7  # 6 : 1, 0.965
    assert count_until(["1", "2"] * 4, rule) == 8
    assert count_until([None] * 5, rule) == 5


def test_a_third_answer_does_not_count_for_the_beta_rule() -> None:
    rule = stop_when_sure(0.9)
    assert not rule(["1", "1", "2"])
    assert rule(["1", "1", "1", "1", "2"]) == rule(["1", "1", "1", "1", "2", "3"])


def test_a_window_agrees_where_all_of_it_is_one_answer() -> None:
    rule = stop_when_a_window_agrees(2)
    assert count_until(["1", "2", "2", "2", "1", "1"], rule) == 4  # "2", "2" is the second window
    assert count_until(["1", "2", "1", "2"], rule) == 4
    assert count_until([None, None, "1", "1"], rule) == 4
    assert not rule([])


# The search.


async def search(
    sandbox: Sandbox, script: Callable[[str, int], str], **knobs: object
) -> tuple[Trace, ScriptedPolicy]:
    policy = ScriptedPolicy(script)
    config = Consistency(**knobs)  # type: ignore[arg-type]
    return await sample_until_sure(problem(), policy, sandbox, config=config, seed=0), policy


@pytest.mark.asyncio(loop_scope="package")
async def test_samples_are_drawn_one_by_one_until_their_vote_is_sure(sandbox: Sandbox) -> None:
    trace, policy = await search(sandbox, lambda partial, index: box("5"), n=16)
    assert len(trace.finished) == 4 and len(set(policy.seeds)) == 4
    undecided = iter("1212121212121212")
    trace, _ = await search(sandbox, lambda partial, index: box(next(undecided)), n=6)
    assert [each.answer for each in list_finished(trace)] == ["1", "2", "1", "2", "1", "2"]


@pytest.mark.asyncio(loop_scope="package")
async def test_a_window_is_drawn_at_once_and_equal_answers_in_other_forms_agree(
    sandbox: Sandbox,
) -> None:
    forms = ["1/2", "0.5", "\\frac{1}{2}"]
    trace, policy = await search(
        sandbox,
        lambda partial, index: box(forms[index]),
        n=9,
        stop_rule="window",
        window=3,
    )
    assert len(trace.finished) == 3 and len(policy.seeds) == 1


@pytest.mark.asyncio(loop_scope="package")
async def test_a_last_window_is_no_larger_than_what_is_left(sandbox: Sandbox) -> None:
    trace, _ = await search(
        sandbox,
        lambda partial, index: box(str(index)),
        n=5,
        stop_rule="window",
        window=3,
    )
    assert len(trace.rollouts) == 5


@pytest.mark.asyncio(loop_scope="package")
async def test_what_does_not_finish_is_no_vote_and_does_not_stop(sandbox: Sandbox) -> None:
    trace, _ = await search(sandbox, lambda partial, index: "\nx = 1 +", n=5)
    assert (len(trace.rollouts), trace.finished) == (5, [])
