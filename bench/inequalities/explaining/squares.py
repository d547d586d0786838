"""Gram matrices as explicit sums of weighted squares, with numbers that are small where possible.

A matrix has many such sums. The shortest of some is taken: squares of two-term sums where the
matrix is diagonally dominant, else LDL^T with the pivots in several orders. Numbers that a solver
left are rounded first, if the identity survives that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from bench.inequalities.explaining.formulas import (
    Alphabet,
    Formula,
    Signed,
    bracket,
    choose_sign,
    juxtapose,
    make_primitive,
    measure,
    raise_text,
    write_rational,
)
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    degree_of,
    from_flint,
    has_nonnegative_coefficients,
    make,
    size_of,
    terms_of,
)

MOST_SQUARES = 16
"""Terms that are written of a sum of squares."""
WIDEST = 800
"""Width of a sum of squares that is written."""
LONG = 4
"""What a term beyond the second of what is squared counts as, in letters."""
HUGE = 1_000_000
"""What a sum counts as that is not written, in letters."""
MOST_DIGITS = 15
"""Digits of the numbers of a sum that is written."""
MOST_PERMUTED = 4
"""Size of a matrix whose pivots are taken in every order."""
MOST_REORDERED = 12
"""Size of a matrix whose pivots are taken in more than one order."""
ROUNDINGS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30, 60, 120)
"""Largest denominators to which the numbers of a proof are rounded, in turn."""

Matrix = tuple[tuple[Fraction, ...], ...]


class WeightedSquare(NamedTuple):
    """`coefficient * weight * form^2`."""

    coefficient: Fraction
    weight: Polynomial
    form: Polynomial

    @property
    def value(self) -> Polynomial:
        """The polynomial that it is."""
        return self.weight * self.form**2 * constant(size_of(self.form), self.coefficient)


@dataclass(frozen=True, slots=True)
class Block:
    """`weight * basis^T gram basis`, as certificates hold it."""

    weight: Polynomial
    basis: tuple[Polynomial, ...]
    gram: Matrix

    @property
    def value(self) -> Polynomial:
        """The polynomial that it is."""
        n = size_of(self.weight)
        total = constant(n, 0)
        for p, row in zip(self.basis, self.gram, strict=True):
            for q, c in zip(self.basis, row, strict=True):
                total = total + p * q * constant(n, c)
        return total * self.weight


def read_polynomial(data: Any, n: int) -> Polynomial:
    """Return a polynomial of a certificate in the ring of `n` generators, the first ones."""
    return make(n, {tuple(e[:n]): Fraction(c) for e, c in data})


def read_blocks(data: Any, n: int) -> list[Block]:
    """Return the blocks of a certificate's squares, in `n` variables."""
    return [
        Block(
            read_polynomial(each["weight"], n),
            tuple(read_polynomial(p, n) for p in each["basis"]),
            tuple(tuple(map(Fraction, row)) for row in each["gram"]),
        )
        for each in data
    ]


def add_up(parts: Iterable[Polynomial], n: int) -> Polynomial:
    """Return the sum of polynomials in `n` variables."""
    total = constant(n, 0)
    for part in parts:
        total = total + part
    return total


def round_blocks(
    blocks: Sequence[Block], rest: Sequence[tuple[Polynomial, Polynomial]], total: Polynomial
) -> tuple[list[Block], list[Polynomial]]:
    """Return blocks and multipliers with the same sum in smaller numbers, if rounding finds them.

    `rest` are pairs of a multiplier and what it multiplies; with the blocks they add up to `total`.
    """
    n = size_of(total)
    for most in ROUNDINGS:
        rounded = [
            Block(
                block.weight,
                block.basis,
                tuple(tuple(c.limit_denominator(most) for c in row) for row in block.gram),
            )
            for block in blocks
        ]
        multipliers = [
            make(n, {e: c.limit_denominator(most) for e, c in terms_of(p).items()}) for p, _ in rest
        ]
        products = [p * q for p, (_, q) in zip(multipliers, rest, strict=True)]
        if add_up([*(block.value for block in rounded), *products], n) != total:
            continue
        if all(split_matrix(block.gram, range(len(block.gram))) is not None for block in rounded):
            return rounded, multipliers
    return list(blocks), [p for p, _ in rest]


def split_matrix(
    gram: Matrix, order: Iterable[int]
) -> list[tuple[Fraction, list[Fraction]]] | None:
    """Return `gram` as a sum of `d l l^T`, `d > 0`, by LDL^T; None of one that is not semidefinite.

    `order` is that of the pivots. The first number of `l` that is not 0, in that order, is 1.
    """
    left = [list(row) for row in gram]
    found = []
    for i in order:
        d = left[i][i]
        if d < 0 or (d == 0 and any(left[i])):
            return None
        if d == 0:
            continue
        line = [c / d for c in left[i]]
        found.append((d, line))
        for j, k in itertools.product(range(len(left)), repeat=2):
            left[j][k] -= d * line[j] * line[k]
    return found


def _split_in_pairs(gram: Matrix) -> list[tuple[Fraction, list[Fraction]]] | None:
    """Return a diagonally dominant matrix as squares of sums of two; None of another."""
    size = len(gram)
    found: list[tuple[Fraction, list[Fraction]]] = []
    for i, row in enumerate(gram):
        slack = row[i] - sum(abs(c) for j, c in enumerate(row) if j != i)
        if slack < 0:
            return None
        if slack:
            found.append((slack, [Fraction(int(k == i)) for k in range(size)]))
    for i, j in itertools.combinations(range(size), 2):
        c = gram[i][j]
        if c:
            line = [Fraction(0)] * size
            line[i], line[j] = Fraction(1), Fraction(1 if c > 0 else -1)
            found.append((abs(c), line))
    return found


def _list_splittings(gram: Matrix) -> Iterator[list[tuple[Fraction, list[Fraction]]]]:
    pairs = _split_in_pairs(gram)
    if pairs is not None:
        yield pairs
    indices = range(len(gram))
    orders: Iterable[Sequence[int]]
    if len(gram) <= MOST_PERMUTED:
        orders = itertools.permutations(indices)
    elif len(gram) > MOST_REORDERED:
        orders = (indices,)
    else:
        by_size = sorted(indices, key=lambda i: gram[i][i])
        orders = (indices, indices[::-1], by_size, by_size[::-1])
    for order in orders:
        found = split_matrix(gram, order)
        if found is not None:
            yield found


def split_blocks(blocks: Sequence[Block], alphabet: Alphabet) -> list[WeightedSquare]:
    """Return blocks as weighted squares: of each the sum that is shortest to write."""

    def measure_squares(squares: list[WeightedSquare]) -> int:
        digits = count_digits(squares)
        if digits > MOST_DIGITS:
            return HUGE + digits
        bottom = find_denominator(squares)
        terms = write_terms(squares, alphabet, bottom)
        long = sum(max(len(square.form) - 2, 0) for square in squares)
        return sum(measure(body) for _, body in terms) + len(str(bottom)) + LONG * long

    squares: list[WeightedSquare] = []
    for block in blocks:
        candidates: list[list[WeightedSquare]] = [
            collect(
                WeightedSquare(d, block.weight, _combine(line, block.basis))
                for d, line in splitting
            )
            for splitting in _list_splittings(block.gram)
        ]
        if candidates:
            shortest = min(candidates, key=measure_squares)
            squares += shortest
    return collect(squares)


def _combine(line: Sequence[Fraction], basis: Sequence[Polynomial]) -> Polynomial:
    n = size_of(basis[0])
    return add_up((p * constant(n, c) for c, p in zip(line, basis, strict=True)), n)


def collect(squares: Iterable[WeightedSquare]) -> list[WeightedSquare]:
    """Return the same sum with primitive forms and weights, no pair of them twice.

    What has no square but terms that are seen not to be negative comes last, as one.
    """
    found: dict[tuple[str, str], WeightedSquare] = {}
    rest: Polynomial | None = None
    for coefficient, weight, form in squares:
        if form.is_zero() or weight.is_zero() or not coefficient:
            continue
        n = size_of(form)
        # A factor that every term of the form has is as good in the weight, squared.
        common = make(n, {tuple(map(min, *terms_of(form), *terms_of(form))): Fraction(1)})
        weight, form = weight * common**2, form / common
        form, scale = make_primitive(form * choose_sign(form))
        weight, shrunk = make_primitive(weight)
        coefficient /= shrunk * scale**2
        if form.is_one() and has_nonnegative_coefficients(weight):
            part = weight * constant(n, coefficient)
            rest = part if rest is None else rest + part
            continue
        key = (str(weight), str(form))
        old = found.get(key)
        total = coefficient + (old.coefficient if old is not None else 0)
        found[key] = WeightedSquare(total, weight, form)
    ordered = sorted(
        found.values(),
        key=lambda s: (
            s.form.is_constant(),
            degree_of(s.weight),
            [tuple(-k for k in e) for e in sorted(terms_of(s.weight), reverse=True)],
            [tuple(-k for k in e) for e in sorted(terms_of(s.form), reverse=True)],
        ),
    )
    if rest is not None:
        whole, scale = make_primitive(rest)
        ordered.append(WeightedSquare(1 / scale, whole, whole**0))
    return ordered


def find_denominator(squares: Iterable[WeightedSquare]) -> int:
    """Return the least whole number that leaves no fractions in a sum."""
    return math.lcm(*(square.coefficient.denominator for square in squares))


def write_terms(
    squares: Sequence[WeightedSquare], alphabet: Alphabet, times: Fraction | int
) -> list[Signed]:
    """Return the terms of a sum of squares, each multiplied by a number."""
    terms: list[Signed] = []
    for coefficient, weight, form in squares:
        c = coefficient * times
        number = "" if c == 1 else write_rational(c)
        if form.is_one():
            product, flat = _write_weight(weight, alphabet), weight * constant(size_of(weight), c)
            whole = Formula(alphabet.write_terms(terms_of(flat)))
            shorter = product.width < whole.width or not has_nonnegative_coefficients(weight)
            if product.is_one_term and product.latex != "1" and shorter:
                whole = Formula((("+", juxtapose(filter(None, (number, product.latex)))),))
            terms += whole.terms
            continue
        parts = [number] if number else []
        if not weight.is_one():
            parts.append(_write_weight(weight, alphabet).factor)
        parts.append(raise_text(bracket(alphabet.write_sum(form).latex), 2))
        terms.append(("+", juxtapose(parts)))
    return terms


def _write_weight(weight: Polynomial, alphabet: Alphabet) -> Formula:
    """Return a weight: one with a minus as the product of what is known not to be negative."""
    if has_nonnegative_coefficients(weight):
        return alphabet.write(weight)
    factors = [factor for factor, _ in weight.factor()[1]]
    mixed = [f for f in factors if not has_nonnegative_coefficients(f * choose_sign(f))]
    if len(mixed) > 1:
        return alphabet.write_product(weight) or alphabet.write(weight)
    n = size_of(weight)
    common = make(n, {tuple(map(min, *terms_of(weight))): Fraction(1)})
    inner = alphabet.write_sum(weight / common)
    if common.is_one():
        return inner
    return Formula((("+", juxtapose([alphabet.write(common).latex, inner.factor])),))


def cut_terms(terms: Sequence[Signed]) -> Formula:
    """Return a sum of squares, of a long one the first terms."""
    widths = itertools.accumulate(measure(body) for _, body in terms)
    count = min(MOST_SQUARES, sum(width <= WIDEST for width in widths))
    if len(terms) <= count:
        return Formula(tuple(terms) or (("+", "0"),))
    return Formula((*terms[:count], ("+", r"\cdots")), len(terms))


def count_digits(squares: Sequence[WeightedSquare]) -> int:
    """Return about how many digits the longest number of a sum has, when fractions are cleared."""
    bottom = find_denominator(squares)
    numbers = [bottom, *(int(square.coefficient * bottom) for square in squares)]
    for square in squares:
        for p in (square.weight, square.form):
            numbers += [int(from_flint(c)) for c in p.coeffs()]
    return math.ceil(max(abs(n).bit_length() for n in numbers) * math.log10(2))


def write_squares(squares: Sequence[WeightedSquare], alphabet: Alphabet) -> tuple[int, Formula]:
    """Return a whole number, and the sum times that number, without fractions."""
    bottom = find_denominator(squares)
    return bottom, cut_terms(write_terms(squares, alphabet, bottom))
