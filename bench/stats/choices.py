"""What choosing one of k of n samples would have given, as a mean over all subsets of size k.

Every function takes one problem's n samples in the order in which they were found and returns n
shares, the one at place k - 1 for subsets of size k: how often the chosen sample is right. Ties go
as in `bench.search.selection`, which a test holds these functions to. A sample without a group or a
score is in the subset and cannot be chosen; a subset that holds nothing else is not right.

Subsets are counted, not listed. For weighted votes, whose weights are any numbers, those of each
group are listed, and above `MOST_LISTED` scored samples random subsets take their place.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.stats.subsets import pass_at_k

MOST_LISTED = 16
"""Samples that can be chosen, up to which weighted votes are counted exactly."""
DRAWN = 1_000
"""Random subsets of each size above that."""
_ALL_DRAWN = 32_000
_FEWEST_DRAWN = 32

_Flags = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.float64]
_Places = npt.NDArray[np.int64]


def spread_draws(problems: int) -> int:
    """Return how many random subsets suffice of each problem where only their mean is read.

    All problems together have some 32,000, so that the mean is good to 0.3 points, a seventh of
    what 500 problems leave open.
    """
    return max(_FEWEST_DRAWN, min(DRAWN, _ALL_DRAWN // max(1, problems)))


def oracle_of_k(right: Sequence[bool]) -> tuple[float, ...]:
    """Return how often a subset holds a right sample: pass@k."""
    return tuple(pass_at_k(len(right), sum(right), k) for k in range(1, len(right) + 1))


def best_of_k(scores: Sequence[float | None], right: Sequence[bool]) -> tuple[float, ...]:
    """Return how often the best scored sample of a subset is right; of equals, the earlier one.

    The sample of rank r (from 0) is the best of C(n - 1 - r, k - 1) subsets of size k.
    """
    n = len(right)
    won = np.zeros(n)
    for rank, i in enumerate(_rank(scores)):
        won[rank] = right[i]
    return tuple((_best_shares(n) @ won).tolist())


def majority_of_k(groups: Sequence[Hashable | None], right: Sequence[bool]) -> tuple[float, ...]:
    """Return how often the first sample of a subset's largest group is right.

    Of groups of a size, the one that is met first wins. So the sample i is chosen with v votes
    where v - 1 later samples of its group are in the subset, and of every other group fewer than v,
    or v that all come after i. The sizes of such subsets are the coefficients of a product of
    polynomials, one a group.
    """
    n = len(right)
    members: dict[Hashable, list[int]] = {}
    for i, group in enumerate(groups):
        if group is not None:
            members.setdefault(group, []).append(i)
    ways = [0] * (n + 1)
    winners = [places for places in members.values() if any(right[i] for i in places)]
    for votes in range(1, max(map(len, winners), default=0) + 1):
        # A group of fewer samples cannot even tie, whichever of them are in the subset.
        rivals = [places for places in members.values() if len(places) >= votes]
        free = _pack_row(n - sum(map(len, rivals)), n + 1, n)
        for places in winners:
            others = [each for each in rivals if each is not places]
            product = 0
            for at, i in enumerate(places[: len(places) - votes + 1]):
                if right[i]:
                    product += math.comb(len(places) - at - 1, votes - 1) * math.prod(
                        _pack_beaten(other, votes, i, n) for other in others
                    )
            if product:
                for rest, count in enumerate(_unpack(product * free, n)[: n - votes + 1]):
                    ways[votes + rest] += count
    return tuple(ways[k] / math.comb(n, k) for k in range(1, n + 1))


def weighted_of_k(
    groups: Sequence[Hashable],
    scores: Sequence[float | None],
    weights: Sequence[float],
    right: Sequence[bool],
    *,
    draws: int = DRAWN,
    seed: int = 0,
) -> tuple[float, ...]:
    """Return how often the best scored sample of a subset's heaviest group is right.

    Of groups of a weight, the one with the best scored sample wins. `weights` are read where there
    is a score. Exact up to `MOST_LISTED` scored samples; above, the mean over so many random
    subsets of each size, the same for the same seed.
    """
    n, ranked = len(right), _rank(scores)
    if len({right[i] for i in ranked}) < 2:  # whoever wins the vote, it is the same
        return best_of_k(scores, right)
    names = {group: at for at, group in enumerate(dict.fromkeys(groups[i] for i in ranked))}
    ballot = _Ballot(
        np.asarray([names[groups[i]] for i in ranked]),
        np.asarray([weights[i] for i in ranked], dtype=float),
        np.asarray([right[i] for i in ranked]),
    )
    if len(ranked) > MOST_LISTED:
        return tuple(_draw_votes(ballot, np.asarray(ranked), n, draws, seed).tolist())
    won, silent = _count_votes(ballot), n - len(ranked)
    return tuple(
        sum(math.comb(silent, k - size) * won[size] for size in range(1, min(k, len(ranked)) + 1))
        / math.comb(n, k)
        for k in range(1, n + 1)
    )


@dataclass(frozen=True, slots=True)
class _Ballot:
    """The scored samples of a problem, best first."""

    group: _Places
    weight: _Numbers
    right: _Flags


def _count_votes(ballot: _Ballot) -> list[int]:
    """Return the number of subsets of each size from which the vote chooses a right sample.

    For every set of a group's samples whose best is right, the sets of each other group that it
    beats are counted by size, and the counts multiplied; or those whose best is wrong, where they
    are fewer, and the rest of the subsets is right.
    """
    size = len(ballot.right)
    sets = [_list_sets(ballot, group) for group in range(ballot.group.max() + 1)]
    right = [ballot.right[each.best[1:]] for each in sets]  # the empty set comes first
    sought = sum(map(np.sum, right)) <= sum(map(len, right)) / 2
    found = np.zeros(size + 1)
    for mine, of_mine in zip(sets, right, strict=True):
        chosen = np.flatnonzero(of_mine == sought) + 1
        if len(chosen):
            counts: _Numbers = np.zeros((len(chosen), size + 1))
            counts[np.arange(len(chosen)), mine.size[chosen]] = 1
            for other in sets:
                if other is not mine:
                    counts = _multiply_rows(counts, _count_beaten(mine, chosen, other), size)
            found += counts.sum(axis=0)
    counted = [round(count) for count in found.tolist()]
    return counted if sought else [math.comb(size, k) - c for k, c in enumerate(counted)]


@dataclass(frozen=True, slots=True)
class _Sets:
    """All sets of one group's samples, the empty one first."""

    sum: _Numbers
    """Weights added in the order of the ranks, as the selector adds them, so that sums that are
    equal there are equal here as well."""
    best: _Places
    """Rank of the best sample."""
    size: _Places


def _list_sets(ballot: _Ballot, group: int) -> _Sets:
    sums: _Numbers = np.zeros(1)
    best: _Places = np.full(1, len(ballot.right))
    size: _Places = np.zeros(1, dtype=np.int64)
    for rank in np.flatnonzero(ballot.group == group):
        sums = np.concatenate([sums, sums + ballot.weight[rank]])
        best = np.concatenate([best, np.minimum(best, rank)])
        size = np.concatenate([size, size + 1])
    sums[0] = -np.inf
    return _Sets(sums, best, size)


def _count_beaten(mine: _Sets, chosen: _Places, other: _Sets) -> _Numbers:
    """Return for each chosen set how many sets of another group it beats, by their size."""
    sums = np.concatenate([other.sum, mine.sum[chosen]])
    best = np.concatenate([other.best, mine.best[chosen]])
    order = np.lexsort((-best, sums))  # weakest first
    theirs = order < len(other.sum)
    weaker = np.empty(len(chosen), dtype=np.int64)
    weaker[order[~theirs] - len(other.sum)] = np.cumsum(theirs)[~theirs]
    counts = np.zeros((len(other.sum) + 1, int(other.size.max()) + 1))
    counts[np.arange(1, len(counts)), other.size[order[theirs]]] = 1
    beaten: _Numbers = np.cumsum(counts, axis=0)[weaker]
    return beaten


def _multiply_rows(a: _Numbers, b: _Numbers, size: int) -> _Numbers:
    """Return the products of polynomials, row by row, up to a degree."""
    product = np.zeros_like(a)
    for degree in range(b.shape[1]):
        product[:, degree:] += b[:, degree, None] * a[:, : size + 1 - degree]
    return product


def _draw_votes(ballot: _Ballot, places: _Places, n: int, draws: int, seed: int) -> _Numbers:
    """Return the share of random subsets of each size from which a right sample is chosen.

    The first k samples of a random order are a subset of size k. Weights are not negative, so a
    group's vote only grows, and who leads after k samples has the largest vote that any of them
    made. Votes are whole numbers here: sums do not depend on the order, and equal ones are equal.
    """
    size = len(places)
    by_group = np.argsort(ballot.group, kind="stable")
    group = ballot.group[by_group]
    found = _draw_orders(n, draws, seed)[places[by_group]]  # when each sample is found, by draw
    # Within its group, each draw's samples in the order in which they are found.
    key = np.sort((found + n * group[:, None]) * size + np.arange(size)[:, None], axis=0)
    order, found = key % size, key // size % n
    heaviest = ballot.weight.max()
    scale = _UNITS / heaviest if heaviest > 0 else 0.0
    weights = np.rint(ballot.weight[by_group] * scale).astype(np.int64)
    sums = np.cumsum(weights[order], axis=0)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.concatenate([np.zeros((1, draws), dtype=np.int64), sums[starts[1:] - 1]])
    # Each group's ranks lie below those of the groups before it, so that its minimum starts anew.
    low = -size * group
    best = np.minimum.accumulate((by_group + low)[order], axis=0) - low[:, None]
    lead = np.zeros((n, draws), dtype=np.int64)
    lead[found, np.arange(draws)] = (sums - before[group]) * (size + 1) + size - best
    chosen = size - np.maximum.accumulate(lead, axis=0) % (size + 1)
    share: _Numbers = np.append(ballot.right, False)[chosen].mean(axis=1)
    return share


_UNITS = 1 << 36
"""Units in the largest weight of a ballot."""


@lru_cache(maxsize=32)
def _draw_orders(n: int, draws: int, seed: int) -> _Places:
    """Return random orders of n samples, one a column: when each sample is found."""
    places = np.tile(np.arange(n), (draws, 1))
    return np.random.default_rng(seed).permuted(places, axis=1).T.copy()


@lru_cache(maxsize=256)
def _best_shares(n: int) -> _Numbers:
    """Return for each size, a row, the share of subsets whose best has rank 0, 1, ..., a column."""
    return np.asarray(
        [
            [math.comb(n - 1 - rank, k - 1) / math.comb(n, k) for rank in range(n)]
            for k in range(1, n + 1)
        ]
    )


def _rank(scores: Sequence[float | None]) -> list[int]:
    """Return the places of the scored samples, best first; of equals the earlier first."""
    scored = [(score, i) for i, score in enumerate(scores) if score is not None]
    return [i for score, i in sorted(scored, key=lambda each: each[0], reverse=True)]


def _pack_beaten(group: Sequence[int], votes: int, i: int, n: int) -> int:
    """Return in how many ways 0, 1, ... of a group let the sample i win with so many votes."""
    tied = math.comb(len(group) - bisect(group, i), votes)
    return _pack_row(len(group), votes, n) + (tied << (n + 1) * votes)


@lru_cache(maxsize=1 << 14)
def _pack_row(size: int, terms: int, n: int) -> int:
    """Return the first coefficients of (1 + x)^size as one whole number.

    A coefficient in each n + 1 bits: none exceeds 2^n, since coefficients count subsets of n
    samples. Products of such numbers are products of the polynomials (Kronecker's substitution).
    """
    return sum(math.comb(size, j) << (n + 1) * j for j in range(min(terms, size + 1)))


def _unpack(product: int, n: int) -> list[int]:
    """Return the first n + 1 coefficients of a polynomial that is one whole number."""
    mask = (1 << n + 1) - 1
    return [product >> (n + 1) * j & mask for j in range(n + 1)]
