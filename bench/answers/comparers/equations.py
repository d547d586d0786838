r"""Two equations: the same up to a constant factor, solved for a variable, or definitions.

`y = 2x + 1` and `2x - y + 1 = 0` are one: a constant factor changes no solution and loses no
multiplicity. `f(x) = 2x` and `f(t) = 2t` are one definition.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from bench.answers.arithmetic.equality import identical
from bench.answers.arithmetic.numeric import KNOWN
from bench.answers.comparers.finding import Asked, Finding, all_of, verdict
from bench.answers.comparers.naming import is_name, variables_of
from bench.answers.comparers.proportions import over_one_denominator, proportional
from bench.answers.expressions import (
    EXPRESSIONS,
    ZERO,
    Answer,
    Apply,
    Expression,
    Number,
    Product,
    Relation,
    Symbol,
    Text,
    add,
    multiply,
    rename_symbols,
    substitute,
    subtract,
    variables,
)

_OF_ANY_CONSTANT = frozenset(
    "for where with and is are any some all real arbitrary constant constants number numbers fixed "
    "in an mathbb".split()
)
"""What is said of a constant about which nothing is said."""


def solves(relation: Relation, x: Expression) -> bool:
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
    zero, one = (substitute(difference, name, Number(Fraction(n))) for n in (0, 1))
    slope = subtract(one, zero)
    linear = identical(difference, add(multiply(slope, Symbol(name)), zero))
    constant = identical(one, zero)
    return bool(linear and constant is False and identical(substitute(difference, name, x), ZERO))


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
    return name.name not in variables(value) and solves(equation, value)


def equations(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    """Two equations, or chains of them."""
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
            return verdict(same, "equation", "equation, up to a constant factor")
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
            p = rename_symbols(p, {given: wanted})
            same_name = same_name or rename_bound(names[1], given, wanted) == names[0]
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
        told = any(not _says_nothing(r.note) for r in (gold, prediction))
        if (
            bound
            and not told
            and any(
                identical(g, rename_symbols(p, names_of)) for names_of in _renamings(g, p, bound)
            )
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


def rename_bound(x: Answer, given: str, wanted: str) -> Answer:
    """Return a name with its bound variable renamed."""
    return rename_symbols(x, {given: wanted}) if isinstance(x, EXPRESSIONS) else x


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


def _says_nothing(note: str) -> bool:
    """Whether a remark on constants leaves them arbitrary: `for some real constant c`."""
    words = note.replace(",", " ").split()
    return all(word in _OF_ANY_CONSTANT or (len(word) == 1 and word.isalpha()) for word in words)
