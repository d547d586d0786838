"""A policy's generated tokens per second, and how many of them are left inside MCTS.

The policy is the newest published one, or the embedded model, which writes few steps that run and
so searches little. A search is timed against its own requests sent again, in the same order and
with as many problems in flight, with nothing between two of them: what it keeps of that rate is
what programs, the PPM and the search itself leave. Shares of the wall time overlap: programs run
while models compute, and the search, whose time is the CPU time of its thread, beside both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.checkpoints.checkpoint import newest_policy, published_checkpoints
from bench.engines.base import Completion, Engine, Request, RunningScorer, StepScorer
from bench.engines.invariant import InvariantEngine
from bench.engines.opening import TRANSFORMERS, load_engine
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.token_trie import TokenTrie
from bench.engines.turns import Turns
from bench.problems import load
from bench.prompts import START, template
from bench.sandbox import Execution, Sandbox
from bench.search import MCTS, mcts
from bench.speed.measure import Figure, measure_time
from bench.speed.ppm import open_newest_ppm
from bench.types import Problem

if TYPE_CHECKING:
    from bench.search import Node, Trace

POOL = "embedded-grade-school"
PROBLEMS = 16
CANDIDATES = 4
ROLLOUTS = 4


OLD, NEW = "openvino", "invariant"
"""The engines that promise that a text depends on its request alone: every prompt computed anew,
with the PPM on transformers; and prefixes kept, with the PPM beside them."""
KEPT = "openvino-cached"
"""OpenVINO's own prefix cache, with which texts depend on what ran before."""


async def engine() -> list[Figure]:
    """Time a policy by requests in flight, then inside a search, without and with a PPM.

    The old configuration is timed beside the new one.
    """
    old, new = await _time(OLD, TRANSFORMERS), await _time(NEW, NEW)
    kept = await _time(KEPT, None)
    ratios = [
        Figure("MCTS, no PPM: new / old", new.alone / old.alone, "x", at_least=1.8),
        Figure("MCTS, no PPM: prefixes kept by OpenVINO / old", kept.alone / old.alone, "x"),
    ]
    if old.scored and new.scored:
        ratios.append(Figure("MCTS, PPM: new / old", new.scored / old.scored, "x", at_least=3.0))
    return [*old.figures, *new.figures, *kept.figures, *ratios]


@dataclass(frozen=True, slots=True)
class _Timed:
    figures: list[Figure]
    alone: float
    """Tokens per second of MCTS without a PPM."""
    scored: float | None
    """And with one."""


async def _time(name: str, scorer_engine: str | None) -> _Timed:
    """Time an engine, and a search on it, with a PPM on `scorer_engine` where there is one."""
    checkpoint = newest_policy()
    turns = Turns()
    running = load_engine(checkpoint, name, turns)
    policy = ModelPolicy(
        checkpoint.name, running, template(checkpoint.template), SamplingSettings(step_tokens=64)
    )
    try:
        await rate(running, policy, 2)  # the first step of a pipeline compiles
        rates = {requests: await rate(running, policy, requests) for requests in (1, 8, 32)}
        figures = [
            *(Figure(f"{name}, {n} requests", each, "tokens/s") for n, each in rates.items()),
            Figure(f"{name}, 32 requests / 1 request", rates[32] / rates[1], "x"),
            *(without := await _searched(policy, None, f"{name}, no PPM", turns)),
            *_occupancy(running),
        ]
        scored = None
        if scorer_engine is not None and published_checkpoints("ppm"):
            scorer = open_newest_ppm(turns, engine=scorer_engine)
            try:
                found = await _searched(policy, scorer, f"{name}, PPM on {scorer_engine}", turns)
            finally:
                scorer.close()
            scored = found[0].value
            figures += found
    finally:
        running.close()
    return _Timed(figures, without[0].value, scored)


def _occupancy(running: Engine) -> list[Figure]:
    """Say how full the steps of an engine were, where it counts them."""
    if not isinstance(running, InvariantEngine):
        return []
    computed = running.rows + running.reused_tokens
    return [
        Figure(f"{NEW}: rows a step", running.rows / running.steps, "rows"),
        Figure(f"{NEW}: rows that were known", 100 * running.reused_tokens / computed, "%"),
    ]


async def rate(engine: Engine, policy: ModelPolicy, requests: int, n: int = 1) -> float:
    """Return the tokens per second of so many prompts, 64 tokens each unless the model ends."""
    prompts = [
        policy.template.render(problem.question, START) for problem in load(POOL, limit=requests)
    ]
    with measure_time() as watch:
        batches = await asyncio.gather(
            *(engine.generate(Request(prompt, n, 0, 1.0, 64, ())) for prompt in prompts)
        )
    return sum(c.tokens for completions in batches for c in completions) / watch.wall


@dataclass(slots=True)
class _Recorded:
    """An engine that remembers what it was asked."""

    engine: Engine
    requests: list[Request] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def determinism(self) -> str:
        return self.engine.determinism

    async def generate(self, request: Request) -> list[Completion]:
        self.requests.append(request)
        return await self.engine.generate(request)


@dataclass(slots=True)
class _Watched:
    """A sandbox that knows for how long at least one program was running."""

    sandbox: Sandbox
    running: int = 0
    seconds: float = 0.0
    _since: float = 0.0

    async def run(self, *arguments: Any, **options: Any) -> Execution:
        if self.running == 0:
            self._since = time.perf_counter()
        self.running += 1
        try:
            return await self.sandbox.run(*arguments, **options)
        finally:
            self.running -= 1
            if self.running == 0:
                self.seconds += time.perf_counter() - self._since


async def _searched(
    policy: ModelPolicy, scorer: RunningScorer | None, what: str, turns: Turns
) -> list[Figure]:
    """Run MCTS on all problems at once, then its requests alone."""
    problems = load(POOL, limit=PROBLEMS)
    recorded = [_Recorded(policy.engine) for _ in problems]
    before = dict(turns.seconds)
    async with Sandbox() as sandbox:
        watched: Any = _Watched(sandbox)
        with measure_time() as watch:
            traces = await asyncio.gather(
                *(
                    _search(problem, replace(policy, engine=each), watched, scorer)
                    for problem, each in zip(problems, recorded, strict=True)
                )
            )
    held = {name: held - before.get(name, 0.0) for name, held in turns.seconds.items()}
    tokens = sum(trace.usage.policy_generated for trace in traces)
    with measure_time() as alone:
        await asyncio.gather(*(_again(policy.engine, each.requests) for each in recorded))
    nodes = sum(len(trace.nodes) - 1 for trace in traces)
    kind = f"MCTS, {PROBLEMS} problems, {what}"
    ppm = sum(seconds for thread, seconds in held.items() if thread.startswith("ppm"))
    shares = {
        "engine": sum(held.values()) - ppm,
        "PPM": ppm,
        "a program running": watched.seconds,
        "search (CPU)": watch.host,
    }
    figures = [
        Figure(kind, tokens / watch.wall, "tokens/s"),
        Figure(f"{kind}: its requests alone", tokens / alone.wall, "tokens/s"),
        Figure(f"{kind}: kept of that rate", alone.wall / watch.wall, "x", at_least=0.9),
        Figure(
            f"{kind}: kept while the PPM is not computing",
            alone.wall / (watch.wall - ppm),
            "x",
        ),
        *(
            Figure(f"{kind}: {part}", 100 * seconds / watch.wall, "% of the wall time")
            for part, seconds in shares.items()
        ),
        Figure(f"{kind}: search, each of {nodes} nodes", 1000 * watch.host / nodes, "ms CPU"),
    ]
    if scorer is not None:
        computed = sum(trace.usage.ppm for trace in traces)
        unique = sum(
            _unique(problem, trace, scorer) for problem, trace in zip(problems, traces, strict=True)
        )
        ratio = computed / unique
        figures.append(Figure(f"{kind}: PPM tokens computed / unique", ratio, "x", at_most=1.1))
    return figures


async def _search(
    problem: Problem, policy: ModelPolicy, sandbox: Sandbox, scorer: StepScorer | None
) -> Trace:
    async def reward(trace: Trace, end: Node) -> float:
        return 1.0  # without a PPM a search wants one, and which answer is right is not the matter

    return await mcts(
        problem,
        policy,
        sandbox,
        config=MCTS(rollouts=ROLLOUTS, candidates=CANDIDATES),
        seed=0,
        scorer=scorer,
        reward=None if scorer else reward,
    )


async def _again(engine: Engine, requests: Sequence[Request]) -> None:
    for request in requests:
        await engine.generate(request)


def _unique(problem: Problem, trace: Trace, scorer: RunningScorer) -> int:
    """Return how many tokens the scored texts of a search hold, what they share counted once."""
    trie = TokenTrie()
    reading: Any = scorer
    for node in trace.nodes:
        if node.value is not None:
            ((ids, _),) = reading.place(problem.question, "", [[trace.text(node.index)]])[0]
            trie.insert(ids)
    return len(trie)
