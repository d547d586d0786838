"""The demonstrator of plans: its right plans solve, its wrong ones mostly do not, by seed alone."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import random
from functools import cache

import pytest

from bench.answers.verifiers import verify
from bench.errors import EngineError
from bench.problems.generated import DIAL, TIERS, family_problems
from bench.prompts.plans import (
    ACTION_STOPS,
    START_OF_PLAN,
    Malformed,
    PlanStep,
    Solution,
    read_action,
)
from bench.types import Problem
from rstar_train.demonstrators.plans import SKETCHES, PlanDemonstrator, next_action, sketch_of
from rstar_train.demonstrators.sketches import Expression, Story

PER_FAMILY = 25
FAMILIES = tuple(family.name for families in DIAL.values() for family in families)


@cache
def pool(family: str) -> tuple[Problem, ...]:
    (tier,) = (name for name, all_ in TIERS.items() if family in [each.name for each in all_])
    return tuple(family_problems(tier, family, "train", PER_FAMILY))


def play(problem: Problem, rate: float, seed: int = 0) -> tuple[list[str], Solution]:
    """The steps of a plan and the solution, action by action as a search reads them."""
    sketch, rng, plan = sketch_of(problem), random.Random(f"{problem.id} {seed}"), list[str]()
    while True:
        action = read_action(next_action(sketch, plan, rng, rate)[0], len(plan) + 1)
        assert not isinstance(action, Malformed), action.reason
        if isinstance(action, Solution):
            return plan, action
        assert isinstance(action, PlanStep)
        plan.append(action.content)


def is_right(problem: Problem, solution: Solution) -> bool:
    assert solution.program is not None
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            exec(solution.program, {})  # our own text
        except (NameError, TypeError):  # what a slip may make of it
            return False
    printed = out.getvalue().strip()
    if problem.verifier is not None:
        return verify(problem.verifier, printed).correct
    return printed == problem.answer


def test_it_knows_every_family_of_the_dial() -> None:
    assert set(SKETCHES) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_right_plan_is_solved_by_its_program(family: str) -> None:
    played = [(problem, *play(problem, 0.0)) for problem in pool(family)]
    assert [p.question for p, _, solution in played if not is_right(p, solution)] == []
    assert max(len(plan) for _, plan, _ in played) <= 8
    assert min(len(plan) for _, plan, _ in played) >= 2


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_steps_are_followed_to_an_end_and_mostly_wrong(family: str) -> None:
    right = sum(is_right(problem, play(problem, 1.0)[1]) for problem in pool(family))
    assert right <= PER_FAMILY // 5


@pytest.mark.parametrize("family", [name for name in FAMILIES if not name.startswith("sums")])
def test_what_is_wrong_in_a_plan_alone_is_seen_in_the_outcome(family: str) -> None:
    wrong = 0
    for problem in pool(family):
        sketch, rng, plan = sketch_of(problem), random.Random(problem.id), list[str]()
        while (choice := sketch.choose(plan)).right or choice.wrong:
            plan.append(rng.choice(choice.wrong or choice.right))
        wrong += not is_right(problem, Solution("<code>\n" + "\n".join(sketch.write(plan))))
    assert wrong > PER_FAMILY // 2


def test_an_order_is_right_where_it_keeps_the_value_and_only_there() -> None:
    choice = Expression.read("Calculate 2 - 3 + 4 * -( 5 - 6 ).").choose([])
    assert choice.right == ["take 2 - 3 as a", "take 5 - 6 as a"]
    assert choice.wrong == ["take 3 + 4 as a"]
    after = Expression.read("Calculate 2 - 3 + 4 * -( 5 - 6 ).").choose(["take 5 - 6 as a"])
    assert after.right == ["take 2 - 3 as b", "take 4 * -a as b"]
    assert Expression.read("Calculate 8 - 2.").write(["take 8 - 2 as a"]) == [
        "a = 8 - 2",
        "print(a)",
    ]


def test_a_story_is_told_in_sub_goals_and_its_mistakes_are_a_readers() -> None:
    story = Story.read(
        "Ann has 12 pens. Ben has 5 more pens than Ann. Ann gives 3 pens to Ben. "
        "Ben loses 2 pens. How many more pens than Ben does Ann have now?"
    )
    start = "Ann has 12, Ben has 5 more than Ann"
    assert story.choose([]).right == [start]
    assert story.choose([]).wrong == ["Ann has 12, Ben has 5 times as many as Ann"]
    given = story.choose([start])
    assert given.right == ["Ann gives 3 to Ben"]
    assert given.wrong == ["Ann gets 3", "Ann loses 3", "Ben gives 3 to Ann", "Ben loses 2"]
    # Taken in the wrong order, nothing is forgotten.
    assert story.choose([start, "Ben loses 2"]).right == ["Ann gives 3 to Ben"]
    assert story.choose([start, "Ann gets 3"]).right == ["Ben loses 2"]
    plan = [start, "Ann gives 3 to Ben", "Ben loses 2", "tell how many more Ann has than Ben"]
    assert story.choose(plan) == type(given)()
    assert story.write(plan)[-1] == "print(ann - ben)"


async def proposals(
    problem: Problem, rate: float, n: int, partial: str = START_OF_PLAN
) -> list[str]:
    found = await PlanDemonstrator(rate).propose(problem, partial, n=n, seed=1, stop=ACTION_STOPS)
    assert all(each.tokens > 0 for each in found)
    told = {round(math.exp(each.logprob or 0.0), 9) for each in found}
    assert told <= {round(rate, 9), round(1 - rate, 9), 1.0}
    return [each.text for each in found]


async def test_proposals_depend_on_the_seed_and_not_on_how_many_or_on_the_answer() -> None:
    problem = pool("arithmetic_5")[0]
    many = await proposals(problem, 0.3, 8)
    assert await proposals(problem, 0.3, 3) == many[:3]
    assert await proposals(dataclasses.replace(problem, answer="nonsense"), 0.3, 8) == many


async def test_what_it_does_not_know_is_an_error_of_one_sentence() -> None:
    problem = pool("words_2")[0]
    stranger = dataclasses.replace(problem, subject="dice")
    assert not PlanDemonstrator(0.3).can_solve(stranger)
    with pytest.raises(EngineError, match=r"cannot solve .* of family 'dice'; it knows arith"):
        await proposals(stranger, 0.3, 1)
    for subject, question in (
        ("words_2", "How many?"),
        ("arithmetic_5", "Calculate 8 / 2."),
        ("game_of_24", "Make 24."),
    ):
        odd = dataclasses.replace(problem, subject=subject, question=question)
        with pytest.raises(EngineError, match=r"cannot read the question of '.*': .+ .+"):
            await proposals(odd, 0.3, 1)
