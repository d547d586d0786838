"""What one comparer says of two answers, and what it is asked with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bench.answers.conventions import Conventions
from bench.answers.expressions import Answer


@dataclass(frozen=True, slots=True)
class Finding:
    """Equal, different, or (None) of this comparer's kind and still not decided."""

    equal: bool | None
    comparer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The conventions in force, and the way to have parts of an answer compared."""

    conventions: Conventions
    ask: Callable[[Answer, Answer, Asked], Finding]
    positive: frozenset[str] = frozenset()
    """Letters that the answers say to be positive."""

    def assuming(self, positive: Iterable[str]) -> Asked:
        """Return the same where these letters are positive, too."""
        return replace(self, positive=self.positive | frozenset(positive))

    def compare(self, gold: Answer, prediction: Answer) -> Finding:
        """Return what the comparers say of two parts."""
        return self.ask(gold, prediction, self)

    def same(self, gold: Answer, prediction: Answer) -> bool | None:
        """Whether two parts are equal."""
        return self.compare(gold, prediction).equal


Comparer = Callable[[Answer, Answer, Asked], Finding | None]
"""None where the two answers are not of its kind."""


def all_of(findings: list[bool | None]) -> bool | None:
    """Return True if all are, False if any is not, None in between."""
    if any(finding is False for finding in findings):
        return False
    return None if any(finding is None for finding in findings) else True


def verdict(same: bool | None, comparer: str, what: str) -> Finding:
    """Return a finding that says of what kind the two were: the same values, different ones."""
    return Finding(same, comparer, f"the same {what}" if same else f"different {what}")
