"""The marks by which an answer is recognised, and what comes of looking for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """The mark by which an answer was recognised, best first."""

    BOX = "box"
    BARE_BOX = "box without braces"
    WHOLE = "whole text"
    TAG = "tag"
    HASHES = "####"
    WORDS = "answer is"
    OUTPUT = "output of code"
    FORMULA = "last formula"
    BOLD = "bold type"
    LINE = "last line"
    NUMBER = "last number"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Extracted:
    """The final answer of a text, if it has one."""

    answer: str | None
    """Never empty and never padded; `None` when nothing was found."""
    where: Where
    reason: str
    """Why nothing was found, or what is odd about what was; otherwise empty."""
