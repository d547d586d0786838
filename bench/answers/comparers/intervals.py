r"""Sets of reals as sorted lists of intervals: united, intersected, taken from the whole line.

The ends are exact expressions. Those that cannot be put in order, such as `k\pi`, are kept as
they stand where that is enough, and are a `NoSet` where it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.answers.arithmetic.equality import compare_values
from bench.answers.expressions import INFINITY, Expression, negate

BOTTOM = negate(INFINITY)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `low` to `high`; a point if they are the same and closed."""

    low: Expression
    high: Expression
    low_closed: bool
    high_closed: bool


Pieces = tuple[Piece, ...]


EVERYTHING: Pieces = (Piece(BOTTOM, INFINITY, False, False),)


class NoSet(Exception):
    """The answer is no set of reals, or not one whose pieces can be ordered."""


def combine(operation: str, parts: Sequence[Pieces]) -> Pieces:
    """Return the union, the intersection, or what of the first is in none of the others."""
    if operation == "cup":
        return unite(parts)
    if operation == "setminus":
        return _intersected(parts[0], complement(unite(parts[1:])))
    result = parts[0]
    for part in parts[1:]:
        result = _intersected(result, part)
    return result


def merge(pieces: Pieces) -> Pieces:
    """In order, and merged where they touch."""
    for piece in pieces:
        if compare_values(piece.low, piece.high) is None:
            raise NoSet
    rest = list(pieces)
    done: list[Piece] = []
    while rest:
        first = rest[0]
        for piece in rest[1:]:
            sign = compare_values(piece.low, first.low)
            if sign is None:
                raise NoSet
            if sign < 0 or (sign == 0 and piece.low_closed and not first.low_closed):
                first = piece
        rest.remove(first)
        size = compare_values(first.low, first.high)
        if size == 1 or (size == 0 and not (first.low_closed and first.high_closed)):
            continue
        if done:
            last = done[-1]
            gap = compare_values(first.low, last.high)
            if gap is None:
                raise NoSet
            if gap < 0 or (gap == 0 and (first.low_closed or last.high_closed)):
                longer = compare_values(first.high, last.high)
                if longer is None:
                    raise NoSet
                if longer > 0:
                    done[-1] = replace(last, high=first.high, high_closed=first.high_closed)
                elif longer == 0:
                    closed = last.high_closed or first.high_closed
                    done[-1] = replace(last, high_closed=closed)
                continue
        done.append(first)
    return tuple(done)


def unite(parts: Sequence[Pieces]) -> Pieces:
    """Return the union, in order if its ends have one."""
    everything = tuple(piece for part in parts for piece in part)
    try:
        return merge(everything)
    except NoSet:
        return everything


def complement(pieces: Pieces) -> Pieces:
    """Return the rest of the line.

    Raises NoSet: the ends cannot be put in order.
    """
    result: list[Piece] = []
    low, closed = BOTTOM, False
    for piece in merge(pieces):
        result.append(Piece(low, piece.low, closed, not piece.low_closed))
        low, closed = piece.high, not piece.high_closed
    result.append(Piece(low, INFINITY, closed, False))
    return tuple(
        piece
        for piece in result
        if compare_values(piece.low, piece.high) == -1
        or (piece.low_closed and piece.high_closed and piece.low == piece.high)
    )


def _intersected(a: Pieces, b: Pieces) -> Pieces:
    return complement(unite([complement(a), complement(b)]))
