"""Who searches in a round, as a recipe names it, and how it is started.

A demonstrator needs the sandbox alone; a policy an engine, and perhaps a PPM to begin Q with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.checkpoints.checkpoint import UNTRAINED, Checkpoint, find_checkpoint
from bench.engines.base import Policy, StepScorer
from bench.engines.opening import ENGINES, engine_for, require_engine
from bench.errors import BenchError
from bench.evaluation.harness import Harness
from bench.prompts import Format, template
from bench.prompts.plans import FEW_SHOT_PLANS
from bench.sandbox import Sandbox
from rstar_train.demonstrators.base import DEMONSTRATORS, Demonstrator, open_demonstrator
from rstar_train.recipes.cpl import AnySearch, PlanSearchSettings


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
    settings: AnySearch, base: Checkpoint, policy: Checkpoint, ppm: Checkpoint | None
) -> Searcher:
    """Return the searcher that a round's settings ask for.

    `policy` and `ppm` are the round before's. Raises UnknownNameError, CheckpointError for a
    searcher that is not there; BenchError for one that writes another format.
    """
    wanted: Format = "plans" if isinstance(settings, PlanSearchSettings) else "steps"
    if settings.policy in DEMONSTRATORS:
        _require_format(settings.policy, DEMONSTRATORS[settings.policy], wanted)
        return Searcher(open_demonstrator(settings.policy, settings.mistake_rate))
    named = {"previous": policy, "base": base}
    chosen = named.get(settings.policy) or find_checkpoint(settings.policy, "policy")
    if isinstance(settings, PlanSearchSettings) and chosen.template == UNTRAINED:
        chosen = chosen.prompted(FEW_SHOT_PLANS[settings.solutions].name)
    _require_format(chosen.name, template(chosen.template).format, wanted)
    return Searcher(policy=chosen, ppm=ppm if settings.annotation == "ppm" else None)


def _require_format(name: str, written: Format, wanted: Format) -> None:
    if written != wanted:
        raise BenchError(
            f"search.policy {name!r} writes {written}, and the recipe's search is of {wanted}; "
            f"choose one that writes {wanted}"
        )


def check_engine(settings: AnySearch, base: Checkpoint) -> None:
    """Raise BenchError where the engine is not there, or does not tell what the search goes by."""
    engine = engine_for(base, settings.engine)
    require_engine(engine)
    if isinstance(settings, PlanSearchSettings) and not ENGINES[engine].tells_logprobs:
        telling = [name for name, each in ENGINES.items() if each.tells_logprobs]
        raise BenchError(
            f"search.engine {engine!r} tells no probabilities of steps, which a search of plans "
            f"goes by; choose one of {', '.join(telling)}"
        )


@dataclass(frozen=True, slots=True)
class SearchParts:
    """What a search of the pool is given, running."""

    policy: Policy
    sandbox: Sandbox
    scorer: StepScorer | None
    notes: Mapping[str, Any]
    """What a run's header says of them."""


async def start_searcher(searcher: Searcher, settings: AnySearch, harness: Harness) -> SearchParts:
    """Start the searcher's models and the sandbox in a harness. Raises BenchError."""
    sandbox = await harness.start_sandbox()
    notes: dict[str, Any] = {"sandbox": dict(sandbox.about)}
    if searcher.demonstrator is not None:
        return SearchParts(searcher.demonstrator, sandbox, None, notes)
    assert searcher.policy is not None
    parts = await harness.start_parts(
        searcher.policy, searcher.ppm, engine=settings.engine, sampling=settings.sampling
    )
    notes["engine"] = parts.notes["engine"]
    return SearchParts(parts.policy, parts.sandbox, parts.scorer, notes)
