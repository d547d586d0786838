"""A policy: an engine, a prompt template and sampling settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from bench.engines.base import Completion, Engine, Finish, Request
from bench.knobs import Count, Range
from bench.prompts import Template
from bench.prompts.tags import END_OF_STEP
from bench.types import Problem

Temperature = Annotated[
    float, Range(0, above=True, hint="--search greedy takes no samples", sane=100)
]
"""A sampling temperature."""
TokenLimit = Annotated[Count, Range(1, sane=100_000)]
"""Tokens of one completion at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSettings:
    """How a policy samples."""

    temperature: Temperature | None = None
    """Sampling temperature; none: the prompt template's own (trained 1.0, untrained 0.7)."""
    step_tokens: TokenLimit = 96
    """Token limit of one step."""
    solution_tokens: TokenLimit = 320
    """Token limit of a program that is asked for at once."""

    def temperature_for(self, template: Template) -> float:
        """Return the temperature at which a model that reads `template` samples."""
        return template.temperature if self.temperature is None else self.temperature


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """Proposes steps with a language model."""

    name: str
    engine: Engine
    template: Template
    settings: SamplingSettings = SamplingSettings()
    first: int = 0
    """Number of the first problem that asks; policies of one engine that are made one after the
    other count on."""
    _orders: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Problems by id, numbered as they first ask: older ones are served first, and end first."""

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
        """Return `n` continuations of `partial`. Raises EngineError."""
        stepwise = END_OF_STEP in stop
        request = Request(
            prompt=self.template.render(problem.question, partial),
            n=n,
            seed=seed,
            temperature=0.0 if greedy else self.settings.temperature_for(self.template),
            max_tokens=self.settings.step_tokens if stepwise else self.settings.solution_tokens,
            stop=self.template.list_stops(stop),
            logprobs=True,
            order=self._orders.setdefault(problem.id, self.first + len(self._orders)),
        )
        return [self._read(completion) for completion in await self.engine.generate(request)]

    def _read(self, completion: Completion) -> Completion:
        """Return a completion in the tags that the searches know."""
        stopped = completion.finish is Finish.STOP
        return replace(completion, text=self.template.read(completion.text, stopped=stopped))
