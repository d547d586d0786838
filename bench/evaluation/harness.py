"""A run from its specification: what it names is started, and its search fills a run directory.

A `Harness` keeps what is slow to start (engines, the PPM, the sandbox) and runs any number of
specifications (`bench.evaluation.spec`) with it: two runs of equal configurations hold equal
records, whatever the concurrency and however often they were killed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.answers import close_checkers
from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import parameters
from bench.engines.base import Aggregating, RunningEngine, StepScorer
from bench.engines.opening import engine_for, open_engine, open_scorer
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.ppm import PPMScorer
from bench.engines.turns import Turns
from bench.evaluation.runner import CONCURRENCY, run_problems
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.prompts import template
from bench.reports.leaderboard import summary
from bench.runs.header import make_header
from bench.runs.reader import Run, load_run
from bench.runs.record import Key, Record
from bench.runs.writer import RunDir
from bench.sandbox import Level, Sandbox, SandboxConfig
from bench.sandbox.levels import read_level
from bench.search.inequalities import Provers
from bench.search.registry import SeededSearch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a search is given, running."""

    policy: ModelPolicy
    sandbox: Sandbox
    scorer: PPMScorer | None
    notes: Mapping[str, Any]
    """What a run's header says of them."""


@dataclass(frozen=True, slots=True)
class Started:
    """A search whose parts are running, and what a run's header says of them."""

    search: SeededSearch
    notes: Mapping[str, Any]
    concurrency: int = CONCURRENCY
    """Problems at a time, unless told otherwise."""


class Harness:
    """The parts of one process, started when first needed; an asynchronous context manager."""

    def __init__(self, *, level: Level | None = None) -> None:
        """Start nothing yet. `level` names a level of isolation; see `bench.sandbox.levels`."""
        self._level = level or read_level()
        self._engines: dict[tuple[str, str], RunningEngine] = {}
        self._scorers: dict[str, PPMScorer] = {}
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
        problems = resolved.problems
        with RunDir.open(out, make_header(resolved.config)) as run:
            if on_start is not None:
                on_start(len(problems), len(run.done))
            if any(Key(problem.id, spec.seed) not in run.done for problem in problems):
                started = await self.start(resolved)
                concurrency = concurrency or started.concurrency
                for key, value in {**started.notes, "concurrency": concurrency}.items():
                    run.note(key, value)
                await run_problems(
                    problems,
                    partial(started.search, seed=spec.seed),
                    run=run,
                    selectors=resolved.selectors,
                    name=spec.search,
                    seed=spec.seed,
                    concurrency=concurrency,
                    conventions=spec.conventions,
                    on_done=on_done,
                )
            loaded = load_run(out)
            run.write_summary(summary(loaded))
        return loaded

    async def start(self, resolved: Resolved) -> Started:
        """Start the parts that a specification needs, and return its search."""
        spec = resolved.spec
        if resolved.policy is None or resolved.engine is None:
            provers = self._start_provers()
            search = resolved.entry.bind_provers(resolved.search_config, provers)
            return Started(search, {"provers": provers.count}, provers.count)
        parts = await self.start_parts(
            resolved.policy, resolved.ppm, engine=resolved.engine, sampling=spec.sampling
        )
        scorer: StepScorer | None = parts.scorer
        if scorer is not None and resolved.aggregate is not None:
            scorer = Aggregating(scorer, resolved.aggregate)
        search = resolved.entry.bind(resolved.search_config, parts.policy, parts.sandbox, scorer)
        models = {"policy": resolved.policy, "ppm": resolved.ppm}
        sizes = {role: parameters(model) for role, model in models.items() if model is not None}
        return Started(search, {**parts.notes, "parameters": sizes})

    async def start_parts(
        self,
        policy: Checkpoint,
        ppm: Checkpoint | None,
        *,
        engine: str,
        sampling: SamplingSettings,
    ) -> Parts:
        """Start a policy on an engine, a PPM if there is one, and the sandbox.

        What runs already is used again. Raises BenchError.
        """
        running = await self._engine(policy, engine)
        scorer = self._scorer(ppm) if ppm is not None else None
        sandbox = await self.start_sandbox()
        asked = ModelPolicy(policy.name, running, template(policy.template), sampling)
        notes = {
            "engine": {"name": engine_for(policy, engine), "determinism": running.determinism},
            "sandbox": dict(sandbox.about),
        }
        return Parts(asked, sandbox, scorer, notes)

    async def _engine(self, policy: Checkpoint, name: str) -> RunningEngine:
        key = (name, policy.digest)
        if key not in self._engines:
            self._engines[key] = await open_engine(policy, name, self._turns)
        return self._engines[key]

    def _scorer(self, ppm: Checkpoint) -> PPMScorer:
        if ppm.digest not in self._scorers:
            self._scorers[ppm.digest] = open_scorer(ppm, self._turns)
        return self._scorers[ppm.digest]

    def _start_provers(self) -> Provers:
        if self._provers is None:
            self._provers = Provers()
        return self._provers

    async def start_sandbox(self) -> Sandbox:
        """Return the sandbox, started if it was not."""
        if self._sandbox is None:
            self._sandbox = await Sandbox(SandboxConfig(level=self._level)).__aenter__()
        return self._sandbox
