"""Finds the final answer in what a model wrote, says where, or why there is none.

A box wins over words, and the last one over earlier ones. The text is read once, in time linear in
its length, since a model may write anything. What stands in the box is returned as it is: reading
it is the checker's business. Words are a guess, and a poor one in a text that holds code: who knows
that the answer must be boxed looks at `where`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
"""What matters for balance. `\\{` is a printed brace, so every escape is one token."""
_BARE_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]+([^\s{}$\\]+)")
_WORDS = re.compile(r"answer(?:\s+is\b|\s*:)[ \t:*]*([^\n]*)", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_TAG = re.compile(r"<\|?/?[a-z_]+\|?>")
_DELIMITED = re.compile(r"\$+([^$]+)\$|\\\((.+?)\\\)")
_SENTENCE = re.compile(r"\.(?:\s|$)")


class Where(StrEnum):
    """The mark by which an answer was recognised, best first."""

    BOX = "box"
    BARE_BOX = "box without braces"
    HASHES = "####"
    WORDS = "answer is"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Extraction:
    """The final answer of a text, if it has one."""

    answer: str | None
    """Never empty and never padded; `None` when nothing was found."""
    where: Where
    reason: str
    """Why nothing was found, or what is odd about what was; otherwise empty."""


def final_answer(text: str) -> Extraction:
    """Return the content of the last balanced box, else what follows the last `answer is`."""
    box, unclosed = _last_box(text)
    if box is not None:
        if not box.strip():
            return Extraction(None, Where.NOWHERE, "the last box is empty")
        note = "a later box is not closed" if unclosed else ""
        return Extraction(box.strip(), Where.BOX, note)
    for where, pattern in (
        (Where.BARE_BOX, _BARE_BOX),
        (Where.HASHES, _HASHES),
        (Where.WORDS, _WORDS),
    ):
        for match in reversed(list(pattern.finditer(text))):
            if answer := _phrase(match[1]):
                return Extraction(answer, where, "there is no box")
    reason = "no box, and no 'answer is'" if text.strip() else "no text"
    if unclosed:
        reason = "the box is not closed: the text may be truncated"
    return Extraction(None, Where.NOWHERE, reason)


def _last_box(text: str) -> tuple[str | None, bool]:
    """The balanced box that starts last, and whether one after it stays open."""
    open_braces: list[tuple[int, bool]] = []
    start, end = -1, -1
    for token in _TOKEN.finditer(text):
        if token[0] == "}":
            if open_braces:
                opened, is_box = open_braces.pop()
                if is_box and opened > start:
                    start, end = opened, token.start()
        elif token[0].endswith("{") and token[0] != r"\{":
            open_braces.append((token.end(), token[0] != "{"))
    unclosed = any(is_box and opened > start for opened, is_box in open_braces)
    return (text[start:end] if start >= 0 else None), unclosed


def _phrase(rest: str) -> str:
    """The answer at the start of the rest of a line."""
    rest = _TAG.split(rest, maxsplit=1)[0].strip(" \t*")
    if delimited := _DELIMITED.match(rest):
        return (delimited[1] or delimited[2]).strip()
    return _SENTENCE.split(rest, maxsplit=1)[0].strip(" \t*$")
