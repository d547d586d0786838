"""What an answer is once it has been read: immutable trees of our own, and nothing that runs.

An expression is built by `bench.answers.grammar.parsing` from at most `limits.MAX_TOKENS` tokens.
Numbers are exact: a decimal keeps its value as a fraction, and how many digits were printed. An
answer is an expression, or a structure of them. Nothing here computes; equality of trees is
equality of form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: Fraction
    decimals: int | None = None
    """Digits after the point as printed; none for an integer, which is exact."""
    digits: int = 0
    """Significant digits as printed."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable with its subscript, a constant (`pi`, `e`, `i`, `oo`), or a word."""

    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Two or more terms."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Two or more factors; a quotient is a product with a power of -1."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Base and exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Apply:
    """A function, known or not, of its arguments: `sin`, `abs`, `root`, `f`."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Number | Symbol | Sum | Product | Power | Apply

ZERO, ONE, MINUS_ONE = (Number(Fraction(n)) for n in (0, 1, -1))
PI, E, IMAGINARY, INFINITY = Symbol("pi"), Symbol("e"), Symbol("i"), Symbol("oo")
CONSTANTS = frozenset(("pi", "e", "i", "oo"))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with what it is counted in: a unit, `%`, `deg`, or a noun."""

    value: Expression
    unit: str


@dataclass(frozen=True, slots=True)
class Based:
    """A numeral in a stated base, as in `101_2`."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """`a : b`, or more terms; `12:30` may be a time."""

    terms: tuple[Expression, ...]
    clock: str = ""
    """`am`, `pm`, `time` where the text can only be, or can be, a time of day."""


@dataclass(frozen=True, slots=True)
class Group:
    """Items in brackets: a tuple, an interval or a set, as the brackets and the other side say."""

    opening: str
    closing: str
    items: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Items without brackets; `joint` is the word between the last two, if any."""

    items: tuple[Answer, ...]
    joint: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; vectors have one row or one column."""

    rows: tuple[tuple[Answer, ...], ...]
    determinant: bool = False


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Values, each with the condition under which it holds."""

    cases: tuple[tuple[Answer, Answer], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain `sides[0] signs[0] sides[1] ...`."""

    sides: tuple[Answer, ...]
    signs: tuple[str, ...]
    modulus: Expression | None = None
    note: str = ""
    """The words behind it that say for which cases, as they stand."""
    conditions: tuple[Answer, ...] = ()
    """What it holds under, as far as that was read: `k \\in Z`, `a > 0`."""


@dataclass(frozen=True, slots=True)
class SetOf:
    """All values of `variable` for which the condition holds: `{x | x > 2}`."""

    variable: Answer
    condition: Answer


@dataclass(frozen=True, slots=True)
class SetOperation:
    r"""A union (`cup`), an intersection (`cap`) or a difference (`setminus`) of two or more."""

    operation: str
    parts: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Qualified:
    """An answer, and the words behind it that say for which cases; relations keep their own."""

    answer: Answer
    note: str = ""
    conditions: tuple[Answer, ...] = ()
    """What was read of them, and what was said of a letter in mathematics: `k \\in Z`."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words in normal form, and what of mathematics stands between them."""

    words: str


Answer = (
    Expression
    | Quantity
    | Based
    | Ratio
    | Group
    | Listing
    | Matrix
    | Piecewise
    | Relation
    | SetOf
    | SetOperation
    | Qualified
    | Text
)
EXPRESSIONS = (Number, Symbol, Sum, Product, Power, Apply)


def number(value: int | Fraction) -> Number:
    """Return an exact literal."""
    return Number(Fraction(value))


def add(*terms: Expression) -> Expression:
    """Return the sum, flattened by one level."""
    flat: list[Expression] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Sum) else (term,))
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def multiply(*factors: Expression) -> Expression:
    """Return the product, flattened by one level."""
    flat: list[Expression] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else (factor,))
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def negate(x: Expression) -> Expression:
    """Return `-x`; a literal keeps its printed digits."""
    if isinstance(x, Number):
        return Number(-x.value, x.decimals, x.digits)
    return multiply(MINUS_ONE, x)


def divide(x: Expression, y: Expression) -> Expression:
    """Return `x / y`, unevaluated."""
    return multiply(x, Power(y, MINUS_ONE))


def subtract(x: Expression, y: Expression) -> Expression:
    """Return `x - y`."""
    return add(x, negate(y))


def parts(x: Expression) -> tuple[Expression, ...]:
    """Return the direct parts of an expression."""
    match x:
        case Sum(terms):
            return terms
        case Product(factors):
            return factors
        case Power(base, exponent):
            return (base, exponent)
        case Apply(_, arguments):
            return arguments
        case _:
            return ()


def walk(x: Expression) -> Iterator[Expression]:
    """Return the expression and all its parts, in no stated order."""
    stack = [x]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Number | Symbol):
            stack.extend(parts(node))


def variables(x: Expression) -> frozenset[str]:
    """Return the names of the symbols that are not constants."""
    if isinstance(x, Number):
        return _NO_NAMES
    names = {node.name for node in walk(x) if isinstance(node, Symbol)}
    return frozenset(names - CONSTANTS)


_NO_NAMES: frozenset[str] = frozenset()


def rename_symbols(x: Expression, names: dict[str, str]) -> Expression:
    """Return the expression with symbols renamed."""
    match x:
        case Symbol(name):
            return Symbol(names.get(name, name))
        case Sum(terms):
            return Sum(tuple(rename_symbols(t, names) for t in terms))
        case Product(factors):
            return Product(tuple(rename_symbols(f, names) for f in factors))
        case Power(base, exponent):
            return Power(rename_symbols(base, names), rename_symbols(exponent, names))
        case Apply(function, arguments):
            return Apply(
                names.get(function, function), tuple(rename_symbols(a, names) for a in arguments)
            )
        case _:
            return x


def rename_everywhere(x: Answer, names: dict[str, str]) -> Answer:
    """Return any answer with the symbols of its expressions renamed."""

    def each(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
        return tuple(rename_everywhere(item, names) for item in items)

    match x:
        case Quantity(Symbol() | Sum() | Product() | Power() | Apply() as value, unit):
            return Quantity(rename_symbols(value, names), unit)
        case Ratio(terms, clock):
            return Ratio(tuple(rename_symbols(term, names) for term in terms), clock)
        case Group(opening, closing, items):
            return Group(opening, closing, each(items))
        case Listing(items, joint):
            return Listing(each(items), joint)
        case Matrix(rows, determinant):
            return Matrix(tuple(each(row) for row in rows), determinant)
        case Piecewise(cases):
            pairs = ((rename_everywhere(v, names), rename_everywhere(c, names)) for v, c in cases)
            return Piecewise(tuple(pairs))
        case Relation(sides, signs, modulus, note, conditions):
            return Relation(each(sides), signs, modulus, note, each(conditions))
        case SetOf(variable, condition):
            return SetOf(*each((variable, condition)))
        case SetOperation(operation, operands):
            return SetOperation(operation, each(operands))
        case Qualified(answer, note, conditions):
            return Qualified(rename_everywhere(answer, names), note, each(conditions))
        case _:
            return rename_symbols(x, names) if isinstance(x, EXPRESSIONS) else x


def substitute(x: Expression, name: str, value: Expression) -> Expression:
    """Return the expression with every occurrence of the variable replaced."""
    match x:
        case Symbol(symbol):
            return value if symbol == name else x
        case Sum(terms):
            return Sum(tuple(substitute(t, name, value) for t in terms))
        case Product(factors):
            return Product(tuple(substitute(f, name, value) for f in factors))
        case Power(base, exponent):
            return Power(substitute(base, name, value), substitute(exponent, name, value))
        case Apply(function, arguments):
            return Apply(function, tuple(substitute(a, name, value) for a in arguments))
        case _:
            return x
