"""Polynomials and expressions as LaTeX that is short to read.

A polynomial is written by degree, then lexicographically; as a product where that is no longer; and
as a cyclic sum where that is much shorter. What is too long is cut, and says how many terms it has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.explaining.documents import Display
from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    Terms,
    constant,
    from_flint,
    has_nonnegative_coefficients,
    is_cyclic,
    make,
    size_of,
    terms_of,
)
from bench.inequalities.proving.polynomial_goals import drop_radicals

MOST_TERMS = 40
"""Terms that are written; of a longer sum only the first ones are."""
SHOWN_TERMS = 12
"""Terms that are written of a sum that is cut."""
MOST_FACTORED = 400
"""Terms of a polynomial that is factored to be written."""
LINE = 78
"""Width of a line in a display."""
CYCLIC = r"\sum_{\mathrm{cyc}}"

Signed = tuple[str, str]
"""The sign of a term, `+` or `-`, and its absolute value as LaTeX."""


def measure(latex: str) -> int:
    """Return about how many letters wide a formula looks."""
    text = re.sub(r"\\(left|right|mathrm|begin|end|text)\b|[{}^_&\s]", "", latex)
    return len(re.sub(r"\\[a-zA-Z]+", "x", text))


@dataclass(frozen=True, slots=True)
class Formula:
    """A sum of signed terms, perhaps one term only."""

    terms: tuple[Signed, ...]
    whole: int = 0
    """How many terms the sum has, if only the first ones are written; 0 if all are."""

    @property
    def latex(self) -> str:
        """The formula."""
        first, *rest = self.terms
        text = ("-" if first[0] == "-" else "") + first[1]
        return text + "".join(f" {sign} {body}" for sign, body in rest)

    @property
    def is_one_term(self) -> bool:
        """Whether it can be a factor as it is."""
        return len(self.terms) == 1 and self.terms[0][0] == "+"

    @property
    def factor(self) -> str:
        """The formula as a factor, in brackets where it needs them."""
        return self.latex if self.is_one_term else bracket(self.latex)

    @property
    def width(self) -> int:
        """About how many letters wide it is."""
        return measure(self.latex)


def bracket(latex: str) -> str:
    """Return a formula in brackets, which grow where there is something tall inside."""
    if r"\frac" in latex or r"\sqrt" in latex or r"\sum" in latex or r"\left" in latex:
        return rf"\left({latex}\right)"
    return f"({latex})"


def raise_text(base: str, power: int) -> str:
    """Return the power of a letter or of a formula in brackets."""
    if power == 1:
        return base
    shown = str(power) if power < 10 else f"{{{power}}}"
    return f"{base}^{shown}"


def write_rational(value: Fraction) -> str:
    """Return a rational."""
    top, bottom = abs(value.numerator), value.denominator
    text = str(top) if bottom == 1 else rf"\frac{{{top}}}{{{bottom}}}"
    return f"-{text}" if value < 0 else text


def juxtapose(parts: Iterable[str]) -> str:
    """Return a product of what needs no brackets, with a blank or a dot where one has to be."""
    text = ""
    for part in parts:
        if text and part[0].isdigit():
            text += r" \cdot "
        elif re.search(r"\\[a-zA-Z]+$", text) and part[0].isalpha():
            text += " "
        text += part
    return text


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How the generators of a ring are written: the variables, then the radicals."""

    variables: tuple[str, ...]
    radicals: tuple[str, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        """All generators' LaTeX."""
        return (*self.variables, *self.radicals)

    def write_monomial(self, exponents: Exponents) -> str:
        """Return a product of powers, roots of numbers first; of the constant one nothing."""
        powers = [
            raise_text(letter if k == 1 or r"\sqrt" not in letter else bracket(letter), k)
            for letter, k in zip(self.letters, exponents, strict=False)
            if k
        ]
        return juxtapose(sorted(powers, key=lambda each: not re.match(r"\\sqrt\S*\{\d+\}", each)))

    def write_terms(self, terms: Terms) -> tuple[Signed, ...]:
        """Return terms by degree, then lexicographically."""
        written = []
        for e in order_terms(terms):
            c = terms[e]
            monomial = self.write_monomial(e)
            number = "" if abs(c) == 1 and monomial else write_rational(abs(c))
            written.append(("-" if c < 0 else "+", juxtapose(filter(None, (number, monomial)))))
        return tuple(written) or (("+", "0"),)

    def write_sum(self, p: Polynomial) -> Formula:
        """Return a polynomial multiplied out; what is too long is cut."""
        terms = terms_of(p)
        written = self.write_terms(terms)
        if len(written) <= MOST_TERMS:
            return Formula(written)
        return Formula((*written[:SHOWN_TERMS], ("+", r"\cdots")), len(written))

    def write(self, p: Polynomial) -> Formula:
        """Return a polynomial in the shortest of the forms: sum, cyclic sum, product."""
        n = len(self.variables)
        if size_of(p) > n:
            if any(d > 0 for d in p.degrees()[n:]):
                return self._write_with_radicals(p)
            p = drop_radicals(p, n)
        plain = self.write_best_sum(p)
        if len(p) < 2 or len(p) > MOST_FACTORED:
            return plain
        product = self.write_product(p)
        return product if product is not None and product.width <= plain.width else plain

    def _write_with_radicals(self, p: Polynomial) -> Formula:
        """Return a polynomial sorted by the radicals, each with its factor."""
        n, bare = len(self.variables), Alphabet(self.variables)
        parts: dict[Exponents, dict[Exponents, Fraction]] = {}
        for e, c in terms_of(p).items():
            parts.setdefault(e[n:], {})[e[:n]] = c
        terms: list[Signed] = []
        for exponents in sorted(parts, key=lambda e: (-sum(e), tuple(-k for k in e))):
            factor = make(n, parts[exponents])
            if not any(exponents):
                terms += bare.write(factor).terms
                continue
            sign = choose_sign(factor)
            inner = bare.write(factor * sign)
            roots = self.write_monomial((*[0] * n, *exponents))
            body = roots if inner.latex == "1" else juxtapose([inner.factor, roots])
            terms.append(("-" if sign < 0 else "+", body))
        if terms[0][0] == "-":
            terms = sorted(terms, key=lambda term: term[0] == "-")
        return Formula(tuple(terms))

    def write_best_sum(self, p: Polynomial) -> Formula:
        """Return a sum, cyclic where that is much shorter."""
        plain = self.write_sum(p)
        whole = Formula(self.write_terms(terms_of(p))) if plain.whole else plain
        if whole.width < LINE or len(self.variables) < 3 or size_of(p) > len(self.variables):
            return plain
        if not is_cyclic(p):
            return plain
        cyclic = self._write_cyclic(p)
        return cyclic if cyclic.width < whole.width and not cyclic.whole else plain

    def _write_cyclic(self, p: Polynomial) -> Formula:
        inside: dict[Exponents, Fraction] = {}
        outside: dict[Exponents, Fraction] = {}
        for e, c in terms_of(p).items():
            orbit = {(*e[i:], *e[:i]) for i in range(len(e))}
            if len(orbit) < len(e):
                outside[e] = c
            elif e == max(orbit):
                inside[e] = c
        divisor = math.gcd(*(int(c) for c in inside.values()))
        if not inside or any(c.denominator > 1 for c in inside.values()):
            return self.write_sum(p)
        if inside[max(inside, key=lambda e: (sum(e), e))] < 0:
            divisor = -divisor
        reduced = Formula(self.write_terms({e: c / divisor for e, c in inside.items()}))
        if len(reduced.terms) > MOST_TERMS:
            return self.write_sum(p)
        number = "" if abs(divisor) == 1 else str(abs(divisor))
        body = f"{number}{CYCLIC} {reduced.factor}"
        first = self.write_terms(outside) if outside else ()
        return Formula((*first, ("-" if divisor < 0 else "+", body)))

    def write_product(self, p: Polynomial) -> Formula | None:
        """Return a polynomial as the product of its factors; None of an irreducible one."""
        content, factors = p.factor()
        if len(factors) < 2 and all(k == 1 for _, k in factors):
            return None
        scale = from_flint(content)
        parts = []
        for factor, k in factors:
            sign = choose_sign(factor)
            scale *= sign ** int(k)
            parts.append((factor * sign, int(k)))
        if len(parts) > 1 and all(k % 2 == 0 for _, k in parts):
            root = math.prod((f ** (k // 2) for f, k in parts), start=p**0)
            square = self.write_factors(scale, [(root * choose_sign(root), 2)])
            product = self.write_factors(scale, parts)
            shorter = product is None or (square is not None and square.width < product.width)
            return square if shorter else product
        for at, (factor, k) in enumerate(parts):
            # A minus goes into a factor that has one, instead of before the product.
            if scale < 0 and k % 2 and not has_nonnegative_coefficients(factor):
                scale, parts[at] = -scale, (-factor, k)
        return self.write_factors(scale, parts)

    def write_factors(
        self, scale: Fraction, factors: Sequence[tuple[Polynomial, int]]
    ) -> Formula | None:
        """Return a product of powers of polynomials; None where one is too long to be written."""
        monomial = [0] * len(self.letters)
        rest: list[tuple[Polynomial, int]] = []
        for factor, k in factors:
            terms = terms_of(factor)
            if len(terms) == 1 and 1 in terms.values():
                (exponents,) = terms
                for i, e in enumerate(exponents):
                    monomial[i] += e * k
            else:
                rest.append((factor, k))
        rest.sort(key=lambda each: (len(each[0]), self.write_sum(each[0]).latex))
        written = [(self.write_best_sum(factor), k) for factor, k in rest]
        if any(formula.whole for formula, _ in written):
            return None
        parts = [self.write_monomial(tuple(monomial))]
        parts += [raise_text(bracket(formula.latex), k) for formula, k in written]
        if abs(scale) != 1 or not any(parts):
            parts.insert(0, write_rational(abs(scale)))
        return Formula((("-" if scale < 0 else "+", juxtapose(filter(None, parts))),))


def order_terms(terms: Terms) -> list[Exponents]:
    """Return exponents by degree, then lexicographically.

    Cyclic shifts of a term stand together if all are there. A sum with few positive terms does not
    begin with a minus.
    """
    cyclic = all(len(e) > 2 and terms.get((*e[1:], e[0])) == c for e, c in terms.items())

    def key(e: Exponents) -> tuple[object, ...]:
        shifts = [(*e[i:], *e[:i]) for i in range(len(e))] if cyclic else [e]
        first = max(shifts)
        return (-sum(e), tuple(-k for k in first), shifts.index(first))

    ordered = sorted(terms, key=key)
    positive = sum(c > 0 for c in terms.values())
    if ordered and terms[ordered[0]] < 0 and (positive <= 2 or len(ordered) <= 6):
        ordered.sort(key=lambda e: terms[e] < 0)
    return ordered


def choose_sign(factor: Polynomial) -> int:
    """Return the sign with which a factor is written: its first term is not to be negative."""
    if has_nonnegative_coefficients(-factor):
        return -1
    terms = terms_of(factor)
    first = min(terms, key=lambda e: (-sum(e), tuple(-k for k in e)))
    return -1 if terms[first] < 0 else 1


def make_primitive(p: Polynomial) -> tuple[Polynomial, Fraction]:
    """Return `r p` with whole coefficients without a common factor, and the rational `r > 0`."""
    coefficients = [from_flint(c) for c in p.coeffs()]
    if not coefficients:
        return p, Fraction(1)
    bottom = math.lcm(*(c.denominator for c in coefficients))
    top = math.gcd(*(int(c * bottom) for c in coefficients))
    scale = Fraction(bottom, top)
    return p * constant(size_of(p), scale), scale


# Displays


def set_equation(left: str, formula: Formula, after: str = "") -> Display:
    """Return `left = formula` as a display, on several lines where it is long."""
    pieces: list[str] = []
    for number, (sign, body) in enumerate(formula.terms):
        term = f"{sign} {body}"
        if number == 0:
            term = body if sign == "+" else f"-{body}"
        pieces += _break(term)
    lines, line = [], f"{left} &= {pieces[0]} "
    for piece in pieces[1:]:
        if measure(line) + measure(piece) > LINE:
            lines.append(line.rstrip())
            line = r"&\quad "
        line += piece + " "
    lines.append(line.rstrip() + after)
    return Display(tuple(lines))


def _break(term: str) -> list[str]:
    """Return the pieces of a term between which a line may end, in brackets of a long one."""
    if measure(term) <= LINE or r"\left" in term:
        return [term]
    pieces, depth = [""], 0
    for part in re.split(r"( [+-] )", term):
        if re.fullmatch(r" [+-] ", part) and depth <= 1:
            pieces.append(part.lstrip())
        else:
            pieces[-1] += part
        depth += part.count("(") - part.count(")")
    return pieces
