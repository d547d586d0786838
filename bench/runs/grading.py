"""A trace and its reference become a record: every answer checked, every selector asked.

The one place where a search meets the reference answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bench.answers import DEFAULT, Conventions, acheck, check
from bench.answers.verifiers import verify
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.search import Node, NodeKind, Trace, list_finished
from bench.search.selection import Selector
from bench.types import Outcome, Problem, Verdict


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
        verifier=problem.verifier,
    )


def select(
    trace: Trace, samples: Sequence[Sample], selectors: Mapping[str, Selector]
) -> dict[str, Selected]:
    """Let every selector choose among a trace's finished trajectories, graded already."""
    place = {index: at for at, index in enumerate(trace.rollouts)}
    options = list_finished(trace)
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


async def judge(
    problem: Problem, answer: str | None, conventions: Conventions = DEFAULT
) -> Verdict:
    """Decide whether an answer is right: by the problem's verifier, else by its references."""
    if problem.verifier is not None:
        # A verifier may wait for a process of its own; the other searches go on meanwhile.
        return await asyncio.to_thread(verify, problem.verifier, answer or "")
    verdict = await acheck(problem.answer, answer, conventions)
    for other in problem.alternatives:
        if verdict.outcome in _MAY_BE_RIGHT_YET:
            verdict = await acheck(other, answer, conventions)
    return verdict


def judge_now(problem: Problem, answer: str | None, conventions: Conventions = DEFAULT) -> Verdict:
    """Decide as `judge` does, for a caller that is not asynchronous."""
    return judge_by(lambda gold, given: check(gold, given, conventions), problem, answer)


def judge_by(
    ask: Callable[[str, str | None], Verdict], problem: Problem, answer: str | None
) -> Verdict:
    """Decide as `judge` does, by asking any checker about each reference and the answer."""
    if problem.verifier is not None:
        return verify(problem.verifier, answer or "")
    verdict = ask(problem.answer, answer)
    for other in problem.alternatives:
        if verdict.outcome in _MAY_BE_RIGHT_YET:
            verdict = ask(other, answer)
    return verdict


_MAY_BE_RIGHT_YET = (Outcome.WRONG, Outcome.UNPARSED, Outcome.GUESSED)
"""By another reference, where a problem has several."""


async def _sample(problem: Problem, trace: Trace, end: Node, conventions: Conventions) -> Sample:
    line = trace.lineage(end.index)
    scores = tuple(node.value for node in line if node.value is not None)
    tokens = sum(node.tokens for node in line)
    if end.kind is not NodeKind.ANSWER:
        outcome, reason = why_unfinished(trace, end)
        return Sample(None, outcome, None, scores, tokens, reason)
    verdict = await judge(problem, end.answer, conventions)
    return Sample(
        end.answer,
        verdict.outcome,
        scores[-1] if scores else None,
        scores,
        tokens,
        reason_of(verdict),
        verdict.guess,
    )


def reason_of(verdict: Verdict) -> str:
    """Return what a sample keeps of why a verdict is what it is."""
    return f"{verdict.comparer}: {verdict.reason}"


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
    if end.kind is NodeKind.TOO_DEEP:
        return Outcome.TRUNCATED, end.error or "the depth limit came before an answer"
    detail = f": {end.error}" if end.error else ""
    return Outcome.NO_ANSWER, f"{end.kind}{detail}"


def nothing_chosen(ends: Sequence[Outcome]) -> Outcome:
    """The outcome of having nothing to choose from: truncated only if every end was.

    There are no ends where a search was cut before its first one (`bench.reports.token_budget`).
    """
    cut = all(outcome is Outcome.TRUNCATED for outcome in ends)
    return Outcome.TRUNCATED if cut else Outcome.NO_ANSWER


def explain_nothing(trace: Trace) -> tuple[Outcome, str]:
    """Say of a trace without a finished trajectory why there is none: what most rollouts met."""
    ends = [trace.nodes[index] for index in trace.rollouts]
    reasons = [why_unfinished(trace, end) for end in ends if end.kind is not NodeKind.ANSWER]
    outcome = nothing_chosen([outcome for outcome, _ in reasons])
    said = Counter(reason for _, reason in reasons).most_common(1)
    return outcome, said[0][0] if said else "the search had no rollout"
