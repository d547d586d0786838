"""How the demonstrator plays Countdown and Game of 24: move by move, each move's value shown.

A move is a step that ends with `<output>`: the interpreter works out what is left, and the policy
that learns from it never computes in its head. The state is read from the text so far, so that the
play goes on from a mistake as from a right move. A right move is one after which the target can
still be reached; a mistake is any other move that the rules allow. It reads the numbers and the
target from the question, and no reference, of which there is none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from bench.problems.generated import DIAL
from bench.problems.generated.countdown import (
    OPERATORS,
    SUMS,
    Move,
    can_reach,
    list_moves,
)
from bench.prompts import tags

FAMILIES = frozenset(family.name for family in DIAL["countdown"])
VARIABLES = "abcdefgh"
_QUESTION = re.compile(r"Make (\d+) from ([\d, ]+?)( with \+ and -)?, each used once\.")
_MOVE = re.compile(r'\n(\w) = (f?)"\((\{?\w+\}?) ([-+*/]) (\{?\w+\}?)\)"\n')


def next_step(question: str, partial: str, rng: random.Random, mistake_rate: float) -> str:
    """Return the move that follows `partial`. Raises ValueError: the question is not of this game.

    The names of variables stand for the numbers that were made; a move on the last two numbers ends
    in printing the expression.
    """
    match = _QUESTION.fullmatch(question)
    if match is None:
        raise ValueError("no numbers to make another one from")
    target, numbers = int(match[1]), [int(each) for each in match[2].split(",")]
    if tags.END_OF_CODE in partial:
        printed = partial.rsplit(tags.OUTPUT, 1)[1].split(tags.END_OF_OUTPUT)[0]
        return f"{tags.ANSWER}\\boxed{{{printed}}}{tags.END_OF_ANSWER}"
    at_hand = [(number, str(number)) for number in numbers]
    done = 0
    for found in _MOVE.finditer(partial):
        at_hand = _play(at_hand, found[1], found[3].strip("{}"), found[4], found[5].strip("{}"))
        done += 1
    if len(at_hand) == 1:
        return f"\nprint({at_hand[0][1]})\n{tags.END_OF_CODE}"
    operators = SUMS if match[3] else OPERATORS
    move = _choose([value for value, _ in at_hand], target, operators, rng, mistake_rate)
    return _write(move, at_hand, VARIABLES[done])


def _choose(
    numbers: Sequence[int], target: int, operators: str, rng: random.Random, mistake_rate: float
) -> Move:
    """Draw a move: a right one where there is one, unless a mistake is due."""
    moves = list_moves(numbers, operators)
    right = [move for move in moves if can_reach(move.after, target, operators)]
    wrong = [move for move in moves if move not in right]
    mistaken = rng.random() < mistake_rate
    return rng.choice((wrong or right) if mistaken else (right or wrong))


def _play(
    at_hand: Sequence[tuple[int, str]], name: str, left: str, operator: str, right: str
) -> list[tuple[int, str]]:
    """Return what is at hand after a move, the new number first."""
    rest = list(at_hand)
    values = []
    for side in (left, right):
        at = next(i for i, (_, shown) in enumerate(rest) if shown == side)
        values.append(rest.pop(at)[0])
    a, b = values
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[operator]
    return [(value, name), *rest]


def _write(move: Move, at_hand: Sequence[tuple[int, str]], name: str) -> str:
    """Return a move as a step: the expression of the new number, its value and what is left."""
    rest = list(at_hand)
    sides = []
    for wanted in (move.left, move.right):
        at = next(i for i, (value, _) in enumerate(rest) if value == wanted)
        sides.append(rest.pop(at)[1])
    made = any(side in VARIABLES for side in sides)
    left, right = (f"{{{side}}}" if side in VARIABLES else side for side in sides)
    shown = ", ".join([f"eval({name})", *(_value(side) for _, side in rest)])
    quoted = f'{"f" if made else ""}"({left} {move.operator} {right})"'
    return f"\n{name} = {quoted}\nprint({shown})\n{tags.OUTPUT}"


def _value(side: str) -> str:
    return f"eval({side})" if side in VARIABLES else side
