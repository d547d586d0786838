"""The tactics of rewriting on worked goals; what they prove is decided by the checker."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bench.errors import UnknownNameError
from bench.inequalities.budget import Budget
from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.proposals import Reason, Refusal
from bench.inequalities.lips.rewriting import (
    TACTICS,
    Rewriting,
    accept_answer,
    apply_rewriting,
    propose,
)
from bench.inequalities.proving.goals import subtract
from bench.inequalities.proving.prover import prove_goal
from bench.inequalities.statements import (
    evaluate,
    format_expression,
    multiply,
)
from tests.inequalities.lips.accepting import check_steps, read, read_goal

NESBITT = "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0"

# A tactic, a goal, and sides that it proposes for it.
WORKED = [
    ("rewrite", NESBITT, "(a+b+c)/(b+c) + (a+b+c)/(a+c) + (a+b+c)/(a+b)", "9/2"),
    ("rewrite", "a/c + b >= b/c + 2b - a with a, b, c > 0", "a/c + a", "b/c + b"),
    ("rewrite", "a/(b + c) + b/(b + c) >= c with a, b, c > 0", "(a + b)/(b + c)", "c"),
    ("rewrite_with_assumption", "a*b >= c with a, b, c > 0 and a + b + c = 1", "a*(1-a-c)", "c"),
    ("simplify", "a + a + b/b >= 2 with a, b > 0", "2a + 1", "2"),
    (
        "simplify_with_assumption",
        "1/(1 - a - b) >= 1 with a, b, c > 0 and a + b + c = 1",
        "1/c",
        "1",
    ),
    ("mul_expand", "(a + b)*(1/a + 1/b) >= 4 with a, b > 0", "a/b + b/a + 2", "4"),
    ("exp_expand", "(a*b)^2 + (a + b)^2 >= 0 for real a, b", "a^2*b^2 + a^2 + 2a*b + b^2", "0"),
    ("factor", "a^2 + b^2 >= 2a*b with a, b > 0", "(a - b)^2", "0"),
    ("fraction_reduce", "(a^2 - b^2)/(a + b) >= 1 with a, b > 0", "a - b", "1"),
    ("fraction_apart", "(a + b)/c >= 1 with a, b, c > 0", "a/c + b/c", "1"),
    ("fraction_apart", "1/(a*(a + 1)) >= 1 with a > 0", "1/a - 1/(a + 1)", "1"),
    ("fraction_apart", "(a^2 + 2a + 3)/(a + 1) >= 2 with a > 0", "a + 2/(a + 1) + 1", "2"),
    ("fraction_together", "1/a + 1/b >= 1 with a, b > 0", "(a + b)/(a*b)", "1"),
    ("cancel_denominators", "1/(a + b) >= 1/(2a) with a, b > 0", "2a", "a + b"),
    ("cancel_numerators", "(a + b)/c >= (a + b)/d with a, b, c, d > 0", "d", "c"),
    ("cancel_factor", "a*c + b*c >= 2c*d with a, b, c, d > 0", "a + b", "2d"),
    ("cancel_power", "(a + b)^2 >= 4c^2 with a, b, c > 0", "a + b", "2c"),
    ("cancel_power", "sqrt(a^2 + b^2) >= sqrt(2a*b) with a, b > 0", "a^2 + b^2", "2a*b"),
    ("tangent_line", NESBITT, "3/2", "3/2"),
    ("tangent_line", "a^3 + b^3 >= 1/4 with a, b > 0 and a + b = 1", "1/4", "1/4"),
    ("equal_value", NESBITT, "a/(b + c) + 2*(b + c)/(2a + b + c)", "3/2"),
    (
        "pqr_method",
        "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
        "(a + b + c)^2",
        "3*(a*b + b*c + c*a)",
    ),
    ("homogenise", "a^3 + b^3 >= 1/4 with a, b > 0 and a + b = 1", "a^3 + b^3", "1/4*(a + b)^3"),
]


@pytest.mark.parametrize(("tactic", "text", "larger", "smaller"), WORKED)
def test_a_tactic_proposes_what_a_person_would_and_the_checker_accepts_it(
    tactic: str, text: str, larger: str, smaller: str
) -> None:
    statement, goal, *sides = read_goal(text)
    wanted = subtract(read(larger), read(smaller))
    for found in propose(tactic, Forms(goal), *sides):
        if _is_same(subtract(found.larger, found.smaller), wanted, goal.variables):
            break
    else:
        pytest.fail("not proposed")
    applied = apply_rewriting(goal, found, Budget(5))
    assert applied is not None
    assert applied.expression == found.expression
    lost = subtract(goal.expression, found.expression)
    check_steps(statement, lost, applied.steps[-1]["proof"])


def _is_same(left: object, right: object, variables: tuple[str, ...]) -> bool:
    """Whether two differences have the same values at two points off every equality here."""
    for shift in (3, 7):
        point = {v: Fraction(shift + 2 * i * i, 5 + i) for i, v in enumerate(variables)}
        if evaluate(left, point) != evaluate(right, point):  # type: ignore[arg-type]
            return False
    return True


GOALS = [
    NESBITT,
    "1/(a^2 - 4a + 9) + 1/(b^2 - 4b + 9) + 1/(c^2 - 4c + 9) <= 7/18"
    " with a, b, c >= 0 and a + b + c = 1",
    "a/sqrt(a^2 + 8b*c) + b/sqrt(b^2 + 8c*a) + c/sqrt(c^2 + 8a*b) >= 1 with a, b, c > 0",
    "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
]


@pytest.mark.parametrize("text", GOALS)
def test_every_exact_proposal_is_accepted_by_the_checker(text: str) -> None:
    statement, goal, *sides = read_goal(text)
    forms, count = Forms(goal), 0
    for name in TACTICS:
        for found in propose(name, forms, *sides):
            if found.exact:
                applied = apply_rewriting(goal, found, Budget(2))
                assert applied is not None, name
                lost = subtract(goal.expression, found.expression)
                check_steps(statement, lost, applied.steps[-1]["proof"])
                count += 1
    assert count >= 3


def test_all_tactics_of_the_paper_are_there_and_four_ask_no_policy() -> None:
    assert len(TACTICS) == 18
    unasked = {name for name, tactic in TACTICS.items() if not tactic.request}
    assert unasked == {"cancel_power", "tangent_line", "equal_value", "pqr_method", "homogenise"}


def test_a_tactic_that_does_not_exist_is_named_with_a_close_one() -> None:
    _, goal, *sides = read_goal(NESBITT)
    with pytest.raises(UnknownNameError, match="did you mean 'factor'"):
        list(propose("factors", Forms(goal), *sides))


def test_a_goal_without_what_a_tactic_works_on_gets_no_proposal() -> None:
    _, goal, *sides = read_goal("a^2 + 1 >= b with a, b > 0")
    forms = Forms(goal)
    for name in ("cancel_denominators", "cancel_power", "tangent_line", "homogenise"):
        assert list(propose(name, forms, *sides)) == []


def test_a_factor_of_unknown_sign_is_not_cancelled() -> None:
    _, goal, *sides = read_goal("(a - b)*a >= (a - b)*b with a, b > 0")
    for found in propose("cancel_factor", Forms(goal), *sides):
        assert "a - b" not in format_expression(found.multiplier)


def test_a_line_that_crosses_its_function_is_not_proposed() -> None:
    _, goal, *sides = read_goal("(a - 1/2)^3 + (b - 1/2)^3 >= 0 with a, b > 0 and a + b = 1")
    assert list(propose("tangent_line", Forms(goal), *sides)) == []
    concave = "-(a^2) - b^2 >= -9/10 with a, b > 0 and a + b = 1"
    _, goal, *sides = read_goal(concave)
    found = list(propose("tangent_line", Forms(goal), *sides))
    # The chord is below a concave function, the tangent is not.
    assert [format_expression(each.smaller) for each in found] == ["1"]


def test_a_wrong_rewriting_is_not_applied() -> None:
    _, goal, larger, _ = read_goal(NESBITT)
    assert apply_rewriting(goal, Rewriting("rewrite", larger, Fraction(1)), Budget(2)) is None
    half = Rewriting("cancel_factor", larger, read("3/2"), multiplier=Fraction(2))
    assert apply_rewriting(goal, half, Budget(2)) is None


def test_a_multiplier_is_carried_into_the_next_rewriting() -> None:
    statement, goal, *sides = read_goal("1/(a + b) >= 1/(2a) with a, b > 0")
    first = next(propose("cancel_denominators", Forms(goal), *sides))
    goal = apply_rewriting(goal, first, Budget(2)) or pytest.fail("not applied")
    (second,) = propose("rewrite", Forms(goal), read("a + a"), read("a + b"))
    second = second.within(first.multiplier)
    after = apply_rewriting(goal, second, Budget(2))
    assert after is not None and len(after.steps) == 2
    expected = multiply(first.multiplier, subtract(read("a"), read("b")))
    assert _is_same(after.expression, expected, goal.variables)
    check_steps(statement, subtract(goal.expression, after.expression), after.steps[-1]["proof"])


@pytest.mark.parametrize("tactic", ["cancel_denominators", "pqr_method", "tangent_line"])
def test_a_proof_that_begins_with_a_rewriting_ends_in_a_certificate(tactic: str) -> None:
    statement, goal, *sides = read_goal(NESBITT)
    applied = apply_rewriting(goal, next(propose(tactic, Forms(goal), *sides)), Budget(5))
    assert applied is not None
    steps = prove_goal(applied, Budget(5))
    assert steps is not None and steps[0]["step"] == "replace"
    check_steps(statement, goal.expression, steps)


ANSWERS = [
    ("factor", "a^2 - b^2 >= 0 with a, b > 0", "(a - b)*(a + b)", None),
    ("factor", "a^2 - b^2 >= 0 with a, b > 0", "(a - b)*(a - b)", Reason.WRONG),
    ("factor", "a^2 - b^2 >= 0 with a, b > 0", "a^2 - b^2", Reason.UNCHANGED),
    ("simplify_with_assumption", "1 - c >= 0 with a, b, c > 0 and a + b + c = 1", "a + b", None),
    ("simplify", "1 - c >= 0 with a, b, c > 0 and a + b + c = 1", "a + b", Reason.WRONG),
    ("cancel_denominators", "a/b >= b/a with a, b > 0", "a^2 - b^2", None),
    ("cancel_denominators", "a/b >= b/a with a, b > 0", "b^2 - a^2", Reason.WRONG),
    ("cancel_factor", "a^2 >= b^2 with a, b > 0", "a - b", None),
    ("cancel_factor", "a^2 >= b^2 with a, b > 0", "a + b", Reason.WRONG),
    ("cancel_factor", "a^2 >= b^2 with a, b > 0", "0", Reason.WRONG),
]


@pytest.mark.parametrize(("tactic", "text", "answer", "reason"), ANSWERS)
def test_an_answer_of_a_policy_is_checked_exactly(
    tactic: str, text: str, answer: str, reason: Reason | None
) -> None:
    statement, goal, *sides = read_goal(text)
    found = accept_answer(tactic, Forms(goal), *sides, read(answer))
    if reason is not None:
        assert isinstance(found, Refusal) and found.reason is reason
        return
    assert isinstance(found, Rewriting)
    applied = apply_rewriting(goal, found, Budget(2))
    assert applied is not None
    lost = subtract(goal.expression, found.expression)
    check_steps(statement, lost, applied.steps[-1]["proof"])
