"""What a verifier finds out about an answer."""

from __future__ import annotations

from dataclasses import dataclass

from bench.types import Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """Right, wrong or unreadable, and why in words."""

    outcome: Outcome
    reason: str

    @classmethod
    def right(cls, reason: str) -> Judgement:
        """Accept the answer."""
        return cls(Outcome.CORRECT, reason)

    @classmethod
    def wrong(cls, reason: str) -> Judgement:
        """Reject an answer that could be read."""
        return cls(Outcome.WRONG, reason)

    @classmethod
    def unreadable(cls, reason: str) -> Judgement:
        """Say that the answer could not be read."""
        return cls(Outcome.UNPARSED, reason)
