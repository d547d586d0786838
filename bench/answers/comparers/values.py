r"""Numbers and expressions, with or without units, percent, degrees, bases; and ratios.

A unit may be missing on one side, since questions state it ("how many metres?"). Two units are
compared as quantities: 10 cm is 100 mm, and not 10 m. A percentage is a hundredth, so `10\%` is 0.1
and not 10: who accepts both cannot tell a probability from a hundred times it.
"""

from __future__ import annotations

import re
from fractions import Fraction

from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.comparers.substitution import substituted
from bench.answers.equality import equal, identical, value_of
from bench.answers.expressions import (
    EXPRESSIONS,
    PI,
    Answer,
    Apply,
    Based,
    Expression,
    Number,
    Power,
    Product,
    Quantity,
    Ratio,
    Sum,
    Symbol,
    divide,
    multiply,
    negate,
    number,
    renamed,
    subtract,
    variables,
    walk,
)
from bench.answers.units import HEAT, SYMBOLS, is_noun, same_noun, scale_of, unit_form


def expressions(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two expressions."""
    if not (isinstance(gold, EXPRESSIONS) and isinstance(prediction, EXPRESSIONS)):
        return None
    numbers = not variables(gold) and not variables(prediction)
    name = "number" if numbers else "expression"
    same = equal(gold, prediction, asked.conventions)
    if same is not True and _has_log(gold) | _has_log(prediction):
        # `log` is to base e or to base 10, and an answer does not say which; it is the same base
        # on both sides, or stands for `ln` or `lg` on the other.
        for base in (number(10),):
            if equal(_with_base(gold, base), _with_base(prediction, base), asked.conventions):
                same = True
    if same is not True and (constant := _renamed_constant(gold, prediction)) is not None:
        same = identical(gold, constant)
    if same is not True and numbers is False:
        counted = _counts(gold, prediction), _counts(prediction, gold)
        if counted != (gold, prediction):
            same = equal(*counted, asked.conventions)
    if same is not True and _same_family(gold, prediction):
        return Finding(True, "family", "the same values, over all integers")
    if same is None:
        return Finding(None, name, "could not be evaluated")
    what = "the same value" if numbers else "the same function"
    return Finding(same, name, what if same else f"not {what}")


_CHOICES = re.compile(r"C_(\d+)")


def _counts(x: Expression, other: Expression) -> Expression:
    """`C_6^2` as 6 choose 2, where the other side is a number: then there are no unknowns."""
    if variables(other) or not all(_CHOICES.fullmatch(name) for name in variables(x)):
        return x
    match x:
        case Power(Symbol(name), Number(k)) if found := _CHOICES.fullmatch(name):
            return Apply("binomial", (number(int(found[1])), number(k)))
        case Sum(terms):
            return Sum(tuple(_counts(t, other) for t in terms))
        case Product(factors):
            return Product(tuple(_counts(f, other) for f in factors))
        case Power(base, exponent):
            return Power(_counts(base, other), exponent)
        case _:
            return x


def _has_log(x: Expression) -> bool:
    return any(
        isinstance(n, Apply) and n.function == "log" and len(n.arguments) == 1 for n in walk(x)
    )


def _with_base(x: Expression, base: Expression) -> Expression:
    match x:
        case Apply("log", (inner,)):
            return Apply("log", (_with_base(inner, base), base))
        case Apply(function, arguments):
            return Apply(function, tuple(_with_base(a, base) for a in arguments))
        case Sum(terms):
            return Sum(tuple(_with_base(t, base) for t in terms))
        case Product(factors):
            return Product(tuple(_with_base(f, base) for f in factors))
        case Power(b, exponent):
            return Power(_with_base(b, base), _with_base(exponent, base))
        case _:
            return x


_ARBITRARY = ("C", "c", "K", "C_1", "c_1", "C_2", "c_2")


def _renamed_constant(gold: Expression, prediction: Expression) -> Expression | None:
    """The prediction with its constant of integration named as in the reference."""
    wanted, given = variables(gold) - variables(prediction), variables(prediction) - variables(gold)
    if wanted == {"I"} and not given and Symbol("i") in walk(prediction):
        return renamed(prediction, {"i": "I"})
    if given == {"I"} and not wanted and Symbol("i") in walk(gold):
        return renamed(prediction, {"I": "i"})
    if len(wanted) == len(given) == 1 and wanted | given <= set(_ARBITRARY):
        return renamed(prediction, {next(iter(given)): next(iter(wanted))})
    return None


def _same_family(gold: Expression, prediction: Expression) -> bool:
    r"""`\pi/6 + k\pi` and `n\pi - 5\pi/6`: angles, for every integer, by whatever name.

    Only multiples of the circle number, so that formulas in a given n are not renamed.
    """
    ends = []
    for x in (gold, prediction):
        names = variables(x)
        if len(names) != 1 or not names <= _INTEGERS or PI not in walk(x):
            return False
        at = [substituted(x, next(iter(names)), number(n)) for n in (0, 1, 2)]
        step = subtract(at[1], at[0])
        if not identical(step, subtract(at[2], at[1])) or identical(step, number(0)):
            return False
        ends.append((at[0], step))
    (start_g, step_g), (start_p, step_p) = ends
    if not (identical(step_g, step_p) or identical(step_g, negate(step_p))):
        return False
    value = value_of(divide(subtract(start_g, start_p), step_g), {})
    turns = number(int(round(float(value.real)))) if value is not None else None
    return turns is not None and bool(
        identical(subtract(start_g, start_p), multiply(turns, step_g))
    )


_INTEGERS = frozenset("k n m l j N K".split())


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
        return _verdict(equal(g, p, asked.conventions), "unit", "degrees")
    if "deg" in units and not all(u in ("deg", "") for u in units):
        if set(units) == {"deg", "rad"}:
            return _verdict(_angles(g, p, units, asked), "degree", "angles")
        return Finding(
            False, "unit", f"different units: {units[0] or 'none'}, {units[1] or 'none'}"
        )
    if "deg" in units:
        same = equal(g, p, asked.conventions) if asked.conventions.degrees or all(units) else False
        if same is not True and not all(units) and asked.conventions.degrees:
            same = _angles(g, p, units, asked) or same
        return _verdict(same, "degree", "angles")
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


def _verdict(same: bool | None, comparer: str, what: str) -> Finding:
    return Finding(same, comparer, f"the same {what}" if same else f"different {what}")


def _percent(g: Expression, p: Expression, units: list[str], asked: Asked) -> Finding:
    if units == ["%", "%"]:
        return _verdict(equal(g, p, asked.conventions), "percent", "percentages")
    bare = units.index("%") ^ 1
    if not asked.conventions.percent or units[bare]:
        return Finding(False, "percent", "only one side is a percentage")
    if bare == 1:
        p = _hundredfold(p)
    else:
        p = Apply("percent", (p,))
    return _verdict(equal(g, p, asked.conventions), "percent", "values, a percentage being /100")


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
        return _verdict(same, "unit", "quantities")
    nouns = [u == "" or is_noun(u) for u in units]
    if any(nouns) and all(units) and not all(nouns) and "unit" not in units:
        return Finding(False, "unit", f"{units[0].removeprefix('noun ')} against {units[1]}")
    if all(nouns):
        both = all(u.startswith("noun ") for u in units)
        if both and not same_noun(units[0], units[1]):
            return Finding(False, "unit", "different things counted")
        return _verdict(same, "unit", "numbers of " + units[0][5:] if both else "numbers")
    if any(nouns):
        if not asked.conventions.units and "" in units:
            return Finding(False, "unit", "only one side has a unit")
        return _verdict(same, "unit", "numbers; only one side has a unit")
    (size_g, kind_g), (size_p, kind_p) = scale_of(units[0]), scale_of(units[1])
    if kind_g != kind_p:
        return Finding(False, "unit", f"different units: {units[0]}, {units[1]}")
    converted = multiply(number(Fraction(size_p) / size_g), p)
    return _verdict(equal(g, converted, asked.conventions), "unit", "quantities")


def bases(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """A numeral in a stated base: the base is part of the answer.

    `101_2` is neither `101` nor `101_3`, and who asks for base 2 is not answered by `5`.
    """
    if not (isinstance(gold, Based) or isinstance(prediction, Based)):
        return None
    if isinstance(gold, Based) and isinstance(prediction, Based):
        same = int(gold.digits, gold.base) == int(prediction.digits, prediction.base)
        same = same and gold.base == prediction.base
        return _verdict(same, "base-n", "numeral and base")
    based, other = (gold, prediction) if isinstance(gold, Based) else (prediction, gold)
    if isinstance(based, Based) and based.base == 10:
        return asked.compare(
            *(number(int(x.digits)) if isinstance(x, Based) else x for x in (gold, prediction))
        )
    del other
    return Finding(False, "base-n", "only one side states its base")


def ratios(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Ratios are equal when proportional; times of day when they are the same minute.

    `3:1` is also the number 3, but a text that can be a time (`2:30`) is no number.
    """
    pair = gold, prediction
    if not any(isinstance(x, Ratio) for x in pair):
        return None
    if isinstance(gold, Ratio) and isinstance(prediction, Ratio):
        if gold.clock and prediction.clock:
            return _times(gold, prediction)
        if {gold.clock, prediction.clock} & {"am", "pm"}:
            return Finding(False, "time", "only one side is a time of day")
        if len(gold.terms) != len(prediction.terms):
            return Finding(False, "ratio", "ratios of different length")
        a, b = gold.terms, prediction.terms
        same = [identical(multiply(a[0], b[k]), multiply(b[0], a[k])) for k in range(1, len(a))]
        zero = any(identical(x, number(0)) for x in (*a, *b))
        return _verdict(all_of(same) if not zero else a == b, "ratio", "ratios")
    ratio, other = (gold, prediction) if isinstance(gold, Ratio) else (prediction, gold)
    assert isinstance(ratio, Ratio)
    if ratio.clock or len(ratio.terms) != 2 or not isinstance(other, EXPRESSIONS):
        return Finding(False, "ratio", "a ratio or time against something else")
    value = divide(*ratio.terms)
    g, p = (value, other) if ratio is gold else (other, value)
    return _verdict(equal(g, p, asked.conventions), "ratio", "values")


def _times(gold: Ratio, prediction: Ratio) -> Finding:
    minutes = []
    for time in (gold, prediction):
        values = [int(t.value) if isinstance(t, Number) else -1 for t in time.terms]
        hour, minute, second = (*values, 0, 0)[:3]
        if time.clock in ("am", "pm"):
            hour = hour % 12 + (12 if time.clock == "pm" else 0) if hour <= 12 else hour
        minutes.append(Fraction(hour * 60 + minute) + Fraction(second, 60))
    same = minutes[0] == minutes[1]
    stated = [time.clock in ("am", "pm") for time in (gold, prediction)]
    if not same and any(stated) and not all(stated):
        # A half of the day that only one side names may go without saying, up to noon.
        bare = (gold, prediction)[stated.index(False)]
        first = bare.terms[0]
        small = isinstance(first, Number) and first.value <= 12
        same = small and (minutes[0] - minutes[1]) % 720 == 0
    return _verdict(same, "time", "time of day")
