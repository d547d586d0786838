"""The marks by which an answer is recognised, and what comes of looking for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """The mark by which an answer was recognised; an earlier one is believed before a later one.

    A mark comes before another if fewer texts have it by accident. What a prompt asks for (a box)
    is on purpose; a tag and "the answer is" are nearly so; `####` is also a heading of Markdown; a
    key of JSON may be one of several; what a program printed may be a step on the way; what stands
    apart at the end, and a last sentence that says what something is, are habits of writers.
    """

    BOX = "box"
    BARE_BOX = "box without braces"
    WHOLE = "whole text"
    TAG = "tag"
    WORDS = "answer is"
    HASHES = "####"
    KEY = "JSON key"
    OUTPUT = "output of code"
    SET_OFF = "set off at the end"
    BOLD = "bold type"
    SENTENCE = "closing sentence"
    FORMULA = "last formula"
    """A guess: no sentence says that this is the answer."""
    NUMBER = "last number"
    """A guess, like the last formula."""
    NOWHERE = "nowhere"


_GUESSES = frozenset((Where.FORMULA, Where.NUMBER))


@dataclass(frozen=True, slots=True)
class Extracted:
    """The final answer of a text, if it has one."""

    answer: str | None
    """Never empty and never padded; `None` when nothing was found."""
    where: Where
    reason: str
    """Why nothing was found, or what is odd about what was; otherwise empty."""

    @property
    def is_guess(self) -> bool:
        """Whether the text states no answer, and this one is only likely."""
        return self.where in _GUESSES
