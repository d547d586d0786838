"""A policy: an engine, a prompt template and sampling settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.engines.base import Completion, Engine, Finish, Request
from bench.prompts import Template
from bench.prompts.tags import END_OF_STEP
from bench.types import Problem


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How a policy samples."""

    temperature: float = 1.0
    """Official setting: 0.7 for the bootstrap policy, 1.0 for trained ones."""
    step_tokens: int = 96
    """Token limit of one step."""
    solution_tokens: int = 320
    """Token limit where a whole program is asked for at once."""


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """Proposes steps with a language model."""

    name: str
    engine: Engine
    template: Template
    settings: SamplingSettings = SamplingSettings()

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
            temperature=0.0 if greedy else self.settings.temperature,
            max_tokens=self.settings.step_tokens if stepwise else self.settings.solution_tokens,
            stop=(*stop, *self.template.aliases),
        )
        return [self._normalised(c) for c in await self.engine.generate(request)]

    def _normalised(self, completion: Completion) -> Completion:
        """Replace an alias that ended the text by the tag it stands for."""
        for alias, tag in self.template.aliases.items():
            if completion.finish is Finish.STOP and completion.text.endswith(alias):
                return replace(completion, text=completion.text.removesuffix(alias) + tag)
        return completion
