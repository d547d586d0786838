"""Countdown: the rules of the game, and an answer to every problem that the verifier takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from bench.answers.verifiers import verify
from bench.problems.generated.countdown import can_reach, generate, list_moves
from bench.types import Outcome


def solve(numbers: Sequence[tuple[int, str]], target: int) -> str | None:
    """Return an expression by playing every game, as the generator does not."""
    if len(numbers) == 1:
        return numbers[0][1] if numbers[0][0] == target else None
    for move in list_moves([value for value, _ in numbers]):
        rest = list(numbers)
        left, right = (
            rest.pop(next(i for i, (value, _) in enumerate(rest) if value == wanted))[1]
            for wanted in (move.left, move.right)
        )
        text = f"({left} {move.operator} {right})"
        found = solve([(move.value, text), *rest], target)
        if found:
            return found
    return None


def test_every_problem_has_an_answer_that_the_verifier_accepts() -> None:
    problems = islice(generate(1, numbers=4, high=13, low_target=24, high_target=24), 20)
    for problem in problems:
        assert problem.verifier is not None
        numbers = problem.verifier.parameters["numbers"]
        answer = solve([(number, str(number)) for number in numbers], 24)
        assert answer is not None
        assert verify(problem.verifier, answer).outcome is Outcome.CORRECT


def test_moves_are_whole_numbers_and_a_sum_is_counted_once() -> None:
    moves = {(m.left, m.operator, m.right): m.value for m in list_moves([6, 4])}
    assert moves == {
        (6, "+", 4): 10,
        (6, "*", 4): 24,
        (6, "-", 4): 2,
        (4, "-", 6): -2,
    }
    assert ("/", 2) in {(m.operator, m.value) for m in list_moves([8, 4])}
    assert all(m.operator != "/" for m in list_moves([5, 0]) if m.right == 0)


def test_a_target_is_reached_by_all_the_numbers_or_not_at_all() -> None:
    assert can_reach([6, 4], 24)
    assert not can_reach([6, 4, 5], 24 + 100)
    assert not can_reach([24, 1, 1, 7], 24 * 1000)
    assert not can_reach([8, 3, 8, 3], 24)  # 8 / (3 - 8 / 3) goes by way of a fraction


def test_two_orders_of_the_same_numbers_have_one_key() -> None:
    problems = islice(generate(1, numbers=3, high=5, low_target=2, high_target=10), 300)
    keys = {}
    for problem in problems:
        assert problem.verifier is not None
        same = (
            tuple(sorted(problem.verifier.parameters["numbers"])),
            problem.verifier.parameters["target"],
        )
        assert keys.setdefault(problem.key, same) == same
    assert len(set(keys.values())) == len(keys) < 300
