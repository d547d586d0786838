r"""Gives characters that look or mean the same one spelling, before a text is cut into tokens.

Unicode signs become commands, circled numbers and named sets what they stand for; `45th` loses its
ending and `per cent` its space. Nothing here depends on where in an answer a sign stands. Linear.
"""

from __future__ import annotations

import re
import unicodedata

from bench.answers.grammar.commands import is_command
from bench.answers.grammar.numerals import PERIOD

_SIGNS = {
    "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2010": "-", "\u2011": "-",
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*",
    "÷": r"\div ", "∕": "/", "⁄": "/", "°": r"^\circ ", "º": r"^\circ ", "∞": r"\infty ",
    "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≦": r"\le ", "≧": r"\ge ",
    "≠": r"\ne ", "≈": r"\approx ", "≡": r"\equiv ", "±": r"\pm ", "∓": r"\mp ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∉": r"\notin ", "∅": r"\emptyset ",
    "√": r"\sqrt ", "∛": r"\sqrt[3] ", "∜": r"\sqrt[4] ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "′": "'", "″": "''", "’": "'",
    "“": '"', "”": '"', "‖": "|", "∣": "|", "⟨": r"\langle ", "⟩": r"\rangle ", "…": r"\ldots ",
    "∧": r"\land ", "∨": r"\lor ", "→": r"\to ", "∠": r"\angle ", "△": r"\triangle ",
    "％": "%", "¬": r"\neg ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∶": ":", "：": ":",
    "⇒": r"\implies ", "∴": "", "Ω": r"\Omega ", "₹": r"\text{ rupee }",
    "¥": r"\text{ yuan }", "￥": r"\text{ yuan }", "€": r"\text{ euro }", "£": r"\text{ gbp }",
    "、": ",", "。": ".", "；": ";",
    "∖": r"\setminus ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    **{s: f"^{{{d}}}" for d, s in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{s: f"_{{{d}}}" for d, s in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "ⁿ": "^{n}", "⁻": "^-",
    **{
        fraction: rf"\frac{{{top}}}{{{bottom}}}"
        for fraction, top, bottom in (
            ("½", 1, 2), ("⅓", 1, 3), ("⅔", 2, 3), ("¼", 1, 4), ("¾", 3, 4), ("⅕", 1, 5),
            ("⅖", 2, 5), ("⅗", 3, 5), ("⅘", 4, 5), ("⅙", 1, 6), ("⅚", 5, 6), ("⅛", 1, 8),
            ("⅜", 3, 8), ("⅝", 5, 8), ("⅞", 7, 8),
        )
    },
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma_ sigma tau upsilon phi chi psi omega"
).split()
_SIGNS |= {chr(0x3B1 + k): rf"\{name.strip('_')} " for k, name in enumerate(_GREEK)}
_SIGNS |= {
    chr(0x391 + k): rf"\{name.capitalize()} " for k, name in enumerate(_GREEK) if name != "sigma_"
}
_TRANSLATION = str.maketrans(_SIGNS)
_CIRCLED = re.compile("[\u2460-\u2473]+")
"""Numbers of statements, as in ②③; each is one item."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")

_CIRCLES = re.compile(r"(?:\\textcircled\s*\{?[^{}]{0,20}\d+[\s}]*)+")
_PRIMES = re.compile(r"\^\s*(?:\{\s*(?:\\prime\s*)+\}|\\prime)")
_ORDINAL = re.compile(
    r"(?<=\d)(?:\^?\{?\\(?:text|mathrm)\{\s*(?:st|nd|rd|th)\}\}?|(?:st|nd|rd|th)\b)"
)
_ORDINALS = ("st", "nd", "rd", "th")
_LINES = re.compile(r"\$\s*\n\s*\$")
"""Formulas on lines of their own are items of a list."""
_PER_CENT = re.compile(r"per\s+cent\b")
_NAMED_SETS = (
    (re.compile(r"\\mathbb\s*\{?R\}?\s*(?:\^|_)\s*\{?(?:\+|>\s*0)\}?"), r"(0,\\infty)"),
    (re.compile(r"\\mathbb\s*\{?R\}?\s*(?:\^|_)\s*\{?(?:-|<\s*0)\}?"), r"(-\\infty,0)"),
    (re.compile(r"\\mathbb\s*\{?R\}?\s*_\s*\{\s*(?:\\geq?|>=)\s*0\}"), r"[0,\\infty)"),
)
_BASIS = re.compile(
    r"\\(?:mathbf|hat|vec|boldsymbol|bm)\s*\{\s*(?:\\(?:mathbf|boldsymbol|bm)\s*\{\s*)?"
    r"\\?([ijk])(?:math)?\s*\}(?:\s*\}(?<=\}\}))?"
)
"""The unit vectors, which are not the imaginary unit."""
_INTEGER_SETS = re.compile(
    r"\\mathbb\s?\{?\s?[NZ]\s?\}?\s?[\^_]\s?(?:\{\s?(?:\+|\*|\\ast|>\s?0|\\geq?(?:slant)?\s?[01])\s?\}|\+|\*)"
)
"""The whole numbers from 0 or 1 on: what `n` may be, under any of its names."""
_DEGREES_OF_HEAT = re.compile(
    r"\^\s?\{?\s?\\circ\s?\}?\s?(?:\\(?:text|mathrm|textrm|rm)\s?\{?\s?)?([CF])(?![A-Za-z(])\s?\}?"
)
_DEGREE_O = re.compile(r"(?<=\d)\s*\^\s*(?:o(?![A-Za-z])|\{\s*o\s*\})")
"""A small `o` for the sign of degrees."""
_TIMES_X = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*(?:\^|\*\*))")
"""`6.02 x 10^23`: no unknown stands between a number and a power of ten."""
_MAPPING = re.compile(r"(?:([A-Za-z])\s*(?::|\\colon\b)\s*)?([A-Za-z])\s*\\mapsto(?![a-zA-Z])")
"""`f: x \\mapsto x^2` for `f(x) = x^2`."""
_DOLLARS = re.compile(r"\s*-?\s*\$\s*\d[^$]*")
"""A sign that closes no formula: it is money."""
_CHOOSE = re.compile(r"(?<![\w\\{])(\d+|[a-z])\s+choose\s+(\d+|[a-z])(?!\w)")
_SWISS = re.compile(r"(?<![\d'])\d{1,3}(?:'\d{3})+(?!['\d])")
_PERIOD_IN_BRACKETS = re.compile(r"([\s$]*[-+]?\d+\.\d*)\((\d{1,12})\)([\s$.]*)")
"""`0.1(6)`, which is a number where it is all of the answer."""
_GOES_ON = re.compile(r"(\.\d{3,60})\s?\.\.\.")
_INFINITY = re.compile(r"\b(?:(negative|minus)|positive|plus)\s+infinity\b", re.IGNORECASE)
_CHOSEN = re.compile(r"(?:\{\s*\})?[_^]\s*\{?(\d+|[a-z])\}?\s*C\s*_\s*\{?(\d+|[a-z])\}?(?!\w)")
"""`{}_nC_k` and `{}^nC_k` before they are taken for indices."""
_HALF_DAY = re.compile(r"\b([apAP])\.\s?[mM]\.")
_GLUED_JOINT = re.compile(r"(?<=[\d)}])(or|and)(?=\\?[A-Za-z]\w?\s*[=(<>\\])")
"""`x=0orx=1`: texts exist that lost their spaces."""
_DOUBLED = re.compile(r"\\\\(?=([A-Za-z]+))")
_BACKSLASHES = re.compile(r"\\+")
_LOST = re.compile(
    r"\t(?=extcirc|imes|heta|frac\b|riangle|ilde)|\f(?=rac\b|orall)|\x08(?=oxed|eta\b|egin|inom|ar\b)"
    r"|\r(?=ight|ho\b|angle|ceil|floor)|\v(?=ec\b|ert|arphi|arepsilon)"
)
"""Control characters that were a backslash and a letter: `\\theta` in a string that was not raw."""
_LETTERS = {"\t": r"\t", "\f": r"\f", "\b": r"\b", "\r": r"\r", "\v": r"\v"}


def restore_backslashes(text: str) -> str:
    r"""Return the text with the backslashes that a string lost with the letter behind them.

    In a string that is not raw, `\theta` begins with a tab, and `\frac` with a form feed.
    """
    return _LOST.sub(lambda m: _LETTERS[m[0]], text)


def repair_escapes(text: str) -> str:
    r"""Return the text with its backslashes as LaTeX has them: none lost, none doubled.

    The `\\` that ends a row stays.
    """
    text = restore_backslashes(text)
    if r"\\" not in text:
        return text
    known = [is_command(name) for name in _DOUBLED.findall(text)]
    if not any(known):
        return text
    if all(len(run) % 2 == 0 for run in _BACKSLASHES.findall(text)):
        return text.replace(r"\\", "\\")
    if r"\begin" in text:
        return text
    return _DOUBLED.sub(lambda m: "\\" if is_command(m[1]) else m[0], text)


def clean(text: str) -> str:
    """Return the text with one spelling for characters that look or mean the same.

    Most texts have few of the signs; a pattern is tried where a sign that it needs is there.
    """
    text = repair_escapes(text)
    if not text.isascii():
        text = _CIRCLED.sub(lambda m: ",".join(str(ord(c) - 0x245F) for c in m[0]), text)
        text = _INVISIBLE.sub("", text).translate(_TRANSLATION)
        text = unicodedata.normalize("NFKC", text)
    if "textcircled" in text:
        text = _CIRCLES.sub(lambda m: ",".join(re.findall(r"\d+", m[0])), text)
    if "prime" in text:
        text = _PRIMES.sub(lambda m: "'" * m[0].count("prime"), text)
    if "m." in text or "M." in text:
        text = _HALF_DAY.sub(r"\1m", text)
    if "10" in text:
        text = _TIMES_X.sub(r"\\times ", text)
    if "$" in text and r"\$" not in text and _DOLLARS.fullmatch(text):
        text = text.replace("$", r"\$")
    if "choose" in text:
        text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    if "mapsto" in text:
        text = _MAPPING.sub(lambda m: f"{m[1] or 'f'}({m[2]})=", text)
    if "'" in text:
        text = _SWISS.sub(lambda m: m[0].replace("'", ""), text)
    if "^" in text:
        text = _DEGREES_OF_HEAT.sub(lambda m: rf"\text{{ {_SCALES[m[1]]}}}", text)
        text = _DEGREE_O.sub(r"^\\circ ", text)
    if ")" in text and "." in text:
        if period := _PERIOD_IN_BRACKETS.fullmatch(text):
            text = rf"{period[1]}\overline{{{period[2]}}}{period[3]}"
    if "..." in text:
        text = _GOES_ON.sub(_going_on, text)
    if "infinity" in text.lower():
        text = _INFINITY.sub(lambda m: r"-\infty " if m[1] else r"\infty ", text)
    if "C" in text:
        text = _CHOSEN.sub(r"\\binom{\1}{\2}", text)
    if "{" in text and ("R" in text or "mathbb" in text or "," in text):
        text = _DIFFERENCE.sub(_difference, text)
    if "[" in text or "]" in text:
        text = _open_intervals(text)
    if "mathbb" in text:
        text = _INTEGER_SETS.sub(r"\\mathbb{N}", text)
        for pattern, spelling in _NAMED_SETS:
            text = pattern.sub(spelling, text)
    if "\n" in text:
        text = _LINES.sub("$;$", text)
    if "per" in text:
        text = _PER_CENT.sub("percent", text)
    if "\\" in text:
        text = _BASIS.sub(r"\\mathbb{\1}", text)
    if any(ending in text for ending in _ORDINALS):
        text = _ORDINAL.sub("", text)
    if "or" in text or "and" in text:
        text = _GLUED_JOINT.sub(r" \1 ", text)
    return text


_DIFFERENCE = re.compile(
    r"((?<![A-Za-z\\])R|\\mathbb\s*\{?\s*[RZNQC]\s*\}?|[(\[][^()\[\]]*,[^()\[\]]*[)\]])\s*"
    r"(?:\\(?=\s*\\?\{)|-(?=\s*\\?\{[^{}]*\}[\s$.]*$))\s*"
)
"""What of a set of numbers is left without others, written with a stroke or a minus sign."""
_SCALES = {"C": "celsius", "F": "fahrenheit"}
_BRACKET = re.compile(r"[\[\]]")
_TURNED = re.compile(r"([\[\]])([^\[\](){}]*(?:\{[^\[\](){}]*\}[^\[\](){}]*)*)([\[\]])")


def _open_intervals(text: str) -> str:
    """`]1, 2[` as `(1, 2)`: brackets turned outwards, where they would not pair otherwise."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket == "[" else -1
        if depth < 0:
            break
    if depth == 0:
        return text
    return _TURNED.sub(_turned, text)


def _turned(match: re.Match[str]) -> str:
    first, inside, last = match.groups()
    if len(re.findall(r"[,;]", inside)) != 1:
        return match[0]
    return ("[" if first == "[" else "(") + inside + ("]" if last == "]" else ")")


def _difference(match: re.Match[str]) -> str:
    return (r"\mathbb{R}" if match[1] == "R" else match[1]) + r"\setminus "


def _going_on(match: re.Match[str]) -> str:
    """`0.333...`, where the digits show a period; three dots after others end a sentence."""
    return match[1] + r"\ldots " if PERIOD.search(match[1]) else match[0]
