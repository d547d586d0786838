"""What a run takes of memory: said before anything is loaded, and refused where it cannot fit.

Reckoned, not measured: from parameters, from requests and their length, and from constants that
`python -m bench.speed --only memory` can be held against. Weights and what a PPM keeps grow with
the run; the KV cache is as large as it is made, so where memory is short it is made smaller: then
fewer requests are served at a time, and no text is another.
"""

from __future__ import annotations

import math
import os
import shutil
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import cached_values, parameters
from bench.engines.memory import BLOCK, Demand, in_gib, read_free
from bench.engines.opening import ENGINES, SCORERS, TRANSFORMERS, is_head_on
from bench.engines.openvino import MAX_PROMPT_TOKENS, STEP_TOKENS
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError
from bench.evaluation.runner import CONCURRENCY
from bench.evaluation.spec import Resolved
from bench.search.settings import SAMPLES, SearchConfig, Stepwise

PROGRAM = 400 << 20
"""Python, OpenVINO's libraries and tokenizer, and the processes of the sandbox."""
TORCH = 400 << 20
"""torch and transformers, once they are imported."""
STEP = STEP_TOKENS * (32 << 10)
"""What OpenVINO computes on the way through its widest step."""
SCORED_TOKENS = 1_536
"""Tokens whose keys and values a PPM keeps of one search; more of a deep one, up to 4,096."""
KV_GIB = "RSTAR_BENCH_KV_GIB"
"""Environment variable: GiB of an engine's KV cache, where the harness sets its size. The
larger it is, the more candidates are written at a time; it changes no text."""
HALF = 2
"""Bytes of a key, a value, or a PPM's weight."""


@dataclass(frozen=True, slots=True)
class Models:
    """What is to be loaded; None: nothing, or it is loaded already."""

    policy: Checkpoint | None
    engine: str | None
    ppm: Checkpoint | None
    ppm_engine: str = TRANSFORMERS
    is_head: bool = False
    """Whether the PPM is a head on the policy's states, and takes no weights of its own."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run is reckoned to take."""

    parts: Mapping[str, int]
    """Bytes by what they are for."""
    pool_blocks: int | None = None
    """Blocks of the engine's KV cache; None: as many as the engine has by itself."""

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        """Say how much of it each part takes."""
        parts = ", ".join(f"{name} {size / (1 << 30):.1f}" for name, size in self.parts.items())
        return f"about {in_gib(self.total)} ({parts})"


def demand_of(resolved: Resolved, requests: int) -> Demand:
    """Return what a run asks of its engine, with so many problems at a time."""
    sampling, config = resolved.spec.sampling, resolved.search_config
    new = sampling.step_tokens if isinstance(config, Stepwise) else sampling.solution_tokens
    return Demand(requests, _widest(config), max(new, sampling.step_tokens))


def _widest(config: SearchConfig) -> int:
    """Return how many candidates a search asks for at once, at most."""
    return max(getattr(config, name, 1) for name in ("asked", "candidates"))


def any_demand(sampling: SamplingSettings) -> Demand:
    """Return what is asked of an engine where the search is not known yet."""
    return Demand(CONCURRENCY, SAMPLES, max(sampling.step_tokens, sampling.solution_tokens))


def check_memory(resolved: Resolved, concurrency: int) -> None:
    """Find out that a run cannot fit before anything is loaded. Raises BenchError."""
    if resolved.policy is not None:
        policy, engine, ppm = resolved.policy, resolved.engine, resolved.ppm
        scored_by = resolved.scorer.engine
        is_head = ppm is not None and is_head_on(policy, engine, ppm, scored_by)
        models = Models(policy, engine, ppm, scored_by, is_head)
        demand = demand_of(resolved, min(concurrency, len(resolved.problems)))
        fit(models, demand, read_free())


def needs_pool(demand: Demand) -> int:
    """Return the blocks of cache without which a request of the demand may be refused."""
    return demand.count_blocks(MAX_PROMPT_TOKENS)


def fit(models: Models, demand: Demand, free: int | None) -> Budget | None:
    """Return what loading some models and serving a demand takes, fitted to what is free.

    None where nobody can say: the engine keeps its own books, or a GPU does the work. Raises
    BenchError: even with the smallest cache that serves the demand there is not enough.
    """
    if shutil.which("nvidia-smi") or _keeps_books(models):
        return None
    budget = _reckon(models, demand, free)
    if free is None or budget.total <= free:
        return budget
    fitting = bisect_right(
        range(1, demand.requests),
        free,
        key=lambda n: _reckon(models, replace(demand, requests=n), free).total,
    )
    remedy = (
        f"With --concurrency {fitting} it fits"
        if fitting
        else "Not even one at a time fits: end other programs, ask for fewer candidates at once, "
        "or take a smaller model"
    )
    raise BenchError(
        f"this run takes {budget} with {demand.requests} problems at a time, and {in_gib(free)} "
        f"are free. {remedy}"
    )


def _keeps_books(models: Models) -> bool:
    scorer = SCORERS[models.ppm_engine]
    if models.ppm is not None and scorer.weight_bytes is None and not scorer.is_remote:
        return True
    return models.engine is not None and ENGINES[models.engine].weight_bytes is None


def _reckon(models: Models, demand: Demand, free: int | None) -> Budget:
    """Return what it takes; a cache of ours is as large as it can be of use, if there is room."""
    parts = _count_parts(models, demand)
    entry = None if models.engine is None else ENGINES[models.engine]
    if models.policy is None or entry is None or entry.pool_blocks is None:
        return Budget(parts)
    block = BLOCK * HALF * cached_values(models.policy)
    useful = demand.requests * demand.count_blocks()
    allowed = read_kv_bytes()
    blocks = entry.pool_blocks if allowed is None else allowed // block
    if not entry.keeps_prefixes:
        blocks = min(blocks, useful)
    if free is not None:
        blocks = min(blocks, (free - sum(parts.values())) // block)
    blocks = max(blocks, needs_pool(demand))
    return Budget({**parts, "KV cache": blocks * block}, blocks)


def read_kv_bytes() -> int | None:
    """Return what the user allows a KV cache; None: nothing is said. Raises BenchError."""
    text = os.environ.get(KV_GIB)
    if not text:
        return None
    try:
        given = float(text)
    except ValueError:
        given = math.nan
    if not 0 < given < math.inf:
        raise BenchError(f"{KV_GIB} is {text!r}; expected GiB above 0, e.g. 2 or 0.5")
    return int(given * (1 << 30))


def _count_parts(models: Models, demand: Demand) -> dict[str, int]:
    """Return the bytes of what is as large as it is."""
    parts = {"program": PROGRAM}
    if models.policy is not None and models.engine is not None:
        entry = ENGINES[models.engine]
        parts["policy"] = parameters(models.policy) * (entry.weight_bytes or 0) + STEP
    scored_by = SCORERS[models.ppm_engine].weight_bytes
    # Of others a server holds the weights, or the policy's engine does.
    if models.ppm is not None and scored_by is not None and not models.is_head:
        parts["PPM"] = parameters(models.ppm) * scored_by
        kept = demand.requests * SCORED_TOKENS * cached_values(models.ppm)
        parts["its searches"] = kept * HALF
    if models.ppm is not None or models.engine == TRANSFORMERS:
        parts["torch"] = TORCH
    return parts
