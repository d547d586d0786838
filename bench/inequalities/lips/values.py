"""Values of sums of terms at points, each base, power and product of powers computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.inequalities.lips.rationals import Number
from bench.inequalities.lips.terms import ONE, Base, Powers, Sum, Term, is_sum
from bench.inequalities.lips.writing import write
from bench.inequalities.polynomials import Floats
from bench.inequalities.statements import compile_float


class Values:
    """What sums of terms are at some points; nan where they are not defined."""

    def __init__(self, names: Sequence[str], points: Floats) -> None:
        """Know the points, shape (points, names)."""
        self._names = names
        self._points = points
        self._bases: dict[Base, Floats] = {}
        self._powers: dict[tuple[Base, Number], Floats] = {}
        self._products: dict[Powers, Floats] = {}

    def of(self, terms: Sum) -> Floats:
        """Return the values of a sum, shape (points,)."""
        total = np.zeros(len(self._points))
        with np.errstate(all="ignore"):
            for coefficient, powers in terms:
                total = total + float(coefficient) * self._of_product(powers)
        return total

    def of_term(self, term: Term) -> Floats:
        """Return the values of a term, shape (points,)."""
        return float(term.coefficient) * self._of_product(term.powers)

    def of_base(self, base: Base) -> Floats:
        """Return the values of a base, shape (points,)."""
        if base not in self._bases:
            if is_sum(base):
                self._bases[base] = self.of(base)
            else:
                written = write((Term(ONE, ((base, ONE),)),))
                self._bases[base] = compile_float(written, self._names)(self._points)
        return self._bases[base]

    def _of_product(self, powers: Powers) -> Floats:
        if powers not in self._products:
            product = np.ones(len(self._points))
            with np.errstate(all="ignore"):
                for power in powers:
                    product = product * self._of_power(power)
            self._products[powers] = product
        return self._products[powers]

    def _of_power(self, power: tuple[Base, Number]) -> Floats:
        if power not in self._powers:
            base, k = power
            with np.errstate(all="ignore"):
                self._powers[power] = self.of_base(base) ** float(k)
        return self._powers[power]
