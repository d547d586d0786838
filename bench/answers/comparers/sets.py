r"""Sets of real numbers, however they are written: intervals, unions, inequalities, `x \ne 3`.

`(-\infty, 3)`, `x < 3`, `3 > x` and `\{x | x < 3\}` are one set. A set is a sorted list of
intervals whose ends are exact; ends that cannot be put in order, such as `k\pi`, are compared piece
by piece as they stand. What is bounded (`x`, `f(x)`, `2m + 1`, `x^2`) must be of first or second
degree in one variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.equality import compare_values, equal, identical
from bench.answers.expressions import (
    EXPRESSIONS,
    INFINITY,
    ONE,
    ZERO,
    Answer,
    Apply,
    Expression,
    Group,
    Listing,
    Power,
    Quantity,
    Relation,
    SetOf,
    SetOperation,
    Symbol,
    add,
    divide,
    multiply,
    negate,
    number,
    subtract,
    variables,
)

_ORDERS = ("<", ">", "<=", ">=")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_BOTTOM = negate(INFINITY)


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; a point if they are the same and closed."""

    low: Expression
    high: Expression
    low_closed: bool
    high_closed: bool


Pieces = tuple[Interval, ...]
EVERYTHING: Pieces = (Interval(_BOTTOM, INFINITY, False, False),)


class NoSet(Exception):
    """The answer is no set of reals, or not one whose pieces can be ordered."""


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
        a, b = _ordered(a), _ordered(b)
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
            return any(sign in (*_ORDERS, "!=") for sign in signs)
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
            return _united([_point(item) for item in items])
        case Group(opening, closing, (low, high)) if opening in "([" and closing in ")]":
            if not (isinstance(low, EXPRESSIONS) and isinstance(high, EXPRESSIONS)):
                raise NoSet
            return (Interval(low, high, opening == "[", closing == "]"),)
        case SetOf(_, condition):
            return _pieces(condition)
        case SetOperation(operation, operands):
            return _operated(operation, [_pieces(operand) for operand in operands])
        case Listing(items, joint) if joint != "±":
            items = _continued(items)
            if not all(isinstance(item, Relation | Listing) for item in items) and joint != "or":
                raise NoSet  # several sets, and not the union of them
            parts = [_pieces(item) for item in items]
            conditions = all(isinstance(item, Relation) for item in items)
            unequal = all(isinstance(i, Relation) and i.signs == ("!=",) for i in items)
            together = unequal or (conditions and joint in ("and", "") and _bounds_one(items))
            found = _operated("cap" if together else "cup", parts)
            # `x > 5, x < 2` cannot be meant at once.
            return found if found or joint else _operated("cup", parts)
        case Relation():
            return _solutions(x)
        case Quantity(value, _):
            return (Interval(value, value, True, True),)
        case _ if isinstance(x, EXPRESSIONS) and not variables(x):
            return (Interval(x, x, True, True),)
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
        and (all(sign in (*_ORDERS, "!=") for sign in signs))
    )


def _point(item: Answer) -> Pieces:
    if not isinstance(item, EXPRESSIONS):
        raise NoSet
    return (Interval(item, item, True, True),)


def _solutions(x: Relation) -> Pieces:
    """The values of the unknown for which the chain of inequalities holds."""
    if x.signs == ("in",):
        return _pieces(x.sides[1])
    sides: list[Expression] = []
    for side in x.sides:
        value = side.value if isinstance(side, Quantity) else side
        if not isinstance(value, EXPRESSIONS):
            raise NoSet
        sides.append(value)
    if x.signs == ("!=",):
        unknown, bound = _sides(sides)
        value = _solved(unknown, bound)[0]
        return _complement((Interval(value, value, True, True),))
    if x.signs == ("=",):
        unknown, bound = _sides(sides)
        value = _solved(unknown, bound)[0]
        return (Interval(value, value, True, True),)
    if not all(sign in _ORDERS for sign in x.signs):
        raise NoSet
    if len(sides) == 2:
        unknown, bound = _sides(sides)
        if isinstance(unknown, Apply) and unknown.function == "abs":
            return _absolute(unknown.arguments[0], bound, x.signs[0], unknown is sides[0])
        sign = x.signs[0] if unknown is sides[0] else _FLIPPED[x.signs[0]]
        if (found := _quadratic(subtract(unknown, bound), sign)) is not None:
            return found
        value, positive = _solved(unknown, bound)
        sign = sign if positive else _FLIPPED[sign]
        included = "=" in sign
        if sign[0] == "<":
            return (Interval(_BOTTOM, value, False, included),)
        return (Interval(value, INFINITY, included, False),)
    if len(sides) == 3 and x.signs[0][0] == x.signs[1][0]:
        low, middle, high = sides if x.signs[0][0] == "<" else sides[::-1]
        closed = [("=" in s) for s in (x.signs if x.signs[0][0] == "<" else x.signs[::-1])]
        if not variables(middle):
            raise NoSet
        (low, positive), (high, _) = _solved(middle, low), _solved(middle, high)
        if not positive:
            low, high, closed = high, low, closed[::-1]
        return (Interval(low, high, closed[0], closed[1]),)
    raise NoSet


def _quadratic(x: Expression, sign: str) -> Pieces | None:
    """The solutions of `ax^2 + bx + c < 0`, or any other sign; none if it is no such thing."""
    names = variables(x)
    if len(names) != 1 or isinstance(x, Symbol):
        return None
    name = next(iter(names))
    c, plus, minus = (_substituted(x, name, number(n)) for n in (0, 1, -1))
    half = number(Fraction(1, 2))
    a = multiply(half, add(plus, minus, multiply(number(-2), c)))
    b = multiply(half, subtract(plus, minus))
    square = add(multiply(a, Symbol(name), Symbol(name)), multiply(b, Symbol(name)), c)
    upward = compare_values(a, ZERO)
    if not upward or not identical(x, square):
        return None
    discriminant = subtract(multiply(b, b), multiply(number(4), a, c))
    if compare_values(discriminant, ZERO) != 1:
        return None
    root = Power(discriminant, half)
    ends = [divide(add(negate(b), side), multiply(number(2), a)) for side in (negate(root), root)]
    low, high = ends if upward > 0 else ends[::-1]
    closed = "=" in sign
    if (sign[0] == "<") == (upward > 0):
        return (Interval(low, high, closed, closed),)
    return (Interval(_BOTTOM, low, False, closed), Interval(high, INFINITY, closed, False))


def _absolute(inner: Expression, bound: Expression, sign: str, first: bool) -> Pieces:
    """`|x - 1| < 2` is between two bounds, `|x - 1| > 2` outside of them."""
    sign = sign if first else _FLIPPED[sign]
    if compare_values(bound, ZERO) != 1:
        raise NoSet
    if sign[0] == "<":
        return _solutions(Relation((negate(bound), inner, bound), (sign, sign)))
    below = _solutions(Relation((inner, negate(bound)), (_FLIPPED[sign],)))
    return _united([below, _solutions(Relation((inner, bound), (sign,)))])


def _sides(sides: Sequence[Expression]) -> tuple[Expression, Expression]:
    """The side with the unknown first."""
    first, second = sides
    if variables(first) and not variables(second):
        return first, second
    if variables(second) and not variables(first):
        return second, first
    if isinstance(first, Symbol) and first.name not in variables(second):
        return first, second
    raise NoSet


def _solved(unknown: Expression, bound: Expression) -> tuple[Expression, bool]:
    """The bound on the unknown itself, and whether it grows with the side that it stands on."""
    if isinstance(unknown, Symbol) or _is_opaque(unknown):
        return bound, True
    names = variables(unknown)
    if len(names) != 1:
        raise NoSet
    name = next(iter(names))
    zero, one = (_substituted(unknown, name, at) for at in (ZERO, ONE))
    slope = subtract(one, zero)
    line = _line(slope, name, zero)
    if not identical(unknown, line):
        raise NoSet
    sign = compare_values(slope, ZERO)
    if not sign:
        raise NoSet
    return divide(subtract(bound, zero), slope), sign > 0


def _line(slope: Expression, name: str, zero: Expression) -> Expression:
    from bench.answers.expressions import add, multiply

    return add(multiply(slope, Symbol(name)), zero)


def _is_opaque(x: Expression) -> bool:
    """A function that is not known, as in `0 < f(x) < 1`: its values are what is bounded."""
    from bench.answers.numeric import KNOWN

    return isinstance(x, Apply) and x.function not in KNOWN


def _substituted(x: Expression, name: str, value: Expression) -> Expression:
    from bench.answers.comparers.substitution import substituted

    return substituted(x, name, value)


def _operated(operation: str, parts: Sequence[Pieces]) -> Pieces:
    if operation == "cup":
        return _united(parts)
    if operation == "setminus":
        return _intersected(parts[0], _complement(_united(parts[1:])))
    result = parts[0]
    for part in parts[1:]:
        result = _intersected(result, part)
    return result


def _ordered(pieces: Pieces) -> Pieces:
    """In order, and merged where they touch."""
    for piece in pieces:
        if compare_values(piece.low, piece.high) is None:
            raise NoSet
    rest = list(pieces)
    done: list[Interval] = []
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


def _united(parts: Sequence[Pieces]) -> Pieces:
    everything = tuple(piece for part in parts for piece in part)
    try:
        return _ordered(everything)
    except NoSet:
        return everything


def _complement(pieces: Pieces) -> Pieces:
    result: list[Interval] = []
    low, closed = _BOTTOM, False
    for piece in _ordered(pieces):
        result.append(Interval(low, piece.low, closed, not piece.low_closed))
        low, closed = piece.high, not piece.high_closed
    result.append(Interval(low, INFINITY, closed, False))
    return tuple(
        piece
        for piece in result
        if compare_values(piece.low, piece.high) == -1
        or (piece.low_closed and piece.high_closed and piece.low == piece.high)
    )


def _intersected(a: Pieces, b: Pieces) -> Pieces:
    return _complement(_united([_complement(a), _complement(b)]))


def _same(a: Interval, b: Interval, asked: Asked) -> bool | None:
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
