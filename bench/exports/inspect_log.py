"""inspect's evaluation log, version 2 of its JSON (inspect_ai.log.EvalLog): one file for each run.

A sample is a problem under a seed (its epoch); every finished trajectory is a choice of its output,
a selector is a scorer, and its score names the choice. What the harness could not judge has no
score, and a sample without any score has an error: inspect counts neither as wrong. `N` is its
value of no answer, here of truncated and guessed ones as well; metadata has the outcome itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from bench.exports.bundle import Bundle, to_json
from bench.exports.sources import Source, describe_gaps
from bench.reports.leaderboard import Row, outcomes
from bench.runs.derived import checker_of, conventions_of
from bench.runs.record import Key, Record, Tokens
from bench.types import Outcome

LOG_VERSION = 2
VALUES = {
    Outcome.CORRECT: "C",
    Outcome.WRONG: "I",
    Outcome.UNPARSED: "I",
    Outcome.NO_ANSWER: "N",
    Outcome.TRUNCATED: "N",
    Outcome.GUESSED: "N",
}
"""What inspect calls an outcome that is no failure of the harness."""


def encode(sources: Sequence[Source]) -> Bundle:
    """Return a log for each run, named as inspect names its own."""
    files = {_name(source): to_json(_describe_run(source)) for source in sources}
    notes = []
    for source in sources:
        unscored = sum(row.counts.failures for row in source.rows)
        if unscored:
            notes.append(
                f"{source.name}: without a score, since not to be judged: {unscored} of "
                f"{sum(row.n for row in source.rows)} answers."
            )
    return Bundle(files, (*notes, *describe_gaps(sources)))


def _describe_run(source: Source) -> dict[str, Any]:
    run, header = source.run, source.run.header
    model = "/".join(source.model)
    identity = _identify(source)
    seconds = max((of.get("total", 0.0) for of in run.seconds.values()), default=0.0)
    found = {row.method: outcomes(run, row.method) for row in source.rows}
    samples = [_describe_sample(source, record, found, model) for record in run.records]
    problems = list(dict.fromkeys(record.problem_id for record in run.records))
    records = [record.tokens for record in run.records]
    total = Tokens(
        policy_prompt=sum(each.policy_prompt for each in records),
        policy_generated=sum(each.policy_generated for each in records),
    )
    return {
        "version": LOG_VERSION,
        "status": "success",
        "eval": {
            "eval_id": identity,
            "run_id": identity,
            "task_id": identity,
            "created": source.created.isoformat(timespec="seconds"),
            "task": source.benchmark,
            "task_display_name": f"{source.benchmark}, {source.search}",
            "solver": source.search,
            "solver_args": _search_of(source),
            "dataset": {
                "name": source.benchmark,
                "samples": len(problems),
                "sample_ids": problems,
                "shuffled": False,
            },
            "model": model,
            "config": {"epochs": len({record.seed for record in run.records})},
            "packages": header.get("packages", {}),
            "metadata": {
                "rstar_bench": {
                    "config": source.config,
                    "config_digest": header.get("config_digest"),
                    "git": header.get("git"),
                    "command": header.get("command"),
                    "checker": checker_of(run),
                    "conventions": conventions_of(run),
                }
            },
        },
        "plan": {
            "name": "plan",
            "steps": [{"solver": source.search, "params": _search_of(source)}],
        },
        "results": {
            "total_samples": len(samples),
            "completed_samples": sum(not sample.get("error") for sample in samples),
            "scores": [_describe_row(row) for row in source.rows],
        },
        "stats": {
            "started_at": source.created.isoformat(timespec="seconds"),
            # How long the run took is not kept, and it took no less than its slowest problem.
            "completed_at": (source.created + timedelta(seconds=seconds)).isoformat(
                timespec="seconds"
            ),
            "model_usage": {model: _count_tokens(total)},
        },
        "samples": samples,
    }


def _describe_row(row: Row) -> dict[str, Any]:
    metrics: dict[str, float] = {}
    if row.accuracy is not None:
        metrics = {
            "accuracy": row.accuracy.estimate,
            "ci_lower": row.accuracy.low,
            "ci_upper": row.accuracy.high,
        }
    return {
        "name": row.method,
        "scorer": row.method,
        "scored_samples": row.n - row.counts.failures,
        "unscored_samples": row.counts.failures,
        "metrics": {name: {"name": name, "value": value} for name, value in metrics.items()},
        "metadata": {
            "label": row.label,
            "outcomes": asdict(row.counts),
            "interval": "95 %, Wilson, clustered by problem",
        },
    }


def _describe_sample(
    source: Source, record: Record, found: Mapping[str, Mapping[Key, Outcome]], model: str
) -> dict[str, Any]:
    of_record = {method: by_key[record.key] for method, by_key in found.items()}
    texts = source.solutions.get(record.key, ())
    chosen = [
        text
        for selected in record.selected.values()
        if (text := source.solution(record, selected.sample)) is not None
    ]
    scores = {
        method: _describe_score(record, method, outcome)
        for method, outcome in of_record.items()
        if not outcome.is_failure
    }
    question = source.question(record) or record.problem_id
    seconds = source.run.seconds.get(record.key, {}).get("total")
    sample: dict[str, Any] = {
        "id": record.problem_id,
        "epoch": _epoch_of(source, record),
        "input": question,
        "target": record.gold,
        "messages": [
            {"role": "user", "content": question, "source": "input"},
            *({"role": "assistant", "content": t, "source": "generate"} for t in chosen[:1]),
        ],
        "output": {
            "model": model,
            "choices": [
                _describe_choice(text, end.outcome)
                for text, end in zip(texts, record.samples, strict=False)
            ],
            "completion": chosen[0] if chosen else "",
            "usage": _count_tokens(record.tokens),
        },
        "scores": scores,
        "metadata": {
            "seed": record.seed,
            "outcomes": {method: str(outcome) for method, outcome in of_record.items()},
            "executions": record.executions,
            "ppm_tokens": record.tokens.ppm,
        },
        "model_usage": {model: _count_tokens(record.tokens)},
    }
    if seconds is not None:
        sample["total_time"] = seconds
    if not scores:
        why = record.error or f"not judged: {', '.join(sorted(set(of_record.values())))}"
        sample["error"] = {"message": why, "traceback": "", "traceback_ansi": ""}
    return sample


def _describe_choice(text: str, outcome: Outcome) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "source": "generate"}
    is_cut = outcome is Outcome.TRUNCATED
    return {"message": message, "stop_reason": "max_tokens" if is_cut else "stop"}


def _describe_score(record: Record, method: str, outcome: Outcome) -> dict[str, Any]:
    selected = record.selected[method]
    sample = None if selected.sample is None else record.samples[selected.sample]
    return {
        "value": VALUES[outcome],
        "answer": selected.answer,
        "explanation": "nothing was chosen" if sample is None else sample.reason,
        "metadata": {
            "outcome": str(outcome),
            "choice": selected.sample,
            "ppm_score": None if sample is None else sample.score,
        },
    }


def _count_tokens(tokens: Tokens) -> dict[str, int]:
    return {
        "input_tokens": tokens.policy_prompt,
        "output_tokens": tokens.policy_generated,
        "total_tokens": tokens.policy_prompt + tokens.policy_generated,
    }


def _epoch_of(source: Source, record: Record) -> int:
    """Return the place of a record's seed among those of the run, from 1."""
    return 1 + sorted({each.seed for each in source.run.records}).index(record.seed)


def _search_of(source: Source) -> dict[str, Any]:
    return {"name": source.search, **source.run.knobs}


def _identify(source: Source) -> str:
    """Return an id made of the run, so that an export repeated has the same."""
    told = f"{source.digest}{source.created.isoformat()}"
    return hashlib.sha256(told.encode()).hexdigest()[:22]


def _name(source: Source) -> str:
    stamp = source.created.isoformat(timespec="seconds").replace(":", "-")
    task = "".join(each if each.isalnum() else "-" for each in source.benchmark)
    return f"{stamp}_{task}_{_identify(source)}.json"
