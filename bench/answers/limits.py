"""What is refused before any algebra: text whose reading alone could hang or exhaust a worker.

These are the certain cases, told apart in microseconds; whatever slips through meets the worker's
deadline and memory limit. No number here decides a mathematical question: the bounds lie far above
any reference answer of the benchmarks.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bench.types import Outcome

MAX_CHARS = 1000
MAX_DEPTH = 40
"""Open brackets of any kind; parsers recurse on them."""
MAX_DIGITS = 400
"""Digits in a row."""
MAX_EXPONENT = 10**6
MAX_FACTORIAL = 10**4
"""Its argument, when that is a plain number."""

_ESCAPE = re.compile(r"\\.", re.DOTALL)
_RUN = re.compile(rf"\d{{{MAX_DIGITS + 1}}}")
_DUNDER = re.compile(r"__[A-Za-z]")
_POWER = re.compile(r"(?:\^|\*\*)[\s{(+-]*(\d+)\s*(?:(?:\^|\*\*)[\s{(+-]*(\d+)\s*(\^|\*\*)?)?")
"""An exponent, the exponent's exponent, and whether there is a third storey."""
_FACTORIAL = re.compile(r"(\d+)[\s})]*!")
_NESTED_FACTORIAL = re.compile(r"![\s})]+!")


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a text is not given to an algebra system, and how that counts."""

    outcome: Outcome
    reason: str


def objection(text: str) -> Objection | None:
    """Return the first limit that the text breaks."""
    if len(text) > MAX_CHARS:
        return Objection(Outcome.UNPARSED, f"{len(text)} characters; at most {MAX_CHARS} are read")
    depth = _depth(text)
    if depth is None:
        return Objection(Outcome.UNPARSED, "the braces do not balance")
    if depth > MAX_DEPTH:
        return Objection(Outcome.UNSAFE, f"brackets nested deeper than {MAX_DEPTH}")
    if _DUNDER.search(text):
        return Objection(Outcome.UNSAFE, "a double underscore: code, not mathematics")
    if _RUN.search(text):
        return Objection(Outcome.UNSAFE, f"a number of more than {MAX_DIGITS} digits")
    if any(_is_huge(*power.groups()) for power in _POWER.finditer(text)):
        return Objection(Outcome.UNSAFE, f"an exponent beyond {MAX_EXPONENT}")
    arguments = (int(match[1]) for match in _FACTORIAL.finditer(text))
    if _NESTED_FACTORIAL.search(text) or any(n > MAX_FACTORIAL for n in arguments):
        return Objection(Outcome.UNSAFE, f"a factorial beyond {MAX_FACTORIAL}!")
    return None


def _is_huge(base: str, exponent: str | None, more: str | None) -> bool:
    """Whether `base` to the `exponent` is beyond the limit, by logarithms; three storeys are."""
    height = min(int(exponent or 1), MAX_EXPONENT)  # any more is beyond, and no float either
    return more is not None or height * math.log(max(int(base), 1)) > math.log(MAX_EXPONENT)


def _depth(text: str) -> int | None:
    """The deepest nesting of brackets of any kind; none where a brace lacks its partner.

    Braces must balance since the text is put between those of a box: one that closes the box could
    open another, and a text with two boxes has two chances.
    """
    deepest = depth = braces = 0
    for character in _ESCAPE.sub("", text):
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
        braces += (character == "{") - (character == "}")
        if braces < 0:
            return None
    return deepest if braces == 0 else None
