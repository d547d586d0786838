r"""Normal forms of an answer: one in which texts are compared, one over which votes are counted.

Each step rewrites spelling and never value, so equal forms are equal answers; unequal forms say
nothing. Votes are counted over values where those are rational: `1/2`, `2/4` and `0.5` are one. No
algebra beyond that: `\sqrt{4}` and `2` stay apart. Linear time; any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

_SPACING = re.compile(r"(?:\\[,;:> ]|~|\\quad|\\qquad|\\displaystyle(?![a-zA-Z])|\s)+")
_LOOSE_SPACE = re.compile(r"(?<![0-9A-Za-z]) +| +(?![0-9A-Za-z])")
_SIZES = re.compile(r"\\(?:left|right|big|Big|bigl|bigr)(?![a-zA-Z])\.?")
_FRACTIONS = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_BARE_FRACTION = re.compile(r"\\frac(\d)(\d)")
_WHOLE_FRACTION = re.compile(r"(-?)\\frac\{(\d+)\}\{(\d+)\}")
_WHOLE_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\{([^{}]*)\}")
_WHOLE_GROUP = re.compile(r"\{([^{}]*)\}")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"([-+]?)(\d*)\.(\d*)")


_RATIONAL = re.compile(
    r"(-?)(?:(\d{1,400})(?:\s+|(?=\\frac)))?(?:\\frac\{)?(\d{1,400})(?:/|\}\{)(\d{1,400})\}?"
)
_TERMINATING = re.compile(r"-?\d{1,400}\.\d{1,400}")


def canonicalize(answer: str) -> str:
    """Return the form over which votes are counted: a rational number in lowest terms."""
    form = normalize_spelling(answer)
    if _TERMINATING.fullmatch(form):
        return str(Fraction(form))
    match = _RATIONAL.fullmatch(form)
    if match is None or not int(match[4]):
        return form
    value = Fraction(int(match[3]), int(match[4]))
    if match[2] is not None:
        if not 0 < value < 1:
            return form  # no mixed number
        value += int(match[2])
    return str(-value if match[1] else value)


def normalize_spelling(answer: str) -> str:
    """Return the form in which spellings are compared; empty only for an answer without content."""
    for step in _STEPS:
        answer = step(answer)
    return answer


def _delimiters(text: str) -> str:
    text = text.strip()
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[2:-2]
    return text.replace(r"\$", "").strip("$ \t\n").removesuffix(".")


def _symbols(text: str) -> str:
    return text.replace("\u2212", "-").replace("\u00b0", r"^\circ").replace(r"^{\circ}", r"^\circ")


def _spaces(text: str) -> str:
    # Kept between letters and digits: `1 1/2` is not `11/2`, and `\sin x` needs it.
    text = _SPACING.sub(" ", text.replace(r"\!", "").replace("{,}", ","))
    return _LOOSE_SPACE.sub("", text).strip()


def _fractions(text: str) -> str:
    if "frac" not in text:
        return text
    text = _BARE_FRACTION.sub(r"\\frac{\1}{\2}", _FRACTIONS.sub(r"\\frac", text))
    return _WHOLE_FRACTION.sub(r"\1\2/\3", text) if _WHOLE_FRACTION.fullmatch(text) else text


def _wrappers(text: str) -> str:
    while whole := _WHOLE_TEXT.fullmatch(text) or _WHOLE_GROUP.fullmatch(text):
        text = whole[1].strip()
    return text


def _number(text: str) -> str:
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    decimal = _DECIMAL.fullmatch(text)
    if decimal and (decimal[2] or decimal[3]):
        sign, whole, places = decimal.groups()
        text = f"{sign}{whole or '0'}.{places}".rstrip("0").removesuffix(".")
    return text.removeprefix("+")


_STEPS: tuple[Callable[[str], str], ...] = (
    _delimiters,
    _symbols,
    lambda text: _SIZES.sub("", text) if "\\" in text else text,
    _spaces,
    _fractions,
    _wrappers,
    _number,
)
