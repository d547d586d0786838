"""Human solutions as code: every calculation runs, and earlier results are used by name."""

from __future__ import annotations

import asyncio
import random

import pytest

from bench.errors import EngineError
from bench.problems import BENCHMARKS, mirror
from bench.prompts import START, output_block
from bench.prompts.tags import END_OF_ANSWER, END_OF_CODE, STEP_STOPS
from bench.types import Problem
from rstar_train.demonstrators.gsm8k import GSM8KDemonstrator, plan_of, solutions

SOLUTION = (
    "She packs 6*4 = <<6*4=24>>24 pens.\n"
    "Nobody counts the caps.\n"
    "Half of them, 24/2=<<24/2=12>>12, are blue, and 12-5=$<<12-5=7>>7 are lost.\n"
    "#### 7"
)
PROBLEM = Problem("p", "How many?", "7", "gsm8k_train")


def codes(solution: str) -> list[str]:
    plan = plan_of(solution)
    assert plan is not None
    return [step.code for step in plan.steps]


def test_annotations_become_assignments_and_earlier_results_variables() -> None:
    assert codes(SOLUTION) == ["a = 6 * 4", "b = a / 2\nc = b - 5"]


def test_the_sentence_is_the_comment_without_the_result_that_the_code_computes() -> None:
    plan = plan_of(SOLUTION)
    assert plan is not None
    assert [step.comments for step in plan.steps] == [
        ("She packs 6*4 pens.",),
        ("Nobody counts the caps. Half of them, 24/2, are blue, and 12-5 are lost.",),
    ]
    assert plan.result == "c"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x <<.5*08=4>>4", "a = .5 * 8"),
        ("x <<(3+4)*2=14>>14", "a = (3 + 4) * 2"),
        ("x <<10-20=-10>>-10", "a = 10 - 20"),
        ("x <<2*1=2>>2\ny <<2+3=5>>5", "b = 2 + 3"),  # a small number is rather the question's
        ("x <<4*5=20>>20\ny <<20+1.20=21.2>>21.20", "b = a + 1.20"),
    ],
)
def test_an_expression_keeps_its_meaning(line: str, code: str) -> None:
    assert codes(line)[-1] == code


@pytest.mark.parametrize(
    "solution",
    ["No calculation.\n#### 3", "x <<3+=3>>3", "x <<1/0=0>>0", "x <<2**3=8>>8", "x <<f(2)=1>>1"],
)
def test_what_cannot_be_run_is_no_plan(solution: str) -> None:
    assert plan_of(solution) is None
    assert not GSM8KDemonstrator({"p": solution}, 0.3).can_solve(PROBLEM)


def test_a_problem_without_a_solution_is_refused() -> None:
    with pytest.raises(EngineError, match="no annotated solution of 'p'"):
        asyncio.run(
            GSM8KDemonstrator({}, 0.3).propose(PROBLEM, START, n=1, seed=0, stop=STEP_STOPS)
        )


async def test_without_mistakes_it_writes_the_whole_solution() -> None:
    demonstrator = GSM8KDemonstrator({"p": SOLUTION}, mistake_rate=0.0)
    partial, printed = START, "7.0"
    for _ in range(3):
        (step,) = await demonstrator.propose(PROBLEM, partial, n=1, seed=0, stop=STEP_STOPS)
        partial += step.text
    assert partial.endswith(f"print(c)\n{END_OF_CODE}")
    partial += output_block(printed)
    (step,) = await demonstrator.propose(PROBLEM, partial, n=1, seed=0, stop=STEP_STOPS)
    assert step.text.endswith(f"\\boxed{{7}}.{END_OF_ANSWER}")


def test_mistakes_differ_from_the_right_code() -> None:
    plan = plan_of(SOLUTION)
    assert plan is not None
    for step in plan.steps:
        drawn = step.mistakes(random.Random(1))
        assert len(set(drawn)) >= 3
        assert sum(wrong != step.code for wrong in drawn) >= len(drawn) - 1


@pytest.mark.skipif(
    mirror.locate(BENCHMARKS["gsm8k_train"]) is None, reason="no mirror holds gsm8k_train.jsonl"
)
def test_nearly_all_of_gsm8k_can_be_demonstrated() -> None:
    plans = [plan_of(solution) for solution in solutions().values()]
    assert sum(plan is not None for plan in plans) == 7376
