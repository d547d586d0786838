"""The page of one search of a question that nobody gave a reference for.

Its answers are shown, and none is judged. The rest is as in a page of runs: the tree, with the
slider over the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.page.budgets import count_tokens, follow_choices, list_budgets
from bench.page.document import render_document
from bench.page.trees import NODE_KINDS, pack_tree
from bench.runs.grading import select, why_unfinished
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.search import NodeKind, Trace
from bench.search.selection import Selector
from bench.types import Outcome, Problem

NOT_JUDGED = "answered"
"""What the page calls the outcome of an answer without a reference."""


@dataclass(frozen=True, slots=True)
class AskedSearch:
    """A search, and what chose its answer."""

    problem: Problem
    trace: Trace
    selectors: Mapping[str, Selector]
    """The first one's choice is what is shown first."""
    policy: str
    ppm: str | None = None


def render_search(asked: AskedSearch) -> bytes:
    """Return the page as HTML; a model's text is in it as data alone (`bench.page.document`)."""
    trace, problem = asked.trace, asked.problem
    samples = [_describe_end(trace, index) for index in trace.rollouts]
    record = _as_record(problem, trace, samples)
    chosen = select(trace, samples, asked.selectors)
    tree = pack_tree(trace.to_json())
    tree["choices"] = _follow(trace, record, asked.selectors)
    column = {
        "name": trace.search,
        "seed": trace.seed,
        "methods": list(chosen),
        "labels": {method: method for method in chosen},
        "policy": asked.policy,
        "ppm": asked.ppm,
        "search": trace.search,
    }
    answers = {
        "chosen": {
            method: [each.answer, _tell(each.outcome, each.answer), each.sample]
            for method, each in chosen.items()
        },
        "disagree": len({each.answer for each in chosen.values()}) > 1,
        "tokens": [record.tokens.policy_generated, record.tokens.ppm, record.tokens.policy_prompt],
        "executions": record.executions,
        "seconds": None,
        "samples": {NOT_JUDGED: len(samples)},
        "error": None,
    }
    asked_for = {
        "id": problem.id,
        "question": problem.question,
        "gold": "",
        "judged": False,
        "family": None,
        "level": None,
        "answers": [answers],
    }
    data = {
        "node_kinds": NODE_KINDS,
        "runs": {"table": None, "charts": [], "columns": [column], "problems": [asked_for]},
    }
    packed = [
        [each.answer, _tell(each.outcome, each.answer), each.score, each.tokens, each.reason, None]
        for each in samples
    ]
    detail = {"columns": [{"samples": packed, "proofs": [], "tree": tree}]}
    return render_document(f"{asked.policy} {trace.search}", data, [detail])


def _describe_end(trace: Trace, index: int) -> Sample:
    """Return a rollout's end as a sample whose answer has no reference."""
    end, line = trace.nodes[index], trace.lineage(index)
    scores = tuple(node.value for node in line if node.value is not None)
    tokens = sum(node.tokens for node in line)
    if end.kind is not NodeKind.ANSWER:
        outcome, reason = why_unfinished(trace, end)
        return Sample(None, outcome, None, scores, tokens, reason)
    score = scores[-1] if scores else None
    return Sample(end.answer, Outcome.INVALID_GOLD, score, scores, tokens, "no reference was given")


def _as_record(problem: Problem, trace: Trace, samples: list[Sample]) -> Record:
    usage = trace.usage
    return Record(
        problem_id=problem.id,
        seed=trace.seed,
        benchmark=problem.benchmark,
        gold="",
        search=trace.search,
        samples=tuple(samples),
        selected={},
        tokens=Tokens(usage.policy_prompt, usage.policy_generated, usage.ppm),
        executions=usage.executions,
    )


def _follow(
    trace: Trace, record: Record, selectors: Mapping[str, Selector]
) -> dict[str, list[list[int | None]]]:
    """Return, by selector, the samples chosen after some numbers of rollouts."""
    spent = count_tokens(trace)
    if not spent:
        return {}
    found: Mapping[int, Mapping[str, Selected]] = follow_choices(
        trace, record, selectors, list_budgets(spent)
    ).selected
    return {
        method: [[done, each[method].sample] for done, each in sorted(found.items())]
        for method in selectors
    }


def _tell(outcome: Outcome, answer: str | None) -> str:
    return str(outcome) if answer is None else NOT_JUDGED
