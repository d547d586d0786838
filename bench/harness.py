"""A run from its specification: names become parts, parts a search, which fills a run directory.

A `Harness` keeps what is slow to start (engines, the PPM, the sandbox) and runs any number of
specifications with it. The specification is the run's configuration: two runs with equal ones hold
equal records, whatever the concurrency and however often they were killed.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.answers import close_checkers
from bench.engines import checkpoints
from bench.engines.openvino import OpenVINOEngine
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.ppm import PPMScorer
from bench.engines.transformers import TransformersEngine
from bench.errors import BenchError, RunDirError, UnknownNameError
from bench.problems import load
from bench.prompts import template
from bench.provenance import config_digest, header
from bench.record import Record
from bench.report import summary
from bench.runner import Selector, run_problems
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Sampling, Trace, best, first, greedy, majority, mcts, sample
from bench.store import Run, RunDir, load_run
from bench.types import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that decides a run's records, but for the concurrency, which must not."""

    benchmark: str
    policy: str
    search: str
    ppm: str | None = None
    """Name or folder of a PPM; None chooses the newest published one where a search wants one."""
    engine: str = "auto"
    limit: int | None = None
    seed: int = 0
    n: int = 8
    """Samples per problem (sample, majority, best_of_n)."""
    rollouts: int = 8
    candidates: int = 4
    max_depth: int = 16
    c: float = 2.0
    temperature: float = 1.0
    step_tokens: int = 96
    solution_tokens: int = 320


@dataclass(frozen=True, slots=True)
class SearchKind:
    """What a search's name on the command line stands for."""

    budget: tuple[str, ...]
    """The fields of a specification that the search reads; no others reach its configuration."""
    selectors: Mapping[str, Selector]
    uses_ppm: bool = False
    needs_ppm: bool = False


SEARCHES: Mapping[str, SearchKind] = {
    "greedy": SearchKind((), {"greedy": first}),
    "sample": SearchKind(("n",), {"majority": majority, "best_of_n": best}, uses_ppm=True),
    "majority": SearchKind(("n",), {"majority": majority}),
    "best_of_n": SearchKind(("n",), {"best_of_n": best}, uses_ppm=True, needs_ppm=True),
    "mcts": SearchKind(
        ("rollouts", "candidates", "max_depth", "c"), {"mcts": best}, uses_ppm=True, needs_ppm=True
    ),
}
"""Searches by name. `sample` answers by majority and, given a PPM, by best-of-N too."""

ENGINES = ("auto", "openvino", "transformers")

EngineParts = OpenVINOEngine | TransformersEngine


class Harness:
    """The parts of one process, started when first needed; an asynchronous context manager."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._engines: dict[tuple[str, str], EngineParts] = {}
        self._scorers: dict[str, PPMScorer] = {}
        self._sandbox: Sandbox | None = None

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
        close_checkers()

    async def run(
        self,
        spec: RunSpec,
        out: Path,
        *,
        concurrency: int = 32,
        on_start: Callable[[int, int], None] | None = None,
        on_done: Callable[[Record], None] | None = None,
    ) -> Run:
        """Fill the run directory `out`, resuming what is there, and return it as loaded.

        `on_start` hears how many problems there are and how many are done already. Raises
        BenchError.
        """
        kind = _kind(spec.search)
        problems = load(spec.benchmark, limit=spec.limit)
        policy = checkpoints.find(spec.policy, "policy")
        ppm = _ppm(spec, kind)
        engine_name = _engine_name(spec.engine)
        config = _config(spec, kind, problems, policy, ppm, engine_name)
        if _is_finished(out, config, problems, spec.seed):
            if on_start is not None:
                on_start(len(problems), len(problems))
            return load_run(out)
        engine = await self._engine(policy, engine_name)
        scorer = self._scorer(ppm) if ppm is not None else None
        sandbox = await self._started_sandbox()
        run_header = {
            **header(config),
            "engine": {"name": engine_name, "determinism": engine.determinism},
            "sandbox": {"level": sandbox.level},
            "concurrency": concurrency,
        }
        selectors = dict(kind.selectors)
        if scorer is None:
            selectors.pop("best_of_n", None)
        model = ModelPolicy(
            policy.name,
            engine,
            template(policy.template),
            SamplingSettings(spec.temperature, spec.step_tokens, spec.solution_tokens),
        )
        with RunDir.open(out, run_header) as run:
            if on_start is not None:
                on_start(len(problems), len(run.done))
            await run_problems(
                problems,
                _search(spec, model, sandbox, scorer),
                run=run,
                selectors=selectors,
                name=spec.search,
                seed=spec.seed,
                concurrency=concurrency,
                on_done=on_done,
            )
            loaded = load_run(out)
            run.write_summary(summary(loaded))
        return loaded

    async def _engine(self, policy: checkpoints.Checkpoint, name: str) -> EngineParts:
        key = (name, policy.digest)
        if key not in self._engines:
            log.info("loading the policy %s on %s", policy.name, name)
            engine: EngineParts
            if name == "openvino":
                engine = OpenVINOEngine(checkpoints.gguf(policy), name=policy.name)
            else:
                engine = TransformersEngine(checkpoints.merged(policy), name=policy.name)
            self._engines[key] = engine
            await engine.verify_determinism()
        return self._engines[key]

    def _scorer(self, ppm: checkpoints.Checkpoint) -> PPMScorer:
        if ppm.digest not in self._scorers:
            log.info("loading the PPM %s", ppm.name)
            self._scorers[ppm.digest] = PPMScorer(checkpoints.merged(ppm), name=ppm.name)
        return self._scorers[ppm.digest]

    async def _started_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = await Sandbox(SandboxConfig()).__aenter__()
        return self._sandbox


async def execute(spec: RunSpec, out: Path) -> Run:
    """Run one specification with parts of its own."""
    async with Harness() as harness:
        return await harness.run(spec, out)


def _kind(name: str) -> SearchKind:
    if name not in SEARCHES:
        raise UnknownNameError("search", name, SEARCHES)
    return SEARCHES[name]


def _engine_name(name: str) -> str:
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES)
    if name != "auto":
        return name
    return "openvino" if importlib.util.find_spec("openvino_genai") else "transformers"


def _ppm(spec: RunSpec, kind: SearchKind) -> checkpoints.Checkpoint | None:
    if not kind.uses_ppm:
        if spec.ppm is not None:
            raise BenchError(f"the search {spec.search!r} uses no PPM; leave --ppm out")
        return None
    if spec.ppm is not None:
        return checkpoints.find(spec.ppm, "ppm")
    published = list(checkpoints.known("ppm"))
    if not published:
        if kind.needs_ppm:
            raise BenchError(
                f"the search {spec.search!r} needs a PPM, and none is published under "
                f"{checkpoints.checkpoints_dir()}. Give one with --ppm FOLDER, or train one: "
                "rstar-train evolve --recipe smollm2-cpu --rounds 1"
            )
        return None
    log.info("no --ppm given: using the newest published one, %s", published[-1])
    return checkpoints.find(published[-1], "ppm")


def _config(
    spec: RunSpec,
    kind: SearchKind,
    problems: list[Problem],
    policy: checkpoints.Checkpoint,
    ppm: checkpoints.Checkpoint | None,
    engine: str,
) -> dict[str, Any]:
    """Return what decides the records, digests in place of anything that lies on this machine."""
    questions = json.dumps([[p.id, p.question, p.answer] for p in problems])
    return {
        "benchmark": {
            "name": spec.benchmark,
            "problems": len(problems),
            "sha256": config_digest({"rows": questions}),
        },
        "policy": {
            "name": policy.name,
            "digest": policy.digest,
            "template": policy.template,
            "template_digest": template(policy.template).digest,
            "temperature": spec.temperature,
            "step_tokens": spec.step_tokens,
            "solution_tokens": spec.solution_tokens,
        },
        "ppm": None if ppm is None else {"name": ppm.name, "digest": ppm.digest},
        "search": {"name": spec.search, **{k: asdict(spec)[k] for k in kind.budget}},
        "engine": engine,
        "seed": spec.seed,
    }


def _is_finished(out: Path, config: Mapping[str, Any], problems: list[Problem], seed: int) -> bool:
    """Whether the run is there, whole and of this configuration, so that nothing need be loaded."""
    try:
        run = load_run(out)
    except RunDirError:
        return False
    wanted = {(problem.id, seed) for problem in problems}
    done = {tuple(r.key) for r in run.records if not r.is_engine_error}
    return run.header["config_digest"] == config_digest(config) and wanted <= done


def _search(
    spec: RunSpec, policy: ModelPolicy, sandbox: Sandbox, scorer: PPMScorer | None
) -> Callable[[Problem], Awaitable[Trace]]:
    if spec.search == "greedy":
        return partial(greedy, policy=policy, sandbox=sandbox, seed=spec.seed)
    if spec.search == "mcts":
        config = MCTS(spec.rollouts, spec.candidates, spec.max_depth, spec.c)
        return partial(
            mcts, policy=policy, sandbox=sandbox, config=config, seed=spec.seed, scorer=scorer
        )
    return partial(
        sample,
        policy=policy,
        sandbox=sandbox,
        config=Sampling(spec.n),
        seed=spec.seed,
        scorer=scorer,
    )
