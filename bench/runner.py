"""For each problem: search, grade, record. The one place where a search meets the reference answer.

Problems are searched concurrently, a bounded number at a time; engines batch what the searches
await. A problem whose engine or sandbox fails is recorded as such, goes on being counted apart,
and is run again when the run is resumed; it never becomes a wrong answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.answers import DEFAULT, Conventions, acheck
from bench.errors import BenchError, EngineError, SandboxError
from bench.record import Key, Record, Sample, Selected, Tokens
from bench.search import Finished, Node, NodeKind, Trace, finished
from bench.store import RunDir
from bench.types import Outcome, Problem

Search = Callable[[Problem], Awaitable[Trace]]
Selector = Callable[[Sequence[Finished]], int | None]
OnDone = Callable[[Record], None]


async def run_problems(
    problems: Sequence[Problem],
    search: Search,
    *,
    run: RunDir,
    selectors: Mapping[str, Selector],
    name: str,
    seed: int,
    concurrency: int = 32,
    conventions: Conventions = DEFAULT,
    on_done: OnDone | None = None,
) -> None:
    """Search and grade every problem that the run does not hold yet, appending as each one ends."""
    slots = asyncio.Semaphore(concurrency)

    async def one(index: int, problem: Problem) -> None:
        async with slots:
            started = time.perf_counter()
            code: list[float] = []
            try:
                trace = await search(problem)
                record = await grade(problem, trace, selectors, conventions)
                tree, code = trace.to_json(), trace.code_seconds
            except (EngineError, SandboxError) as error:
                record, tree = _failed(problem, name, seed, selectors, error), {}
            total = time.perf_counter() - started
            run.append(record, tree, {"total": total, "code": code}, index)
            if on_done is not None:
                on_done(record)

    todo = [
        (index, problem)
        for index, problem in enumerate(problems)
        if Key(problem.id, seed) not in run.done
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for index, problem in todo:
                group.create_task(one(index, problem))
    except BaseExceptionGroup as errors:
        # What a user can fix (a full disk, say) stops the run as itself, not as a group.
        known = errors.subgroup(BenchError)
        if known is not None:
            raise known.exceptions[0] from None
        raise


async def grade(
    problem: Problem,
    trace: Trace,
    selectors: Mapping[str, Selector],
    conventions: Conventions = DEFAULT,
) -> Record:
    """Check every answer of a trace against the reference, and let the selectors choose."""
    ends = [trace.nodes[index] for index in trace.rollouts]
    samples = list(
        await asyncio.gather(*(_sample(problem, trace, end, conventions) for end in ends))
    )
    usage = trace.usage
    return Record(
        problem_id=problem.id,
        seed=trace.seed,
        benchmark=problem.benchmark,
        gold=problem.answer,
        search=trace.search,
        samples=tuple(samples),
        selected=select(trace, samples, selectors),
        tokens=Tokens(usage.policy_prompt, usage.policy_generated, usage.ppm),
        executions=usage.executions,
    )


def select(
    trace: Trace, samples: Sequence[Sample], selectors: Mapping[str, Selector]
) -> dict[str, Selected]:
    """Let every selector choose among a trace's finished trajectories, graded already."""
    place = {index: at for at, index in enumerate(trace.rollouts)}
    options = finished(trace)
    selected = {}
    for selector, choose in selectors.items():
        choice = choose(options)
        if choice is None:
            selected[selector] = Selected(
                None, nothing_chosen([sample.outcome for sample in samples]), None
            )
        else:
            at = place[trace.finished[choice]]
            selected[selector] = Selected(samples[at].answer, samples[at].outcome, at)
    return selected


async def _sample(problem: Problem, trace: Trace, end: Node, conventions: Conventions) -> Sample:
    line = trace.lineage(end.index)
    scores = tuple(node.value for node in line if node.value is not None)
    tokens = sum(node.tokens for node in line)
    if end.kind is not NodeKind.ANSWER:
        outcome, reason = why_unfinished(trace, end)
        return Sample(None, outcome, None, scores, tokens, reason)
    verdict = await acheck(problem.answer, end.answer, conventions)
    for other in problem.alternatives:
        if verdict.outcome in (Outcome.WRONG, Outcome.UNPARSED):
            verdict = await acheck(other, end.answer, conventions)
    return Sample(
        end.answer,
        verdict.outcome,
        scores[-1] if scores else None,
        scores,
        tokens,
        f"{verdict.comparer}: {verdict.reason}",
    )


_NO_REASON = (NodeKind.DUPLICATE, NodeKind.NOT_FIRST, NodeKind.LOOKAHEAD)


def why_unfinished(trace: Trace, end: Node) -> tuple[Outcome, str]:
    """Say why a rollout has no answer: cut short, or nothing valid to go on with."""
    if end.kind.is_valid:
        children = [node.kind for node in trace.nodes if node.parent == end.index]
        below = [kind for kind in children if kind not in _NO_REASON]
        if all(kind is NodeKind.TOO_DEEP for kind in below):
            return Outcome.TRUNCATED, "the depth limit came before an answer"
        if all(kind is NodeKind.CUT for kind in below):
            return Outcome.TRUNCATED, "every candidate was cut by the token limit"
        kinds = ", ".join(sorted({str(kind) for kind in below}))
        return Outcome.NO_ANSWER, f"no candidate could be continued ({kinds})"
    if end.kind is NodeKind.CUT:
        return Outcome.TRUNCATED, "the token limit came before an answer"
    detail = f": {end.error}" if end.error else ""
    return Outcome.NO_ANSWER, f"{end.kind}{detail}"


def nothing_chosen(ends: Sequence[Outcome]) -> Outcome:
    """The outcome of having nothing to choose from: truncated only if every end was.

    There are no ends where a search was cut before its first one (`bench.token_budget`).
    """
    cut = all(outcome is Outcome.TRUNCATED for outcome in ends)
    return Outcome.TRUNCATED if cut else Outcome.NO_ANSWER


def _failed(
    problem: Problem, name: str, seed: int, selectors: Mapping[str, Selector], error: BenchError
) -> Record:
    nothing = Selected(None, Outcome.ENGINE_ERROR, None)
    return Record(
        problem_id=problem.id,
        seed=seed,
        benchmark=problem.benchmark,
        gold=problem.answer,
        search=name,
        samples=(),
        selected=dict.fromkeys(selectors, nothing),
        tokens=Tokens(),
        executions=0,
        error=f"{type(error).__name__}: {error}",
    )
