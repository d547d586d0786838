"""How plans for three kinds of problems are made, and the programs that follow from them.

A sketch reads a question and says which steps may come next in a plan, the right ones and the
plausibly wrong ones, and which program a plan amounts to, right or wrong. Nothing is computed in a
plan. In arithmetic and in Countdown it is the order of the operations: `take 3 * 4 as a`. In word
problems it is the order of the sub-goals, every sentence said as what it does: `Ann gives 5 to
Ben`. It goes on from a wrong step as from a right one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.problems.generated import word_problems
from bench.problems.generated.countdown import OPERATORS, SUMS, can_reach, list_moves
from rstar_train.demonstrators.families import VARIABLES, as_variables, match_wording

_TAKE = re.compile(r"take (-?\w+) ([-+*/]) (-?\w+) as (\w)")


@dataclass(frozen=True, slots=True)
class Choice:
    """The steps that may come next; none at all where the plan is complete."""

    right: Sequence[str] = ()
    wrong: Sequence[str] = ()


class Sketch(Protocol):
    """What is known of one problem."""

    def choose(self, plan: Sequence[str]) -> Choice:
        """Return the steps that may follow those of a plan."""
        ...

    def write(self, plan: Sequence[str]) -> list[str]:
        """Return the program that a complete plan amounts to, a statement or two an item."""
        ...


def _read_take(step: str) -> tuple[str, str, str, str]:
    match = _TAKE.fullmatch(step)
    if match is None:
        raise ValueError(f"{step!r} is no operation")
    left, operator, right, name = match.groups()
    return left, operator, right, name


def _take(left: str, operator: str, right: str, done: int) -> str:
    return f"take {left} {operator} {right} as {VARIABLES[done]}"


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression: one operation a step, in an order that its value allows, or in another one."""

    tokens: tuple[str, ...]
    """Operands, operators and brackets; `-(` is a bracket whose value is negated."""

    @classmethod
    def read(cls, question: str) -> Expression:
        """Read `Calculate -( 2 + 3 ) * 4.` Raises ValueError."""
        match = re.fullmatch(r"Calculate ([-+*()\d\s]+)\.", question.strip())
        if match is None:
            raise ValueError("no sum, difference or product of integers found")
        tokens: list[str] = []
        sign = ""
        for token in re.findall(r"\d+|[-+*()]", match[1]):
            is_operand_next = not tokens or tokens[-1] in ("+", "-", "*", "(", "-(")
            if token == "-" and is_operand_next and not sign:
                sign = "-"
            elif token == "(" or token.isdigit():
                tokens.append(sign + token)
                sign = ""
            else:
                tokens.append(token)
        return cls(_simplify(tokens))

    def choose(self, plan: Sequence[str]) -> Choice:
        """Return the operations that may come next, those whose order changes the value apart."""
        tokens = self._after(plan)
        found: dict[str, bool] = {}
        for at in _operators(tokens):
            step = _take(tokens[at - 1], tokens[at], tokens[at + 1], len(plan))
            found.setdefault(step, _keeps_value(tokens, at))
        return Choice(
            [step for step, right in found.items() if right],
            [step for step, right in found.items() if not right],
        )

    def write(self, plan: Sequence[str]) -> list[str]:
        """Return an assignment an operation, and the printing of what is left."""
        lines = []
        for step in plan:
            left, operator, right, name = _read_take(step)
            lines.append(f"{name} = {left} {operator} {right}")
        return [*lines, f"print({' '.join(self._after(plan))})"]

    def _after(self, plan: Sequence[str]) -> tuple[str, ...]:
        tokens = self.tokens
        for step in plan:
            left, operator, right, name = _read_take(step)
            taken = (left, operator, right)
            at = next(i for i in _operators(tokens) if tokens[i - 1 : i + 2] == taken)
            tokens = _simplify([*tokens[: at - 1], name, *tokens[at + 2 :]])
        return tokens


def _is_operand(token: str) -> bool:
    return token not in ("+", "-", "*", "(", "-(", ")")


def _operators(tokens: Sequence[str]) -> list[int]:
    """Return the places of the operators between two operands."""
    places = (at for at in range(1, len(tokens) - 1) if tokens[at] in ("+", "-", "*"))
    return [at for at in places if _is_operand(tokens[at - 1]) and _is_operand(tokens[at + 1])]


def _keeps_value(tokens: Sequence[str], at: int) -> bool:
    """Whether the operation at a place may be done before its neighbours in the same bracket."""
    operator = tokens[at]
    before = tokens[at - 2] if at >= 2 else ""
    after = tokens[at + 2] if at + 2 < len(tokens) else ""
    if operator == "*":
        return True  # a product of neighbours is one whatever stands beside it
    return before not in ("-", "*") and after != "*"


def _simplify(tokens: Sequence[str]) -> tuple[str, ...]:
    """Take away brackets that hold an operand alone."""
    found: list[str] = []
    for token in tokens:
        alone = len(found) >= 2 and _is_operand(found[-1]) and found[-2] in ("(", "-(")
        if token == ")" and alone:
            operand, bracket = found.pop(), found.pop()
            found.append(operand if bracket == "(" else _negate(operand))
        else:
            found.append(token)
    return tuple(found)


def _negate(operand: str) -> str:
    return operand[1:] if operand.startswith("-") else f"-{operand}"


@dataclass(frozen=True, slots=True)
class Countdown:
    """A game of numbers: which two are taken, and how, until one is left."""

    target: int
    numbers: tuple[int, ...]
    operators: str

    @classmethod
    def read(cls, question: str) -> Countdown:
        """Read `Make 24 from 4, 13, 8, 2, each used once.` Raises ValueError."""
        match = re.fullmatch(
            r"Make (\d+) from ([\d, ]+?)( with \+ and -)?, each used once\.", question
        )
        if match is None:
            raise ValueError("no numbers to make another one from")
        numbers = tuple(int(each) for each in match[2].split(","))
        return cls(int(match[1]), numbers, SUMS if match[3] else OPERATORS)

    def choose(self, plan: Sequence[str]) -> Choice:
        """Return the moves after which the target can be reached, and all others."""
        at_hand = self._after(plan)
        right: list[str] = []
        wrong: list[str] = []
        for move in list_moves([value for value, _ in at_hand], self.operators):
            names = [*at_hand]
            shown = []
            for wanted in (move.left, move.right):
                at = next(i for i, (value, _) in enumerate(names) if value == wanted)
                shown.append(names.pop(at)[1])
            step = _take(shown[0], move.operator, shown[1], len(plan))
            fits = can_reach(move.after, self.target, self.operators)
            (right if fits else wrong).append(step)
        return Choice(list(dict.fromkeys(right)), list(dict.fromkeys(wrong)))

    def write(self, plan: Sequence[str]) -> list[str]:
        """Return each move as the text of an expression, and the printing of the last."""
        lines, name = [], ""
        for step in plan:
            left, operator, right, name = _read_take(step)
            made = any(side.isalpha() for side in (left, right))
            sides = [f"{{{side}}}" if side.isalpha() else side for side in (left, right)]
            lines.append(f'{name} = {"f" if made else ""}"({sides[0]} {operator} {sides[1]})"')
        return [*lines, f"print({name})"]

    def _after(self, plan: Sequence[str]) -> list[tuple[int, str]]:
        """Return the numbers at hand after a plan's moves, with what they are called."""
        at_hand = [(number, str(number)) for number in self.numbers]
        for step in plan:
            left, operator, right, name = _read_take(step)
            values = []
            for side in (left, right):
                at = next(i for i, (_, shown) in enumerate(at_hand) if shown == side)
                values.append(at_hand.pop(at)[0])
            a, b = values
            value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[operator]
            at_hand.insert(0, (value, name))
        return at_hand


_STARTS = (
    "{a} has {n}",
    "{b} has {n} more than {a}",
    "{b} has {n} times as many as {a}",
    "{b} has {n}",
)
_EVENTS = (
    "{a} gets {n}",
    "{a} loses {n}",
    "{a} gives {n} to {b}",
    "{a} gets {n} times {m}",
    "{a} loses {n} times {m}",
    "{a} has {n} times as many",
    "{a} gets as many as {b} has",
    "{a} gives half to {b}",
)
_ASKED = (
    "tell what {a} has",
    "tell what {a} and {b} have together",
    "tell how many more {a} has than {b}",
)
"""How a plan says what the sentences of `word_problems` say, in the order of its tables."""
_CONFUSED_STARTS = {1: (2,), 2: (1,), 3: (1,)}
_CONFUSED_EVENTS = {0: (1,), 1: (0,), 2: (0, 1), 3: (4,), 4: (3,), 5: (0,)}
_CONFUSED_ASKED = {0: (1,), 1: (2,), 2: (1,)}
"""Which row of a table one is taken for."""


@dataclass(frozen=True, slots=True)
class SubGoal:
    """One step of a plan for a word problem."""

    right: str
    wrong: tuple[str, ...]
    """What a careless reader makes of it."""
    happens: bool = False
    """Whether it is an event, which may be taken in the wrong order."""


@dataclass(frozen=True, slots=True)
class Story:
    """A word problem: what there is at first, what happens, and what is asked, a step each."""

    goals: tuple[SubGoal, ...]

    @classmethod
    def read(cls, question: str) -> Story:
        """Read a problem of `word_problems`. Raises ValueError."""
        *sentences, asked = (each.strip() for each in re.findall(r"[^.?]+[.?]", question))
        starts, events = sentences[:2], sentences[2:]
        if len(starts) < 2:
            raise ValueError("no two people who have something")
        found = [_find(each, [kind.wordings for kind in word_problems.STARTS]) for each in starts]
        (_, one), (row, two) = found
        if "b" not in two:  # who is named second is the second, also where nobody is compared
            row, two = 3, {"b": two["a"], "n": two["n"]}
        people = (one["a"], two["b"])
        first = _STARTS[0].format(**one)
        second = _sub_goal(_STARTS, _CONFUSED_STARTS, (row, two), people, swap=False)
        goals = [
            SubGoal(f"{first}, {second.right}", tuple(f"{first}, {each}" for each in second.wrong))
        ]
        for sentence in events:
            event = _find(sentence, [kind.wordings for kind in word_problems.EVENTS])
            goals.append(_sub_goal(_EVENTS, _CONFUSED_EVENTS, event, people, swap=True))
        question_found = _find(asked, [(wording,) for wording, _ in word_problems.QUESTIONS])
        told = _sub_goal(_ASKED, _CONFUSED_ASKED, question_found, people, swap=True)
        return cls((*goals, SubGoal(told.right, told.wrong)))

    def choose(self, plan: Sequence[str]) -> Choice:
        """Return the sub-goal that is next; wrong are misreadings, and the one after it."""
        left = list(self.goals)
        for step in plan:  # a step that is no sub-goal is a misreading of the first that was left
            left.pop(next((at for at, goal in enumerate(left) if goal.right == step), 0))
        if not left:
            return Choice()
        wrong = list(left[0].wrong)
        if len(left) > 1 and left[0].happens and left[1].happens:
            wrong.append(left[1].right)
        return Choice([left[0].right], [each for each in wrong if each != left[0].right])

    def write(self, plan: Sequence[str]) -> list[str]:
        """Return the statements of each sub-goal, and the printing of what is asked."""
        first, *events, asked = plan
        starts = [kind.code for kind in word_problems.STARTS]
        lines = [_code(each, _STARTS, starts) for each in first.split(", ")]
        happened = [kind.code for kind in word_problems.EVENTS]
        lines += [_code(each, _EVENTS, happened) for each in events]
        result = _code(asked, _ASKED, [code for _, code in word_problems.QUESTIONS])
        return [*lines, f"print({result})"]


def _find(sentence: str, table: Sequence[Sequence[str]]) -> tuple[int, Mapping[str, str]]:
    """Return the row whose wordings a sentence has, and what stands in the wording's braces."""
    for at, wordings in enumerate(table):
        found = match_wording(sentence, wordings)
        if found is not None:
            return at, found[1]
    raise ValueError(f"nothing is known that reads {sentence!r}")


def _sub_goal(
    table: Sequence[str],
    confused: Mapping[int, Sequence[int]],
    found: tuple[int, Mapping[str, str]],
    people: tuple[str, str],
    *,
    swap: bool,
) -> SubGoal:
    """Return a sentence as a step of a plan; `swap` says whether the people may be confused."""
    row, words = found
    other = dict(zip(people, reversed(people), strict=True))
    one = words.get("a") or other[words["b"]]
    named = {**words, "a": one, "b": other[one]}
    wrong = [table[each].format(**named) for each in confused.get(row, ())]
    if swap:
        wrong.append(table[row].format(**{**named, "a": named["b"], "b": named["a"]}))
    return SubGoal(table[row].format(**named), tuple(wrong), happens=table is _EVENTS)


def _code(step: str, table: Sequence[str], codes: Sequence[str]) -> str:
    row, words = _find(step, [(wording,) for wording in table])
    return codes[row].format(**as_variables(words))
