"""Who searches in a round, as a recipe names it, and how it is started.

A demonstrator needs the sandbox alone; a policy an engine, and perhaps a PPM to begin Q with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint
from bench.engines.base import Engine, Policy, StepScorer
from bench.engines.opening import engine_for, open_engine, open_scorer
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.prompts import template
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from rstar_train.demonstrators.base import DEMONSTRATORS, Demonstrator, demonstrator_named
from rstar_train.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Searcher:
    """Who searches in a round: a demonstrator or a policy, and perhaps a PPM."""

    demonstrator: Demonstrator | None = None
    policy: Checkpoint | None = None
    ppm: Checkpoint | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What decides the trees, for manifests and run headers."""
        if self.demonstrator is not None:
            return {"demonstrator": self.demonstrator.name}
        assert self.policy is not None
        about = {"policy": {"name": self.policy.name, "digest": self.policy.digest}}
        if self.ppm is not None:
            about["ppm"] = {"name": self.ppm.name, "digest": self.ppm.digest}
        return about


def searcher_of(
    recipe: Recipe, base: Checkpoint, policy: Checkpoint, ppm: Checkpoint | None
) -> Searcher:
    """Return the searcher that a round's recipe asks for.

    `policy` and `ppm` are the round before's. Raises UnknownNameError, CheckpointError for a
    searcher that is not there.
    """
    settings = recipe.search
    if settings.policy in DEMONSTRATORS:
        return Searcher(demonstrator_named(settings.policy, settings.mistake_rate))
    named = {"previous": policy, "base": base}
    chosen = named.get(settings.policy) or find_checkpoint(settings.policy, "policy")
    return Searcher(policy=chosen, ppm=ppm if settings.annotation == "ppm" else None)


@asynccontextmanager
async def started(
    recipe: Recipe, searcher: Searcher, run: RunDir
) -> AsyncIterator[tuple[Policy, StepScorer | None, Sandbox]]:
    """Start the searcher's models and the sandbox, note them in the run; stop them at the end."""
    async with Sandbox(SandboxConfig()) as sandbox:
        run.note("sandbox", dict(sandbox.about))
        if searcher.demonstrator is not None:
            yield searcher.demonstrator, None, sandbox
            return
        assert searcher.policy is not None
        engine = await open_engine(searcher.policy, recipe.search.engine)
        try:
            name = engine_for(searcher.policy, recipe.search.engine)
            run.note("engine", {"name": name, "determinism": engine.determinism})
            policy = _policy(searcher.policy, engine, recipe)
            if searcher.ppm is None:
                yield policy, None, sandbox
            else:
                with closing(open_scorer(searcher.ppm)) as scorer:
                    yield policy, scorer, sandbox
        finally:
            engine.close()


def _policy(checkpoint: Checkpoint, engine: Engine, recipe: Recipe) -> ModelPolicy:
    sampling = SamplingSettings(recipe.search.temperature, recipe.search.step_tokens)
    return ModelPolicy(checkpoint.name, engine, template(checkpoint.template), sampling)
