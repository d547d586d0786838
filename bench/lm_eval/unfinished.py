"""What a search without an answer gives to lm-eval: an empty text that says why it is empty.

lm-eval hands on strings, and a string cannot say that an engine failed. This one can: the metrics
of our tasks count it for what it is, and other tasks see no text at all, which nothing accepts by
chance.
"""

from __future__ import annotations

from typing import Self

from bench.types import Outcome


class Unfinished(str):
    """The empty text, with the outcome of the search that gave it and the reason in words."""

    outcome: Outcome
    reason: str

    def __new__(cls, outcome: Outcome, reason: str) -> Self:
        """Return an empty text."""
        text = super().__new__(cls, "")
        text.outcome, text.reason = outcome, reason
        return text

    def __getnewargs__(self) -> tuple[Outcome, str]:  # type: ignore[override]
        """Return what a copy is made of: lm-eval's cache pickles its texts."""
        return self.outcome, self.reason
