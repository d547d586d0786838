r"""Takes away what a page or a chat puts around mathematics and what says nothing of its own.

Bold type of Markdown, colours, the environments of displayed formulas with their alignment marks,
an arrow or "therefore" in front. A line of a derivation that begins with a relation goes on with
the line before it, as in `x &= 3 + 4 \\ &= 7`. Linear.
"""

from __future__ import annotations

import re

_EMPHASIS = re.compile(r"\s*(\*\*|__|\*|`)(?!\s)([^*_`]+)(?<!\s)\1[.,;:]?\s*")
_BOLD = re.compile(r"(?<![\w)\]}])\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?![\w(\[{\\])")
"""Bold type within a text; `2**3` is a power."""
_COLOUR = re.compile(r"\\(?:text)?color\s*(?:\[[a-zA-Z]+\]\s*)?\{\s*[#\w!]+\s*\}")
_LEADING = re.compile(
    r"[\s$]*(?:->|=>|\u2192|\u21d2|\u27f9|\u2234|\\(?:[lL]ong)?[rR]ightarrow(?![a-zA-Z])"
    r"|\\(?:implies|therefore|to)(?![a-zA-Z]))\s*"
)
_ENVIRONMENT = re.compile(
    r"\\(?:begin|end)\s*\{(?:align(?:ed|at)?|equation|gather(?:ed)?|split|multline|displaymath"
    r"|flalign|eqnarray)\*?\}"
)
_ALIGNMENT = re.compile(r"(?<!\\)&")
_CONTINUED = re.compile(r"\\\\(?=[&\s]*(?:[=<>]|\\(?:leq?|geq?|approx|equiv)(?![a-zA-Z])))")


def remove_markup(text: str) -> str:
    """Return the text without markup around it or in it."""
    marked = "*" in text or "_" in text or "`" in text
    if marked and (whole := _EMPHASIS.fullmatch(text)):
        text = whole[2]
    elif "**" in text:
        text = _BOLD.sub(r"\1", text)
    if "color" in text:
        text = _COLOUR.sub(" ", text)
    if r"\begin" in text and _ENVIRONMENT.search(text):
        text = _CONTINUED.sub(" ", _ENVIRONMENT.sub(" ", text))
        if r"\begin" not in text:
            text = _ALIGNMENT.sub(" ", text)
    if leading := _LEADING.match(text):
        text = text[leading.end() :]
    return text
