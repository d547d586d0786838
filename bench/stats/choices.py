"""What choosing one of k of n samples would have given, as a mean over all subsets of size k.

Every function takes one problem's n samples in the order in which they were found and returns n
shares, the one at place k - 1 for subsets of size k: how often the chosen sample is right. Ties go
as in `bench.search.selection`, which a test holds these functions to. A sample without a group or a
score is in the subset and cannot be chosen; a subset that holds nothing else is not right.

Subsets are counted, not listed. Only weighted votes, whose weights are any numbers, need a list,
and above `MOST_LISTED` samples a random one.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from bench.stats.subsets import pass_at_k

MOST_LISTED = 16
"""Samples that can be chosen, up to which all their subsets are listed for weighted votes."""
DRAWN = 1_000
"""Random subsets of each size above that."""

_Flags = npt.NDArray[np.bool_]


def oracle_of_k(right: Sequence[bool]) -> tuple[float, ...]:
    """Return how often a subset holds a right sample: pass@k."""
    return tuple(pass_at_k(len(right), sum(right), k) for k in range(1, len(right) + 1))


def best_of_k(scores: Sequence[float | None], right: Sequence[bool]) -> tuple[float, ...]:
    """Return how often the best scored sample of a subset is right; of equals, the earlier one.

    The sample of rank r (from 0) is the best of C(n - 1 - r, k - 1) subsets of size k.
    """
    n = len(right)
    behind = [n - 1 - rank for rank, i in enumerate(_rank(scores)) if right[i]]
    return tuple(
        sum(math.comb(others, k - 1) for others in behind) / math.comb(n, k)
        for k in range(1, n + 1)
    )


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
    silent = n - sum(map(len, members.values()))
    ways = [0] * (n + 1)
    for group, places in members.items():
        others = [other for name, other in members.items() if name != group]
        for at, i in enumerate(places):
            later = len(places) - at - 1
            for votes in range(1, later + 2) if right[i] else ():
                factors = [[math.comb(silent, j) for j in range(silent + 1)]]
                factors += [_beaten(other, votes, i) for other in others]
                for rest, count in enumerate(_multiply(factors, n)[: n - votes + 1]):
                    ways[votes + rest] += math.comb(later, votes - 1) * count
    return tuple(ways[k] / math.comb(n, k) for k in range(1, n + 1))


def weighted_of_k(
    groups: Sequence[Hashable],
    scores: Sequence[float | None],
    weights: Sequence[float],
    right: Sequence[bool],
    *,
    seed: int = 0,
) -> tuple[float, ...]:
    """Return how often the best scored sample of a subset's heaviest group is right.

    Of groups of a weight, the one with the best scored sample wins. `weights` are read where there
    is a score. Exact up to `MOST_LISTED` scored samples; above, the mean over `DRAWN` random
    subsets of each size, the same for the same seed.
    """
    n, ranked = len(right), _rank(scores)
    if len({right[i] for i in ranked}) < 2:  # whoever wins the vote, it is the same
        return best_of_k(scores, right)
    names = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    ballot = [(names[groups[i]], weights[i], right[i]) for i in ranked]
    if len(ranked) > MOST_LISTED:
        draws = np.tile(np.arange(n), (DRAWN, 1))
        place = np.random.default_rng(seed).permuted(draws, axis=1).T[ranked]
        return tuple(float(_vote(place < k, ballot).mean()) for k in range(1, n + 1))
    listed = np.arange(1 << len(ranked), dtype=np.uint32)
    subsets = (listed >> np.arange(len(ranked), dtype=np.uint32)[:, None] & 1).astype(bool)
    won = np.bincount(subsets.sum(axis=0), weights=_vote(subsets, ballot)).astype(int).tolist()
    silent = n - len(ranked)
    return tuple(
        sum(math.comb(silent, k - size) * won[size] for size in range(1, min(k, len(ranked)) + 1))
        / math.comb(n, k)
        for k in range(1, n + 1)
    )


def _rank(scores: Sequence[float | None]) -> list[int]:
    """Return the places of the scored samples, best first; of equals the earlier first."""
    scored = [(score, i) for i, score in enumerate(scores) if score is not None]
    return [i for score, i in sorted(scored, key=lambda each: each[0], reverse=True)]


def _beaten(group: Sequence[int], votes: int, i: int) -> list[int]:
    """Return in how many ways 0, 1, ... of a group let the sample i win with so many votes."""
    after = sum(place > i for place in group)
    return [*(math.comb(len(group), j) for j in range(votes)), math.comb(after, votes)]


def _multiply(factors: Sequence[Sequence[int]], n: int) -> list[int]:
    """Return the first n + 1 coefficients of a product of polynomials.

    Each polynomial becomes one whole number, a coefficient in each n + 1 bits: none exceeds 2^n,
    since coefficients count subsets of n samples (Kronecker's substitution).
    """
    width, mask = n + 1, (1 << n + 1) - 1
    product = math.prod(sum(c << width * j for j, c in enumerate(factor)) for factor in factors)
    return [product >> width * j & mask for j in range(n + 1)]


def _vote(subsets: _Flags, ballot: Sequence[tuple[int, float, bool]]) -> _Flags:
    """Return for each subset whether what a weighted vote chooses is right.

    `subsets` has a row a ranked sample and a column a subset; `ballot` has each ranked sample's
    group, weight and whether it is right. Weights are added in the order of the ranks, as the
    selector adds them, so that equal sums are equal here as well.
    """
    size = subsets.shape[1]
    votes = np.zeros((1 + max(group for group, _, _ in ballot), size))
    for chosen, (group, weight, _) in zip(subsets, ballot, strict=True):
        votes[group] += np.where(chosen, weight, 0.0)
    most, won = np.full(size, -np.inf), np.zeros(size, dtype=bool)
    for chosen, (group, _, is_right) in zip(subsets, ballot, strict=True):
        ahead = chosen & (votes[group] > most)
        most = np.where(ahead, votes[group], most)
        won = np.where(ahead, is_right, won)
    return won
