r"""What a policy is asked for, and what is read of its answer.

It may propose a rewriting by a named operation, the order of goals by promise, or an expression
near a root. Its answer is a text whose last box counts, `\boxed{...}`. What cannot be used is
refused with a sentence; whether a proposal is right is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from bench.answers.responses.boxes import boxed_answer
from bench.inequalities.lips.sides import (
    ZERO,
    balance,
    is_root,
    join_terms,
    list_signed_terms,
    list_terms_of_difference,
)
from bench.inequalities.proving.goals import (
    FREE,
    NONNEGATIVE,
    POSITIVE,
    Goal,
    has_variable_exponent,
    walk,
)
from bench.inequalities.statements import Expression, find_variables, format_expression
from bench.inequalities.texts.reading import StatementError, read_expression

MOST_SHOWN = 40
"""Characters of an answer that a refusal quotes."""


class Reason(StrEnum):
    """Why an answer is of no use."""

    NO_BOX = "no box"
    UNREADABLE = "unreadable"
    UNKNOWN_VARIABLE = "unknown variable"
    FORBIDDEN = "forbidden form"
    UNCHANGED = "unchanged"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not used."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of goals, numbered from 0."""

    order: tuple[int, ...]
    listed: int
    """How many of them, the first ones, the policy named; the others are in order of cost."""


# Prompts


def ask_rewriting(goal: Goal, larger: Expression, smaller: Expression, request: str) -> str:
    """Return the prompt for a rewriting of `larger - smaller` by an operation."""
    names = ", ".join(goal.variables)
    return (
        f"An inequality says that the following expression is not negative"
        f"{_describe_assumptions(goal)}.\n\n"
        f"    {_write_difference(larger, smaller)}\n\n"
        f"Rewrite the expression. {request}\n"
        "Work step by step, and let every step give an expression with the same value. Use the "
        f"variables {names} and no new ones, and nothing but numbers, +, -, *, /, ^, sqrt and "
        "brackets. End with the rewritten expression, alone, in \\boxed{}.\n"
    )


def ask_ranking(statement: str, goals: Sequence[tuple[Expression, Expression]]) -> str:
    """Return the prompt for an order of goals, each a larger and a smaller side."""
    listed = "\n".join(
        f"{number}. {format_expression(larger)} >= {format_expression(smaller)}"
        for number, (larger, smaller) in enumerate(goals, 1)
    )
    return (
        f"This inequality is to be proved: {statement}\n"
        "It is enough to prove any one of these:\n\n"
        f"{listed}\n\n"
        "Judge one after the other how likely it is to be true and how easily it is proved: few "
        "terms, variables apart, terms of one degree, equality in the same points. End with the "
        "numbers of all of them, the most promising first, separated by commas, in \\boxed{}.\n"
    )


def ask_bound(goal: Goal, radicand: Expression, index: int) -> str:
    """Return the prompt for an expression without roots near a root."""
    root = format_expression(("^", radicand, Fraction(1, index)))
    return (
        f"To prove that {_write_difference(goal.expression, ZERO)} is not negative"
        f"{_describe_assumptions(goal)}, the root\n\n"
        f"    {root}\n\n"
        "is to be bounded by a mean of itself and another expression V. The bound is good if V is "
        "positive, is equal to the root wherever the inequality becomes an equality, and grows "
        "with the variables as the root does there.\n"
        "Find first where equality holds, then a V in the variables "
        f"{', '.join(goal.variables)}, of numbers, +, -, *, / and whole powers, without roots. End "
        "with V, alone, in \\boxed{}.\n"
    )


def _write_difference(larger: Expression, smaller: Expression) -> str:
    return format_expression(join_terms(list_terms_of_difference(larger, smaller)))


def _relate(difference: Expression, op: str) -> str:
    larger, smaller = balance(list_signed_terms(difference))
    return f"{format_expression(larger)} {op} {format_expression(smaller)}"


def _describe_assumptions(goal: Goal) -> str:
    """Return what is assumed as the end of a sentence; nothing where nothing is."""
    found = []
    for sign, op in ((POSITIVE, "> 0"), (NONNEGATIVE, ">= 0")):
        names = [v for v in goal.variables if goal.signs[v] == sign]
        if names:
            found.append(f"{', '.join(names)} {op}")
    free = [v for v in goal.variables if goal.signs[v] == FREE]
    if free:
        found.append(f"{', '.join(free)} real")
    found += [_relate(fact.expression, ">" if fact.strict else ">=") for fact in goal.facts]
    found += [_relate(e, "=") for e in goal.equalities]
    return f" where {'; '.join(found)}" if found else ""


# Answers


def read_rewriting(text: str, variables: Sequence[str]) -> Expression | Refusal:
    """Return the expression in the last box of an answer."""
    boxed = _find_box(text)
    return boxed if isinstance(boxed, Refusal) else _read(boxed, variables)


def read_bound(text: str, variables: Sequence[str]) -> Expression | Refusal:
    """Return the expression without roots in the last box of an answer."""
    e = read_rewriting(text, variables)
    if not isinstance(e, Refusal) and any(map(is_root, walk(e))):
        shown = _shorten(format_expression(e))
        return Refusal(Reason.FORBIDDEN, f"'{shown}' has a root; give an expression without roots")
    return e


def read_ranking(text: str, costs: Sequence[float]) -> Ranking:
    """Return the order of goals that an answer gives; those it leaves out follow by cost.

    The answer counts from 1. Numbers of no goal, and those that come again, are passed over.
    """
    boxed = _find_box(text)
    numbers = [] if isinstance(boxed, Refusal) else re.findall(r"\d+", boxed)
    named = dict.fromkeys(int(number) - 1 for number in numbers if len(number) < 10)
    listed = [i for i in named if 0 <= i < len(costs)]
    rest = sorted(set(range(len(costs))) - set(listed), key=lambda i: (costs[i], i))
    return Ranking((*listed, *rest), len(listed))


def _find_box(text: str) -> str | Refusal:
    found = boxed_answer(text)
    if found is None or found.answer is None:
        why = "there is no box" if found is None else found.reason
        return Refusal(Reason.NO_BOX, f"{why}; end the answer with \\boxed{{...}}")
    return found.answer.strip("$ \n")


def _read(text: str, variables: Sequence[str]) -> Expression | Refusal:
    try:
        e = read_expression(text, variables)
    except StatementError as error:
        return Refusal(_why_unreadable(text, variables), str(error))
    if has_variable_exponent(e):
        return Refusal(
            Reason.FORBIDDEN, f"'{_shorten(text)}' has a variable in an exponent; use numbers there"
        )
    return e


def _why_unreadable(text: str, variables: Sequence[str]) -> Reason:
    try:
        unknown = find_variables(read_expression(text)) - set(variables)
    except StatementError:
        unknown = frozenset()
    return Reason.UNKNOWN_VARIABLE if unknown else Reason.UNREADABLE


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."
