"""Records as tables: a row for each answer of each selector, and a row for each sample.

Outcomes are typed and nothing is left out. Texts are as they are stored.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from bench.errors import MissingExtraError
from bench.exports.bundle import Bundle
from bench.exports.sources import Source, describe_gaps
from bench.reports.leaderboard import outcomes
from bench.runs.record import Record


def encode(sources: Sequence[Source]) -> Bundle:
    """Return `answers.parquet` and `samples.parquet`. Raises MissingExtraError: without pyarrow."""
    files = {
        "answers.parquet": _to_parquet([r for s in sources for r in list_answers(s)]),
        "samples.parquet": _to_parquet([r for s in sources for r in _list_samples(s)]),
    }
    return Bundle(files, tuple(describe_gaps(sources)))


def list_answers(source: Source) -> Iterator[dict[str, Any]]:
    """Yield a row for each answer of each selector of a run."""
    for row in source.rows:
        found = outcomes(source.run, row.method)
        for record in source.run.records:
            selected = record.selected.get(row.method)
            seconds = source.run.seconds.get(record.key, {})
            yield {
                **_describe_problem(source, record),
                "selector": row.method,
                "label": row.label,
                "answer": None if selected is None else selected.answer,
                "outcome": str(found[record.key]),
                "failure": found[record.key].is_failure,
                "sample": None if selected is None else selected.sample,
                "policy_prompt_tokens": record.tokens.policy_prompt,
                "policy_generated_tokens": record.tokens.policy_generated,
                "ppm_tokens": record.tokens.ppm,
                "executions": record.executions,
                "seconds": seconds.get("total"),
                "cpu_seconds": seconds.get("cpu"),
                "error": record.error,
            }


def _list_samples(source: Source) -> Iterator[dict[str, Any]]:
    for record in source.run.records:
        for at, sample in enumerate(record.samples):
            yield {
                **_describe_problem(source, record),
                "sample": at,
                "text": source.solution(record, at),
                "answer": sample.answer,
                "outcome": str(sample.outcome),
                "failure": sample.outcome.is_failure,
                "guess": None if sample.guess is None else str(sample.guess),
                "score": sample.score,
                "step_scores": list(sample.step_scores),
                "tokens": sample.tokens,
                "reason": sample.reason,
            }


def _describe_problem(source: Source, record: Record) -> dict[str, Any]:
    return {
        "run": source.run.path.name,
        "config_digest": source.digest,
        "policy": source.run.policy,
        "ppm": source.rows[0].ppm,
        "search": source.search,
        "benchmark": record.benchmark,
        "problem_id": record.problem_id,
        "seed": record.seed,
        "question": source.question(record) or None,
        "gold": record.gold,
    }


def _to_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    import pandas

    out = io.BytesIO()
    try:
        pandas.DataFrame(rows).to_parquet(out, index=False)
    except ImportError as error:
        raise MissingExtraError("--to parquet", "pyarrow", "train") from error
    return out.getvalue()
