"""Countdown and Game of 24: make a number from given numbers, each used once.

A problem has many right answers, so a verifier grades it (`bench.answers.verifiers.arithmetic`).
`list_moves` and `can_reach` are the rules of the game, played on exact fractions. The generator
keeps only what can be reached without a fraction on the way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from bench.problems.generated.row import Generated
from bench.types import Verifier

OPERATORS = "+-*/"
"""What may be used unless a problem says otherwise."""
SUMS = "+-"


@dataclass(frozen=True, slots=True)
class Move:
    """Two of the numbers at hand become one."""

    left: int
    right: int
    operator: str
    value: int
    rest: tuple[int, ...]
    """The numbers that the move leaves as they are, in their order."""

    @property
    def after(self) -> tuple[int, ...]:
        """The numbers at hand after the move, the new one first."""
        return (self.value, *self.rest)


def list_moves(numbers: Sequence[int], operators: str = OPERATORS) -> list[Move]:
    """Return every move whose value is a whole number, `a + b` and `b + a` as one."""
    moves = []
    for i, left in enumerate(numbers):
        for j, right in enumerate(numbers):
            if i == j:
                continue
            rest = tuple(n for k, n in enumerate(numbers) if k not in (i, j))
            for operator in operators:
                if operator in "+*" and i > j:
                    continue
                value = _apply(operator, left, right)
                if value is not None:
                    moves.append(Move(left, right, operator, value, rest))
    return moves


def can_reach(numbers: Sequence[int], target: int, operators: str = OPERATORS) -> bool:
    """Whether some moves make `target` of all the numbers, whole numbers all the way."""
    return _can_reach(tuple(sorted(numbers)), target, operators)


def generate(
    seed: int,
    *,
    numbers: int,
    high: int,
    low_target: int,
    high_target: int,
    operators: str = OPERATORS,
) -> Iterator[Generated]:
    """Yield problems without end: `numbers` numbers from 1 to `high`, targets in a range.

    With `SUMS` the question names the two operators, which is a hint: an answer with others is
    right as well. Two orders of the same numbers are one problem.
    """
    hint = " with + and -" if operators == SUMS else ""
    index = 0
    while True:
        rng = random.Random(f"{seed}:countdown:{index}")
        index += 1
        drawn = [rng.randint(1, high) for _ in range(numbers)]
        target = rng.randint(low_target, high_target)
        if not can_reach(drawn, target, operators):
            continue
        listed = ", ".join(map(str, drawn))
        yield Generated(
            question=f"Make {target} from {listed}{hint}, each used once.",
            answer="",
            key=f"{target}{hint}: {sorted(drawn)}",
            verifier=Verifier("arithmetic", {"numbers": drawn, "target": target}),
        )


@lru_cache(maxsize=1 << 18)
def _can_reach(numbers: tuple[int, ...], target: int, operators: str) -> bool:
    if len(numbers) == 1:
        return numbers[0] == target
    return any(
        _can_reach(tuple(sorted(move.after)), target, operators)
        for move in list_moves(numbers, operators)
    )


def _apply(operator: str, left: int, right: int) -> int | None:
    """Return the value of an operation; None where it is no whole number."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    quotient = Fraction(left, right) if right else None
    return quotient.numerator if quotient is not None and quotient.denominator == 1 else None
