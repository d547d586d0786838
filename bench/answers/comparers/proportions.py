"""Whether two differences of sides are the same up to a constant factor, or a positive one."""

from __future__ import annotations

from fractions import Fraction

from bench.answers.arithmetic.equality import identical, value_of
from bench.answers.arithmetic.numeric import KNOWN
from bench.answers.expressions import (
    EXPRESSIONS,
    ONE,
    Answer,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Relation,
    Sum,
    add,
    divide,
    multiply,
    substitute,
    subtract,
    variables,
    walk,
)

_PROBE = Fraction(7919, 3571)


def proportional(gold: Relation, prediction: Relation) -> bool | None:
    """Whether the differences of the sides have a constant, non-zero quotient."""
    sides = [*gold.sides, *prediction.sides]
    if not all(isinstance(s, EXPRESSIONS) for s in sides):
        return None
    a, b = (
        subtract(x, y)
        for x, y in (gold.sides, prediction.sides)
        if isinstance(x, EXPRESSIONS) and isinstance(y, EXPRESSIONS)
    )
    factor = _factor(a, b)
    if factor is None:
        # Two identities have the same solutions, and are the same answer only if both say nothing.
        return all(x == y for x, y in (gold.sides, prediction.sides))
    return identical(a, multiply(factor, b))


def _factor(a: Expression, b: Expression) -> Expression | None:
    """The quotient a / b at one point, as an expression without variables."""
    if variables(a) != variables(b) or not variables(a):
        return None
    if any(isinstance(n, Apply) and n.function not in KNOWN for n in (*walk(a), *walk(b))):
        return ONE if identical(a, b) else Number(Fraction(-1))
    for values in ((2, 3, 5, 7, 11, 13), (7, 4, 9, 2, 3, 5), (_PROBE, 5, 2, 8, 3, 7)):
        names = sorted(variables(a))
        numbers = [Fraction(v) for v in values] + [Fraction(k + 17) for k in range(len(names))]
        point = dict(zip(names, numbers, strict=False))
        x, y = a, b
        for name, number in point.items():
            x = substitute(x, name, Number(number))
            y = substitute(y, name, Number(number))
        zero = value_of(y, {}), value_of(x, {})
        if None in zero or abs(zero[0]) < 1e-15 or abs(zero[1]) < 1e-15:
            continue
        return divide(x, y)
    return None


def positive_factor(
    gold: tuple[Answer, ...], prediction: tuple[Answer, ...], sign: str
) -> bool | None:
    """Whether the differences of the sides have a constant quotient that keeps the sign true."""
    if not all(isinstance(s, EXPRESSIONS) for s in (*gold, *prediction)):
        return None
    (g1, g2), (p1, p2) = gold, prediction
    if not isinstance(g1, EXPRESSIONS) or not isinstance(g2, EXPRESSIONS):
        return None
    if not isinstance(p1, EXPRESSIONS) or not isinstance(p2, EXPRESSIONS):
        return None
    a, b = subtract(g1, g2), subtract(p1, p2)
    factor = _factor(a, b)
    if factor is None:
        return None
    if not identical(a, multiply(factor, b)):
        return False
    value = value_of(factor, {})
    return sign == "!=" or (value is not None and bool(value > 0))


def over_one_denominator(x: Expression) -> tuple[Expression, Expression]:
    """Return numerator and denominator, by the rules for fractions, and without cancelling."""
    match x:
        case Sum(terms):
            pairs = [over_one_denominator(term) for term in terms]
            bottoms = list(dict.fromkeys(b for _, b in pairs if b != ONE))
            tops = [multiply(top, *(b for b in bottoms if b != bottom)) for top, bottom in pairs]
            return add(*tops), multiply(*bottoms) if bottoms else ONE
        case Product(factors):
            pairs = [over_one_denominator(factor) for factor in factors]
            bottoms = [b for _, b in pairs if b != ONE]
            return multiply(*(t for t, _ in pairs)), multiply(*bottoms) if bottoms else ONE
        case Power(base, Number(value)) if value < 0 and variables(base):
            top, bottom = over_one_denominator(base)
            power = Number(-value)
            if power.value == 1:
                return bottom, top
            return Power(bottom, power), Power(top, power)
        case _:
            return x, ONE
