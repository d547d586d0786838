"""What is visibly true, and what is true but not visibly."""

from __future__ import annotations

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.lips.sight import prove_by_sight
from tests.inequalities.lips.accepting import check_steps, read_goal


@pytest.mark.parametrize(
    "text",
    [
        "(a + b)^2 >= a^2 + a*b with a, b >= 0",
        "a/(a + b) + 1 >= b/(a + b) with a, b > 0",
        "sqrt(a*b) + a >= sqrt(b*a) with a, b >= 0",
        "(a - b)^2*(a + b) >= 0 with a, b >= 0",
        "a^2 + b^2 >= 2*a*b with a, b > 0",
        "x^4 + 2*x^2*y^2 + 1 >= 0",
        "x^4 >= x^4",
        "a^2 + b^2 + 2*a*b >= 1/2 with a, b >= 0 and a + b = 1",
        "a + b >= 1 with a, b > 0 and a + b = 1",
    ],
)
def test_a_goal_that_is_visibly_true_is_closed_by_steps_that_the_checker_accepts(text: str) -> None:
    statement, goal, *_ = read_goal(text)
    steps = prove_by_sight(goal, Budget(1))
    assert steps is not None
    check_steps(statement, goal.expression, steps)


@pytest.mark.parametrize(
    "text",
    [
        "a^3 + b^3 + c^3 >= 3*a*b*c with a, b, c >= 0",
        "a^2 + b^2 + c^2 >= a*b + b*c + c*a with a, b, c >= 0",
        "x^2 + x*y + y^2 + 1 >= 0",
        "a >= b with a, b > 0",
        "a + 1 > 0 with a > 0",
        "a^b >= 0 with a, b > 0",
    ],
)
def test_a_goal_that_needs_a_thought_is_left_to_the_search(text: str) -> None:
    _, goal, *_ = read_goal(text)
    assert prove_by_sight(goal, Budget(1)) is None
