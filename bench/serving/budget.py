"""A policy that counts what one search has it generate, and refuses to go on beyond a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.engines.base import Completion, Policy
from bench.types import Problem


class SpentError(Exception):
    """A search has generated all that it may; what it found by then is in its trace."""


@dataclass(slots=True)
class Metered:
    """The policy of one search."""

    policy: Policy
    most: float
    """Generated tokens after which nothing more is asked for."""
    reserve: int
    """Tokens of one candidate at most: what is on its way counts as if it came to that."""
    generated: int = 0
    prompt: int = 0
    cached: int = 0
    """Of `prompt`, those that the engine had computed before."""
    _on_the_way: int = 0
    """Tokens that are reserved for requests under way."""
    _requests: int = 0
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.policy.name

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
        """Return what the policy proposes. Raises SpentError, EngineError."""
        if self.generated + self._on_the_way >= self.most:
            raise SpentError
        self._on_the_way += n * self.reserve
        self._requests += 1
        self._quiet.clear()
        try:
            found = await self.policy.propose(
                problem, partial, n=n, seed=seed, stop=stop, greedy=greedy
            )
        finally:
            self._on_the_way -= n * self.reserve
            self._requests -= 1
            if not self._requests:
                self._quiet.set()
        self.generated += sum(each.tokens for each in found)
        self.prompt += sum(each.prompt_tokens for each in found)
        self.cached += sum(each.cached_tokens for each in found)
        return found

    async def settle(self) -> None:
        """Wait for the requests under way, whose tokens count though the search has ended."""
        if self._requests:
            await self._quiet.wait()
