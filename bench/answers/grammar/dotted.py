r"""Sums with dots in them, `a_k + a_{k-1} + \ldots + a_0`, by their first term and their last.

So a sum is the same forwards and backwards, and with more or fewer of its first terms printed.
What stands between the dots is not known: two such sums are equal if their ends and their step are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from bench.answers.expressions import Apply, Expression, Number, Symbol

_DOTS = Symbol("...")
_INDEX = re.compile(r"(?P<stem>[A-Za-z]+)_(?P<letter>[a-z]?)(?P<offset>(?:(?<=_)|[+-])\d+)?")


def gather_dots(terms: Sequence[Expression]) -> list[Expression]:
    """Return the terms of a sum, those around dots as one."""
    if terms.count(_DOTS) != 1:
        return list(terms)
    at = terms.index(_DOTS)
    before, after = terms[:at][::-1], terms[at + 1 :]
    if not before or not after:
        return list(terms)
    (kept, down), (left, up) = _run(before), _run(after)
    if _place(before[0]) is None and _place(after[0]) is None or (down and up and down + up):
        return list(terms)  # the terms go nowhere, or the two ends in different directions
    ends = sorted((before[kept], after[left]), key=repr)
    whole = Apply(f"dots by {abs(down or up) or 1}", tuple(ends))
    return [*before[:kept:-1], whole, *after[left + 1 :]]


def _run(terms: Sequence[Expression]) -> tuple[int, Fraction]:
    """How far the terms next to the dots go on in equal steps, and the step; 0 if there is one."""
    places = [_place(term) for term in terms]
    end, step = 0, Fraction(0)
    for one, other in zip(places, places[1:], strict=False):
        if one is None or other is None or one[:2] != other[:2]:
            break
        if other[2] == one[2] or (step and other[2] - one[2] != step):
            break
        step = other[2] - one[2]
        end += 1
    return end, step


def _place(x: Expression) -> tuple[str, str, Fraction] | None:
    """The name of a term, the letter in its index and what is added to it: `a_{k-1}`, or 3."""
    if isinstance(x, Number):
        return "", "", x.value
    match = _INDEX.fullmatch(x.name) if isinstance(x, Symbol) else None
    if match is None:
        return None
    return match["stem"], match["letter"], Fraction(match["offset"] or 0)
