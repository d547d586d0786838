r"""Why a polynomial is not negative: a term that may be negative lies between others that are not.

    x^i + x^j - 2 x^k = x^m (x^((i - m) / 2) - x^((j - m) / 2))^2,     i + j = 2 k, m = min(i, j)

for exponents of several variables. A polynomial with few negative terms often is a sum of such
squares and of terms that are not negative. Where it is, a person would give this reason. Where not,
means of more than two terms (AM-GM) may do.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.explaining.squares import WeightedSquare, collect
from bench.inequalities.polynomials import Exponents, Polynomial, make, size_of, terms_of

MOST_TERMS = 120
"""Terms of a polynomial that is tried."""
MOST_AVERAGED = 12
"""Terms of which means are tried."""
LARGEST_MEAN = 6
"""Terms in a mean, some of them perhaps equal."""
MOST_MEANS = 2000
"""Means of a size that are tried."""
RATIOS = sorted(
    {Fraction(k, d) for k in range(1, 7) for d in range(1, 7)}, key=lambda r: (len(str(r)), r)
)
"""By how much the two terms of a difference differ."""

Rest = dict[Exponents, Fraction]
"""What is left of the terms that are not negative."""


def _sort_terms(p: Polynomial, free: Collection[int]) -> tuple[Rest, Rest]:
    """Return the terms that are not negative for any values, and the others."""
    good, bad = Rest(), Rest()
    for e, c in terms_of(p).items():
        even = not any(e[i] % 2 for i in free)
        (good if c > 0 and even else bad)[e] = c
    return good, bad


def find_pairs(p: Polynomial, free: Collection[int] = ()) -> list[WeightedSquare] | None:
    """Return `p` as squares of sums of two terms, and terms that are not negative, or None.

    The variables are not negative, but for those whose numbers are `free`.
    """
    left, bad = _sort_terms(p, free)
    if len(left) + len(bad) > MOST_TERMS or len(bad) > len(left) + 2:
        return None
    options = {k: list(_list_pairs(k, left, free)) for k in bad}
    squares: list[WeightedSquare] = []
    for k in sorted(bad, key=lambda k: (len(options[k]), k)):
        need, sign = abs(bad[k]), 1 if bad[k] > 0 else -1
        for i, j, share in _share(options[k], need):
            amount = min(share, need, 2 * left[i], 2 * left[j])
            need -= amount
            squares += _take(left, i, j, amount, Fraction(1), sign)
        for i, j in options[k]:
            ratio = next((r for r in RATIOS if _fits(left, i, j, need, r)), None)
            if need and ratio is not None:
                squares += _take(left, i, j, need, ratio, sign)
                need = Fraction(0)
        if need:
            return None
    return collect([*squares, WeightedSquare(Fraction(1), _gather(p, left), p**0)])


def _share(
    pairs: Sequence[tuple[Exponents, Exponents]], need: Fraction
) -> Iterator[tuple[Exponents, Exponents, Fraction]]:
    """Yield how much each pair is to cover: the nearest ones equal shares, then any as it can."""
    nearest = [pair for pair in pairs if _span(pair) == _span(pairs[0])]
    for i, j in nearest:
        yield i, j, need / len(nearest)
    for i, j in pairs:
        yield i, j, need


def _span(pair: tuple[Exponents, Exponents]) -> int:
    return max(abs(a - b) for a, b in zip(*pair, strict=True))


def _gather(p: Polynomial, left: Rest) -> Polynomial:
    return make(size_of(p), {e: c for e, c in left.items() if c})


def _list_pairs(
    k: Exponents, terms: Rest, free: Collection[int]
) -> Iterator[tuple[Exponents, Exponents]]:
    """Yield the pairs of terms with `k` in their middle, the nearest ones first."""
    twice = tuple(2 * a for a in k)
    found = [
        (i, j)
        for i, j in itertools.combinations(sorted(terms, reverse=True), 2)
        if tuple(map(sum, zip(i, j, strict=True))) == twice
        and not any(min(i[v], j[v]) % 2 for v in free)
    ]
    yield from sorted(found, key=_span)


def _fits(left: Rest, i: Exponents, j: Exponents, amount: Fraction, ratio: Fraction) -> bool:
    return amount / (2 * ratio) <= left[i] and amount * ratio / 2 <= left[j]


def _take(
    left: Rest, i: Exponents, j: Exponents, amount: Fraction, ratio: Fraction, sign: int
) -> list[WeightedSquare]:
    """Take `amount / 2 ratio * (x^i + 2 sign ratio x^k + ratio^2 x^j)` from what is left."""
    if not amount:
        return []
    left[i] -= amount / (2 * ratio)
    left[j] -= amount * ratio / 2
    n = len(i)
    least = tuple(map(min, zip(i, j, strict=True)))
    first, second = (tuple((a - b) // 2 for a, b in zip(e, least, strict=True)) for e in (i, j))
    form = make(n, {first: Fraction(1), second: sign * ratio})
    return [WeightedSquare(amount / (2 * ratio), make(n, {least: Fraction(1)}), form)]


# Means


@dataclass(frozen=True, slots=True)
class Mean:
    """`x^k` is at most the mean of some terms."""

    middle: Exponents
    terms: tuple[Exponents, ...]


def find_means(p: Polynomial) -> tuple[list[Mean], Polynomial] | None:
    """Return means and a polynomial `q` without minus, such that these make `p >= q`; None if not.

    No variable is negative.
    """
    left, bad = _sort_terms(p, ())
    if len(left) > MOST_AVERAGED or len(bad) > MOST_AVERAGED:
        return None
    means = []
    for k, c in bad.items():
        need = -c
        for size in range(2, LARGEST_MEAN + 1):
            if math.comb(len(left) + size - 1, size) > MOST_MEANS:
                break
            for terms in itertools.combinations_with_replacement(sorted(left, reverse=True), size):
                total = tuple(map(sum, zip(*terms, strict=True)))
                if not need or total != tuple(size * a for a in k):
                    continue
                counted = Counter(terms)
                amount = min(need, *(size * left[e] / times for e, times in counted.items()))
                if amount:
                    need -= amount
                    means.append(Mean(k, terms))
                    for e, times in counted.items():
                        left[e] -= amount * times / size
        if need:
            return None
    return means, _gather(p, left)


def average(mean: Mean) -> Polynomial:
    """Return the sum of the terms of a mean."""
    return make(len(mean.middle), {e: Fraction(k) for e, k in Counter(mean.terms).items()})
