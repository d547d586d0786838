"""Numerical evaluation with as many digits as asked for, by a table of functions and nothing else.

Real where it can be: an odd root, or a power with an odd denominator, of a negative number is
negative, as in school. Elsewhere the principal value. Every step checks the size of what it makes,
so that no power tower, factorial or angle is worked out that would take more than moments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from bench.answers.arithmetic.exact import fraction_of
from bench.answers.budget import spend, unmetered
from bench.answers.expressions import (
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
)
from bench.answers.limits import MAX_BITS, MAX_FACTORIAL, MAX_TERMS, TooLarge
from bench.types import Outcome

_local = threading.local()
_HUGE_ANGLE = 10**6


class Undefined(Exception):
    """There is no value here: a pole, a function that is not known, infinity."""


def context(digits: int) -> Any:
    """Return this thread's arithmetic, set to so many decimal digits."""
    if not hasattr(_local, "context"):
        with unmetered():
            from mpmath import MPContext  # here: 40 ms that `bench --help` need not wait for

            _local.context = MPContext()
    _local.context.dps = digits
    return _local.context


def evaluate(x: Expression, point: Mapping[str, Any], digits: int) -> Any:
    """Return the value as an mpf, or an mpc where it is not real.

    Raises Undefined: no value at the point. Raises TooLarge: one that is not worked out.
    """
    mp = context(digits)
    try:
        value = _Evaluation(mp, point).value(x)
    except (ArithmeticError, ValueError, TypeError) as e:  # a pole, or an order of complex numbers
        raise Undefined(str(e)) from None
    if mp.isnan(value) or mp.isinf(value):
        raise Undefined("no finite value")
    return value


def is_real(mp: Any, value: Any) -> bool:
    """Whether the imaginary part is nothing but rounding."""
    return bool(abs(mp.im(value)) <= abs(value) * mp.mpf(10) ** (-mp.dps // 2))


class _Evaluation:
    def __init__(self, mp: Any, point: Mapping[str, Any]) -> None:
        self.mp = mp
        self.point = point
        self.known: dict[str, Any] = {}
        """Symbols that were met, with their values."""

    def value(self, x: Expression) -> Any:
        spend()
        mp = self.mp
        match x:
            case Number(number):
                whole = mp.mpf(number.numerator)
                return whole if number.denominator == 1 else whole / number.denominator
            case Symbol(name):
                if name not in self.known:
                    self.known[name] = self.symbol(name)
                return self.known[name]
            case Sum(terms):
                return self.checked(mp.fsum(self.value(t) for t in terms))
            case Product(factors):
                product = mp.mpf(1)
                for factor in factors:
                    product = product * self.value(factor)
                return self.checked(product)
            case Power(base, exponent):
                return self.checked(self.power(self.value(base), exponent))
            case Apply("sum" | "prod", arguments):
                return self.series(x.function, arguments)
            case Apply(function, arguments):
                return self.checked(self.apply(function, [self.value(a) for a in arguments]))
        raise Undefined(str(x))

    def symbol(self, name: str) -> Any:
        mp = self.mp
        if name in self.point:  # first: the index of a sum may be called i
            value = self.point[name]
            return mp.mpf(value.numerator) / value.denominator
        match name:
            case "pi":
                return +mp.pi
            case "e":
                return +mp.e
            case "i":
                return mp.mpc(0, 1)
        raise Undefined(name)

    def checked(self, value: Any) -> Any:
        mp = self.mp
        if value and abs(mp.mag(value)) > MAX_BITS and mp.isfinite(value):
            raise TooLarge(f"a number of more than {MAX_BITS} bits", Outcome.UNSAFE)
        return value

    def power(self, base: Any, exponent: Expression) -> Any:
        mp = self.mp
        n = fraction_of(exponent)
        height = self.value(exponent) if n is None else mp.mpf(n.numerator) / n.denominator
        if base == 0:
            if mp.re(height) <= 0 and not (n == 0):
                raise Undefined("zero to a power that is not positive")
            return mp.mpf(1) if n == 0 else mp.mpf(0)
        if abs(height) * (abs(mp.mag(base)) + 1) > MAX_BITS:
            raise TooLarge(f"a power of more than {MAX_BITS} bits", Outcome.UNSAFE)
        if n is None and mp.im(height) == 0 and mp.isint(height):
            n = Fraction(int(height))
        if n is not None and n.denominator == 1:
            return base ** int(n)
        if n == Fraction(1, 2):
            return mp.sqrt(base)
        if n is not None and n.denominator % 2 and mp.im(base) == 0 and base < 0:
            return (-(abs(base) ** (mp.mpf(1) / n.denominator))) ** n.numerator
        return base**height

    def series(self, name: str, arguments: tuple[Expression, ...]) -> Any:
        mp = self.mp
        body, index, lower, upper = arguments
        first, last = self.value(lower), self.value(upper)
        if not (mp.isint(first) and mp.isint(last)) or not isinstance(index, Symbol):
            raise Undefined("a sum between bounds that are not integers")
        if last - first > MAX_TERMS:
            raise TooLarge(f"more than {MAX_TERMS} terms", Outcome.UNSAFE)
        result = mp.mpf(0 if name == "sum" else 1)
        for k in range(int(first), int(last) + 1):
            term = _Evaluation(mp, {**self.point, index.name: Fraction(k)}).value(body)
            result = result + term if name == "sum" else result * term
        return self.checked(result)

    def apply(self, function: str, values: list[Any]) -> Any:
        mp = self.mp
        if function in _ANGLES and any(abs(v) > _HUGE_ANGLE for v in values):
            raise TooLarge(f"{function} of a number beyond {_HUGE_ANGLE}", Outcome.UNSAFE)
        known = _FUNCTIONS.get(function)
        if known is None:
            return self.unknown(function, values)
        return known(mp, *values)

    def unknown(self, function: str, values: list[Any]) -> Any:
        """Any fixed smooth function will do for one that is not known, such as `f(x)`."""
        mp = self.mp
        seed = mp.mpf(sum(ord(c) * 31**k for k, c in enumerate(function)) % 997) / 997
        total = seed
        for k, value in enumerate(values):
            total = total + mp.sin(value / (k + 2) + seed) * (k + 2) + value * seed / (k + 1)
        return total


def _root(mp: Any, x: Any, n: Any) -> Any:
    if mp.im(x) == 0 and x < 0 and mp.isint(n) and int(n) % 2:
        return -mp.root(-x, int(n))
    if not mp.isint(n) or not 0 < n < 10**4:
        return x ** (1 / n)
    return mp.root(x, int(n))


def _factorial(mp: Any, x: Any) -> Any:
    if abs(x) > MAX_FACTORIAL:
        raise TooLarge(f"a factorial beyond {MAX_FACTORIAL}!", Outcome.UNSAFE)
    if mp.isint(x) and x < 0:
        raise Undefined("the factorial of a negative number")
    return mp.factorial(x)


def _double_factorial(mp: Any, x: Any) -> Any:
    if abs(x) > MAX_FACTORIAL:
        raise TooLarge(f"a factorial beyond {MAX_FACTORIAL}!!", Outcome.UNSAFE)
    if not mp.isint(x) or x < -1:
        raise Undefined("the double factorial of no natural number")
    return mp.fac2(x)


def _binomial(mp: Any, n: Any, k: Any) -> Any:
    if max(abs(n), abs(k)) > MAX_BITS:
        raise TooLarge("a large binomial coefficient", Outcome.UNSAFE)
    if mp.isint(n) and mp.isint(k) and not 0 <= k <= n:
        if k < 0 or n >= 0:
            return mp.mpf(0)
    return mp.binomial(n, k)


def _log(mp: Any, x: Any, base: Any = None) -> Any:
    # Without a base, `log` is natural here; that it may be decimal is the caller's to know.
    return mp.log(x) if base is None else mp.log(x) / mp.log(base)


def _without_noise(mp: Any, x: Any) -> Any:
    """A whole number that arithmetic has moved by less than half of the digits, put back."""
    nearest = mp.nint(mp.re(x))
    return nearest if abs(x - nearest) < mp.mpf(10) ** (-mp.dps // 2) else x


def _arccot(mp: Any, x: Any) -> Any:
    return mp.pi / 2 - mp.atan(x)


def _fold(mp: Any, f: Callable[[int, int], int], values: tuple[Any, ...]) -> Any:
    if not all(mp.isint(v) for v in values):
        raise Undefined("a divisor of what is no integer")
    import functools

    return mp.mpf(functools.reduce(f, (int(v) for v in values)))


def _gcd(mp: Any, *values: Any) -> Any:
    import math

    return _fold(mp, math.gcd, values)


def _lcm(mp: Any, *values: Any) -> Any:
    import math

    return _fold(mp, math.lcm, values)


_ANGLES = frozenset("sin cos tan cot sec csc sinh cosh tanh gamma".split())
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sin": lambda mp, x: mp.sin(x),
    "cos": lambda mp, x: mp.cos(x),
    "tan": lambda mp, x: mp.tan(x),
    "cot": lambda mp, x: mp.cot(x),
    "sec": lambda mp, x: mp.sec(x),
    "csc": lambda mp, x: mp.csc(x),
    "sinh": lambda mp, x: mp.sinh(x),
    "cosh": lambda mp, x: mp.cosh(x),
    "tanh": lambda mp, x: mp.tanh(x),
    "coth": lambda mp, x: 1 / mp.tanh(x),
    "sech": lambda mp, x: 1 / mp.cosh(x),
    "csch": lambda mp, x: 1 / mp.sinh(x),
    "arcsin": lambda mp, x: mp.asin(x),
    "arccos": lambda mp, x: mp.acos(x),
    "arctan": lambda mp, x: mp.atan(x),
    "arccot": _arccot,
    "arcsec": lambda mp, x: mp.acos(1 / x),
    "arccsc": lambda mp, x: mp.asin(1 / x),
    "arcsinh": lambda mp, x: mp.asinh(x),
    "arccosh": lambda mp, x: mp.acosh(x),
    "arctanh": lambda mp, x: mp.atanh(x),
    "ln": lambda mp, x: mp.log(x),
    "log": _log,
    "abs": lambda mp, x: abs(x),
    "sign": lambda mp, x: mp.sign(x),
    "Re": lambda mp, x: mp.re(x),
    "Im": lambda mp, x: mp.im(x),
    "arg": lambda mp, x: mp.arg(x),
    "erf": lambda mp, x: mp.erf(x),
    "floor": lambda mp, x: mp.floor(_without_noise(mp, x)),
    "ceil": lambda mp, x: mp.ceil(_without_noise(mp, x)),
    "max": lambda mp, *xs: max(xs),
    "min": lambda mp, *xs: min(xs),
    "gcd": _gcd,
    "lcm": _lcm,
    "factorial": _factorial,
    "factorial2": _double_factorial,
    "gamma": lambda mp, x: _factorial(mp, x - 1),
    "binomial": _binomial,
    "root": _root,
    "percent": lambda mp, x: x / 100,
    "deg": lambda mp, x: x * mp.pi / 180,
    "base": lambda mp, digits, base: mp.mpf(int(str(int(digits)), int(base))),
}
KNOWN = frozenset(_FUNCTIONS)
