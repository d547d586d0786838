"""What every generator yields."""

from __future__ import annotations

from dataclasses import dataclass

from bench.types import Verifier


@dataclass(frozen=True, slots=True)
class Generated:
    """One problem, before it has a name."""

    question: str
    answer: str
    """The one right answer; empty where a verifier decides."""
    key: str = ""
    """What makes it the same problem as another, where that is not the question's text."""
    verifier: Verifier | None = None

    @property
    def same_as(self) -> str:
        """What is kept out of the other split."""
        return self.key or self.question
