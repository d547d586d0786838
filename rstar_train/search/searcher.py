"""Who searches in a round, as a recipe names it, and how it is started.

A demonstrator needs the sandbox alone; a policy an engine, and perhaps a PPM to begin Q with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint
from bench.engines.base import Policy, StepScorer
from bench.evaluation.harness import Harness
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox
from rstar_train.demonstrators.base import DEMONSTRATORS, Demonstrator, open_demonstrator
from rstar_train.recipes.settings import SearchSettings


@dataclass(frozen=True, slots=True)
class Searcher:
    """Who searches in a round: a demonstrator or a policy, and perhaps a PPM."""

    demonstrator: Demonstrator | None = None
    policy: Checkpoint | None = None
    ppm: Checkpoint | None = None

    @property
    def about(self) -> dict[str, str | Mapping[str, str]]:
        """What decides the trees, for manifests and run headers."""
        if self.demonstrator is not None:
            return {"demonstrator": self.demonstrator.name}
        models = {"policy": self.policy, "ppm": self.ppm}
        return {
            role: {"name": model.name, "digest": model.digest}
            for role, model in models.items()
            if model is not None
        }


def find_searcher(
    settings: SearchSettings, base: Checkpoint, policy: Checkpoint, ppm: Checkpoint | None
) -> Searcher:
    """Return the searcher that a round's settings ask for.

    `policy` and `ppm` are the round before's. Raises UnknownNameError, CheckpointError for a
    searcher that is not there.
    """
    if settings.policy in DEMONSTRATORS:
        return Searcher(open_demonstrator(settings.policy, settings.mistake_rate))
    named = {"previous": policy, "base": base}
    chosen = named.get(settings.policy) or find_checkpoint(settings.policy, "policy")
    return Searcher(policy=chosen, ppm=ppm if settings.annotation == "ppm" else None)


@dataclass(frozen=True, slots=True)
class SearchParts:
    """What a search of the pool is given, running."""

    policy: Policy
    sandbox: Sandbox
    scorer: StepScorer | None = None


@asynccontextmanager
async def start_searcher(
    searcher: Searcher, settings: SearchSettings, run: RunDir
) -> AsyncIterator[SearchParts]:
    """Start the searcher's models and the sandbox, note them in the run; stop them at the end."""
    async with Harness() as harness:
        sandbox = await harness.start_sandbox()
        run.note("sandbox", dict(sandbox.about))
        if searcher.demonstrator is not None:
            yield SearchParts(searcher.demonstrator, sandbox)
            return
        assert searcher.policy is not None
        parts = await harness.start_parts(
            searcher.policy, searcher.ppm, engine=settings.engine, sampling=settings.sampling
        )
        run.note("engine", parts.notes["engine"])
        yield SearchParts(parts.policy, parts.sandbox, parts.scorer)
