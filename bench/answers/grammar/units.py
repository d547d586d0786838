"""Units of measure: their spellings, and how the convertible ones convert.

A unit is written as a product of powers, `m/s^2` as `m s^-2`. Each known one is a factor times a
dimension, so that 10 cm and 100 mm are equal and 10 cm and 10 cm^2 are not. A noun that is no unit
(`apples`) only says what was counted.
"""

from __future__ import annotations

from fractions import Fraction

F = Fraction

_TABLE: dict[str, tuple[Fraction, str, str]] = {
    # name: (size in the dimension's base unit, dimension, spellings)
    "mm": (F(1, 1000), "length", "mm millimeter millimeters millimetre millimetres"),
    "cm": (F(1, 100), "length", "cm cms centimeter centimeters centimetre centimetres"),
    "dm": (F(1, 10), "length", "dm decimeter decimeters decimetre decimetres"),
    "m": (F(1), "length", "m meter meters metre metres"),
    "km": (F(1000), "length", "km kms kilometer kilometers kilometre kilometres"),
    "in": (F(254, 10000), "length", "in inch inches"),
    "ft": (F(3048, 10000), "length", "ft foot feet"),
    "yd": (F(9144, 10000), "length", "yd yard yards"),
    "mi": (F(1609344, 1000), "length", "mi mile miles"),
    "s": (F(1), "time", "s sec secs second seconds"),
    "min": (F(60), "time", "min mins minute minutes"),
    "h": (F(3600), "time", "h hr hrs hour hours"),
    "day": (F(86400), "time", "day days"),
    "week": (F(604800), "time", "week weeks"),
    "month": (F(1), "month", "month months"),
    "year": (F(12), "month", "yr yrs year years"),
    "mg": (F(1, 1000), "mass", "mg milligram milligrams"),
    "g": (F(1), "mass", "g gm gms gram grams"),
    "kg": (F(1000), "mass", "kg kgs kilogram kilograms"),
    "ton": (F(1000000), "mass", "tonne tonnes ton tons"),
    "lb": (F(45359237, 100000), "mass", "lb lbs pound pounds"),
    "oz": (F(45359237, 1600000), "mass", "oz ounce ounces"),
    "ml": (F(1, 1000000), "length^3", "ml milliliter milliliters millilitre millilitres"),
    "l": (F(1, 1000), "length^3", "l liter liters litre litres"),
    "gal": (F(3785411784, 10**12), "length^3", "gal gallon gallons"),
    "cent": (F(1, 100), "dollar", "cent cents"),
    "dollar": (F(1), "dollar", "dollar dollars usd"),
    "euro": (F(1), "euro", "euro euros eur"),
    "yuan": (F(1), "yuan", "yuan rmb"),
    "rupee": (F(1), "rupee", "rupee rupees rs"),
    "n": (F(1), "force", "newton newtons"),
    "j": (F(1), "energy", "joule joules"),
    "w": (F(1), "power", "watt watts"),
    "v": (F(1), "voltage", "volt volts"),
    "hz": (F(1), "frequency", "hz hertz"),
    "pa": (F(1), "pressure", "pa pascal pascals"),
    "k": (F(1), "kelvin", "kelvin kelvins"),
    "mph": (F(1609344, 3600000), "length time^-1", "mph"),
    "kph": (F(1000, 3600), "length time^-1", "kph kmh"),
    "unit": (F(1), "unit", "unit units"),
    "ohm": (F(1), "resistance", "ohm ohms"),
    "kw": (F(1000), "power", "kw kilowatt kilowatts"),
    "kj": (F(1000), "energy", "kj kilojoule kilojoules"),
    "kpa": (F(1000), "pressure", "kpa kilopascal kilopascals"),
    "kn": (F(1000), "force", "kn kilonewton kilonewtons"),
    "nm": (F(1, 10**9), "length", "nm nanometer nanometers nanometre nanometres"),
    "mol": (F(1), "amount", "mol mols mole moles"),
    "hectare": (F(10000), "length^2", "hectare hectares ha"),
    "celsius": (F(1), "celsius", "celsius centigrade"),
    "fahrenheit": (F(1), "fahrenheit", "fahrenheit"),
    "rad": (F(1), "rad", "rad rads radian radians"),
}
_NAMES = {
    spelling: name for name, (_, _, spellings) in _TABLE.items() for spelling in spellings.split()
}
PERCENT = frozenset(("percent", "percents", "percentage", "pct", "%"))
HEAT = frozenset(("celsius", "centigrade", "fahrenheit"))
SYMBOLS = {
    "m": "m", "s": "s", "g": "g", "h": "h", "l": "l", "L": "l", "N": "n", "J": "j", "W": "w",
    "V": "v", "K": "k", "Omega": "ohm",
}  # fmt: skip
"""Units of one letter, which only the company of another unit tells from unknowns."""
DEGREES = frozenset(("degree", "degrees", "deg"))
_PREFIX_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_SUFFIX_POWERS = {"squared": 2, "cubed": 3}


def is_unit_word(word: str) -> bool:
    """Whether a word by itself names a unit, a percentage or a degree."""
    word = word.lower().rstrip(".")
    return word in _NAMES or word in PERCENT or word in DEGREES or word in _PREFIX_POWERS


def unit_of(words: list[tuple[str, int]]) -> str:
    """Return the normal form of a unit from its words and their powers; a noun stays a noun.

    `[("square", 1), ("feet", 1)]` and `[("ft", 2)]` both give `ft^2`.
    """
    known: dict[str, int] = {}
    nouns: list[str] = []
    pending = 1
    last = ""
    scales = [raw.lower() for raw, _ in words if raw.lower() in HEAT]
    if scales:
        return _NAMES[scales[0]]  # `degrees Celsius`
    for raw, power in words:
        word = raw.lower().rstrip(".")
        if word in PERCENT:
            return "%"
        if word in DEGREES:
            return "deg"
        if word in ("per",):
            continue
        if word in _PREFIX_POWERS:
            pending = _PREFIX_POWERS[word]
        elif word in _SUFFIX_POWERS and last:
            known[last] *= _SUFFIX_POWERS[word]
        elif word in _NAMES:
            last = _NAMES[word]
            known[last] = known.get(last, 0) + power * pending
            pending = 1
        else:
            nouns.append(word)
    if known:
        return unit_form(known)
    return "noun " + " ".join(nouns)


def unit_form(powers: dict[str, int]) -> str:
    """Return the normal form of a product of powers of known units."""
    return " ".join(n if p == 1 else f"{n}^{p}" for n, p in sorted(powers.items()) if p)


MULTIPLES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12,
}  # fmt: skip


def same_noun(a: str, b: str) -> bool:
    """Whether two nouns have a word in common, in the singular or plural."""
    stems = [{w.rstrip("s").removesuffix("ie") for w in x.split()[1:]} for x in (a, b)]
    return bool(stems[0] & stems[1])


def is_noun(unit: str) -> bool:
    """Whether the unit only says what was counted."""
    return unit.startswith("noun ") or unit == "unit"


def scale_of(unit: str) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Return the size in base units, and the dimension as sorted powers."""
    size = F(1)
    dimension: dict[str, int] = {}
    for factor in unit.split():
        name, _, power = factor.partition("^")
        if name not in _TABLE:
            dimension[name] = dimension.get(name, 0) + int(power or 1)
            continue
        base, dimensions, _ = _TABLE[name]
        size *= base ** int(power or 1)
        for each in dimensions.split():
            kind, _, exponent = each.partition("^")
            dimension[kind] = dimension.get(kind, 0) + int(exponent or 1) * int(power or 1)
    return size, tuple(sorted((k, p) for k, p in dimension.items() if p))
