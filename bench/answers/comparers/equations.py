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
from bench.answers.grammar.symbols import ACCENTS

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
    renamed, same_name = names[1], names[0] == names[1]
    if isinstance(g, EXPRESSIONS) and isinstance(p, EXPRESSIONS):
        wanted, given = (_bound_variable(n, v) for n, v in zip(names, (g, p), strict=True))
        if wanted and given and wanted != given:
            p = rename_symbols(p, {given: wanted})
            renamed = rename_bound(names[1], given, wanted)
            same_name = same_name or renamed == names[0]
        constant = not variables(g) and not variables(p)
        symbols = all(isinstance(n, Symbol) for n in names)
        if symbols and constant and not same_name and not _same_stem(names):
            return Finding(False, "equation", "values of different variables")
    if not _compatible(names[0], renamed, asked):
        # Of expressions, the equation as a whole may still be the same one: `x = y`, `y = x`.
        if all(isinstance(v, EXPRESSIONS) for v in values) and not all(
            isinstance(n, Text | Apply) for n in names
        ):
            return None
        return Finding(False, "equation", "values of different things")
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
    return _same_but_for_index(g, p)


def _same_but_for_index(gold: str, prediction: str) -> bool:
    stems = gold.partition("_")[0], prediction.partition("_")[0]
    return ("_" in gold) != ("_" in prediction) and stems[0] == stems[1]


def _same_angle(gold: str, prediction: str) -> bool:
    """Whether these are `ABC` and `CBA`, as in the name of an angle or of a triangle."""
    return len(gold) == 3 and gold.isupper() and gold == prediction[::-1]


def _compatible(gold: Answer, prediction: Answer, asked: Asked) -> bool:
    """Whether two names may be for one thing: `f(x)` and `y` may, `f(x)` and `g(x)` may not.

    Nor may `y` and `z`: a name says nothing only where the other side has none.
    """
    gold, prediction = _without_accent(gold, prediction), _without_accent(prediction, gold)
    if gold == prediction or isinstance(gold, Text) != isinstance(prediction, Text):
        return True
    pair = gold, prediction
    heads = [_head(name) for name in pair]
    if not all(heads):
        return bool(asked.same(gold, prediction))
    plain = [isinstance(name, Symbol) for name in pair]
    if all(plain):
        return _same_but_for_index(*heads) or _same_angle(*heads)
    if any(plain):
        symbol, function = heads if plain[0] else heads[::-1]
        graph = _graph_of(prediction if plain[0] else gold)
        primes = len(function) - len(function.rstrip("'"))
        if symbol == graph + "'" * primes or symbol.partition("_")[0] == function:
            return True
    if isinstance(gold, Apply) and isinstance(prediction, Apply):
        return _same_but_for_index(*heads) and gold.arguments == prediction.arguments
    return not any(plain) and bool(asked.same(gold, prediction))  # `AB` and `BA`


def _head(name: Answer) -> str:
    """What a variable or the function in `f(x)` is called; nothing where the name is neither."""
    match name:
        case Symbol(symbol) | Product((Symbol(symbol), Symbol())):
            return symbol
        case Apply(function, _) if function not in KNOWN:
            return function
        case _:
            return ""


def _graph_of(function: Answer) -> str:
    """By convention, the graph of a function is `y = f(x)`, and over a plane `z = f(x, y)`."""
    return "z" if isinstance(function, Apply) and len(function.arguments) == 2 else "y"


def _without_accent(name: Answer, other: Answer) -> Answer:
    r"""`\hat y` as y, and `\overline{AB}` as AB: a sign above says what kind of thing is named.

    So do a typeface, as in `\mathbb{E}(X)`, and the m of the measure of an angle.
    """
    if isinstance(name, EXPRESSIONS):
        faces = {x: x.removeprefix(_FACE) for x in variables(name) if x.startswith(_FACE)}
        name = rename_symbols(name, faces) if faces else name
    match name:
        case Apply(function, (inner,)) if function in ACCENTS:
            return inner
        case Symbol(ends) if len(ends) == 2 and ends.isupper() and isinstance(other, Product):
            return multiply(*map(Symbol, ends))
        case Product((Symbol("m"), Symbol() as angle)) if angle == other:
            return angle
        case _:
            return name


_FACE = "mathbb "


def rename_bound(x: Answer, given: str, wanted: str) -> Answer:
    """Return a name with its bound variable renamed."""
    return rename_symbols(x, {given: wanted}) if isinstance(x, EXPRESSIONS) else x


def _bound_variable(name: Answer, value: Expression) -> str:
    """The argument in `f(x)`, or in `W(n)`, which reads as a product."""
    match name:
        case Apply(function, (Symbol(),)) if function in KNOWN:
            return ""
        case Apply(_, (Symbol(argument),)) | Product((Symbol(), Symbol(argument))):
            # `P(A)` is the probability of one event, and `AB` a segment: their A and B are fixed.
            fixed = argument[0].isupper() and argument not in variables(value)
            return "" if fixed else argument
        case _:
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
