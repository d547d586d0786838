"""A policy's generated tokens per second, and how many of them are left inside MCTS.

The policy is that of the newest round which has a PPM that is a head on the policy's own states,
else the newest published one, or the embedded model, which writes few steps that run and so
searches little. A search is timed against its own requests sent again, in the same order and
with as many problems in flight, with nothing between two of them: what it keeps of that rate is
what programs, the PPM and the search itself leave. Shares of the wall time overlap: programs run
while models compute, and the search, whose time is the CPU time of its thread, beside both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.checkpoints.checkpoint import (
    HEAD,
    Checkpoint,
    default_ppm,
    find_checkpoint,
    newest_policy,
    published_checkpoints,
)
from bench.engines.base import Completion, Engine, Request, RunningScorer, StepScorer
from bench.engines.invariant import InvariantEngine
from bench.engines.opening import (
    TRANSFORMERS,
    ScorerSettings,
    is_head_on,
    load_engine,
    open_head,
    open_scorer,
)
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.token_trie import TokenTrie
from bench.engines.turns import Turns
from bench.evaluation.runner import CONCURRENCY
from bench.problems import load
from bench.prompts import START, template
from bench.sandbox import Execution, Sandbox
from bench.search import MCTS, mcts
from bench.speed.measure import Figure, measure_time
from bench.types import Problem

if TYPE_CHECKING:
    from bench.search import Node, Trace

POOL = "embedded-grade-school"
PROBLEMS = CONCURRENCY
"""As many at a time as a run searches unless told otherwise."""
CANDIDATES = 4
ROLLOUTS = 2


OLD, NEW = "openvino", "invariant"
"""The engines that promise that a text depends on its request alone: every prompt computed anew,
with the PPM on transformers; and prefixes kept, with the PPM beside them."""
ASKED: Mapping[int, float] = {1: 100, 32: 700}
"""Tokens per second that were asked of the new one, by requests in flight."""
ALONE = 6
"""Requests that are made one after the other, when others have been answered before."""
_WITHOUT = {"": "", "looks_up": ", prompts computed whole", "guesses": ", nothing guessed"}
"""What is said of the new one where it is told to do without something of its own."""
KEPT = "openvino-cached"
"""OpenVINO's own prefix cache, with which texts depend on what ran before."""


async def engine() -> list[Figure]:
    """Time a policy by requests in flight, then inside a search, without and with a PPM.

    The old configuration is timed beside the new one, and the new one beside itself with every
    prompt computed whole, and with nothing guessed.
    """
    policy = _find_policy()
    own, head = default_ppm(policy), _find_head(policy.name)
    old = await _time(policy, OLD, {f"PPM on {TRANSFORMERS}": (own, TRANSFORMERS)})
    scorers = {f"PPM on {NEW}": (own, NEW), "PPM, a head on the policy": (head, NEW)}
    new = await _time(policy, NEW, scorers)
    kept = await _time(policy, KEPT, {})
    anew = await _time(policy, NEW, {}, off="looks_up")
    unguessed = await _time(policy, NEW, {}, off="guesses")
    ratios = [
        Figure("MCTS, no PPM: new / old", new.alone / old.alone, "x"),
        Figure(
            "MCTS, no PPM: prefixes known / computed whole, both new",
            new.alone / anew.alone,
            "x",
            at_least=1.8,
        ),
        Figure(
            "MCTS, no PPM: tokens guessed / one a step, both new", new.alone / unguessed.alone, "x"
        ),
        Figure("MCTS, no PPM: prefixes kept by OpenVINO / old", kept.alone / old.alone, "x"),
    ]
    for before in old.scored.values():
        ratios += [
            Figure(f"MCTS, {what}: new / old", rate / before, "x", at_least=3.0)
            for what, rate in new.scored.items()
        ]
    timed = (old, new, kept, anew, unguessed)
    return [*(figure for each in timed for figure in each.figures), *ratios]


def _find_policy() -> Checkpoint:
    names = [name for name in published_checkpoints("policy") if _find_head(name) is not None]
    return find_checkpoint(names[-1], "policy") if names else newest_policy()


def _find_head(policy: str) -> Checkpoint | None:
    """Return the PPM of a policy's round that is a head on its states; None: there is none."""
    name = f"{policy}{HEAD}"
    return find_checkpoint(name, "ppm") if name in published_checkpoints("ppm") else None


@dataclass(frozen=True, slots=True)
class _Timed:
    figures: list[Figure]
    alone: float
    """Tokens per second of MCTS without a PPM."""
    scored: dict[str, float]
    """And with each PPM."""


async def _time(
    checkpoint: Checkpoint,
    name: str,
    scorers: Mapping[str, tuple[Checkpoint | None, str]],
    *,
    off: str = "",
) -> _Timed:
    """Time an engine, and a search on it, without a PPM and with each that there is."""
    turns = Turns()
    running = load_engine(checkpoint, name, turns)
    if isinstance(running, InvariantEngine):
        if off:
            setattr(running, off, False)
    asked = ASKED if name == NEW and not off else {}
    name = f"{name}{_WITHOUT[off]}"
    policy = ModelPolicy(
        checkpoint.name, running, template(checkpoint.template), SamplingSettings(step_tokens=64)
    )
    try:
        await rate(running, policy, 2)  # the first step of a pipeline compiles
        rates = {}
        for requests in (1, 8, 32):
            _count_anew(running)
            rates[requests] = await rate(running, policy, requests)
        later = [await rate(running, policy, 1, skip=32 + at) for at in range(ALONE)]
        figures = [
            *(
                Figure(f"{name}, {n} requests", each, "tokens/s", at_least=asked.get(n))
                for n, each in rates.items()
            ),
            Figure(f"{name}, 32 requests / 1 request", rates[32] / rates[1], "x"),
            Figure(
                f"{name}, 1 request, after 32 of other problems were answered",
                fmean(later),
                "tokens/s",
                at_least=asked.get(1),
            ),
            Figure(
                f"{name}, 32 requests asked again with another seed",
                await rate(running, policy, 32, seed=1),
                "tokens/s",
            ),
            *(without := await _searched(policy, None, f"{name}, no PPM", turns)),
        ]
        scored: dict[str, float] = {}
        for what, (ppm, scorer_engine) in scorers.items():
            if ppm is None:
                continue
            settings = ScorerSettings(scorer_engine)
            if is_head_on(checkpoint, name, ppm, scorer_engine):
                scorer = open_head(checkpoint, running, ppm)
            else:
                scorer = open_scorer(ppm, turns, settings)
            try:
                found = await _searched(policy, scorer, f"{name}, {what}", turns)
            finally:
                scorer.close()
            scored[what] = found[0].value
            figures += found
    finally:
        running.close()
    return _Timed(figures, without[0].value, scored)


def _count_anew(running: Engine) -> None:
    if isinstance(running, InvariantEngine):
        running.forget()  # whoever asked before asked of the same problems
        running.steps = running.rows = running.reused_tokens = 0
        running.guessed = running.guessed_right = 0
        running.spent.clear()


def _occupancy(running: Engine, what: str) -> list[Figure]:
    """Say how full an engine's steps were, and where its time went, where it counts that."""
    if not isinstance(running, InvariantEngine):
        return []
    steps, rows, reused = running.steps, running.rows, running.reused_tokens
    spent = dict(running.spent)
    whole = sum(spent.values())
    return [
        Figure(f"{what}: rows a step", rows / steps, "rows"),
        Figure(f"{what}: rows that were known", 100 * reused / (rows + reused), "%"),
        Figure(f"{what}: rows that were guessed", 100 * running.guessed / rows, "%"),
        Figure(
            f"{what}: guesses that were right",
            100 * running.guessed_right / max(running.guessed, 1),
            "%",
        ),
        *(
            Figure(f"{what}: the engine's thread, {each}", 100 * seconds / whole, "%")
            for each, seconds in sorted(spent.items(), key=lambda item: -item[1])
        ),
    ]


async def rate(
    engine: Engine, policy: ModelPolicy, requests: int, n: int = 1, *, skip: int = 0, seed: int = 0
) -> float:
    """Return the tokens per second of so many prompts, 64 tokens each unless the model ends.

    The first `skip` problems are left out.
    """
    problems = load(POOL, limit=skip + requests)[skip:]
    prompts = [policy.template.render(problem.question, START) for problem in problems]
    with measure_time() as watch:
        batches = await asyncio.gather(
            *(engine.generate(Request(prompt, n, seed, 1.0, 64, ())) for prompt in prompts)
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
    _count_anew(policy.engine)
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
    occupancy = _occupancy(policy.engine, f"MCTS, {what}")
    tokens = sum(trace.usage.policy_generated for trace in traces)
    _count_anew(policy.engine)
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
        *occupancy,
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
