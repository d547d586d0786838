"""The demonstrator proposes by seed alone, walks to the answer, and says what it cannot do."""

from __future__ import annotations

import dataclasses

import pytest

from bench.engines.base import Completion
from bench.errors import EngineError
from bench.prompts import START, output_block
from bench.prompts.tags import END_OF_ANSWER, END_OF_CODE, END_OF_STEP, STEP_STOPS
from bench.types import Problem
from rstar_train.demonstrators.by_rule import RuleDemonstrator

SUM = Problem(
    id="sum",
    question="State the final answer to the following arithmetic problem: 57 + 87 - 70 =",
    answer="74",
    benchmark="embedded-grade-school",
    subject="chain_sum",
)


async def proposals(
    who: RuleDemonstrator, *, n: int, seed: int, partial: str = START, greedy: bool = False
) -> list[str]:
    completions: list[Completion] = await who.propose(
        SUM, partial, n=n, seed=seed, stop=STEP_STOPS, greedy=greedy
    )
    return [completion.text for completion in completions]


async def test_proposals_are_a_function_of_the_seed() -> None:
    first = await proposals(RuleDemonstrator(0.3), n=8, seed=1)
    assert await proposals(RuleDemonstrator(0.3), n=8, seed=1) == first
    assert await proposals(RuleDemonstrator(0.3), n=8, seed=2) != first


async def test_a_candidate_does_not_depend_on_how_many_are_asked_for() -> None:
    many = await proposals(RuleDemonstrator(0.3), n=8, seed=1)
    assert await proposals(RuleDemonstrator(0.3), n=3, seed=1) == many[:3]


async def test_greedy_makes_no_mistakes_and_without_them_every_path_is_right() -> None:
    for who, greedy in ((RuleDemonstrator(1.0), True), (RuleDemonstrator(0.0), False)):
        partial = START
        for _ in range(3):
            partial += (await proposals(who, n=1, seed=5, partial=partial, greedy=greedy))[0]
        assert "total = 57 + 87\n" in partial
        assert "total = total - 70\n" in partial
        assert partial.count(END_OF_STEP) == 2
        assert partial.endswith(f"print(total)\n{END_OF_CODE}")
        partial += output_block("74")
        (end,) = await proposals(who, n=1, seed=5, partial=partial, greedy=greedy)
        assert end == f"<answer>The answer is \\boxed{{74}}.{END_OF_ANSWER}"


async def test_mistakes_come_as_often_as_stated() -> None:
    texts = await proposals(RuleDemonstrator(0.3), n=2000, seed=1)
    wrong = sum("total = 57 + 87\n" not in text for text in texts)
    assert 0.25 < wrong / len(texts) < 0.35


async def test_the_reference_answer_is_not_read() -> None:
    altered = dataclasses.replace(SUM, answer="nonsense")
    completions = await RuleDemonstrator(0.3).propose(altered, START, n=4, seed=1, stop=STEP_STOPS)
    assert [c.text for c in completions] == await proposals(RuleDemonstrator(0.3), n=4, seed=1)


async def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    stranger = dataclasses.replace(SUM, id="geo", subject="simple_geometry")
    assert not RuleDemonstrator(0.3).can_solve(stranger)
    with pytest.raises(EngineError, match=r"cannot solve 'geo' of family 'simple_geometry'.*lcm"):
        await RuleDemonstrator(0.3).propose(stranger, START, n=1, seed=1, stop=STEP_STOPS)


@pytest.mark.parametrize(
    ("family", "question"),
    [
        ("chain_sum", "How many are there?"),
        ("chain_sum", "Work out: 8 / 2 ="),
        ("chain_sum", "Work out: cats + dogs ="),
        ("basic_arithmetic", "Calculate 8 / 2."),
        ("basic_arithmetic", "Calculate 8 +."),
        ("basic_arithmetic", "Calculate open('x') + 1."),
        ("gcd", "Find the GCD of twelve and nine."),
        ("lcm", ""),
        ("leg_counting", "How many legs do cats have?"),
        ("leg_counting", "How many legs are there if you have 3 unicorns?"),
        ("leg_counting", "How many legs are there if you have ducks?"),
    ],
)
async def test_a_question_it_cannot_parse_is_an_engine_error(family: str, question: str) -> None:
    odd = dataclasses.replace(SUM, id="odd", subject=family, question=question)
    with pytest.raises(EngineError, match=r"cannot parse the question of 'odd': .+ .+"):
        await RuleDemonstrator(0.3).propose(odd, START, n=1, seed=1, stop=STEP_STOPS)
