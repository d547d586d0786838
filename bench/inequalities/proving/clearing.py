"""An expression becomes a polynomial: radicals get names, denominators go (FORMAT.md, `clear`).

The expression is read as a fraction whose denominator is a product of known factors. What a root
is, and which factors are needed, is found on the way; the checker reads the same fraction from the
lists that this leaves.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    degree_of,
    from_flint,
    generators,
    has_nonnegative_coefficients,
    lengthen,
    ring,
    size_of,
    split_by_degree,
    terms_of,
    to_json,
)
from bench.inequalities.proving.closers.signs import prove_not_negative, prove_sign
from bench.inequalities.proving.goals import POSITIVE, Goal
from bench.inequalities.proving.polynomial_goals import (
    Assumptions,
    PolynomialGoal,
    Radical,
    Split,
    add_radicals,
    drop_radicals,
    reduce_radicals,
)
from bench.inequalities.roots import floor_root
from bench.inequalities.statements import Expression, to_json_expression

CAPACITY = 8
"""Radicals of a goal at most."""
MOST_JOINED = 4
"""Factors of a denominator of which products are tried."""
MOST_TERMS = 3_000
"""Terms of a numerator at most."""


class CannotClear(Exception):
    """An expression is outside what can be read as a fraction of polynomials and radicals."""


class _Fraction(NamedTuple):
    """`numerator / (D_1^k_1 ...)`, the powers by the number of the factor."""

    numerator: Polynomial
    over: Counter[int]


@dataclass(slots=True)
class _Root:
    """One root of the goal: `of^(1/index) = factor * t / product of denominators`."""

    of: Expression
    index: int
    factor: Polynomial
    over: Counter[int]
    radical: int | None
    multiplier: Polynomial | None
    """What the split equality is multiplied by in the identity; None without one."""


class Reader:
    """Reads the expressions of one goal as fractions."""

    def __init__(
        self,
        variables: Sequence[str],
        signs: Sequence[str],
        split: Split | None = None,
        *,
        factors: bool = True,
        unit: Split | None = None,
    ) -> None:
        """Know no radical and no denominator yet; `split` homogenises radicands.

        Without `factors` a denominator stays as it is, as FORMAT.md reads those of assumptions. A
        root of what the equality `unit` says is 1 is 1.
        """
        self._factors, self._unit = factors, unit
        self.n = len(variables)
        self.known = Assumptions(tuple(signs), (), ())
        self.split = split if split is not None and split.low.is_constant() else None
        self.radicals: list[Radical] = []
        self.roots: list[_Root] = []
        self.denominators: list[Polynomial] = []
        self._x = dict(zip(variables, generators(self.n + CAPACITY), strict=False))
        self._one = constant(self.n + CAPACITY, 1)

    def read(self, e: Expression) -> _Fraction:
        """Return an expression as a fraction. Raises CannotClear."""
        if isinstance(e, Fraction):
            return _Fraction(self._one * constant(self.n + CAPACITY, e), Counter())
        if isinstance(e, str):
            return _Fraction(self._x[e], Counter())
        head, *parts = e
        if head == "+":
            return self._add([self.read(part) for part in parts])
        if head == "*":
            return self._multiply([self.read(part) for part in parts])
        if head == "-":
            inner = self.read(parts[0])
            return _Fraction(-inner.numerator, inner.over)
        if head == "/":
            over = self._invert(self.read(parts[1]))
            return self._multiply([self.read(parts[0]), over])
        assert head == "^"
        if not isinstance(parts[1], Fraction):
            raise CannotClear("an exponent with variables")
        return self._raise(parts[0], parts[1])

    def _reduce(self, p: Polynomial) -> Polynomial:
        if len(p) > MOST_TERMS:
            raise CannotClear(f"a numerator of more than {MOST_TERMS} terms")
        return reduce_radicals(p, self.n, self.radicals)

    def _product(self, over: Counter[int]) -> Polynomial:
        found = self._one
        for i in sorted(over):
            found = self._reduce(found * self.denominators[i] ** over[i])
        return found

    def _add(self, parts: Sequence[_Fraction]) -> _Fraction:
        common: Counter[int] = Counter()
        for part in parts:
            common |= part.over
        total = self._one * 0
        for part in parts:
            missing = Counter({i: k - part.over[i] for i, k in common.items() if k > part.over[i]})
            total = total + self._reduce(part.numerator * self._product(missing))
        return _Fraction(total, common)

    def _multiply(self, parts: Sequence[_Fraction]) -> _Fraction:
        numerator, over = self._one, Counter[int]()
        for part in parts:
            numerator = self._reduce(numerator * part.numerator)
            over = over + part.over
        return _Fraction(numerator, over)

    def _invert(self, fraction: _Fraction) -> _Fraction:
        if fraction.numerator.is_zero():
            raise CannotClear("a division by zero")
        rest, powers = fraction.numerator, Counter[int]()
        for i, factor in enumerate(self.denominators):
            rest, powers[i] = _divide_out(rest, factor)
        for factor in self._factors_of(rest):
            rest, power = _divide_out(rest, factor)
            if power:
                powers[len(self.denominators)] = power
                self.denominators.append(factor)
        assert rest.is_constant() and not rest.is_zero()
        value = from_flint(rest.leading_coefficient())
        numerator = self._product(fraction.over) * constant(self.n + CAPACITY, 1 / value)
        return _Fraction(numerator, +powers)

    def _factors_of(self, p: Polynomial) -> list[Polynomial]:
        """Return a denominator's factors: irreducible ones, or, with radicals, what is left."""
        if p.is_constant():
            return []
        if not self._factors:
            return [p]
        if not any(p.degrees()[self.n :]):
            return self._join_to_positive([_normalize(factor) for factor, _ in p.factor()[1]])
        found = []
        for i, x in enumerate(generators(self.n + CAPACITY)):
            if min(int(e[i]) for e in p.monoms()) > 0:
                found.append(x)
                p, _ = _divide_out(p, x)
        return [*found, *([] if p.is_constant() else [_normalize(p)])]

    def _join_to_positive(self, factors: list[Polynomial]) -> list[Polynomial]:
        """Return factors, some multiplied where that makes them seen positive.

        Of `1 + x^7` the second factor has coefficients below 0.
        """
        seen = [f for f in factors if has_nonnegative_coefficients(f)]
        other = [f for f in factors if not has_nonnegative_coefficients(f)]
        if not other or len(seen) > MOST_JOINED:
            return factors
        hidden = math.prod(other, start=self._one)
        for size in range(len(seen) + 1):
            for chosen in itertools.combinations(seen, size):
                joined = math.prod(chosen, start=hidden)
                if has_nonnegative_coefficients(joined):
                    # The factors again, of which there may be more than of the product.
                    return [*(f for f in seen if f not in chosen), joined, *chosen, *other]
        return factors

    def _raise(self, base: Expression, exponent: Fraction) -> _Fraction:
        if exponent.denominator > 1:
            inner = self._find_root(base, exponent.denominator)
        else:
            inner = self.read(base)
        power = exponent.numerator
        if power < 0:
            inner, power = self._invert(inner), -power
        numerator = self._one
        for _ in range(power):
            numerator = self._reduce(numerator * inner.numerator)
        return _Fraction(numerator, Counter({i: k * power for i, k in inner.over.items()}))

    def _find_root(self, base: Expression, index: int) -> _Fraction:
        for root in self.roots:
            if root.of == base and root.index == index:
                return self._as_fraction(root)
        inner = self.read(base)
        off = self._tell_from_one(inner)
        if off is not None:
            self.roots.append(_Root(base, index, self._one, Counter(), None, off))
            return self._as_fraction(self.roots[-1])
        over = Counter({i: -(-k // index) for i, k in inner.over.items() if k})
        missing = Counter({i: over[i] * index - k for i, k in inner.over.items()})
        whole = self._reduce(inner.numerator * self._product(missing))
        if any(whole.degrees()[self.n :]):
            raise CannotClear("a root of a root")
        radicand = drop_radicals(whole, self.n)
        multiplier = None
        if self.split is not None and not radicand.is_zero():
            higher = _raise_degree(radicand, self.split, index)
            if higher is not None:
                radicand, plain = higher
                multiplier = self._reduce(self._lift(plain) * self._product(inner.over))
        if radicand.is_zero():
            raise CannotClear("a root of zero")
        factor, radicand = self._pull_out(radicand, index)
        number = None
        if not radicand.is_one():
            number = self._number(Radical(index, radicand))
        root = _Root(base, index, self._lift(factor), over, number, multiplier)
        self.roots.append(root)
        return self._as_fraction(root)

    def _tell_from_one(self, fraction: _Fraction) -> Polynomial | None:
        """Return what `unit` is multiplied by in `denominator - numerator`; None if it is not."""
        if self._unit is None:
            return None
        numerator = self._unit.sign * (self._unit.high - self._unit.low)
        difference = self._product(fraction.over) - fraction.numerator
        multiplier, rest = divmod(difference, self._lift(numerator))
        return multiplier if rest.is_zero() else None

    def _as_fraction(self, root: _Root) -> _Fraction:
        numerator = root.factor
        if root.radical is not None:
            numerator = numerator * generators(self.n + CAPACITY)[self.n + root.radical]
        return _Fraction(numerator, root.over)

    def _lift(self, p: Polynomial) -> Polynomial:
        return add_radicals(p, CAPACITY)

    def _number(self, radical: Radical) -> int:
        if radical not in self.radicals:
            if len(self.radicals) == CAPACITY:
                raise CannotClear(f"more than {CAPACITY} radicals")
            self.radicals.append(radical)
        return self.radicals.index(radical)

    def _pull_out(self, p: Polynomial, index: int) -> tuple[Polynomial, Polynomial]:
        """Return `f`, not negative, and `r` with `p = f^index * r`."""
        content, factors = p.factor()
        outside, inside = constant(self.n, 1), constant(self.n, 1)
        scale = from_flint(content)
        for factor, power in factors:
            for sign in (1, -1):
                if self.known.is_visibly_nonnegative(sign * factor):
                    factor = sign * factor
                    scale *= sign ** int(power)
                    outside = outside * factor ** (int(power) // index)
                    power = int(power) % index
                    break
            inside = inside * factor ** int(power)
        # A radicand of whole coefficients without common factor, so that equal ones look alike.
        parts = [from_flint(c) for c in inside.coeffs()]
        common = math.lcm(*(c.denominator for c in parts))
        shared = math.gcd(*(int(c * common) for c in parts))
        inside = inside * constant(self.n, Fraction(common, shared))
        scale *= Fraction(shared, common)
        if scale < 0:
            inside, scale = -inside, -scale
        root, rest = _pull_root(scale, index)
        return outside * constant(self.n, root), inside * constant(self.n, rest)


def _divide_out(p: Polynomial, factor: Polynomial) -> tuple[Polynomial, int]:
    times = 0
    while not p.is_constant():
        quotient, rest = divmod(p, factor)
        if not rest.is_zero():
            break
        p, times = quotient, times + 1
    return p, times


def _normalize(p: Polynomial) -> Polynomial:
    """Return a polynomial with leading coefficient 1."""
    found: Polynomial = p / p.leading_coefficient()
    return found


def _pull_root(value: Fraction, index: int) -> tuple[Fraction, Fraction]:
    """Return rationals `r` and `s` with `value = r^index * s`, `s` whole and small."""
    whole = value.numerator * value.denominator ** (index - 1)
    root, p = 1, 2
    while p**index <= whole and p < 1000:
        while whole % p**index == 0:
            whole //= p**index
            root *= p
        p += 1
    last = floor_root(whole, index)
    if last > 1 and last**index == whole:
        root, whole = root * last, 1
    return Fraction(root, value.denominator), Fraction(whole)


def _raise_degree(p: Polynomial, split: Split, index: int) -> tuple[Polynomial, Polynomial] | None:
    """Return `p` in one degree that `index` divides, by an equality `A = b`, and what it is off by.

    The second polynomial times the equality's numerator is the new one less the old one.
    """
    value = from_flint(split.low.leading_coefficient())
    n = size_of(p)
    ratio = split.high * constant(n, 1 / value)
    parts = split_by_degree(p)
    top = max(parts)
    if any((top - k) % split.difference for k in parts):
        return None
    for more in range(index):
        if (top + more * split.difference) % index == 0:
            break
    else:
        return None
    result, off = p * 0, p * 0
    for k, part in parts.items():
        times = (top - k) // split.difference + more
        result = result + part * ratio**times
        # A/b - 1 = sign * numerator / b, and x^m - 1 = (x - 1)(1 + x + ... + x^(m-1)).
        for m in range(times):
            off = off + part * ratio**m * constant(n, Fraction(split.sign) / value)
    return result, off


def read_numerator(
    e: Expression, variables: Sequence[str], signs: Sequence[str]
) -> Polynomial | None:
    """Return the numerator of an assumption; None where its denominators are not seen positive."""
    reader = Reader(variables, signs, factors=False)
    try:
        fraction = reader.read(e)
    except CannotClear:
        return None
    if reader.radicals or reader.roots:
        return None
    n = len(variables)
    for i in fraction.over:
        factor = drop_radicals(reader.denominators[i], n)
        positive = all(
            c > 0 and all(k == 0 or s == POSITIVE for k, s in zip(e, signs, strict=True))
            for e, c in terms_of(factor).items()
        )
        if not positive:
            return None
    return drop_radicals(fraction.numerator, n)


def read_polynomial(e: Expression, variables: Sequence[str]) -> Polynomial | None:
    """Return an expression as a polynomial; None of one with roots, or divided by variables."""
    reader = Reader(variables, [POSITIVE] * len(variables))
    try:
        fraction = reader.read(e)
    except CannotClear:
        return None
    if reader.roots or fraction.over:
        return None
    return drop_radicals(fraction.numerator, len(variables))


def read_assumptions(goal: Goal) -> Assumptions:
    """Return what a goal assumes, as polynomials."""
    signs = tuple(goal.signs[v] for v in goal.variables)
    facts = []
    for fact in goal.facts:
        p = read_numerator(fact.expression, goal.variables, signs)
        facts.append(None if p is None else (p, fact.strict))
    equalities = tuple(read_numerator(e, goal.variables, signs) for e in goal.equalities)
    return Assumptions(signs, tuple(facts), equalities)


def clear(
    goal: Goal,
    known: Assumptions,
    budget: Budget,
    *,
    raise_radicands: bool = True,
    unit_roots: bool = False,
) -> PolynomialGoal | None:
    """Return the goal as a polynomial; None where it has a form or a sign that cannot be shown.

    With `raise_radicands` an equality makes radicands homogeneous of a degree that fits the root;
    with `unit_roots` roots of what it says is 1 are 1.
    """
    split = known.find_split()
    reader = Reader(
        goal.variables,
        known.signs,
        split if raise_radicands else None,
        unit=split if unit_roots else None,
    )
    try:
        fraction = reader.read(goal.expression)
    except CannotClear:
        return None
    n, size = known.n, known.n + len(reader.radicals)
    radicals = []
    for radical in reader.radicals:
        proof = prove_not_negative(radical.radicand, known, budget)
        if proof is None:
            return None
        radicals.append(
            {
                "index": radical.degree,
                "radicand": to_json(add_radicals(radical.radicand, size - n)),
                "nonnegative": lengthen(proof, size - n),
            }
        )
    sign, denominators = 1, []
    for i, factor in enumerate(reader.denominators):
        found = _sign_of_denominator(_cut(factor, size), known, reader, split, budget)
        if found is None:
            return None
        denominators.append(
            {
                "factor": to_json(_cut(factor, size)),
                "sign": found[0],
                "proof": lengthen(found[1], size - n),
            }
        )
        if found[0] < 0:
            if any(root.over[i] for root in reader.roots):
                return None
            sign *= (-1) ** fraction.over[i]
    step = {
        "step": "clear",
        "radicals": radicals,
        "roots": [_write_root(root, size, len(denominators), split) for root in reader.roots],
        "denominators": denominators,
    }
    numerator = _cut(fraction.numerator, size) * sign
    return PolynomialGoal(
        known, tuple(reader.radicals), numerator, (*goal.steps, step), goal.strict
    )


def _cut(p: Polynomial, size: int) -> Polynomial:
    """Return a polynomial in a ring with fewer radicals."""
    found: Polynomial = ring(size).from_dict({tuple(e)[:size]: c for e, c in p.to_dict().items()})
    return found


def _sign_of_denominator(
    factor: Polynomial, known: Assumptions, reader: Reader, split: Split | None, budget: Budget
) -> tuple[int, dict[str, Any]] | None:
    n = known.n
    if not any(factor.degrees()[n:]):
        found = prove_sign(drop_radicals(factor, n), known, split, budget)
        return None if found is None else (found.sign, found.proof)
    for sign in (1, -1):
        if is_visibly_positive_with(sign * factor, known, reader.radicals):
            return sign, {"by": "visible"}
    return None


def is_visibly_positive_with(
    p: Polynomial, known: Assumptions, radicals: Sequence[Radical]
) -> bool:
    """Whether a polynomial with radicals is visibly positive."""
    if not has_nonnegative_coefficients(p) or not known.is_visibly_nonnegative(p):
        return False
    n = known.n
    positive = [known.is_visibly_positive(radical.radicand) for radical in radicals]
    return any(
        all(k == 0 or s == POSITIVE for k, s in zip(e[:n], known.signs, strict=True))
        and all(k == 0 or each for k, each in zip(e[n:], positive, strict=True))
        for e in terms_of(p)
    )


def _write_root(root: _Root, size: int, factors: int, split: Split | None) -> dict[str, Any]:
    modulo = []
    if root.multiplier is not None and split is not None and degree_of(root.multiplier) >= 0:
        modulo.append([split.equality, to_json(_cut(root.multiplier, size))])
    return {
        "of": to_json_expression(root.of),
        "index": root.index,
        "factor": to_json(_cut(root.factor, size)),
        "over": [root.over[i] for i in range(factors)],
        "radical": root.radical,
        "modulo": modulo,
    }
