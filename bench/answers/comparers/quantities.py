r"""Values with a unit, a percent or a degree sign, and those with their unit left out.

A unit may be missing on one side, since questions state it ("how many metres?"). Two units are
compared as quantities: 10 cm is 100 mm, and not 10 m. A percentage is a hundredth, so `10\%` is 0.1
and not 10: who accepts both cannot tell a probability from a hundred times it.
"""

from __future__ import annotations

from fractions import Fraction

from bench.answers.arithmetic.equality import equal
from bench.answers.comparers.finding import Asked, Finding, verdict
from bench.answers.expressions import (
    EXPRESSIONS,
    PI,
    Answer,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Quantity,
    Symbol,
    divide,
    multiply,
    number,
    variables,
    walk,
)
from bench.answers.grammar.units import HEAT, SYMBOLS, is_noun, same_noun, scale_of, unit_form


def quantities(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """At least one value with a unit, the other with or without."""
    pair = gold, prediction
    if not any(isinstance(x, Quantity) for x in pair):
        return None
    if not all(isinstance(x, (Quantity, *EXPRESSIONS)) for x in pair):
        return None
    g_, p_ = _with_symbols(gold, prediction), _with_symbols(prediction, gold)
    pair = g_, p_
    units = [x.unit if isinstance(x, Quantity) else "" for x in pair]
    values = [x.value if isinstance(x, Quantity) else x for x in pair]
    g, p = (v for v in values if isinstance(v, EXPRESSIONS))
    if "%" in units:
        return _percent(g, p, units, asked)
    if "deg" in units and set(units) & HEAT:
        return verdict(equal(g, p, asked.conventions), "unit", "degrees")
    if "deg" in units and not all(u in ("deg", "") for u in units):
        if set(units) == {"deg", "rad"}:
            return verdict(_angles(g, p, units, asked), "degree", "angles")
        return Finding(
            False, "unit", f"different units: {units[0] or 'none'}, {units[1] or 'none'}"
        )
    if "deg" in units:
        same = equal(g, p, asked.conventions) if asked.conventions.degrees or all(units) else False
        if same is not True and not all(units) and asked.conventions.degrees:
            same = _angles(g, p, units, asked) or same
        return verdict(same, "degree", "angles")
    return _units(g, p, units, asked)


def _with_symbols(x: Answer, other: Answer) -> Answer:
    """`5 m/s` as a quantity where the other side is one: its letters are units, and no unknowns."""
    if not isinstance(other, Quantity) or not isinstance(x, Product):
        return x
    if other.unit in ("%", "deg") or is_noun(other.unit):
        return x
    rest: list[Expression] = []
    powers: dict[str, int] = {}
    for factor in x.factors:
        base, power = factor, 1
        if isinstance(factor, Power) and isinstance(factor.exponent, Number):
            base, power = factor.base, int(factor.exponent.value)
        name = SYMBOLS.get(base.name) if isinstance(base, Symbol) else None
        if name is None:
            rest.append(factor)
        else:
            powers[name] = powers.get(name, 0) + power
    if not powers or not rest or any(variables(factor) for factor in rest):
        return x
    return Quantity(multiply(*rest), unit_form(powers))


def _percent(g: Expression, p: Expression, units: list[str], asked: Asked) -> Finding:
    if units == ["%", "%"]:
        return verdict(equal(g, p, asked.conventions), "percent", "percentages")
    bare = units.index("%") ^ 1
    if not asked.conventions.percent or units[bare]:
        return Finding(False, "percent", "only one side is a percentage")
    if bare == 1:
        p = _hundredfold(p)
    else:
        p = Apply("percent", (p,))
    return verdict(equal(g, p, asked.conventions), "percent", "values, a percentage being /100")


def _hundredfold(x: Expression) -> Expression:
    if isinstance(x, Number) and x.decimals is not None:
        return Number(x.value * 100, x.decimals - 2 if x.decimals > 2 else 0, x.digits)
    return multiply(number(100), x)


def _angles(g: Expression, p: Expression, units: list[str], asked: Asked) -> bool | None:
    """Degrees against radians; a bare number is radians if it is a multiple of pi."""
    radians = [
        divide(multiply(x, PI), number(180)) if unit == "deg" else x
        for x, unit in zip((g, p), units, strict=True)
    ]
    bare = next(x for x, unit in zip((g, p), units, strict=True) if unit != "deg")
    if "" in units and not any(node == PI for node in walk(bare)):
        return False
    return equal(radians[0], radians[1], asked.conventions)


def _units(g: Expression, p: Expression, units: list[str], asked: Asked) -> Finding:
    same = equal(g, p, asked.conventions)
    if units[0] == units[1]:
        return verdict(same, "unit", "quantities")
    nouns = [u == "" or is_noun(u) for u in units]
    if any(nouns) and all(units) and not all(nouns) and "unit" not in units:
        return Finding(False, "unit", f"{units[0].removeprefix('noun ')} against {units[1]}")
    if all(nouns):
        both = all(u.startswith("noun ") for u in units)
        if both and not same_noun(units[0], units[1]):
            return Finding(False, "unit", "different things counted")
        return verdict(same, "unit", "numbers of " + units[0][5:] if both else "numbers")
    if any(nouns):
        if not asked.conventions.units and "" in units:
            return Finding(False, "unit", "only one side has a unit")
        return verdict(same, "unit", "numbers; only one side has a unit")
    (size_g, kind_g), (size_p, kind_p) = scale_of(units[0]), scale_of(units[1])
    if kind_g != kind_p:
        return Finding(False, "unit", f"different units: {units[0]}, {units[1]}")
    converted = multiply(number(Fraction(size_p) / size_g), p)
    return verdict(equal(g, converted, asked.conventions), "unit", "quantities")
