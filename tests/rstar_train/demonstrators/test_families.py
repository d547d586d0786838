"""The plans solve what the generators ask, and every mistake drawn is one."""

from __future__ import annotations

import ast
import contextlib
import io
import random
from functools import cache

import pytest

from bench.problems.generated import TIERS, family_problems
from bench.types import Problem
from rstar_train.demonstrators.families import PLANNERS, Plan, misread

PER_FAMILY = 40


@cache
def pool(family: str) -> tuple[Problem, ...]:
    (tier,) = (name for name, all_ in TIERS.items() if family in [each.name for each in all_])
    return tuple(family_problems(tier, family, "train", PER_FAMILY))


def printed(plan: Plan) -> str:
    """What the plan's right code prints, run here: it is our own text."""
    program = "\n".join([*(step.code for step in plan.steps), f"print({plan.result})"])
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(program, {})
    return out.getvalue().strip()


@pytest.mark.parametrize("family", PLANNERS)
def test_the_right_steps_print_the_generators_answer(family: str) -> None:
    wrong = [p.question for p in pool(family) if printed(PLANNERS[family](p.question)) != p.answer]
    assert (len(pool(family)), wrong) == (PER_FAMILY, [])


@pytest.mark.parametrize("family", PLANNERS)
def test_every_drawn_mistake_differs_from_the_right_code(family: str) -> None:
    drawn = [
        (step.code, mistake)
        for problem in pool(family)
        for step in PLANNERS[family](problem.question).steps
        for seed in range(8)
        for mistake in step.mistakes(random.Random(seed))
    ]
    assert len(drawn) > PER_FAMILY
    assert [mistake for right, mistake in drawn if mistake == right] == []


@pytest.mark.parametrize(
    ("family", "question"),
    [
        ("chain_sum", "Solve the following: 5 - 5 ="),  # swapped operands would be the same step
        ("basic_arithmetic", "Calculate 7 - 7."),
        ("gcd", "Find the GCD of these numbers: 12, 12."),
        ("lcm", "Find the LCM of these numbers: 9, 9, 9."),
    ],
)
def test_equal_operands_leave_only_real_mistakes(family: str, question: str) -> None:
    for step in PLANNERS[family](question).steps:
        drawn = [m for seed in range(50) for m in step.mistakes(random.Random(seed))]
        assert step.code not in drawn


@pytest.mark.parametrize("family", PLANNERS)
def test_every_mistake_is_python_so_that_only_its_meaning_is_wrong(family: str) -> None:
    for problem in pool(family):
        for step in PLANNERS[family](problem.question).steps:
            for mistake in step.mistakes(random.Random(problem.id)):
                ast.parse(mistake)


@pytest.mark.parametrize("number", ["0", "7", "-3", "10", "100", "1024", "99", "-50"])
def test_a_number_is_never_misread_as_itself(number: str) -> None:
    misreadings = {misread(number, random.Random(seed)) for seed in range(200)}
    assert len(misreadings) > 1
    assert int(number) not in {int(text) for text in misreadings}


@pytest.mark.parametrize(
    ("family", "question", "answer"),
    [
        ("chain_sum", "State the final answer to the following: 1 - 20 + 3 =", "-16"),
        ("basic_arithmetic", "Calculate 2 - ( 3 - -4 ) * 5.", "-33"),
        ("basic_arithmetic", "Calculate -( 2 + 3 ) * 4.", "-20"),
        ("basic_arithmetic", "Calculate 2 * 3 - 4 * 5.", "-14"),
        ("leg_counting", "How many legs if you have 1 crab, 2 flatworms, 3 ducks?", "16"),
    ],
)
def test_signs_brackets_and_singulars_are_read(family: str, question: str, answer: str) -> None:
    assert printed(PLANNERS[family](question)) == answer
