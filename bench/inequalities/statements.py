"""A statement about real numbers: how it is held, stored, printed, renamed and evaluated.

An expression is a `Fraction`, a variable's name, or a tuple `(op, operand, ...)`: `("+", e, f)` and
`("*", e, f)` with two operands or more, `("-", e)`, `("/", e, f)`, `("^", e, f)`. A relation is
`(op, e, f)`. FORMAT.md has their JSON form and what they mean. The builders below (`add`,
`multiply`, ...) make expressions as reading does: no sum in a sum, no product in a product, and a
quotient of two rationals is one rational. Printing such an expression and reading it gives the same
expression.

Nothing here simplifies, and nothing knows whether a statement is true.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.inequalities.roots import exact_root

Expression: TypeAlias = "Fraction | str | tuple[Expression, ...]"
Relation: TypeAlias = tuple[str, Expression, Expression]
Array: TypeAlias = npt.NDArray[np.float64]

RELATIONS = (">=", ">", "<=", "<", "=", "!=")

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma "
    "tau upsilon phi chi psi omega"
).split()
"""Names that are written as one letter."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_']*")
_RATIONAL = re.compile(r"-?[0-9]+(?:/0*[1-9][0-9]*)?")
_ARITY = {"+": None, "*": None, "-": 1, "/": 2, "^": 2}
"""Operands of an operator; None stands for two or more."""
_MAX_BITS = 1 << 20
"""Beyond this size a power is not computed exactly."""
_MAX_ORDERS = math.factorial(6)
"""Orders of the variables among which `hash_up_to_renaming` looks for the least one."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Under all the assumptions, all the claims hold."""

    variables: tuple[str, ...]
    """Real numbers. Their order is that of exponents in a proof."""
    assumptions: tuple[Relation, ...]
    claims: tuple[Relation, ...]


def add(*terms: Expression) -> Expression:
    """Return a sum, without sums as its terms."""
    return _join("+", terms)


def multiply(*factors: Expression) -> Expression:
    """Return a product, without products as its factors."""
    return _join("*", factors)


def _join(op: str, operands: Iterable[Expression]) -> Expression:
    flat: list[Expression] = []
    for operand in operands:
        if isinstance(operand, tuple) and operand[0] == op:
            flat.extend(operand[1:])
        else:
            flat.append(operand)
    return flat[0] if len(flat) == 1 else (op, *flat)


def negate(expression: Expression) -> Expression:
    """Return minus an expression."""
    return -expression if isinstance(expression, Fraction) else ("-", expression)


def divide(left: Expression, right: Expression) -> Expression:
    """Return a quotient; that of two rationals is a rational, unless it divides by 0."""
    if isinstance(left, Fraction) and isinstance(right, Fraction) and right:
        return left / right
    return ("/", left, right)


def raise_to(base: Expression, exponent: Expression) -> Expression:
    """Return a power; an exponent without variables becomes a rational, where it is one."""
    if not isinstance(exponent, Fraction) and not find_variables(exponent):
        value = evaluate(exponent, {})
        exponent = exponent if value is None else value
    return ("^", base, exponent)


def find_variables(expression: Expression) -> frozenset[str]:
    """Return the names that occur in an expression."""
    if isinstance(expression, str):
        return frozenset((expression,))
    if isinstance(expression, Fraction):
        return frozenset()
    return frozenset[str]().union(*map(find_variables, expression[1:]))


def rename(statement: Statement, names: Mapping[str, str]) -> Statement:
    """Return the statement with other names for some of its variables."""
    return Statement(
        tuple(names.get(name, name) for name in statement.variables),
        tuple(_rename_relation(relation, names) for relation in statement.assumptions),
        tuple(_rename_relation(relation, names) for relation in statement.claims),
    )


def _rename_relation(relation: Relation, names: Mapping[str, str]) -> Relation:
    op, left, right = relation
    return (op, _rename(left, names), _rename(right, names))


def _rename(expression: Expression, names: Mapping[str, str]) -> Expression:
    if isinstance(expression, str):
        return names.get(expression, expression)
    if isinstance(expression, Fraction):
        return expression
    op, *operands = expression
    return (op, *(_rename(operand, names) for operand in operands))


# JSON


def to_json(statement: Statement) -> dict[str, Any]:
    """Return plain data: the "statement" of FORMAT.md."""
    return {
        "variables": list(statement.variables),
        "assumptions": [_to_json_relation(relation) for relation in statement.assumptions],
        "claims": [_to_json_relation(relation) for relation in statement.claims],
    }


def _to_json_relation(relation: Relation) -> list[Any]:
    op, left, right = relation
    return [op, to_json_expression(left), to_json_expression(right)]


def to_json_expression(expression: Expression) -> Any:
    """Return plain data: strings, and lists of an operator and its operands."""
    if isinstance(expression, tuple):
        op, *operands = expression
        return [op, *map(to_json_expression, operands)]
    return str(expression)


def from_json(data: Any) -> Statement:
    """Read what `to_json` wrote; other keys are ignored.

    Raises:
        DataError: the data are not a statement as FORMAT.md has it.
    """
    keys = ("variables", "assumptions", "claims")
    if not isinstance(data, dict) or not set(keys) <= set(data):
        raise DataError(f"a statement has the keys {', '.join(keys)}; got {_shorten(data)}")
    if not all(isinstance(data[key], list) for key in keys):
        raise DataError(f"each of {', '.join(keys)} is a list; got {_shorten(data)}")
    names = data["variables"]
    for name in names:
        if not isinstance(name, str) or not is_name(name) or names.count(name) > 1:
            raise DataError(
                f"a variable is a letter, then letters, digits, _ and ', once; got {_shorten(name)}"
            )
    statement = Statement(
        tuple(names),
        tuple(map(_from_json_relation, data["assumptions"])),
        tuple(map(_from_json_relation, data["claims"])),
    )
    unknown = find_names(statement) - set(names)
    if unknown:
        raise DataError(f"{', '.join(sorted(unknown))} not among the variables {', '.join(names)}")
    return statement


def _from_json_relation(data: Any) -> Relation:
    if not isinstance(data, list) or len(data) != 3 or data[0] not in RELATIONS:
        raise DataError(
            f"a relation is a list of one of {' '.join(RELATIONS)} and two expressions; "
            f"got {_shorten(data)}"
        )
    return (data[0], from_json_expression(data[1]), from_json_expression(data[2]))


def from_json_expression(data: Any) -> Expression:
    """Read what `to_json_expression` wrote.

    Raises:
        DataError: the data are not an expression as FORMAT.md has it.
    """
    if isinstance(data, str) and _NAME.fullmatch(data):
        return data
    if isinstance(data, str) and _RATIONAL.fullmatch(data):
        return Fraction(data)
    if not (isinstance(data, list) and data and isinstance(data[0], str) and data[0] in _ARITY):
        raise DataError(
            "an expression is a rational as a string, a name, or a list of an operator "
            f"({' '.join(_ARITY)}) and its operands; got {_shorten(data)}"
        )
    op, *operands = data
    arity = _ARITY[op]
    if len(operands) != arity if arity else len(operands) < 2:
        raise DataError(f"{op!r} has {arity or 'two or more'} operands; got {_shorten(data)}")
    return (op, *map(from_json_expression, operands))


def _shorten(data: Any) -> str:
    shown = repr(data)
    return shown if len(shown) <= 80 else shown[:77] + "..."


# Text

_SUM, _SIGNED, _PRODUCT, _POWER, _ATOM = range(5)
"""How tightly a printed expression holds together; a looser one in its place needs brackets."""

_PLAIN_NAME = re.compile(r"[A-Za-z](?:_(?:[0-9]+|[A-Za-z]+)|[0-9]+)?'*")
"""A name that plain text need not declare: one letter, perhaps with an index."""

_LATEX_RELATIONS = {">=": r"\ge", "<=": r"\le", "!=": r"\ne"}


def order_names(names: Iterable[str]) -> list[str]:
    """Return names in the order in which plain text without a declaration has them: a_2 < a_10."""
    return sorted(names, key=_cut)


def _cut(name: str) -> list[str]:
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [part.zfill(9) if part.isdigit() else part for part in parts]


def is_name(name: str) -> bool:
    """Whether a variable may have this name."""
    return _NAME.fullmatch(name) is not None


def is_plain_name(name: str) -> bool:
    """Whether plain text may use the name without declaring it: a letter, perhaps an index."""
    return _PLAIN_NAME.fullmatch(name) is not None


def format_text(statement: Statement) -> str:
    """Return the statement in one line of plain text, which can be read again."""
    claims = " and ".join(map(format_relation, statement.claims))
    declared = f" for real {', '.join(statement.variables)}" if _needs_names(statement) else ""
    groups = "; ".join(
        f"{', '.join(subjects)} {op} {format_expression(right)}"
        for subjects, op, right in _group(statement.assumptions, format_expression)
    )
    return claims + declared + (f" with {groups}" if groups else "")


def format_relation(relation: Relation) -> str:
    """Return a relation as plain text."""
    op, left, right = relation
    return f"{format_expression(left)} {op} {format_expression(right)}"


def format_expression(expression: Expression) -> str:
    """Return an expression as plain text, with no more brackets than reading it back needs."""
    return _write(expression, _SUM)


def format_latex(statement: Statement) -> str:
    """Return the statement as LaTeX for mathematics mode; it can be read back, too."""
    claims = r" \text{ and } ".join(map(format_latex_relation, statement.claims))
    names = ", ".join(map(_write_latex_name, statement.variables))
    declared = rf" \quad \text{{for real }} {names}" if _needs_names(statement) else ""
    groups = r";\ ".join(
        f"{', '.join(subjects)} {_LATEX_RELATIONS.get(op, op)} {format_latex_expression(right)}"
        for subjects, op, right in _group(statement.assumptions, format_latex_expression)
    )
    return claims + declared + (rf" \quad \text{{with }} {groups}" if groups else "")


def format_latex_relation(relation: Relation) -> str:
    """Return a relation as LaTeX."""
    op, left, right = relation
    op = _LATEX_RELATIONS.get(op, op)
    return f"{format_latex_expression(left)} {op} {format_latex_expression(right)}"


def format_latex_expression(expression: Expression) -> str:
    """Return an expression as LaTeX."""
    return _write_latex(expression, _SUM)


def find_names(statement: Statement) -> frozenset[str]:
    """Return the names in the statement's assumptions and claims."""
    sides = (side for _, *pair in statement.assumptions + statement.claims for side in pair)
    return frozenset[str]().union(*map(find_variables, sides))


def raises_e(expression: Expression) -> bool:
    """Whether a power of `e` holds a variable, as where the exponential function is meant."""
    if not isinstance(expression, tuple):
        return False
    op, *operands = expression
    if op == "^" and "e" in find_variables(operands[0]) and find_variables(operands[1]):
        return True
    return any(map(raises_e, operands))


def _needs_names(statement: Statement) -> bool:
    """Whether a reader of the relations alone would take other variables, or in another order."""
    sides = (side for _, *pair in statement.assumptions + statement.claims for side in pair)
    return (
        list(statement.variables) != order_names(find_names(statement))
        or not all(map(is_plain_name, statement.variables))
        or any(map(raises_e, sides))
    )


def _group(
    assumptions: Sequence[Relation], write: Callable[[Expression], str]
) -> Iterator[tuple[list[str], str, Expression]]:
    """Yield neighbours such as a > 0, b > 0 as one: the written left sides, op, right side."""

    def key(numbered: tuple[int, Relation]) -> tuple[object, ...]:
        number, (op, left, right) = numbered
        shares = isinstance(left, str) and op not in ("=", "!=")
        return (op, right, -1 if shares else number)

    for _, group in itertools.groupby(enumerate(assumptions), key):
        relations = [relation for _, relation in group]
        yield [write(left) for _, left, _ in relations], relations[0][0], relations[0][2]


def _split_sign(term: Expression) -> tuple[str, Expression]:
    """Return a later term of a sum as the operator before it, and what stands behind."""
    if isinstance(term, Fraction) and term < 0:
        return "-", -term
    if isinstance(term, tuple) and term[0] == "-":
        return "-", term[1]
    return "+", term


def _write(expression: Expression, place: int) -> str:
    text, level = _write_bare(expression)
    return text if level >= place else f"({text})"


def _write_bare(expression: Expression) -> tuple[str, int]:
    if isinstance(expression, str):
        return expression, _ATOM
    if isinstance(expression, Fraction):
        whole = _ATOM if expression.denominator == 1 else _PRODUCT
        return str(expression), whole if expression >= 0 else _SIGNED
    op, first, *rest = expression
    if op == "+":
        signed = [_split_sign(term) for term in rest]
        later = "".join(f" {sign} {_write(term, _PRODUCT)}" for sign, term in signed)
        return _write(first, _SIGNED) + later, _SUM
    if op == "-":
        return "-" + _write(first, _PRODUCT), _SIGNED
    if op in ("*", "/"):
        later = "".join(str(op) + _write(operand, _POWER) for operand in rest)
        return _write(first, _PRODUCT) + later, _PRODUCT
    (exponent,) = rest
    if exponent == Fraction(1, 2):
        return f"sqrt({_write(first, _SUM)})", _ATOM
    whole_number = isinstance(exponent, Fraction) and exponent.denominator == 1
    shown = str(exponent) if whole_number else _write(exponent, _ATOM)
    return f"{_write(first, _ATOM)}^{shown}", _POWER


def _write_latex(expression: Expression, place: int) -> str:
    text, level = _write_latex_bare(expression)
    return text if level >= place else rf"\left({text}\right)"


def _write_latex_bare(expression: Expression) -> tuple[str, int]:
    if isinstance(expression, str):
        return _write_latex_name(expression), _ATOM
    if isinstance(expression, Fraction):
        return _write_latex_rational(expression)
    op, first, *rest = expression
    if op == "+":
        signed = [_split_sign(term) for term in rest]
        later = "".join(f" {sign} {_write_latex(term, _PRODUCT)}" for sign, term in signed)
        return _write_latex(first, _SIGNED) + later, _SUM
    if op == "-":
        return "-" + _write_latex(first, _PRODUCT), _SIGNED
    if op == "*":
        text = _write_latex(first, _PRODUCT)
        for factor in rest:
            written = _write_latex(factor, _POWER)
            text += (r" \cdot " if written[0].isdigit() else " ") + written
        return text, _PRODUCT
    if op == "/":
        return rf"\frac{{{_write_latex(first, _SUM)}}}{{{_write_latex(rest[0], _SUM)}}}", _POWER
    (exponent,) = rest
    if isinstance(exponent, Fraction) and exponent.numerator == 1 < exponent.denominator:
        index = "" if exponent.denominator == 2 else f"[{exponent.denominator}]"
        return rf"\sqrt{index}{{{_write_latex(first, _SUM)}}}", _ATOM
    rational = isinstance(exponent, Fraction)
    shown = str(exponent) if rational else _write_latex(exponent, _SUM)
    return f"{_write_latex(first, _ATOM)}^{{{shown}}}", _POWER


def _write_latex_rational(value: Fraction) -> tuple[str, int]:
    top, bottom = abs(value.numerator), value.denominator
    text = str(top) if bottom == 1 else rf"\frac{{{top}}}{{{bottom}}}"
    if value < 0:
        return "-" + text, _SIGNED
    return text, _ATOM if bottom == 1 else _POWER


def _write_latex_name(name: str) -> str:
    parts = re.fullmatch(r"([A-Za-z]+)(?:_([A-Za-z0-9]+))?('*)", name)
    if parts is None or not (len(parts[1]) == 1 or parts[1] in GREEK):
        return rf"\mathit{{{name}}}"
    letter = parts[1] if len(parts[1]) == 1 else "\\" + parts[1]
    return letter + (f"_{{{parts[2]}}}" if parts[2] else "") + parts[3]


# Renaming


def hash_up_to_renaming(statement: Statement) -> str:
    """Return a digest that two statements share where they differ in nothing but spelling.

    Identified are statements that differ in the names and the order of the variables, in the order
    and the repetition of assumptions, in the order of terms and factors, in the direction in which
    an inequality is written, and in which side of `=` or `!=` is which. Not identified are
    statements that differ by anything that has to be computed (`2*a` and `a + a`, `a/b` and
    `a*b^-1`, another order of the claims), even where they mean the same.

    Statements with the same digest are always the same up to the differences named first. The
    converse fails only where variables look alike one by one in so many ways that not all of their
    orders can be tried (more than 720; up to 6 variables all are): there the names' order decides.
    """
    colours = {name: _spell(statement, _look_from(statement, name)) for name in statement.variables}
    # Only variables of one colour can be exchanged: a renaming keeps colours.
    ordered = sorted(statement.variables, key=colours.__getitem__)
    classes = [list(group) for _, group in itertools.groupby(ordered, colours.__getitem__)]
    count = math.prod(math.factorial(len(alike)) for alike in classes)
    orders: Iterable[tuple[list[str], ...]] = [tuple(classes)]
    if count <= _MAX_ORDERS:
        orders = itertools.product(*(map(list, itertools.permutations(c)) for c in classes))
    spelled = (
        _spell(statement, {name: f"x{i}" for i, name in enumerate(itertools.chain(*order))})
        for order in orders
    )
    return hashlib.sha256(min(spelled).encode()).hexdigest()


def _look_from(statement: Statement, chosen: str) -> dict[str, str]:
    """Return names that tell one variable from the others, and nothing else."""
    return {name: "x" if name == chosen else "y" for name in statement.variables}


def _spell(statement: Statement, names: Mapping[str, str]) -> str:
    assumptions = sorted({_spell_relation(relation, names) for relation in statement.assumptions})
    claims = [_spell_relation(relation, names) for relation in statement.claims]
    return f"{len(names)}|{','.join(assumptions)}|{','.join(claims)}"


def _spell_relation(relation: Relation, names: Mapping[str, str]) -> str:
    op, left, right = relation
    sides = [_spell_expression(left, names), _spell_expression(right, names)]
    if op in (">=", ">"):
        op, sides = op.replace(">", "<"), sides[::-1]
    elif op in ("=", "!="):
        sides.sort()
    return op.join(sides)


def _spell_expression(expression: Expression, names: Mapping[str, str]) -> str:
    if isinstance(expression, str):
        return names[expression]
    if isinstance(expression, Fraction):
        return str(expression)
    op, *operands = expression
    spelled = [_spell_expression(operand, names) for operand in operands]
    if op in ("+", "*"):
        spelled.sort()
    return f"{op}({','.join(spelled)})"


# Values


def evaluate(expression: Expression, point: Mapping[str, Fraction]) -> Fraction | None:
    """Return the exact value at a point; None where it is undefined, irrational or enormous.

    Undefined are a division by 0, a root of a negative number (odd roots as well, as in FORMAT.md),
    and a power with variables in its exponent whose base is not positive. Enormous are powers of
    more than a million bits.
    """
    if isinstance(expression, Fraction):
        return expression
    if isinstance(expression, str):
        return point[expression]
    op, *operands = expression
    values: list[Fraction] = []
    for operand in operands:
        value = evaluate(operand, point)
        if value is None:
            return None
        values.append(value)
    if op == "+":
        return sum(values, Fraction(0))
    if op == "*":
        return math.prod(values, start=Fraction(1))
    if op == "-":
        return -values[0]
    base, last = values
    if op == "/":
        return base / last if last else None
    if not isinstance(operands[1], Fraction) and base <= 0:
        return None
    return _raise_exactly(base, last)


def _raise_exactly(base: Fraction, exponent: Fraction) -> Fraction | None:
    power, index = exponent.numerator, exponent.denominator
    if (index > 1 and base < 0) or (power < 0 and not base):
        return None
    root = exact_root(base, index)
    if root is None:
        return None
    top, bottom = root.numerator, root.denominator
    if abs(power) * max(top.bit_length(), bottom.bit_length()) > _MAX_BITS and abs(top) != bottom:
        return None
    return root**power


def compile_float(
    expression: Expression, variables: Sequence[str]
) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Return a function from points, shape (points, variables), to values, shape (points,).

    Values are nan where the expression is undefined, as in `evaluate`.
    """
    compute = _compile(expression, {name: column for column, name in enumerate(variables)})

    def evaluate_points(points: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(compute(points), points.shape[:1]).astype(np.float64)

    return evaluate_points


def _compile(
    expression: Expression, columns: Mapping[str, int]
) -> Callable[[Array], Array | np.float64]:
    if isinstance(expression, Fraction):
        constant = np.float64(_round(expression))
        return lambda points: constant
    if isinstance(expression, str):
        column = columns[expression]
        return lambda points: points[:, column]
    op, *operands = expression
    parts = [_compile(operand, columns) for operand in operands]
    first, last = parts[0], parts[-1]
    if op == "+":
        return lambda points: sum((part(points) for part in parts[1:]), start=first(points))
    if op == "*":
        return lambda points: math.prod((part(points) for part in parts[1:]), start=first(points))
    if op == "-":
        return lambda points: -first(points)
    if op == "/":
        return lambda points: first(points) / _keep(last(points), lambda value: value != 0)
    exponent = operands[1]
    if not isinstance(exponent, Fraction):
        return lambda points: _raise_floats(first(points), last(points))
    if exponent == Fraction(1, 2):
        return lambda points: np.sqrt(first(points))
    power = int(exponent) if exponent.denominator == 1 else _round(exponent)
    if exponent < 0:
        return lambda points: _keep(first(points), lambda value: value != 0) ** power
    if exponent == 0:
        return lambda points: first(points) * 0 + 1  # nan stays: nan ** 0 is 1
    return lambda points: first(points) ** power


def _raise_floats(base: Array | np.float64, exponent: Array | np.float64) -> Array:
    """Return powers, nan where the base is not positive; nan ** 0 and 1 ** nan would be 1."""
    powers: Array = np.where((base > 0) & ~np.isnan(exponent), np.power(base, exponent), np.nan)
    return powers


def _keep(
    values: Array | np.float64, test: Callable[[Array | np.float64], Any]
) -> Array | np.float64:
    """Return values with nan in place of those that fail a test."""
    kept: Array = np.where(test(values), values, np.nan)
    return kept


def _round(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
