r"""Equations, inequalities that are no intervals, congruences, memberships, and prefixes.

`x = 5` answers "find x" as 5 does: a name on the left is dropped where the other side has none. Two
equations are the same up to a constant factor (`y = 2x + 1`, `2x - y + 1 = 0`), since that changes
no solution and loses no multiplicity; an inequality up to a positive one.
"""

from __future__ import annotations

import itertools
import re
from fractions import Fraction

from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.comparers.substitution import substituted
from bench.answers.equality import identical, value_of
from bench.answers.exact import integer_of
from bench.answers.expressions import (
    EXPRESSIONS,
    ONE,
    ZERO,
    Answer,
    Apply,
    Expression,
    Group,
    Listing,
    Number,
    Power,
    Product,
    Quantity,
    Ratio,
    Relation,
    Sum,
    Symbol,
    Text,
    add,
    divide,
    multiply,
    renamed,
    subtract,
    variables,
    walk,
)
from bench.answers.numeric import KNOWN

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_NAME = re.compile(r"(?:[^\W\d]|[ .\-'_:])+(?:[0-9]{1,2})?|[A-Za-z] \( [^\"'`@]* \)")
"""Words, or `P ( X = 3 )`; no formula, and nothing that a program may hold."""
_LIMIT = re.compile(r"(?:lim|int|iint|oint|sum|prod) [^\"'`@]*")
"""What we cannot work out, and the equation says the value of."""
_ANY_CONSTANT = re.compile(
    r"(?:\s*(?:for|where|with|and|is|are|a|an|any|some|all|real|arbitrary|constants?|numbers?|fixed"
    r"|in|mathbb R|[a-zA-Z]|,))*\s*"
)
"""What is said of a constant about which nothing is said."""
_PROBE = Fraction(7919, 3571)


def relations(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """At least one relation."""
    g, p = _exact(gold), _exact(prediction)
    if g is not gold or p is not prediction:
        return _with_estimates(gold, prediction, g, p, asked)
    if isinstance(gold, Relation) and isinstance(prediction, Relation):
        return _two(gold, prediction, asked)
    if isinstance(gold, Relation):
        return _one(gold, prediction, asked, of_gold=True)
    if isinstance(prediction, Relation):
        return _one(prediction, gold, asked, of_gold=False)
    return None


def _exact(x: Answer) -> Answer:
    """Without what follows an `approximately`: the exact side is the answer."""
    if not (isinstance(x, Relation) and "~" in x.signs):
        return x
    at = x.signs.index("~")
    if at == 0:
        return x.sides[1] if is_name(x.sides[0]) else x.sides[0]
    return Relation(x.sides[: at + 1], x.signs[:at])


def _with_estimates(
    gold: Answer, prediction: Answer, g: Answer, p: Answer, asked: Asked
) -> Finding | None:
    """The exact sides decide; a bare decimal may also meet the reference's own estimate."""
    found = asked.compare(g, p)
    if found.equal and g is not gold and p is not prediction:
        # Both name a value and estimate it: then the estimate is the answer, too.
        ends = [x.sides[-1] for x in (gold, prediction) if isinstance(x, Relation)]
        if not asked.same(ends[0], ends[1]) and not asked.same(ends[1], ends[0]):
            return Finding(False, found.comparer, "different estimates")
    if not found.equal and isinstance(gold, Relation) and g is not gold:
        estimate = gold.sides[-1]
        if isinstance(p, Number | Quantity | Product) and asked.same(estimate, p):
            return Finding(True, found.comparer, "the estimate that the reference gives")
    return found


def is_name(x: Answer) -> bool:
    """Whether this can stand left of an equation as the name of what is on the right."""
    match x:
        case Symbol():
            return True
        case Text(words):
            return bool(_NAME.fullmatch(words) or _LIMIT.fullmatch(words))
        case Apply(function, arguments):
            # f(2) is a name; so is what a known function makes of names alone, as in \det A.
            known = function in KNOWN
            plain = all(is_name(a) or not known for a in arguments)
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


def _value(x: Relation, *, of_gold: bool, other: Answer) -> Answer | None:
    """The side that is the answer, if the rest of the equation only names or derives it."""
    if any(sign != "=" for sign in x.signs):
        return None
    first, last = x.sides[0], x.sides[-1]
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


def _one(relation: Relation, other: Answer, asked: Asked, *, of_gold: bool) -> Finding | None:
    def against(value: Answer) -> Finding:
        return asked.compare(value, other) if of_gold else asked.compare(other, value)

    if isinstance(other, Text) and not other.words:
        return None
    if relation.modulus is not None and (merged := _one_congruence(other)) is not None:
        return asked.compare(*((relation, merged) if of_gold else (merged, relation)))
    if relation.signs == ("in",) and is_name(relation.sides[0]):
        return against(relation.sides[1])
    if relation.signs[0] == "==" and relation.modulus is not None:
        return Finding(False, "congruence", "only one side is a congruence")
    ordered = set(relation.signs) in ({"<"}, {">"}) and all(map(is_name, relation.sides))
    if ordered and isinstance(other, Listing) and len(relation.sides) > 2:
        # "Put a, b and c in order": `a < c < b` says the same as `a, c, b`.
        sides = [relation.sides, other.items] if of_gold else [other.items, relation.sides]
        if len(sides[0]) == len(sides[1]):
            same = all_of([asked.same(g, p) for g, p in zip(*sides, strict=True)])
            return _verdict(same, "inequality", "order")
    if isinstance(other, Listing) and len(relation.signs) > 1 and set(relation.signs) <= {"<", ">"}:
        pairs = [
            Relation((a, b), (sign,))
            for a, b, sign in zip(relation.sides, relation.sides[1:], relation.signs, strict=False)
        ]
        if all(isinstance(x, Relation) for x in other.items):
            return asked.compare(Listing(tuple(pairs)), other)
    if isinstance(other, Listing) and (named := _each_named(relation)) is not None:
        if all(isinstance(x, Relation) for x in other.items):
            return asked.compare(*((named, other) if of_gold else (other, named)))
    if isinstance(other, Listing | Group) and relation.signs == ("=",):
        value = _value(relation, of_gold=of_gold, other=other)
        if value is not None:
            return against(value) if asked.conventions.prefixes else None
        return None if isinstance(other, Listing) else Finding(False, "equation", "no equation")
    if all(sign == "=" for sign in relation.signs):
        value = _value(relation, of_gold=of_gold, other=other)
        if value is not None:
            if not asked.conventions.prefixes:
                return Finding(False, "equation", "only one side has a name")
            value, free = _freed(relation, value, other)
            found = against(value)
            if found.equal or not free:
                return found
        if of_gold and isinstance(other, EXPRESSIONS) and _solves(relation, other):
            return Finding(True, "equation", "solves the reference for what it leaves out")
        if value is not None:
            return against(value)
        return Finding(False, "equation", "an equation against something else")
    return Finding(False, "relation", "only one side is a relation")


def _one_congruence(x: Answer) -> Relation | None:
    """`n = 0 or n = 1 (mod 4)`, each with its modulus, as one congruence with two residues."""
    if not isinstance(x, Listing):
        return None
    items = [item for item in x.items if isinstance(item, Relation) and item.modulus is not None]
    same = {(item.sides[0], item.modulus) for item in items}
    if len(items) != len(x.items) or len(same) != 1:
        return None
    residues = Listing(tuple(item.sides[-1] for item in items))
    return Relation((items[0].sides[0], residues), items[0].signs, items[0].modulus)


def _each_named(x: Relation) -> Listing | None:
    """`(x, y) = (1, 2)` as `x = 1, y = 2`."""
    first, last = x.sides[0], x.sides[-1]
    if x.signs != ("=",) or not isinstance(first, Group | Listing) or not is_name(first):
        return None
    if not isinstance(last, Group | Listing) or len(first.items) != len(last.items):
        return None
    pairs = zip(first.items, last.items, strict=True)
    return Listing(tuple(Relation((name, value), ("=",)) for name, value in pairs))


def _freed(relation: Relation, value: Answer, other: Answer) -> tuple[Answer, bool]:
    """The value as it is; and whether the equation may be solved for something else instead."""
    del other
    return value, len(relation.sides) == 2


def _solves(relation: Relation, x: Expression) -> bool:
    r"""Whether `x` is what a linear equation says of the one variable that `x` has not.

    `\rho \sin\theta = \sqrt 3` is answered by `\sqrt 3 \csc\theta`.
    """
    left, right = relation.sides[0], relation.sides[-1]
    if not (isinstance(left, EXPRESSIONS) and isinstance(right, EXPRESSIONS)):
        return False
    if is_name(left) and is_name(right):
        return False  # `B = C` is no answer about B
    difference = subtract(left, right)
    missing = variables(difference) - variables(x)
    if len(missing) != 1 or not variables(x) <= variables(difference):
        return False
    name = next(iter(missing))
    zero, one = (substituted(difference, name, Number(Fraction(n))) for n in (0, 1))
    slope = subtract(one, zero)
    linear = identical(difference, add(multiply(slope, Symbol(name)), zero))
    constant = identical(one, zero)
    return bool(linear and constant is False and identical(substituted(difference, name, x), ZERO))


def _is_solution(equation: Relation, solved: Relation) -> bool:
    """Whether `y = 6/x` is what the other, `xy = 6`, says of y; both of the same variables."""
    name, value = solved.sides
    if not (isinstance(name, Symbol) and isinstance(value, EXPRESSIONS)):
        return False
    left, right = equation.sides
    if not (isinstance(left, EXPRESSIONS) and isinstance(right, EXPRESSIONS)):
        return False
    if variables(subtract(left, right)) != variables(value) | {name.name} or not variables(value):
        return False
    return name.name not in variables(value) and _solves(equation, value)


def _two(gold: Relation, prediction: Relation, asked: Asked) -> Finding | None:
    if gold.modulus is not None or prediction.modulus is not None:
        return _congruences(gold, prediction, asked)
    if {"in", "notin"} & {*gold.signs, *prediction.signs}:
        if gold.signs != prediction.signs:
            return Finding(False, "relation", "different relations")
        same = asked.same(gold.sides[-1], prediction.sides[-1])
        return _verdict(same, "set", "memberships")
    if all(s == "=" for s in (*gold.signs, *prediction.signs)):
        return _equations(gold, prediction, asked)
    return _inequalities(gold, prediction, asked)


def _verdict(same: bool | None, comparer: str, what: str) -> Finding:
    return Finding(same, comparer, f"the same {what}" if same else f"different {what}")


def _same_unknown(gold: Relation, prediction: Relation, asked: Asked) -> bool | None:
    """Whether two congruences are about one thing; one may leave out of what it is."""
    names = gold.sides[0], prediction.sides[0]
    return Text("") in names or asked.same(*names)


def _congruences(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    g, p = gold.modulus, prediction.modulus
    if g is None or p is None or not identical(g, p):
        return Finding(False, "congruence", "different moduli")
    modulus = integer_of(g)
    lists = [
        r.sides[-1].items if isinstance(r.sides[-1], Listing) else (r.sides[-1],)
        for r in (gold, prediction)
    ]
    if modulus and len(lists[0]) + len(lists[1]) > 2:
        sets = [
            {(integer_of(x) or 0) % modulus for x in xs if isinstance(x, EXPRESSIONS)}
            for xs in lists
        ]
        named = _same_unknown(gold, prediction, asked)
        return _verdict(named and sets[0] == sets[1], "congruence", "residues")
    sides = [r.sides[-1] for r in (gold, prediction)]
    a, b = (integer_of(s) if isinstance(s, EXPRESSIONS) else None for s in sides)
    named = _same_unknown(gold, prediction, asked)
    if modulus and a is not None and b is not None:
        return _verdict(named and (a - b) % modulus == 0, "congruence", "residues")
    return _verdict(all_of([named, asked.same(sides[0], sides[1])]), "congruence", "residues")


def _equations(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    sides = [s for r in (gold, prediction) for s in r.sides]
    if all(isinstance(s, EXPRESSIONS) and not variables(s) for s in sides):
        # `\log_2 8 = 3`: a calculation; its result is the answer.
        calculated = asked.compare(gold.sides[-1], prediction.sides[-1])
        if calculated.equal and not asked.same(gold.sides[0], prediction.sides[0]):
            return Finding(False, "equation", "the value of something else")
        return calculated
    found = _definitions(gold, prediction, asked)
    if found is not None and found.equal:
        return found
    if len(gold.sides) == len(prediction.sides) > 2:
        same = all_of([asked.same(g, p) for g, p in zip(gold.sides, prediction.sides, strict=True)])
        if same:
            return Finding(True, "equation", "the same chain of equations")
    if len(gold.sides) == len(prediction.sides) == 2:
        same = proportional(gold, prediction)
        if not same and (_is_solution(gold, prediction) or _is_solution(prediction, gold)):
            return Finding(True, "equation", "one is the other, solved for a variable")
        if not same and _same_cleared(gold, prediction):
            return Finding(True, "equation", "the same equation, cleared of denominators")
        if same is not None:
            return _verdict(same, "equation", "equation, up to a constant factor")
    return found or Finding(None, "equation", "equations that could not be compared")


def _definitions(gold: Relation, prediction: Relation, asked: Asked) -> Finding | None:
    """`f(x) = 2x` against `f(t) = 2t` or `y = 2x`: names for the values of one function."""
    names, values = [], []
    for relation in (gold, prediction):
        first, last = relation.sides[0], relation.sides[-1]
        if not is_name(first) and is_name(last) and not variables_of(first):
            first, last = last, first
        if not is_name(first):
            return None
        names.append(first)
        values.append(last)
    g, p = values
    same_name = names[0] == names[1]
    if isinstance(g, EXPRESSIONS) and isinstance(p, EXPRESSIONS):
        wanted, given = (_bound_variable(n, v) for n, v in zip(names, (g, p), strict=True))
        if wanted and given and wanted != given:
            p = renamed(p, {given: wanted})
            same_name = same_name or renamed_name(names[1], given, wanted) == names[0]
        constant = not variables(g) and not variables(p)
        symbols = all(isinstance(n, Symbol) for n in names)
        if symbols and constant and not same_name and not _same_stem(names):
            return Finding(False, "equation", "values of different variables")
    if not _compatible(names[0], names[1], asked):
        return (
            None
            if not all(isinstance(n, Text) for n in names)
            else Finding(False, "equation", "values of different things")
        )
    found = asked.compare(g, p)
    if not found.equal and isinstance(g, EXPRESSIONS) and isinstance(p, EXPRESSIONS):
        bound = _bound_variable(names[0], g)
        # What is said of the constants is part of the answer; renamed, it cannot be compared.
        told = any(not _ANY_CONSTANT.fullmatch(r.note) for r in (gold, prediction))
        if (
            bound
            and not told
            and any(identical(g, renamed(p, names_of)) for names_of in _renamings(g, p, bound))
        ):
            return Finding(True, "equation", "the same functions, their constants named otherwise")
    return Finding(found.equal, found.comparer, found.reason) if found.equal or same_name else None


def _renamings(gold: Expression, prediction: Expression, bound: str) -> list[dict[str, str]]:
    """The ways to name the constants of a family, `f(x) = ax + b`, as the reference does."""
    wanted = sorted(variables(gold) - variables(prediction) - {bound})
    given = sorted(variables(prediction) - variables(gold) - {bound})
    if len(wanted) != len(given) or not 0 < len(wanted) <= 2:
        return []
    return [dict(zip(given, order, strict=True)) for order in itertools.permutations(wanted)]


def _same_stem(names: list[Answer]) -> bool:
    """Whether one name is the other with an index: `x_1` and `x`, not `x_1` and `x_2`."""
    g, p = (n.name for n in names if isinstance(n, Symbol))
    return ("_" in g) != ("_" in p) and g.partition("_")[0] == p.partition("_")[0]


def _compatible(gold: Answer, prediction: Answer, asked: Asked) -> bool:
    """Whether two names may be for one thing: `f(x)` and `y` may, `sin x` and `cos x` may not."""
    if gold == prediction:
        return True
    if isinstance(gold, Text) != isinstance(prediction, Text):
        return True
    if isinstance(gold, Symbol) and isinstance(prediction, Symbol):
        (g, _, first), (p, _, second) = (n.name.partition("_") for n in (gold, prediction))
        if g == p and first and second:
            return False  # y_1 and y_2
    simple = [
        isinstance(n, Symbol)
        or (isinstance(n, Apply) and n.function not in KNOWN)
        or bool(isinstance(n, EXPRESSIONS) and _bound_variable(n, n))
        for n in (gold, prediction)
    ]
    return all(simple) or bool(asked.same(gold, prediction))


def renamed_name(x: Answer, given: str, wanted: str) -> Answer:
    """Return a name with its bound variable renamed."""
    return renamed(x, {given: wanted}) if isinstance(x, EXPRESSIONS) else x


def _bound_variable(name: Answer, value: Expression) -> str:
    """The argument in `f(x)`, or in `W(n)`, which reads as a product."""
    match name:
        case Apply(function, (Symbol(),)) if function in KNOWN:
            return ""
        case Apply(_, (Symbol(argument),)) | Product((Symbol(), Symbol(argument))):
            return argument
        case _:
            del value
            return ""


def proportional(gold: Relation, prediction: Relation) -> bool | None:
    """Whether the differences of the sides have a constant, non-zero quotient."""
    sides = [*gold.sides, *prediction.sides]
    if not all(isinstance(s, EXPRESSIONS) for s in sides):
        return None
    a, b = (
        subtract(x, y)
        for x, y in (gold.sides, prediction.sides)
        if isinstance(x, EXPRESSIONS) and isinstance(y, EXPRESSIONS)
    )
    factor = _factor(a, b)
    if factor is None:
        # Two identities have the same solutions, and are the same answer only if both say nothing.
        return all(x == y for x, y in (gold.sides, prediction.sides))
    return identical(a, multiply(factor, b))


def _same_cleared(gold: Relation, prediction: Relation) -> bool:
    """Whether `1/x + 1/y = 1` and `x + y = xy` agree once both are cleared of their denominators.

    A denominator cannot vanish where the equation has a meaning, so that clearing it loses and
    adds no solution of it; that the other equation may have one there is not held against it.
    """
    cleared: list[Relation] = []
    for relation in (gold, prediction):
        left, right = relation.sides
        if not (isinstance(left, EXPRESSIONS) and isinstance(right, EXPRESSIONS)):
            return False
        top, bottom = over_one_denominator(subtract(left, right))
        cleared.append(Relation((top, ZERO), ("=",)) if variables(bottom) else relation)
    if cleared == [gold, prediction]:
        return False
    return bool(proportional(cleared[0], cleared[1]))


def over_one_denominator(x: Expression) -> tuple[Expression, Expression]:
    """Return numerator and denominator, by the rules for fractions, and without cancelling."""
    match x:
        case Sum(terms):
            pairs = [over_one_denominator(term) for term in terms]
            bottoms = list(dict.fromkeys(b for _, b in pairs if b != ONE))
            tops = [multiply(top, *(b for b in bottoms if b != bottom)) for top, bottom in pairs]
            return add(*tops), multiply(*bottoms) if bottoms else ONE
        case Product(factors):
            pairs = [over_one_denominator(factor) for factor in factors]
            bottoms = [b for _, b in pairs if b != ONE]
            return multiply(*(t for t, _ in pairs)), multiply(*bottoms) if bottoms else ONE
        case Power(base, Number(value)) if value < 0 and variables(base):
            top, bottom = over_one_denominator(base)
            power = Number(-value)
            if power.value == 1:
                return bottom, top
            return Power(bottom, power), Power(top, power)
        case _:
            return x, ONE


def _factor(a: Expression, b: Expression) -> Expression | None:
    """The quotient a / b at one point, as an expression without variables."""
    if variables(a) != variables(b) or not variables(a):
        return None
    if any(isinstance(n, Apply) and n.function not in KNOWN for n in (*walk(a), *walk(b))):
        return ONE if identical(a, b) else Number(Fraction(-1))
    for values in ((2, 3, 5, 7, 11, 13), (7, 4, 9, 2, 3, 5), (_PROBE, 5, 2, 8, 3, 7)):
        names = sorted(variables(a))
        numbers = [Fraction(v) for v in values] + [Fraction(k + 17) for k in range(len(names))]
        point = dict(zip(names, numbers, strict=False))
        x, y = a, b
        for name, number in point.items():
            x = substituted(x, name, Number(number))
            y = substituted(y, name, Number(number))
        zero = value_of(y, {}), value_of(x, {})
        if None in zero or abs(zero[0]) < 1e-15 or abs(zero[1]) < 1e-15:
            continue
        return divide(x, y)
    return None


def _inequalities(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    chains = [_rising(r) for r in (gold, prediction)]
    (sides_g, signs_g), (sides_p, signs_p) = chains
    if signs_g == signs_p and len(sides_g) == len(sides_p):
        same = all_of([asked.same(g, p) for g, p in zip(sides_g, sides_p, strict=True)])
        if same:
            return Finding(True, "inequality", "the same chain of inequalities")
        if len(sides_g) == 2:
            factor = _positive_factor(sides_g, sides_p, signs_g[0])
            if factor is not None:
                return _verdict(factor, "inequality", "inequality, up to a positive factor")
        return Finding(False, "inequality", "different inequalities")
    return Finding(False, "inequality", "different relations")


def _rising(x: Relation) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """The chain with its signs pointing to the right as far as they point one way."""
    if x.signs[0] in (">", ">="):
        return x.sides[::-1], tuple(_FLIPPED.get(s, s) for s in x.signs[::-1])
    return x.sides, x.signs


def _positive_factor(
    gold: tuple[Answer, ...], prediction: tuple[Answer, ...], sign: str
) -> bool | None:
    if not all(isinstance(s, EXPRESSIONS) for s in (*gold, *prediction)):
        return None
    (g1, g2), (p1, p2) = gold, prediction
    if not isinstance(g1, EXPRESSIONS) or not isinstance(g2, EXPRESSIONS):
        return None
    if not isinstance(p1, EXPRESSIONS) or not isinstance(p2, EXPRESSIONS):
        return None
    a, b = subtract(g1, g2), subtract(p1, p2)
    factor = _factor(a, b)
    if factor is None:
        return None
    if not identical(a, multiply(factor, b)):
        return False
    value = value_of(factor, {})
    return sign == "!=" or (value is not None and bool(value > 0))
