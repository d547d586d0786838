"""A run from its specification: what it names is started, and its search fills a run directory.

A `Harness` keeps what is slow to start (engines, the PPM, the sandbox) and runs any number of
specifications (`bench.evaluation.spec`) with it: two runs of equal configurations hold equal
records, whatever the concurrency and however often they were killed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.answers import close_checkers
from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import parameters
from bench.engines.base import (
    Aggregating,
    Policy,
    Precision,
    RunningEngine,
    RunningScorer,
    StepScorer,
)
from bench.engines.memory import Demand, in_gib, read_free
from bench.engines.opening import (
    ENGINES,
    ScorerSettings,
    check_scorer,
    engine_for,
    is_head_on,
    open_engine,
    open_head,
    open_scorer,
    scorer_for,
)
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.turns import Turns
from bench.evaluation.filling import fill_run
from bench.evaluation.growth import is_finished, refuse_growth
from bench.evaluation.memory import Models, any_demand, check_memory, demand_of, fit, needs_pool
from bench.evaluation.room import require_cache, require_disk
from bench.evaluation.runner import CONCURRENCY, Solver, solve_by
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.problems import BENCHMARKS
from bench.prompts import template
from bench.runs.reader import Run
from bench.runs.record import Record
from bench.runs.writer import check_run_dir
from bench.sandbox import Level, Sandbox, SandboxConfig
from bench.sandbox.levels import read_level
from bench.search.inequalities import Provers
from bench.search.registry import SEARCHES, SeededSearch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a search is given, running."""

    policy: ModelPolicy
    sandbox: Sandbox
    scorer: RunningScorer | None
    notes: Mapping[str, Any]
    """What a run's header says of them."""
    pool_blocks: int | None = None
    """Blocks of the engine's KV cache, where it was told."""


@dataclass(frozen=True, slots=True)
class Started:
    """A search whose parts are running, and what a run's header says of them."""

    search: SeededSearch
    notes: Mapping[str, Any]
    concurrency: int = CONCURRENCY
    """Problems at a time, unless told otherwise."""


def bind_search(
    resolved: Resolved, policy: Policy, sandbox: Sandbox, scorer: StepScorer | None
) -> SeededSearch:
    """Return a specification's search with its running parts, ready for problems."""
    if scorer is not None and resolved.aggregate is not None:
        scorer = Aggregating(scorer, resolved.aggregate)
    return resolved.entry.bind(resolved.search_config, policy, sandbox, scorer)


def _name_packages(resolved: Resolved) -> dict[str, dict[str, str]]:
    """Return which parts of a run installed packages brought, for its header; nothing: none."""
    spec = resolved.spec
    origins = {
        "benchmark": BENCHMARKS.origin(spec.benchmark.partition(":")[0]),
        "engine": None if resolved.engine is None else ENGINES.origin(resolved.engine),
        "search": SEARCHES.origin(spec.search),
    }
    found = {part: origin for part, origin in origins.items() if origin is not None}
    return {"plugins": found} if found else {}


def solver_of(resolved: Resolved, started: Started, concurrency: int | None = None) -> Solver:
    """Return a started search as what solves a specification's problems."""
    spec = resolved.spec
    solve = solve_by(
        partial(started.search, seed=spec.seed),
        resolved.selectors,
        name=spec.search,
        seed=spec.seed,
        conventions=spec.conventions,
    )
    return Solver(solve, started.notes, concurrency or started.concurrency)


_EngineKey = tuple[str, Precision | None, str]
"""Name and precision of an engine, and the policy's digest."""


class Harness:
    """The parts of one process, started when first needed; an asynchronous context manager.

    It holds one policy's engine and one PPM at a time: those that a run names are there for the
    next, and are closed when that names others.
    """

    def __init__(
        self,
        *,
        level: Level | None = None,
        base_url: str | None = None,
        ppm_url: str | None = None,
    ) -> None:
        """Start nothing yet. `level` names a level of isolation; see `bench.sandbox.levels`.

        `base_url` names the servers that the engine `server` asks, and `ppm_url` those of the PPM;
        else the environment does.
        """
        self._level = level or read_level()
        self._base_url, self._ppm_url = base_url, ppm_url
        self._engines: dict[_EngineKey, RunningEngine] = {}
        self._pools: dict[_EngineKey, int | None] = {}
        """Blocks of each engine's KV cache, where it was told."""
        self._scorers: dict[tuple[str, ScorerSettings], RunningScorer] = {}
        self._sandbox: Sandbox | None = None
        self._provers: Provers | None = None
        self._turns = Turns()

    async def __aenter__(self) -> Self:
        """Return the harness itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop every part that was started."""
        for engine in self._engines.values():
            engine.close()
        for scorer in self._scorers.values():
            scorer.close()
        if self._sandbox is not None:
            await self._sandbox.__aexit__(kind, error, trace)
        if self._provers is not None:
            self._provers.close()
        close_checkers()

    async def run(
        self,
        spec: RunSpec,
        out: Path,
        *,
        concurrency: int | None = None,
        on_start: Callable[[int, int], None] | None = None,
        on_done: Callable[[Record], None] | None = None,
    ) -> Run:
        """Fill the run directory `out`, resuming what is there, and return it as loaded.

        `concurrency` is how many problems are searched at a time: `CONCURRENCY` unless told
        otherwise, and without a policy as many as there are cores. `on_start` hears how many
        problems there are and how many are done already. Raises BenchError.
        """
        resolved = resolve(spec)
        at_once = min(concurrency or CONCURRENCY, len(resolved.problems))

        @asynccontextmanager
        async def begin() -> AsyncIterator[Solver]:
            started = await self.start(resolved, demand_of(resolved, at_once))
            yield solver_of(resolved, started, concurrency)

        return await fill_run(resolved, out, begin, on_start=on_start, on_done=on_done)

    @staticmethod
    def check(runs: Mapping[Path, RunSpec], *, concurrency: int | None = None) -> None:
        """Find what would stop one of several runs, before the first begins. Raises BenchError."""
        for out, spec in runs.items():
            resolved = resolve(spec)
            check_run_dir(out, resolved.config, partial(refuse_growth, resolved))
            if is_finished(resolved, out):
                continue  # nothing of it is started
            require_disk(out, len(resolved.problems))
            require_cache(resolved)
            check_memory(resolved, concurrency or CONCURRENCY)

    async def start(self, resolved: Resolved, demand: Demand | None = None) -> Started:
        """Start the parts that a specification needs, and return its search. Raises BenchError.

        `demand` says what is asked of them at most, where that is known.
        """
        spec = resolved.spec
        require_cache(resolved)
        if resolved.policy is None or resolved.engine is None:
            provers = self._start_provers()
            search = resolved.entry.bind_provers(resolved.search_config, provers)
            notes = {"provers": provers.count, **_name_packages(resolved)}
            return Started(search, notes, provers.count)
        parts = await self.start_parts(
            resolved.policy,
            resolved.ppm,
            engine=resolved.engine,
            precision=spec.precision,
            scoring=resolved.scorer,
            sampling=spec.sampling,
            demand=demand or demand_of(resolved, CONCURRENCY),
        )
        search = bind_search(resolved, parts.policy, parts.sandbox, parts.scorer)
        models = {"policy": resolved.policy, "ppm": resolved.ppm}
        counted = {role: parameters(model) for role, model in models.items() if model is not None}
        sizes = {role: size for role, size in counted.items() if size}
        return Started(search, {**parts.notes, "parameters": sizes, **_name_packages(resolved)})

    async def start_parts(
        self,
        policy: Checkpoint,
        ppm: Checkpoint | None,
        *,
        engine: str,
        sampling: SamplingSettings,
        precision: Precision | None = None,
        scoring: ScorerSettings | None = None,
        demand: Demand | None = None,
    ) -> Parts:
        """Start a policy on an engine, a PPM if there is one, as `scoring` says, and the sandbox.

        What runs already is used again, and what runs of others is closed. `demand` says what is
        asked of them at most, where that is known. Raises BenchError: among others, it does not fit
        into memory.
        """
        engine, demand = engine_for(policy, engine), demand or any_demand(sampling)
        scoring = replace(scoring or ScorerSettings(scorer_for(ppm)), urls=self._ppm_url)
        if ppm is not None:
            check_scorer(ppm, scoring)
        key = engine, precision, policy.digest
        self._close_others(key, ppm, scoring, demand)
        pool = self._find_room(key, policy, ppm, scoring, demand)
        running = await self._engine(key, policy, pool)
        scorer = None if ppm is None else self._scorer(ppm, scoring, policy, engine, running)
        sandbox = await self.start_sandbox()
        asked = ModelPolicy(policy.name, running, template(policy.template), sampling)
        notes = {
            "engine": {"name": engine, "determinism": running.determinism},
            "sandbox": dict(sandbox.about),
        }
        if scorer is not None:
            notes["scorer"] = dict(scorer.about)
        return Parts(asked, sandbox, scorer, notes, self._pools[key])

    def _close_others(
        self,
        kept: _EngineKey,
        ppm: Checkpoint | None,
        scoring: ScorerSettings,
        demand: Demand,
    ) -> None:
        """Close any engine but that one, or one whose cache is too small; and another PPM."""
        pool = self._pools.get(kept)
        too_small = pool is not None and pool < needs_pool(demand)
        for key in [key for key in self._engines if key != kept or too_small]:
            log.info("closing the engine of %s", self._engines[key].name)
            self._engines.pop(key).close()
        asked = None if ppm is None else (ppm.digest, scoring)
        for other in [each for each in self._scorers if asked is not None and each != asked]:
            log.info("closing the PPM %s", self._scorers[other].name)
            self._scorers.pop(other).close()

    def _find_room(
        self,
        key: _EngineKey,
        policy: Checkpoint,
        ppm: Checkpoint | None,
        scoring: ScorerSettings,
        demand: Demand,
    ) -> int | None:
        """Say what is about to be loaded takes of memory; return how large a KV cache may be.

        Raises BenchError: it does not fit.
        """
        loads_policy = key not in self._engines
        is_head = ppm is not None and is_head_on(policy, key[0], ppm, scoring.engine)
        loads_ppm = ppm is not None and (ppm.digest, scoring) not in self._scorers
        if not loads_policy and not loads_ppm:
            return None
        models = Models(
            policy if loads_policy else None,
            key[0],
            ppm if loads_ppm else None,
            scoring.engine,
            is_head,
        )
        free = read_free()
        budget = fit(models, demand, free)
        if budget is None:
            return None
        log.info("memory: %s%s", budget, "" if free is None else f", {in_gib(free)} are free")
        return budget.pool_blocks

    async def _engine(
        self, key: _EngineKey, policy: Checkpoint, pool_blocks: int | None
    ) -> RunningEngine:
        if key not in self._engines:
            name, precision, _ = key
            self._engines[key] = await open_engine(
                policy,
                name,
                self._turns,
                precision=precision,
                pool_blocks=pool_blocks,
                base_url=self._base_url,
            )
            self._pools[key] = pool_blocks
        return self._engines[key]

    def _scorer(
        self,
        ppm: Checkpoint,
        scoring: ScorerSettings,
        policy: Checkpoint,
        engine: str,
        running: RunningEngine,
    ) -> RunningScorer:
        if is_head_on(policy, engine, ppm, scoring.engine):
            return open_head(policy, running, ppm)  # at no cost: nothing of it is kept here
        key = (ppm.digest, scoring)
        if key not in self._scorers:
            self._scorers[key] = open_scorer(ppm, self._turns, scoring)
        return self._scorers[key]

    def _start_provers(self) -> Provers:
        if self._provers is None:
            self._provers = Provers()
        return self._provers

    async def start_sandbox(self) -> Sandbox:
        """Return the sandbox, started if it was not."""
        if self._sandbox is None:
            self._sandbox = await Sandbox(SandboxConfig(level=self._level)).__aenter__()
        return self._sandbox
