"""Reads the values of a certificate: refuses whatever the format does not have in a place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from reprlib import repr as show
from typing import Any, TypeVar

from bench.inequalities.checking.exact import Polynomial, ProofError, Ring, require

MAX_VALUES = 2_000_000  # numbers, texts, lists and objects of a certificate
MAX_NESTING = 150  # lists and objects in each other
MAX_CHARACTERS = 4_000  # of a name or a rational
MAX_INTEGER = 1_000  # exponents, powers, roots and numbers of things

RATIONAL = re.compile("-?[0-9]+(/[0-9]*[1-9][0-9]*)?")
NAME = re.compile("[A-Za-z][A-Za-z0-9_']*")
T = TypeVar("T")


def survey(certificate: object) -> None:
    """Refuse what is not JSON without decimal numbers, and sizes over the limits."""
    waiting: list[tuple[object, int]] = [(certificate, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        require(seen <= MAX_VALUES, f"the certificate has more than {MAX_VALUES} values")
        require(depth <= MAX_NESTING, f"the certificate nests deeper than {MAX_NESTING} levels")
        if isinstance(value, Mapping):
            require(all(isinstance(key, str) for key in value), "a key is not a text")
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, str):
            require(len(value) <= MAX_CHARACTERS, f"a text exceeds {MAX_CHARACTERS} characters")
        elif isinstance(value, int):
            require(abs(value) <= MAX_INTEGER, f"an integer exceeds {MAX_INTEGER}")
        else:
            require(value is None, f"found a {type(value).__name__}, which no certificate holds")


def get(data: Any, key: str) -> Any:
    """Return a value of an object."""
    require(isinstance(data, Mapping) and key in data, f"found no {key!r} in {show(data)}")
    return data[key]


def read_list(data: Any, size: int | None = None) -> list[Any]:
    """Return a list, of a size where that is given."""
    fits = isinstance(data, list) and size in (None, len(data))
    require(fits, f"found {show(data)}, needed a list{f' of {size}' if size is not None else ''}")
    return list(data)


def read_integer(data: Any, low: int = 0, high: int = MAX_INTEGER) -> int:
    """Return an integer between the bounds, which are allowed."""
    fits = type(data) is int and low <= data <= high
    require(fits, f"found {show(data)}, needed an integer from {low} to {high}")
    return int(data)


def read_flag(data: Any) -> bool:
    """Return a truth value."""
    require(isinstance(data, bool), f"found {show(data)}, needed true or false")
    return bool(data)


def read_rational(data: Any, *, positive: bool = False) -> Fraction:
    """Return a rational number."""
    fits = isinstance(data, str) and RATIONAL.fullmatch(data) is not None
    require(fits, f"found {show(data)}, needed a rational number as a text")
    require(not positive or Fraction(data) > 0, f"found {show(data)}, needed a number above 0")
    return Fraction(data)


def read_names(data: Any) -> list[str]:
    """Return a list of different names."""
    fits = all(isinstance(name, str) and NAME.fullmatch(name) for name in read_list(data))
    require(fits and len(set(data)) == len(data), f"found {show(data)}, needed different names")
    return list(data)


def read_numbered(data: Any) -> dict[int, Any]:
    """Return an object whose keys are whole numbers."""
    fits = isinstance(data, Mapping) and all(re.fullmatch("0|[1-9][0-9]{0,5}", k) for k in data)
    require(fits, f"found {show(data)}, needed an object whose keys are whole numbers")
    return {int(key): value for key, value in data.items()}


def read_polynomial(data: Any, ring: Ring) -> Polynomial:
    """Return a polynomial of a ring."""
    terms = [read_list(term, 2) for term in read_list(data)]
    result = Polynomial(ring, {})
    for exponents, c in terms:
        key = tuple(read_integer(k) for k in read_list(exponents, ring.width))
        require(key not in result, f"the exponents {show(exponents)} come twice")
        result[key] = read_rational(c)
        require(result[key] != 0, f"the coefficient of {show(exponents)} is 0")
    return result


def read_plain(data: Any, ring: Ring) -> Polynomial:
    """Return a polynomial without radicals."""
    result = read_polynomial(data, ring)
    require(result.is_plain(), f"the polynomial {show(data)} has radicals")
    return result


def choose(table: Mapping[str, T], name: Any) -> T:
    """Return what a table has under a name."""
    fits = isinstance(name, str) and name in table
    require(fits, f"found {show(name)}, needed {' or '.join(table) or 'nothing more'}")
    return table[name]


def pick(data: Any, things: Sequence[T | None]) -> T:
    """Return the thing with a number; None in its place is what cannot be used."""
    thing = things[read_integer(data, 0, len(things) - 1)]
    if thing is None:
        raise ProofError(f"number {data} cannot be used, for a root or a denominator in it")
    return thing
