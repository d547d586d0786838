r"""Numbers and expressions: equal as they stand, or up to what their letters may mean.

`log` has base e or 10, `C` and `c` are constants of integration, `k` and `n` the integers of a
family of angles, and `C_6^2` counts where the other side is a number.
"""

from __future__ import annotations

import itertools
import re

from bench.answers.arithmetic.decimals import closeness
from bench.answers.arithmetic.equality import equal, identical, value_of
from bench.answers.comparers.finding import Asked, Finding
from bench.answers.expressions import (
    EXPRESSIONS,
    PI,
    Answer,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    divide,
    multiply,
    negate,
    number,
    rename_symbols,
    substitute,
    subtract,
    variables,
    walk,
)


def expressions(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two expressions."""
    if not (isinstance(gold, EXPRESSIONS) and isinstance(prediction, EXPRESSIONS)):
        return None
    numbers = not variables(gold) and not variables(prediction)
    name = "number" if numbers else "expression"
    same = equal(gold, prediction, asked.conventions, asked.positive)
    if same is not True and _has_log(gold) | _has_log(prediction):
        # `log` is to base e or to base 10, and an answer does not say which; it is the same base
        # on both sides, or stands for `ln` or `lg` on the other.
        ten = number(10)
        if equal(_with_base(gold, ten), _with_base(prediction, ten), asked.conventions):
            same = True
    if same is not True and (constant := _renamed_constant(gold, prediction)) is not None:
        same = identical(gold, constant)
    if same is not True and numbers is False:
        counted = _counts(gold, prediction), _counts(prediction, gold)
        if counted != (gold, prediction):
            same = equal(*counted, asked.conventions)
    if same is not True and asked.conventions.degrees:
        bare = _without_degrees(gold), _without_degrees(prediction)
        if (bare[0] is gold) != (bare[1] is prediction):
            same = equal(*bare, asked.conventions) or same
    if same is not True and _same_family(gold, prediction):
        return Finding(True, "family", "the same values, over all integers")
    if same is None:
        return Finding(None, name, "could not be evaluated")
    if numbers and (close := closeness(gold, prediction, asked.conventions)):
        if close.accepted is same:
            return Finding(same, name, str(close))
    what = "the same value" if numbers else "the same function"
    return Finding(same, name, what if same else f"not {what}")


def _without_degrees(x: Expression) -> Expression:
    r"""`180^\circ - x` as `180 - x`: the sign left out of its terms, not within a function."""
    match x:
        case Apply("deg", (inner,)):
            return inner
        case Sum(terms):
            bare = tuple(_without_degrees(t) for t in terms)
            return Sum(bare) if any(a is not b for a, b in zip(bare, terms, strict=True)) else x
        case Product(factors):
            bare = tuple(_without_degrees(f) for f in factors)
            return (
                Product(bare) if any(a is not b for a, b in zip(bare, factors, strict=True)) else x
            )
        case _:
            return x


_CHOICES = re.compile(r"([CAP])_(\d+)")


def _counts(x: Expression, other: Expression) -> Expression:
    """`C_6^2` as 6 choose 2, where the other side is a number: then there are no unknowns."""
    if variables(other) or not all(_CHOICES.fullmatch(name) for name in variables(x)):
        return x
    match x:
        case Power(Symbol(name), Number(k)) if found := _CHOICES.fullmatch(name):
            n = int(found[2])
            chosen = Apply("binomial", (number(n), number(k)))
            return chosen if found[1] == "C" else multiply(chosen, Apply("factorial", (number(k),)))
        case Sum(terms):
            return Sum(tuple(_counts(t, other) for t in terms))
        case Product(factors):
            return Product(tuple(_counts(f, other) for f in factors))
        case Power(base, exponent):
            return Power(_counts(base, other), exponent)
        case _:
            return x


def _has_log(x: Expression) -> bool:
    return any(
        isinstance(n, Apply) and n.function == "log" and len(n.arguments) == 1 for n in walk(x)
    )


def _with_base(x: Expression, base: Expression) -> Expression:
    match x:
        case Apply("log", (inner,)):
            return Apply("log", (_with_base(inner, base), base))
        case Apply(function, arguments):
            return Apply(function, tuple(_with_base(a, base) for a in arguments))
        case Sum(terms):
            return Sum(tuple(_with_base(t, base) for t in terms))
        case Product(factors):
            return Product(tuple(_with_base(f, base) for f in factors))
        case Power(b, exponent):
            return Power(_with_base(b, base), _with_base(exponent, base))
        case _:
            return x


_INTEGRATION = frozenset("C c K C_1 C_2 C_3 c_1 c_2 c_3".split())
_ARBITRARY = _INTEGRATION | {"A", "B"}
"""Constants that may have any name, beside a variable: `x + C`, `A e^x + B e^{-x}`."""
_MOST_CONSTANTS = 3


def _renamed_constant(gold: Expression, prediction: Expression) -> Expression | None:
    """The prediction with its constant of integration named as in the reference."""
    wanted, given = variables(gold) - variables(prediction), variables(prediction) - variables(gold)
    if wanted == {"I"} and not given and Symbol("i") in walk(prediction):
        return rename_symbols(prediction, {"i": "I"})
    if given == {"I"} and not wanted and Symbol("i") in walk(gold):
        return rename_symbols(prediction, {"I": "i"})
    beside = any(name[0].islower() for name in variables(gold) & variables(prediction))
    constants = wanted | given <= _ARBITRARY and (wanted <= _INTEGRATION or given <= _INTEGRATION)
    if beside and constants and 0 < len(wanted) == len(given) <= _MOST_CONSTANTS:
        for order in itertools.permutations(sorted(wanted)):
            other = rename_symbols(prediction, dict(zip(sorted(given), order, strict=True)))
            if identical(gold, other):
                return other
    return None


def _same_family(gold: Expression, prediction: Expression) -> bool:
    r"""`\pi/6 + k\pi` and `n\pi - 5\pi/6`: angles, for every integer, by whatever name.

    Only multiples of the circle number, so that formulas in a given n are not renamed.
    """
    ends = []
    for x in (gold, prediction):
        names = variables(x)
        if len(names) != 1 or not names <= _INTEGERS or PI not in walk(x):
            return False
        at = [substitute(x, next(iter(names)), number(n)) for n in (0, 1, 2)]
        step = subtract(at[1], at[0])
        if not identical(step, subtract(at[2], at[1])) or identical(step, number(0)):
            return False
        ends.append((at[0], step))
    (start_g, step_g), (start_p, step_p) = ends
    if not (identical(step_g, step_p) or identical(step_g, negate(step_p))):
        return False
    value = value_of(divide(subtract(start_g, start_p), step_g), {})
    turns = number(int(round(float(value.real)))) if value is not None else None
    return turns is not None and bool(
        identical(subtract(start_g, start_p), multiply(turns, step_g))
    )


_INTEGERS = frozenset("k n m l j N K".split())
