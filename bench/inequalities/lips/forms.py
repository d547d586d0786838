"""Expressions as fractions in lowest terms, and written again so that a reader sees their form.

A form is a numerator over powers of known denominators; roots are variables of their own, as
`bench.inequalities.proving.clearing` reads them. Forms of one goal share its denominators.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

from bench.inequalities.budget import Budget
from bench.inequalities.lips.ranking import count_operators
from bench.inequalities.lips.sides import ONE, ZERO, pull_sign, scale
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    from_flint,
    generators,
    terms_of,
)
from bench.inequalities.proving.clearing import (
    CAPACITY,
    CannotClear,
    Reader,
    is_visibly_positive_with,
    read_assumptions,
)
from bench.inequalities.proving.closers.signs import prove_sign
from bench.inequalities.proving.goals import Goal
from bench.inequalities.proving.polynomial_goals import (
    Radical,
    add_radicals,
    drop_radicals,
    homogenise,
    reduce_radicals,
)
from bench.inequalities.statements import Expression, add, divide, multiply, negate

MOST_TERMS = 400
"""Terms of a numerator that is factored or written."""
SMALL = 4
"""Terms of a factor whose sign is worth a search."""
SECONDS = 0.3
"""In which the sign of a factor has to be found."""

Writer = Callable[[Polynomial], Expression]
Powers = list[tuple[Polynomial, int]]


class Form(NamedTuple):
    """A numerator over a product of powers of the denominators, by number."""

    top: Polynomial
    under: Counter[int]


class Forms:
    """Reads the expressions of one goal and writes them."""

    def __init__(self, goal: Goal) -> None:
        """Know what the goal assumes."""
        self.goal = goal
        self.known = read_assumptions(goal)
        self.split = self.known.find_split()
        self.n = self.known.n
        self._reader = Reader(goal.variables, self.known.signs)
        self._signs: dict[str, int] = {}

    @property
    def one(self) -> Polynomial:
        """The polynomial 1, in the ring of all numerators."""
        return self.constant(Fraction(1))

    def constant(self, value: Fraction) -> Polynomial:
        """Return a constant numerator."""
        return constant(self.n + CAPACITY, value)

    @property
    def equalities(self) -> list[Polynomial]:
        """The numerators of the equalities that can be read, in the ring of all numerators."""
        return [add_radicals(h, CAPACITY) for h in self.known.equalities if h is not None]

    def read(self, e: Expression) -> Form | None:
        """Return an expression as a fraction in lowest terms; None where it is none, or large."""
        try:
            found = self._reader.read(e)
        except CannotClear:
            return None
        if len(found.numerator) > MOST_TERMS:
            return None
        return self.reduce(found.numerator, found.over)

    def reduce(self, top: Polynomial, under: Counter[int]) -> Form:
        """Return a fraction without what the numerator has in common with a denominator."""
        left: Counter[int] = Counter()
        for i, k in under.items():
            while k:
                quotient, rest = divmod(top, self.denominator(i))
                if not rest.is_zero():
                    left[i] = k
                    break
                top, k = quotient, k - 1
        return Form(top, left)

    def multiply_out(self, p: Polynomial) -> Polynomial:
        """Return a numerator with every power of a root below its index."""
        return reduce_radicals(p, self.n, self._reader.radicals)

    def denominator(self, i: int) -> Polynomial:
        """Return a denominator by number; its leading coefficient is 1."""
        return self._reader.denominators[i]

    def product(self, under: Counter[int]) -> Polynomial:
        """Return a product of powers of denominators."""
        found = self.one
        for i, k in under.items():
            found = self.multiply_out(found * self.denominator(i) ** k)
        return found

    def has_roots(self, p: Polynomial) -> bool:
        """Whether a root occurs in a numerator."""
        return any(p.degrees()[self.n :])

    def plain(self, p: Polynomial) -> Polynomial:
        """Return a numerator without roots in the ring of the variables alone."""
        return drop_radicals(p, self.n)

    def lift(self, p: Polynomial) -> Polynomial:
        """Return a polynomial of the variables as a numerator."""
        return add_radicals(p, CAPACITY)

    # Signs

    def sign_of(self, p: Polynomial) -> int:
        """Return 1 or -1 for a polynomial seen to be positive or negative; 0 for another."""
        key = str(p)
        if key not in self._signs:
            self._signs[key] = self._find_sign(p)
        return self._signs[key]

    def sign_of_factor(self, p: Polynomial) -> int:
        """Return the same for a factor of a goal, which may be all that is to be proved."""
        return self.sign_of(p) if len(p) <= SMALL else self._see_sign(p)

    def _find_sign(self, p: Polynomial) -> int:
        seen = self._see_sign(p)
        if seen or self.has_roots(p):
            return seen
        found = prove_sign(self.plain(p), self.known, self.split, Budget(SECONDS))
        return 0 if found is None else found.sign

    def _see_sign(self, p: Polynomial) -> int:
        """Return a sign that the coefficients show, perhaps after homogenising."""
        radicals = self._reader.radicals if self.has_roots(p) else []
        trimmed = drop_radicals(p, self.n + len(radicals))
        higher = None if radicals or self.split is None else homogenise(trimmed, self.split)
        for each in (trimmed, trimmed if higher is None else higher):
            for sign in (1, -1):
                if is_visibly_positive_with(sign * each, self.known, radicals):
                    return sign
        return 0

    # Writing

    def write(self, form: Form) -> Expression:
        """Return a fraction whose numerator is written the shorter way."""
        return self.write_with(form, self.write_shortest)

    def write_with(self, form: Form, write_top: Writer) -> Expression:
        """Return a fraction whose numerator is written in a way."""
        if form.top.is_zero():
            return ZERO
        content, top = self.take_content(form.top)
        below: list[Expression] = []
        for i, k in form.under.items():
            shared, factor = self.take_content(self.denominator(i))
            content /= shared**k
            below.append(raise_to(self.write_sum(factor), Fraction(k)))
        if content < 0 and min(top.coeffs()) < 0:
            # `b - a` rather than `-(a - b)`.
            content, top = -content, -top
        size = abs(content)
        written: Expression
        if len(top) == 1 and not below:
            written = write_top(top * self.constant(size))
        else:
            written = write_top(top * self.constant(Fraction(size.numerator)))
            below = [Fraction(size.denominator), *below] if size.denominator > 1 else below
            written = divide(written, multiply(*below)) if below else written
        sign, written = pull_sign(written)
        return written if sign * content > 0 else negate(written)

    def write_shortest(self, p: Polynomial) -> Expression:
        """Return a polynomial as a sum or as a product, whichever has fewer operators."""
        return min(self.write_sum(p), self.write_product(p), key=count_operators)

    def write_sum(self, p: Polynomial) -> Expression:
        """Return a polynomial as a sum of terms, those with a plus first."""
        terms = sorted(terms_of(p).items(), key=lambda term: term[1] < 0)
        return add(*(self._write_term(c, e) for e, c in terms)) if terms else ZERO

    def write_product(self, p: Polynomial) -> Expression:
        """Return a polynomial as a product of its factors."""
        if len(p) <= 1:
            return self.write_sum(p)
        content, factors = self.factor(p)
        powers = [raise_to(self.write_sum(factor), Fraction(k)) for factor, k in factors]
        written = scale(abs(content), multiply(*powers))
        return negate(written) if content < 0 else written

    def write_powers(
        self, content: Fraction, powers: Iterable[tuple[Polynomial, Fraction]]
    ) -> Expression:
        """Return a product of a constant and powers, whose exponents need not be whole."""
        written = [(self.write_sum(p), k) for p, k in powers if k]
        above = [raise_to(e, k) for e, k in written if k > 0]
        below = [raise_to(e, -k) for e, k in written if k < 0]
        if not below:
            return scale(content, multiply(*above)) if above else content
        top = scale(Fraction(content.numerator), multiply(*above) if above else ONE)
        below = [Fraction(content.denominator), *below] if content.denominator > 1 else below
        return divide(top, multiply(*below))

    def factor(self, p: Polynomial) -> tuple[Fraction, Powers]:
        """Return a content and irreducible factors, positive ones seen as such."""
        content, found = p.factor()
        value, factors = from_flint(content), Powers()
        for factor, k in found:
            shared, rest = self.take_content(factor)
            value *= shared ** int(k)
            factors.append((rest, int(k)))
        return value, factors

    def take_content(self, p: Polynomial) -> tuple[Fraction, Polynomial]:
        """Return `c` and `q` with `p = c q`, `q` of whole coefficients and positive if that shows.

        Otherwise the leading coefficient of `q` is positive.
        """
        shared = self.find_content(p)
        q = p * self.constant(1 / shared)
        return (-shared, -q) if self._looks_negative(q) else (shared, q)

    def find_content(self, *polynomials: Polynomial) -> Fraction:
        """Return the largest rational by which all coefficients are whole; not all may be 0."""
        parts = [from_flint(c) for p in polynomials for c in p.coeffs()]
        return Fraction(
            math.gcd(*(c.numerator for c in parts)), math.lcm(*(c.denominator for c in parts))
        )

    def find_root(self, p: Polynomial) -> Radical | None:
        """Return the root that a polynomial is; None of another polynomial."""
        roots = generators(self.n + CAPACITY)[self.n :]
        pairs = zip(self._reader.radicals, roots, strict=False)
        return next((radical for radical, t in pairs if t == p), None)

    def _looks_negative(self, p: Polynomial) -> bool:
        sign = self._see_sign(p)
        return sign < 0 if sign else bool(p.leading_coefficient() < 0)

    def _write_term(self, c: Fraction, exponents: tuple[int, ...]) -> Expression:
        names = self.goal.variables
        factors: list[Expression] = [
            raise_to(v, Fraction(k)) for v, k in zip(names, exponents, strict=False) if k
        ]
        for radical, k in zip(self._reader.radicals, exponents[self.n :], strict=False):
            if k:
                base = self.write_sum(self.lift(radical.radicand))
                factors.append(raise_to(base, Fraction(k, radical.degree)))
        written = scale(abs(c), multiply(*factors)) if factors else abs(c)
        return negate(written) if c < 0 else written


def raise_to(base: Expression, k: Fraction) -> Expression:
    """Return a power; the first one is the base."""
    return base if k == 1 else ("^", base, k)
