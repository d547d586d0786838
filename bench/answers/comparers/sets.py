r"""Sets of real numbers, however they are written: intervals, unions, inequalities, `x \ne 3`.

`(-\infty, 3)`, `x < 3`, `3 > x` and `\{x | x < 3\}` are one set. A set is a sorted list of
intervals whose ends are exact; ends that cannot be put in order, such as `k\pi`, are compared piece
by piece as they stand. What is bounded (`x`, `f(x)`, `2m + 1`, `x^2`) must be of first or second
degree in one variable.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.answers.arithmetic.equality import equal
from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.comparers.intervals import (
    EVERYTHING,
    NoSet,
    Piece,
    Pieces,
    combine,
    complement,
    merge,
    unite,
)
from bench.answers.comparers.solving import ORDERS, solutions
from bench.answers.expressions import (
    EXPRESSIONS,
    Answer,
    Group,
    Listing,
    Quantity,
    Relation,
    SetOf,
    SetOperation,
    Symbol,
    variables,
)


def real_sets(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two sets of reals, at least one of them written as a condition, an interval or a union."""
    if not (_is_set_like(gold) or _is_set_like(prediction)):
        return None
    if all(isinstance(x, Relation) for x in (gold, prediction)) and not _same_unknown(
        gold, prediction
    ):
        return None
    try:
        a, b = _pieces(_as_union(gold, prediction)), _pieces(_as_union(prediction, gold))
    except NoSet:
        return None
    if len(a) != len(b):
        return Finding(False, "interval", "not the same set")
    try:
        a, b = merge(a), merge(b)
    except NoSet:
        return Finding(_unordered(a, b, asked), "interval", "compared piece by piece")
    same = all_of([_same(x, y, asked) for x, y in zip(a, b, strict=True)])
    return Finding(same, "interval", "the same set" if same else "not the same set")


def _as_union(x: Answer, other: Answer) -> Answer:
    """A list of as many intervals as the other side is the union of, as their union."""
    whole = isinstance(other, SetOperation) and other.operation == "cup"
    if whole and isinstance(other, SetOperation) and isinstance(x, Listing):
        if len(x.items) == len(other.parts) and all(isinstance(i, Group) for i in x.items):
            return SetOperation("cup", x.items)
    return x


def conditions(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    r"""`\{n | n = 1 (mod 3)\}` against the condition alone, or another such set."""
    if not (isinstance(gold, SetOf) or isinstance(prediction, SetOf)):
        return None
    if isinstance(gold, SetOf) and isinstance(prediction, SetOf):
        pairs = ((gold.variable, prediction.variable), (gold.condition, prediction.condition))
        same = all_of([asked.same(g, p) for g, p in pairs])
        return Finding(same, "set", "the same condition" if same else "different conditions")
    g, p = (x.condition if isinstance(x, SetOf) else x for x in (gold, prediction))
    return asked.compare(g, p)


def _is_set_like(x: Answer) -> bool:
    match x:
        case SetOf() | SetOperation():
            return True
        case Relation(_, signs):
            return any(sign in (*ORDERS, "!=") for sign in signs)
        case Listing(items):
            return any(_is_set_like(i) and isinstance(i, Relation | Listing) for i in items)
        case Symbol(name):
            return name in ("emptyset", "mathbb R")
        case _:
            return False


def _same_unknown(a: Answer, b: Answer) -> bool:
    """Two conditions must be on the same unknown: `x > 1` is not `y > 1`."""
    unknowns = [_unknown(x) for x in (a, b) if isinstance(x, Relation)]
    return len(unknowns) == 2 and None not in unknowns and unknowns[0] == unknowns[1]


def _unknown(x: Relation) -> Answer | None:
    found = [s for s in x.sides if isinstance(s, EXPRESSIONS) and variables(s)]
    if len(found) == 1:
        names = variables(found[0]) if isinstance(found[0], EXPRESSIONS) else frozenset()
        return Symbol(next(iter(names))) if len(names) == 1 else found[0]
    return None


def _pieces(x: Answer) -> Pieces:
    match x:
        case Symbol("emptyset"):
            return ()
        case Symbol("mathbb R"):
            return EVERYTHING
        case Group("{", _, items):
            return unite([_point(item) for item in items])
        case Group(opening, closing, (low, high)) if opening in "([" and closing in ")]":
            if not (isinstance(low, EXPRESSIONS) and isinstance(high, EXPRESSIONS)):
                raise NoSet
            return (Piece(low, high, opening == "[", closing == "]"),)
        case SetOf(_, condition):
            return _pieces(condition)
        case SetOperation(operation, operands):
            return combine(operation, [_pieces(operand) for operand in operands])
        case Listing(items, joint) if joint != "±":
            items = _continued(items)
            if not all(isinstance(item, Relation | Listing) for item in items) and joint != "or":
                raise NoSet  # several sets, and not the union of them
            parts = [_pieces(item) for item in items]
            conditions = all(isinstance(item, Relation) for item in items)
            unequal = all(isinstance(i, Relation) and i.signs == ("!=",) for i in items)
            together = unequal or (conditions and joint in ("and", "") and _bounds_one(items))
            found = combine("cap" if together else "cup", parts)
            # `x > 5, x < 2` cannot be meant at once.
            return found if found or joint else combine("cup", parts)
        case Relation(sides, ("in",)):
            return _pieces(sides[1])
        case Relation((_, Listing(items, "±")), ("!=",)):  # `x \ne \pm 1`
            return complement(unite([_point(item) for item in items]))
        case Relation():
            return solutions(x)
        case Quantity(value, _):
            return (Piece(value, value, True, True),)
        case _ if isinstance(x, EXPRESSIONS) and not variables(x):
            return (Piece(x, x, True, True),)
        case _:
            raise NoSet


def _continued(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """`x != 1, 4` with its sign given to each of the values."""
    first = items[0]
    if not (isinstance(first, Relation) and first.signs in (("!=",), ("=",))):
        return items
    return tuple(
        item if isinstance(item, Relation) else Relation((first.sides[0], item), first.signs)
        for item in items
    )


def _bounds_one(items: Sequence[Answer]) -> bool:
    """Whether the conditions bound one unknown from both sides, and so all hold at once."""
    signs = [sign for item in items if isinstance(item, Relation) for sign in item.signs]
    return (
        len(items) == 2
        and all(len(i.signs) == 1 for i in items if isinstance(i, Relation))
        and (all(sign in (*ORDERS, "!=") for sign in signs))
    )


def _point(item: Answer) -> Pieces:
    if not isinstance(item, EXPRESSIONS):
        raise NoSet
    return (Piece(item, item, True, True),)


def _same(a: Piece, b: Piece, asked: Asked) -> bool | None:
    if (a.low_closed, a.high_closed) != (b.low_closed, b.high_closed):
        return False
    ends = ((a.low, b.low), (a.high, b.high))
    return all_of([equal(x, y, asked.conventions) for x, y in ends])


def _unordered(a: Pieces, b: Pieces, asked: Asked) -> bool | None:
    left = list(b)
    for piece in a:
        match = next((other for other in left if _same(piece, other, asked)), None)
        if match is None:
            return False
        left.remove(match)
    return True
