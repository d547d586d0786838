"""Inequalities between quotients of polynomials in one unknown, by the signs between their zeros.

Only where every real zero is rational: then the bounds are exact, and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.arithmetic.numeric import context
from bench.answers.comparers.intervals import BOTTOM, Piece, Pieces, unite
from bench.answers.comparers.proportions import over_one_denominator
from bench.answers.expressions import (
    INFINITY,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    number,
)

Polynomial = tuple[Fraction, ...]
"""Coefficients, that of the highest power last and not zero; none for zero."""

_MAX_DEGREE = 8
_DIGITS = 30
_MAX_DENOMINATOR = 10**6


def sign_chart(difference: Expression, name: str, sign: str) -> Pieces | None:
    """Return where `difference` has the sign, `<`, `<=`, `>` or `>=` zero; none if not known."""
    top, bottom = (_polynomial(x, name) for x in over_one_denominator(difference))
    if not top or not bottom or len(top) + len(bottom) > _MAX_DEGREE + 2:
        return None
    zeros = _rational_zeros(_times(top, bottom))
    if zeros is None:
        return None
    found: list[Piece] = []

    def holds(at: Fraction) -> bool:
        value = _at(top, at) * _at(bottom, at)
        return value > 0 if sign[0] == ">" else value < 0

    ends: list[Expression] = [BOTTOM, *(number(zero) for zero in zeros), INFINITY]
    for k, (low, high) in enumerate(zip(ends, ends[1:], strict=False)):
        before = zeros[k - 1] if k else (zeros[0] - 2 if zeros else Fraction(-1))
        after = zeros[k] if k < len(zeros) else before + 2
        if holds((before + after) / 2):
            found.append(Piece(low, high, False, False))
    if "=" in sign:
        points = [number(z) for z in zeros if _at(top, z) == 0 and _at(bottom, z) != 0]
        found += [Piece(point, point, True, True) for point in points]
    return unite([tuple(found)])


def _polynomial(x: Expression, name: str) -> Polynomial | None:
    match x:
        case Number(value):
            return (value,) if value else ()
        case Symbol(symbol) if symbol == name:
            return (Fraction(0), Fraction(1))
        case Sum(terms):
            total: Polynomial | None = ()
            for term in terms:
                one = _polynomial(term, name)
                if one is None or total is None:
                    return None
                total = _plus(total, one)
            return total
        case Product(factors):
            product: Polynomial = (Fraction(1),)
            for factor in factors:
                one = _polynomial(factor, name)
                if one is None or len(one) + len(product) > _MAX_DEGREE + 2:
                    return None
                product = _times(product, one)
            return product
        case Power(Number(base), Number(exponent)) if exponent == -1 and base:
            return (1 / base,)
        case Power(base, Number(exponent)) if exponent in range(1, _MAX_DEGREE + 1):
            return _polynomial(Product((base,) * int(exponent)), name)
        case _:
            return None


def _plus(a: Polynomial, b: Polynomial) -> Polynomial:
    size = max(len(a), len(b))
    zeros = (Fraction(0),)
    pairs = zip(a + zeros * (size - len(a)), b + zeros * (size - len(b)), strict=True)
    return _trimmed([x + y for x, y in pairs])


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    result = [Fraction(0)] * max(0, len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            result[i + j] += x * y
    return _trimmed(result)


def _trimmed(coefficients: Sequence[Fraction]) -> Polynomial:
    size = len(coefficients)
    while size and not coefficients[size - 1]:
        size -= 1
    return tuple(coefficients[:size])


def _at(p: Polynomial, x: Fraction) -> Fraction:
    value = Fraction(0)
    for coefficient in reversed(p):
        value = value * x + coefficient
    return value


def _divided(a: Polynomial, b: Polynomial) -> tuple[Polynomial, Polynomial]:
    quotient = [Fraction(0)] * max(0, len(a) - len(b) + 1)
    rest = list(a)
    for k in reversed(range(len(quotient))):
        quotient[k] = rest[k + len(b) - 1] / b[-1]
        for j, coefficient in enumerate(b):
            rest[k + j] -= quotient[k] * coefficient
    return _trimmed(quotient), _trimmed(rest)


def _rational_zeros(p: Polynomial) -> list[Fraction] | None:
    """The real zeros in order, each once; none if one of them is not rational."""
    a, b = p, tuple(k * c for k, c in enumerate(p))[1:]
    while b:
        a, b = b, _divided(a, b)[1]
    simple = _divided(p, a)[0]  # the same zeros, each once: numerical methods want that
    if len(simple) < 2:
        return []
    mp = context(_DIGITS)
    numbers = [mp.mpf(c.numerator) / c.denominator for c in reversed(simple)]
    try:
        roots = mp.polyroots(numbers, maxsteps=60, extraprec=100)
    except mp.NoConvergence:
        return None
    zeros: list[Fraction] = []
    for root in roots:
        if abs(mp.im(root)) > mp.mpf(10) ** (-_DIGITS // 2):
            continue
        zero = Fraction(mp.nstr(mp.re(root), 2 * _DIGITS // 3)).limit_denominator(_MAX_DENOMINATOR)
        if _at(simple, zero):
            return None
        zeros.append(zero)
    return sorted(zeros)
