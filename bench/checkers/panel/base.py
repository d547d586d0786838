"""What a member of the panel is: a named, versioned rule that says whether two answers are equal.

Members differ in how they decide, never in what they return. A prediction may be a whole response:
a member that expects a bare answer is given what `bare` finds in it, the same for all of them, so
that a flip between two members is a difference of their rules and not of where they looked.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from bench.answers.responses.extraction import final_answer
from bench.types import Verdict

_DELIMITERS = (("$$", "$$"), (r"\(", r"\)"), (r"\[", r"\]"), ("$", "$"))


class Checker(Protocol):
    """One member, ready to be asked; ask it from one thread at a time."""

    name: str
    """What `--checker` calls it."""
    version: str
    """Version of whatever decides, e.g. `math-verify 0.9.0`; stored with every verdict."""
    about: str
    """One sentence: the rule, and what of its namesake is missing."""

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Judge one prediction. Whatever the rule does (raise, hang, die) is a verdict."""
        ...

    def warm(self) -> None:
        """Start what the first question would start, so that its seconds are its own."""
        ...

    def close(self) -> None:
        """End the member's processes. Calling it again does nothing."""
        ...


class Ruling(NamedTuple):
    """What a rule says; `equal` is None where it could not read one of the sides."""

    equal: bool | None
    reason: str


def bare(text: str) -> str:
    """Return the final answer of a response, or the text itself without its math delimiters."""
    answer = final_answer(text).answer
    found = (text if answer is None else answer).strip()
    for opening, closing in _DELIMITERS:
        inner = found[len(opening) : -len(closing)]
        whole = found.startswith(opening) and found.endswith(closing) and len(found) > len(opening)
        if whole and opening not in inner:
            return inner.strip()
    return found
