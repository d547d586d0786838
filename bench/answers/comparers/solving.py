"""The values of an unknown for which an inequality holds, as intervals.

What is bounded (`x`, `f(x)`, `2m + 1`, `x^2`) must be of first or second degree in one variable, or
a quotient of polynomials whose zeros are rational.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.arithmetic.equality import compare_values, identical
from bench.answers.arithmetic.numeric import KNOWN
from bench.answers.comparers.intervals import BOTTOM, NoSet, Piece, Pieces, complement, unite
from bench.answers.comparers.polynomials import sign_chart
from bench.answers.expressions import (
    EXPRESSIONS,
    INFINITY,
    ONE,
    ZERO,
    Apply,
    Expression,
    Power,
    Quantity,
    Relation,
    Symbol,
    add,
    divide,
    multiply,
    negate,
    number,
    substitute,
    subtract,
    variables,
)

ORDERS = ("<", ">", "<=", ">=")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def solutions(x: Relation) -> Pieces:
    """The values of the unknown for which the chain of inequalities holds."""
    sides: list[Expression] = []
    for side in x.sides:
        value = side.value if isinstance(side, Quantity) else side
        if not isinstance(value, EXPRESSIONS):
            raise NoSet
        sides.append(value)
    if x.signs == ("!=",):
        unknown, bound = _sides(sides)
        value = _solved(unknown, bound)[0]
        return complement((Piece(value, value, True, True),))
    if x.signs == ("=",):
        unknown, bound = _sides(sides)
        value = _solved(unknown, bound)[0]
        return (Piece(value, value, True, True),)
    if not all(sign in ORDERS for sign in x.signs):
        raise NoSet
    if len(sides) == 2:
        unknown, bound = _sides(sides)
        if isinstance(unknown, Apply) and unknown.function == "abs":
            return _absolute(unknown.arguments[0], bound, x.signs[0], unknown is sides[0])
        sign = x.signs[0] if unknown is sides[0] else _FLIPPED[x.signs[0]]
        if (found := _quadratic(subtract(unknown, bound), sign)) is not None:
            return found
        if (found := _by_signs(subtract(unknown, bound), sign)) is not None:
            return found
        value, positive = _solved(unknown, bound)
        sign = sign if positive else _FLIPPED[sign]
        included = "=" in sign
        if sign[0] == "<":
            return (Piece(BOTTOM, value, False, included),)
        return (Piece(value, INFINITY, included, False),)
    if len(sides) == 3 and x.signs[0][0] == x.signs[1][0]:
        low, middle, high = sides if x.signs[0][0] == "<" else sides[::-1]
        closed = [("=" in s) for s in (x.signs if x.signs[0][0] == "<" else x.signs[::-1])]
        if not variables(middle):
            raise NoSet
        (low, positive), (high, _) = _solved(middle, low), _solved(middle, high)
        if not positive:
            low, high, closed = high, low, closed[::-1]
        return (Piece(low, high, closed[0], closed[1]),)
    raise NoSet


def _quadratic(x: Expression, sign: str) -> Pieces | None:
    """The solutions of `ax^2 + bx + c < 0`, or any other sign; none if it is no such thing."""
    names = variables(x)
    if len(names) != 1 or isinstance(x, Symbol):
        return None
    name = next(iter(names))
    c, plus, minus = (substitute(x, name, number(n)) for n in (0, 1, -1))
    half = number(Fraction(1, 2))
    a = multiply(half, add(plus, minus, multiply(number(-2), c)))
    b = multiply(half, subtract(plus, minus))
    square = add(multiply(a, Symbol(name), Symbol(name)), multiply(b, Symbol(name)), c)
    upward = compare_values(a, ZERO)
    if not upward or not identical(x, square):
        return None
    discriminant = subtract(multiply(b, b), multiply(number(4), a, c))
    if compare_values(discriminant, ZERO) != 1:
        return None
    root = Power(discriminant, half)
    ends = [divide(add(negate(b), side), multiply(number(2), a)) for side in (negate(root), root)]
    low, high = ends if upward > 0 else ends[::-1]
    closed = "=" in sign
    if (sign[0] == "<") == (upward > 0):
        return (Piece(low, high, closed, closed),)
    return (Piece(BOTTOM, low, False, closed), Piece(high, INFINITY, closed, False))


def _by_signs(x: Expression, sign: str) -> Pieces | None:
    names = variables(x)
    return sign_chart(x, next(iter(names)), sign) if len(names) == 1 else None


def _absolute(inner: Expression, bound: Expression, sign: str, first: bool) -> Pieces:
    """`|x - 1| < 2` is between two bounds, `|x - 1| > 2` outside of them."""
    sign = sign if first else _FLIPPED[sign]
    if compare_values(bound, ZERO) != 1:
        raise NoSet
    if sign[0] == "<":
        return solutions(Relation((negate(bound), inner, bound), (sign, sign)))
    below = solutions(Relation((inner, negate(bound)), (_FLIPPED[sign],)))
    return unite([below, solutions(Relation((inner, bound), (sign,)))])


def _sides(sides: Sequence[Expression]) -> tuple[Expression, Expression]:
    """The side with the unknown first."""
    first, second = sides
    if variables(first) and not variables(second):
        return first, second
    if variables(second) and not variables(first):
        return second, first
    if isinstance(first, Symbol) and first.name not in variables(second):
        return first, second
    raise NoSet


def _solved(unknown: Expression, bound: Expression) -> tuple[Expression, bool]:
    """The bound on the unknown itself, and whether it grows with the side that it stands on."""
    if isinstance(unknown, Symbol) or _is_opaque(unknown):
        return bound, True
    names = variables(unknown)
    if len(names) != 1:
        raise NoSet
    name = next(iter(names))
    zero, one = (substitute(unknown, name, at) for at in (ZERO, ONE))
    slope = subtract(one, zero)
    line = _line(slope, name, zero)
    if not identical(unknown, line):
        raise NoSet
    sign = compare_values(slope, ZERO)
    if not sign:
        raise NoSet
    return divide(subtract(bound, zero), slope), sign > 0


def _line(slope: Expression, name: str, zero: Expression) -> Expression:
    return add(multiply(slope, Symbol(name)), zero)


def _is_opaque(x: Expression) -> bool:
    """A function that is not known, as in `0 < f(x) < 1`: its values are what is bounded."""
    return isinstance(x, Apply) and x.function not in KNOWN
