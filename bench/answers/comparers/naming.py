r"""Names on the left of equations: `x = 5` answers "find x" as 5 does.

A name is dropped where the other side has none; so is a calculation in front of its own result.
"""

from __future__ import annotations

import re

from bench.answers.arithmetic.equality import identical
from bench.answers.arithmetic.numeric import KNOWN
from bench.answers.expressions import (
    EXPRESSIONS,
    ZERO,
    Answer,
    Apply,
    Group,
    Listing,
    Number,
    Power,
    Product,
    Quantity,
    Ratio,
    Relation,
    Symbol,
    Text,
    variables,
    walk,
)

_NAME = re.compile(r"(?:[^\W\d]|[ .\-'_:])+(?:[0-9]{1,2})?|[A-Za-z] \( [^\"'`@]* \)")
"""Words, or `P ( X = 3 )`; no formula, and nothing that a program may hold."""


_ORDER = re.compile(
    r"(?:find|evaluate|compute|determine|calculate|solve|convert|what|given|let|if|suppose|show)\b",
    re.IGNORECASE,
)
"""How a task begins, which names nothing."""
_OF_ANGLES = frozenset("sin cos tan cot sec csc".split())
"""`\\cos 2A` and `\\sin(A + B)` are what is asked for, and no equations to be solved."""
_LIMIT = re.compile(r"(?:lim|int|iint|oint|sum|prod) [^\"'`@]*")
"""What we cannot work out, and the equation says the value of."""


def is_name(x: Answer) -> bool:
    """Whether this can stand left of an equation as the name of what is on the right."""
    match x:
        case Symbol():
            return True
        case Text(words):
            named = _NAME.fullmatch(words) and not _ORDER.match(words)
            return bool(named or _LIMIT.fullmatch(words))
        case Apply(function, arguments):
            # f(2) is a name; so is what a known function makes of names alone, as in \det A.
            known = function in KNOWN
            plain = all(is_name(a) or not known for a in arguments) or function in _OF_ANGLES
            return plain and bool(variables(x)) if known else True
        case Product((Symbol(), Number())):
            return True  # T(10)
        case Product(factors):
            return all(is_name(f) for f in factors)
        case Power(base, exponent):
            sign = isinstance(exponent, Number) and exponent.value == -1
            return sign and is_name(base)
        case Group(_, _, items) | Listing(items):
            return all(is_name(i) for i in items)
        case Ratio(terms):
            return all(is_name(t) for t in terms)
        case Quantity(value, _):
            return is_name(value)
        case _:
            return False


def named_value(x: Relation, *, of_gold: bool, other: Answer) -> Answer | None:
    """The side that is the answer, if the rest of the equation only names or derives it."""
    if any(sign != "=" for sign in x.signs):
        return None
    first, last = x.sides[0], x.sides[-1]
    if isinstance(first, Text) and _ORDER.match(first.words):
        return None
    if is_name(first):
        return last
    if is_name(last) and not variables_of(first):
        return first
    if len(x.sides) > 2 and is_name(x.sides[-2]) and not is_name(last):
        return last
    first, end = _bare(first), _bare(last)
    calculation = isinstance(first, EXPRESSIONS) and isinstance(end, EXPRESSIONS)
    if of_gold and calculation and not variables_of(first) | variables_of(end):
        return last if identical(first, end) else None  # type: ignore[arg-type]
    if of_gold or not isinstance(end, EXPRESSIONS) or not isinstance(first, EXPRESSIONS):
        return None
    # `\log_2 8 = 3`: a prediction may show how it got there, if what it shows is true.
    if not variables(end) and not variables(first):
        sides = [_bare(side) for side in x.sides]
        shown = all(isinstance(s, EXPRESSIONS) and identical(s, end) is not False for s in sides)
        return last if shown else None
    symbols = all(isinstance(n, Symbol) or not isinstance(n, Number) for n in walk(first))
    if symbols and not variables(end) and isinstance(other, EXPRESSIONS):
        return last if not identical(end, ZERO) else None
    return None


def _bare(x: Answer) -> Answer:
    """A percentage or an angle as the expression it is, for arithmetic with others."""
    marks = {"%": "percent", "deg": "deg"}
    if isinstance(x, Quantity) and x.unit in marks:
        return Apply(marks[x.unit], (x.value,))
    return x


def variables_of(x: Answer) -> frozenset[str]:
    """Return the variables of an expression, or none of anything else."""
    return variables(x) if isinstance(x, EXPRESSIONS) else frozenset()


def each_named(x: Relation) -> Listing | None:
    """`(x, y) = (1, 2)` as `x = 1, y = 2`."""
    first, last = x.sides[0], x.sides[-1]
    if x.signs != ("=",) or not isinstance(first, Group | Listing) or not is_name(first):
        return None
    if not isinstance(last, Group | Listing) or len(first.items) != len(last.items):
        return None
    pairs = zip(first.items, last.items, strict=True)
    return Listing(tuple(Relation((name, value), ("=",)) for name, value in pairs))
