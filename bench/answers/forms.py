"""Prints what was read as a person would write it, in one line, for verdicts and for people."""

from __future__ import annotations

from fractions import Fraction

from bench.answers.expressions import (
    EXPRESSIONS,
    Answer,
    Apply,
    Based,
    Expression,
    Group,
    Listing,
    Matrix,
    Number,
    Piecewise,
    Power,
    Product,
    Qualified,
    Quantity,
    Ratio,
    Relation,
    SetOf,
    SetOperation,
    Sum,
    Symbol,
    Text,
    negate,
)

_LONGEST = 400
_HALF = Number(Fraction(1, 2))
_BEHIND = {"percent": "%", "deg": "\u00b0", "factorial": "!", "factorial2": "!!"}
"""Functions that are written behind what they are of."""


def form(answer: Answer) -> str:
    """Return the normalised form, cut off where it is very long."""
    text = _form(answer)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _form(x: Answer) -> str:  # one line per kind of node
    match x:
        case Quantity(value, unit):
            sign = {"%": "%", "deg": "\u00b0"}.get(unit)
            return _tight(value) + sign if sign else f"{_form(value)} {unit.removeprefix('noun ')}"
        case Based(digits, base):
            return f"{digits} in base {base}"
        case Ratio(terms, clock):
            if clock:
                half = f" {clock}" if clock in ("am", "pm") else ""
                return ":".join([_form(terms[0]), *(f"{_form(t):0>2}" for t in terms[1:])]) + half
            return ":".join(_form(t) for t in terms)
        case Group(opening, closing, items):
            return opening + ", ".join(_form(i) for i in items) + closing
        case Listing(items, joint):
            between = f" {joint} " if joint in ("and", "or") and len(items) == 2 else ", "
            return between.join(_form(i) for i in items)
        case Matrix(rows):
            return "[" + "; ".join(", ".join(_form(c) for c in row) for row in rows) + "]"
        case Piecewise(cases):
            return "{" + "; ".join(f"{_form(v)} if {_form(c)}" for v, c in cases) + "}"
        case Relation(sides, signs, modulus):
            words = [_form(sides[0])]
            for sign, side in zip(signs, sides[1:], strict=True):
                words += ["=" if sign == "==" else sign, _form(side)]
            if modulus is not None:
                words.append(f"(mod {_form(modulus)})")
            return " ".join(words).strip()
        case SetOf(variable, condition):
            return "{" + f"{_form(variable)} | {_form(condition)}" + "}"
        case SetOperation(operation, parts):
            return f" {operation} ".join(_form(p) for p in parts)
        case Qualified(answer, note):
            return f"{_form(answer)} {note}".rstrip()
        case Text(words_):
            return words_
        case _ if isinstance(x, EXPRESSIONS):
            return _expression(x)
    raise AssertionError(x)


def _expression(x: Expression) -> str:
    match x:
        case Number(value, decimals):
            return _number(value, decimals)
        case Symbol(name):
            return {"oo": "infinity"}.get(name, name)
        case Sum(terms):
            text = _term(terms[0])
            for term in terms[1:]:
                printed = _term(term)
                minus = printed.startswith("-")
                text += f" - {printed[1:]}" if minus else f" + {printed}"
            return text
        case Product(factors):
            return _product(factors)
        case Power(base, exponent):
            if exponent == _HALF:
                return f"sqrt({_expression(base)})"
            if isinstance(exponent, Number) and exponent.value < 0:
                return _product((x,))
            return f"{_tight(base)}^{_tight(exponent)}"
        case Apply("abs", (inner,)):
            return f"|{_expression(inner)}|"
        case Apply(function, (inner,)) if function in _BEHIND:
            return _tight(inner) + _BEHIND[function]
        case Apply(function, arguments):
            return f"{function}({', '.join(_expression(a) for a in arguments)})"


def _product(factors: tuple[Expression, ...]) -> str:
    """Above the line what has no negative power, below it the rest."""
    sign, above, below = "", [], []
    for factor in factors:
        if isinstance(factor, Number) and factor.value == -1 and not sign:
            sign = "-"
        elif isinstance(factor, Power) and _is_below(factor):
            power = negate(factor.exponent)
            one = isinstance(power, Number) and power.value == 1
            below.append(factor.base if one else Power(factor.base, power))
        elif not (isinstance(factor, Number) and factor.value == 1):
            above.append(factor)
    top = _row(above) or "1"
    if not below:
        return sign + top
    printed = _expression if isinstance(below[0], Power) else _tight
    bottom = printed(below[0]) if len(below) == 1 else f"({_row(below)})"
    return f"{sign}{top}/{bottom}"


def _is_below(x: Power) -> bool:
    return isinstance(x.exponent, Number) and x.exponent.value < 0


def _row(factors: list[Expression]) -> str:
    """Factors side by side: a sign stands between them unless a number comes before a name."""
    text = ""
    for factor in factors:
        printed = _tight(factor) if isinstance(factor, Sum | Product) else _factor(factor)
        glued = _is_plain(text) and not printed[0].isdigit()
        text += printed if not text or glued else f"*{printed}"
    return text


def _factor(x: Expression) -> str:
    """A number that is negative or a fraction gets brackets, all else stands as it is."""
    printed = _expression(x)
    return f"({printed})" if isinstance(x, Number) and not _is_plain(printed) else printed


def _term(x: Expression) -> str:
    return f"({_expression(x)})" if isinstance(x, Sum) else _expression(x)


def _tight(x: Expression) -> str:
    """In brackets, unless nothing can come between it and its neighbours."""
    printed = _expression(x)
    loose = isinstance(x, Sum | Product) or (isinstance(x, Power) and x.exponent != _HALF)
    return f"({printed})" if loose or (isinstance(x, Number) and not printed.isdigit()) else printed


def _is_plain(printed: str) -> bool:
    return printed.replace(".", "", 1).isdigit()


def _number(value: Fraction, decimals: int | None) -> str:
    """As a decimal if it was one, else as an integer or a fraction."""
    if value.numerator.bit_length() + value.denominator.bit_length() > 4 * _LONGEST:
        return "a long number"
    if decimals is None or not 0 < decimals <= _LONGEST:
        return str(value)
    digits = f"{abs(value.numerator) * 10**decimals // value.denominator:0>{decimals + 1}}"
    return ("-" if value < 0 else "") + f"{digits[:-decimals]}.{digits[-decimals:]}"
