"""The arithmetic verifier: any right expression passes, and every wrong one is told why."""

from __future__ import annotations

import pytest

from bench.answers.verifiers.arithmetic import MAX_CHARS, verify_arithmetic
from bench.types import Outcome

GIVEN = (4, 6, 7, 7)


@pytest.mark.parametrize(
    "answer",
    [
        "4*(7-7/7)",
        "(7 - 4 + 7 - 6)*6",
    ],
)
def test_the_numbers_given_are_counted(answer: str) -> None:
    finding = verify_arithmetic(answer, numbers=GIVEN, target=24)
    assert finding.outcome is Outcome.WRONG
    assert "not given or not so often" in finding.reason


@pytest.mark.parametrize(
    "answer",
    [
        "4*7 - 7 + 6 - 3 + 0",
        "6*4",
        "(7-7)*6*4",
    ],
)
def test_a_wrong_expression_is_wrong(answer: str) -> None:
    assert verify_arithmetic(answer, numbers=GIVEN, target=24).outcome is Outcome.WRONG


@pytest.mark.parametrize(
    "answer",
    [
        "6*4*7/7",
        "6 * 4 + 7 - 7 = 24",
        r"$6 \times 4 \cdot \frac{7}{7}$",
        r"\left(7-7\right)+4\times 6",
        "7 ÷ 7 × 6 × 4",
        "-(7-6*4-7)",
    ],
)
def test_however_a_right_expression_is_written_it_is_right(answer: str) -> None:
    finding = verify_arithmetic(answer, numbers=GIVEN, target=24)
    assert (finding.outcome, finding.reason) == (
        Outcome.CORRECT,
        "its value is 24, from the numbers given",
    )


def test_values_are_exact() -> None:
    # 8 / (3 - 8/3) is 24 in fractions and 23.999999999999993 in floating point.
    finding = verify_arithmetic("8/(3-8/3)", numbers=(3, 3, 8, 8), target=24)
    assert finding.outcome is Outcome.CORRECT


def test_countdown_may_leave_numbers_unused() -> None:
    game = {"numbers": (25, 4, 3, 2), "target": 100}
    assert verify_arithmetic("25*4", all_numbers=False, **game).outcome is Outcome.CORRECT  # type: ignore[arg-type]
    strict = verify_arithmetic("25*4", **game)  # type: ignore[arg-type]
    assert (strict.outcome, strict.reason) == (Outcome.WRONG, "it does not use 2, 3")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("6*4*7/7 = 25", "it says 25, and its value is 24"),
        ("6*4/(7-7)", "it divides by zero"),
        ("6*4+7+7", "its value is 38, not 24"),
    ],
)
def test_what_is_wrong_is_said(answer: str, reason: str) -> None:
    finding = verify_arithmetic(answer, numbers=GIVEN, target=24)
    assert (finding.outcome, finding.reason) == (Outcome.WRONG, reason)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "24",
        "4*",
        "(6*4",
        "6*4)",
        "6**4",
        "6//4",
        "4 7 7 6 makes 24",
        "6*4 = 24 = 24",
        "__import__('os').system('id')",
        "٤*6*7/7",
        "4²",
        "9" * 13,
        "(" * 300 + "1" + ")" * 300,
        "(" * MAX_CHARS,
        "-" * MAX_CHARS,
        r"\frac{" * 60,
        "1+" * MAX_CHARS + "1",
    ],
)
def test_what_is_no_expression_is_never_right_and_never_an_error(answer: str) -> None:
    finding = verify_arithmetic(answer, numbers=GIVEN, target=24)
    assert finding.outcome in (Outcome.UNPARSED, Outcome.WRONG)
    assert finding.reason
