"""What a policy is asked, and how its answers are read."""

from __future__ import annotations

import pytest

from bench.inequalities.lips.proposals import (
    Ranking,
    Reason,
    Refusal,
    ask_bound,
    ask_ranking,
    ask_rewriting,
    read_bound,
    read_ranking,
    read_rewriting,
)
from bench.inequalities.statements import format_expression
from tests.inequalities.lips.accepting import read, read_goal

TEXT = "a/b + b/a >= 2 with a > 0, b >= 0, a + b = 1 and a >= b"


def test_a_rewriting_is_asked_for_with_all_that_is_known() -> None:
    _, goal, *sides = read_goal(TEXT)
    prompt = ask_rewriting(goal, *sides, "Multiply it out.")
    for part in ("    a/b + b/a - 2\n", "a > 0", "b >= 0", "a + b = 1", "a >= b"):
        assert part in prompt
    assert "Multiply it out." in prompt and "variables a, b" in prompt and r"\boxed{}" in prompt


def test_goals_are_numbered_from_one() -> None:
    prompt = ask_ranking("a >= 0", [(read("a"), read("b")), (read("a^2"), read("b^2"))])
    assert "1. a >= b\n2. a^2 >= b^2\n" in prompt


def test_a_bound_is_asked_for_with_its_root() -> None:
    _, goal, *_ = read_goal("(a*b*c)^(1/3) >= 0 with a, b, c > 0")
    prompt = ask_bound(goal, read("a*b*c"), 3)
    assert "(a*b*c)^(1/3)" in prompt and "V" in prompt


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"First \boxed{a}, no: \boxed{a^2/(a+b)}", "a^2/(a + b)"),
        (r"So \boxed{\frac{a}{b} - \sqrt{a b}}.", "a/b - sqrt(a*b)"),
        (r"\boxed{$2a - 3$}", "2*a - 3"),
    ],
)
def test_the_last_box_is_read_in_either_spelling(answer: str, expected: str) -> None:
    e = read_rewriting(answer, ("a", "b"))
    assert not isinstance(e, Refusal)
    assert format_expression(e) == expected


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        ("the answer is a + b", Reason.NO_BOX, "there is no box"),
        (r"\boxed{a + ", Reason.NO_BOX, "not closed"),
        (r"\boxed{a + x}", Reason.UNKNOWN_VARIABLE, "'x' is not among the variables a, b"),
        (r"\boxed{a + + b}", Reason.UNREADABLE, "expected"),
        (r"\boxed{a + b >= 0}", Reason.UNREADABLE, "instead of '>='"),
        (r"\boxed{a^b}", Reason.FORBIDDEN, "variable in an exponent"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    answer: str, reason: Reason, said: str
) -> None:
    found = read_rewriting(answer, ("a", "b"))
    assert isinstance(found, Refusal)
    assert found.reason is reason
    assert said in found.sentence


def test_a_bound_has_no_root() -> None:
    found = read_bound(r"\boxed{\sqrt{a} + b}", ("a", "b"))
    assert isinstance(found, Refusal) and found.reason is Reason.FORBIDDEN
    assert read_bound(r"\boxed{(a + b)/2}", ("a", "b")) == read("(a + b)/2")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"\boxed{3, 1}", Ranking((2, 0, 3, 1), 2)),
        (r"\boxed{[2, 2, 9, 0, 4]}", Ranking((1, 3, 2, 0), 2)),
        ("no idea", Ranking((3, 2, 0, 1), 0)),
    ],
)
def test_goals_that_are_not_named_follow_by_cost(answer: str, expected: Ranking) -> None:
    assert read_ranking(answer, [5.0, 7.0, 4.0, 1.0]) == expected
