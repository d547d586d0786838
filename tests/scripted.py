"""Scripted policy and scorer: search logic is tested on them, and on nothing else.

They implement the same protocols as the real ones; what they propose is a function of the partial
solution, so a search over them is deterministic whatever runs beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bench.engines.base import Completion, Finish, PathScores
from bench.prompts import StepKind, kind_of
from bench.types import Problem

Script = Mapping[str, Sequence[str]]


def problem(answer: str = "3", name: str = "p1") -> Problem:
    return Problem(id=name, question="What is 1 + 2?", answer=answer, benchmark="scripted")


class ScriptedPolicy:
    """Proposes what the script lists for a partial solution, cut or cycled to n.

    A text that ends with no tag was cut by the token limit. Greedily, it may follow another script.
    How probable a text is, it tells where it is told.
    """

    name = "scripted"

    def __init__(
        self,
        script: Script | Callable[[str, int], str],
        greedy: Callable[[str, int], str] | None = None,
        probability: Callable[[str], float] | None = None,
    ) -> None:
        self._script = script
        self._probability = probability
        self._greedily = greedy or script
        self.greedy: list[bool] = []
        self.seeds: list[int] = []
        self.partials: list[str] = []

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
        self.seeds.append(seed)
        self.partials.append(partial)
        self.greedy.append(greedy)
        script = self._greedily if greedy else self._script
        if callable(script):
            texts = [script(partial, index) for index in range(n)]
        else:
            options = script[partial]
            texts = [options[index % len(options)] for index in range(n)]
        return [
            Completion(
                text,
                Finish.LENGTH if kind_of(text) is StepKind.CUT else Finish.STOP,
                tokens=len(text),
                prompt_tokens=10 if index == 0 else 0,
                logprob=self._probability and math.log(self._probability(text)) / len(text),
            )
            for index, text in enumerate(texts)
        ]


class ScriptedScorer:
    """Gives every step the value that the first matching fragment of its text is listed with."""

    name = "scripted"
    aggregate = "last"

    def __init__(self, values: Mapping[str, float], default: float = 0.0) -> None:
        self._values, self._default = values, default

    def _value(self, text: str) -> float:
        return next((v for part, v in self._values.items() if part in text), self._default)

    def scoring(self, problem: Problem) -> ScriptedScorer:
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        steps = sum(map(len, paths))
        return PathScores([[self._value(step) for step in path] for path in paths], tokens=steps)

    def close(self) -> None:
        pass
