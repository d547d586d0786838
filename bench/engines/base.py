"""What a search asks of models: a `Policy` proposes steps, a `StepScorer` scores them.

Both are awaited by hundreds of searches at once; batching is the business of whoever implements
them. Every proposal carries its own seed, so that what a search sees does not depend on what else
runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from bench.types import Problem

STOP_WINDOW = 16
"""Tokens at the end that are decoded to look for a stop string; no tag is longer."""


Precision = Literal["f32", "bf16", "int8"]
"""What products are computed in. For int8, weights are rounded to 8 bits, a scale for each output,
and so is what they are multiplied with, in groups."""


class Finish(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    """A stop string or the end-of-sequence token."""
    LENGTH = "length"
    """The token limit; the text is cut."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled continuation."""

    text: str
    """Without the prompt; ends with the stop string when one was hit."""
    finish: Finish
    tokens: int
    """Generated tokens."""
    prompt_tokens: int = 0
    """Prompt tokens of the request; counted once per request, on its first completion."""
    cached_tokens: int = 0
    """Those of `prompt_tokens` that the engine did not compute anew, where it tells."""
    logprob: float | None = None
    """Mean log-probability of the generated tokens under the model itself, at temperature 1; None
    unless the request asked for it."""

    @property
    def total_logprob(self) -> float | None:
        """Log-probability of the whole text, in nats, where it is known."""
        return None if self.logprob is None else self.logprob * self.tokens


@dataclass(frozen=True, slots=True)
class Request:
    """What an engine is asked for: `n` continuations of one prompt, from one seed."""

    prompt: str
    n: int
    seed: int
    temperature: float
    """0 means greedy."""
    max_tokens: int
    stop: tuple[str, ...]
    logprobs: bool = False
    """Whether completions are to carry their mean log-probability; changes no text."""
    order: int = 0
    """Requests of a lower order are served first, where the engine has a line; changes no text."""

    def find_end(self, text: str) -> int | None:
        """Return where the stop string that ends first in a text ends; None: there is none."""
        ends = [text.index(stop) + len(stop) for stop in self.stop if stop in text]
        return min(ends, default=None)


class Engine(Protocol):
    """Generates text from prompts."""

    @property
    def name(self) -> str:
        """What the engine runs."""
        ...

    @property
    def determinism(self) -> str:
        """What a request's seed guarantees, in words, for the run's record."""
        ...

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in an order fixed by the seed. Raises EngineError."""
        ...


class RunningEngine(Engine, Protocol):
    """An engine that was loaded for a run."""

    async def verify_determinism(self) -> None:
        """Try whether texts depend on their company, and let `determinism` say what came of it."""
        ...

    def close(self) -> None:
        """Give back what the engine holds; requests in flight end with an EngineError."""
        ...


class Policy(Protocol):
    """Proposes the next step of a partial solution."""

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        ...

    async def propose(
        self,
        problem: Problem,
        partial: str,
        *,
        n: int,
        seed: int,
        stop: Sequence[str],
        greedy: bool = False,
    ) -> list[Completion]:
        """Return `n` continuations of `partial` (the solution text so far). Raises EngineError."""
        ...


@dataclass(frozen=True, slots=True)
class PathScores:
    """Values in [-1, 1] for every step of every trajectory asked for, and what they cost."""

    values: list[list[float]]
    tokens: int
    """Tokens that went through the model; one that was computed before does not count."""
    by_path: tuple[int, ...] = ()
    """Tokens computed for each path, in the order given; empty if only the total is known. The
    first k entries sum to the cost of scoring those k paths alone."""


class Scoring(Protocol):
    """The scoring of one search, which may keep what it has computed until it is closed."""

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        """Score every step of each path that continues `partial`. Raises EngineError.

        The siblings of an expansion are paths of one step.
        """
        ...

    def close(self) -> None:
        """Give back what is kept."""
        ...


class StepScorer(Protocol):
    """A process preference model: the value of a partial solution that ends with a given step."""

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        ...

    @property
    def aggregate(self) -> str:
        """How the scores of a path become the number that its training was measured by."""
        ...

    def scoring(self, problem: Problem) -> Scoring:
        """Begin the scoring of one search on a problem."""
        ...


class RunningScorer(StepScorer, Protocol):
    """A scorer that was loaded for a run."""

    aggregate: str
    """How the scores of a path become one number; whoever loads it may know better than it."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What computes its scores, and in what, for the run's record."""
        ...

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of paths that continue `partial`, waiting for them.

        Raises EngineError.
        """
        ...

    def close(self) -> None:
        """Give back what the scorer holds; what is being scored ends with an EngineError."""
        ...


@dataclass(frozen=True, slots=True)
class Aggregating:
    """A scorer whose scores of a path are to become one number in another way than its own."""

    scorer: StepScorer
    aggregate: str

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.scorer.name

    def scoring(self, problem: Problem) -> Scoring:
        """Begin the scoring of one search on a problem."""
        return self.scorer.scoring(problem)


def derive_seed(*parts: object) -> int:
    """Return a 32-bit seed from, e.g., (run seed, problem id, tree path); equal on any machine."""
    text = "\x1f".join(str(p) for p in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
