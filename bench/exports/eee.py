"""Every Eval Ever: the common schema of evaluation results, version 0.3.0 (github.com/evaleval).

A run is an aggregate, whose results are the selectors with their intervals, and a file of samples:
a line for each answer of each selector, which names the result that it counts in. The layout of
folders is that of the datastore. Names are made of the run, not of the clock: an export repeated is
byte for byte the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from bench.exports.bundle import Bundle, to_json, to_json_lines
from bench.exports.sources import (
    LOCAL,
    Answer,
    Source,
    describe_failures,
    describe_gaps,
)
from bench.problems import BENCHMARKS
from bench.reports.leaderboard import Row
from bench.runs.derived import checker_of, conventions_of

SCHEMA_VERSION = "0.3.0"
_LEVEL = 0.95
"""Of the intervals of `bench.stats`."""
_UNKNOWN = "unknown"
_FOLDER_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def encode(sources: Sequence[Source]) -> Bundle:
    """Return an aggregate and a file of samples for each run that has an answer."""
    files: dict[str, bytes] = {}
    notes = [*describe_failures(sources), *describe_gaps(sources)]
    for source in sources:
        samples = to_json_lines(_list_samples(source))
        if not samples:
            notes.append(
                f"{source.name}: no answer could be judged, so there is nothing to export."
            )
            continue
        path = _path_of(source)
        details = {
            "format": "jsonl",
            "file_path": f"{path}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(samples).hexdigest(),
            "total_rows": samples.count(b"\n"),
        }
        aggregate = {**_describe_run(source), "detailed_evaluation_results": details}
        files[f"{path}.json"] = to_json(aggregate)
        files[f"{path}_samples.jsonl"] = samples
    notes.append(
        f"Before you publish: source_organization_name is {_UNKNOWN!r} in every aggregate; enter "
        "who made the run."
    )
    return Bundle(files, tuple(notes))


def _describe_run(source: Source) -> dict[str, Any]:
    header = source.run.header
    developer, name = source.model
    is_local = developer == LOCAL
    stamp = str(int(source.created.timestamp()))
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": _id_of(source),
        "evaluation_timestamp": stamp,
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": "rStar-Bench",
            "source_type": "evaluation_run",
            "source_organization_name": _UNKNOWN,
            "evaluator_relationship": "other" if is_local else "third_party",
        },
        "eval_library": {
            "name": "rstar-bench",
            "version": header.get("packages", {}).get("rstar-bench", _UNKNOWN),
            "additional_details": _to_texts({"git": header.get("git")}),
        },
        "model_info": {
            "name": name,
            "id": f"{developer}/{name}",
            "developer": developer,
            **_describe_engine(source),
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": _UNKNOWN if is_local else "open_weights",
                **_to_texts(
                    {"policy": source.config.get("policy"), "ppm": source.config.get("ppm")}
                ),
            },
        },
        "evaluation_results": [
            _describe_row(source, row) for row in source.rows if row.accuracy is not None
        ],
    }


def _describe_engine(source: Source) -> dict[str, Any]:
    engine = source.config.get("engine")
    if not engine:
        return {}
    version = source.run.header.get("packages", {}).get(engine, _UNKNOWN)
    return {"inference_engine": {"name": str(engine), "version": version}}


def _describe_row(source: Source, row: Row) -> dict[str, Any]:
    assert row.accuracy is not None
    counts = {name: str(count) for name, count in asdict(row.counts).items()}
    return {
        "evaluation_result_id": _result_id(source, row.method),
        "evaluation_name": source.benchmark,
        "source_data": _describe_benchmark(source),
        "metric_config": {
            "evaluation_description": f"Share of the judged answers by {row.label} that are right.",
            "metric_id": "accuracy",
            "metric_name": f"accuracy, {row.label}",
            "metric_kind": "accuracy",
            "metric_unit": "proportion",
            "metric_parameters": {"selector": row.method, **row.budget},
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
            "additional_details": {
                "checker": checker_of(source.run),
                **_to_texts({"conventions": conventions_of(source.run)}),
            },
        },
        "score_details": {
            "score": row.accuracy.estimate,
            "details": {
                "answers": str(row.n),
                **counts,
                "worst_if_failures_were_wrong": str(row.bounds.worst),
                "best_if_failures_were_right": str(row.bounds.best),
                "policy_tokens_of_a_problem": str(row.policy_tokens),
                "ppm_tokens_of_a_problem": str(row.ppm_tokens),
            },
            "uncertainty": {
                "confidence_interval": {
                    "lower": row.accuracy.low,
                    "upper": row.accuracy.high,
                    "confidence_level": _LEVEL,
                    "method": "Wilson, clustered by problem",
                },
                "num_samples": row.accuracy.n,
            },
        },
        "generation_config": _describe_generation(source),
    }


def _describe_benchmark(source: Source) -> dict[str, Any]:
    entry = source.config.get("benchmark")
    known = BENCHMARKS.get(source.benchmark.partition(":")[0])
    details = _to_texts(entry if isinstance(entry, Mapping) else {})
    problems = {record.problem_id: None for record in source.run.records}
    if known is None or known.hub is None:
        return {
            "dataset_name": source.benchmark,
            "source_type": "other",
            "additional_details": {**details, "answered": str(len(problems))},
        }
    return {
        "dataset_name": source.benchmark,
        "source_type": "hf_dataset",
        "hf_repo": known.hub.id,
        "hf_split": known.hub.split,
        "samples_number": len(problems),
        "sample_ids": list(problems),
        "additional_details": {**details, "origin": known.origin, "revision": known.hub.revision},
    }


def _describe_generation(source: Source) -> dict[str, Any]:
    policy = source.config.get("policy")
    given = policy if isinstance(policy, Mapping) else {}
    arguments: dict[str, Any] = {}
    if (temperature := given.get("temperature")) is not None:
        arguments["temperature"] = temperature
    if (tokens := given.get("solution_tokens")) is not None:
        arguments["max_tokens"] = tokens
    if (template := given.get("template")) is not None:
        arguments["prompt_template"] = template
    if (command := source.run.header.get("command")) is not None:
        arguments["execution_command"] = " ".join(command)
    sandbox = source.run.header.get("sandbox")
    if isinstance(sandbox, Mapping):
        arguments["sandbox"] = {"type": f"rstar-bench, level {sandbox.get('level')}"}
    search = source.config.get("search")
    details = {"search": search, "seed": source.config.get("seed")}
    return {"generation_args": arguments, "additional_details": _to_texts(details)}


def _list_samples(source: Source) -> Iterator[dict[str, Any]]:
    for row in source.rows:
        for answer in source.judged(row.method):
            yield _describe_answer(source, row.method, answer)


def _describe_answer(source: Source, method: str, answer: Answer) -> dict[str, Any]:
    record, selected = answer.record, answer.selected
    text = source.solution(record, selected.sample)
    asked = {
        "raw": source.question(record),
        "reference": [record.gold] if record.gold else [],
    }
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    tokens = record.tokens
    extracted = {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": selected.answer,
        "extraction_method": "rstar-bench final answer",
        "is_terminal": True,
    }
    seconds = source.run.seconds.get(record.key, {}).get("total")
    timed = {} if seconds is None else {"performance": {"latency_ms": 1000 * seconds}}
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": _id_of(source),
        "model_id": "/".join(source.model),
        "evaluation_name": source.benchmark,
        "evaluation_result_id": _result_id(source, method),
        "sample_id": record.problem_id,
        "sample_hash": hashlib.sha256(canonical.encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": asked,
        "output": {"raw": [] if text is None else [text]},
        "answer_attribution": [] if selected.answer is None else [extracted],
        "evaluation": {"score": float(answer.is_correct), "is_correct": answer.is_correct},
        "token_usage": {
            "input_tokens": tokens.policy_prompt,
            "output_tokens": tokens.policy_generated,
            "total_tokens": tokens.policy_prompt + tokens.policy_generated,
        },
        **timed,
        "metadata": _to_texts(
            {
                "outcome": str(answer.outcome),
                "selector": method,
                "sample": selected.sample,
                "seed": record.seed,
                "samples": len(record.samples),
                "ppm_tokens": tokens.ppm,
                "tokens_are": "those of the whole search, which its selectors share",
            }
        ),
    }


def _id_of(source: Source) -> str:
    """Return a run's id: benchmark, model and time, and the configuration's digest behind them."""
    stamp = int(source.created.timestamp())
    return f"{source.benchmark}/{'/'.join(source.model)}/{stamp}/{source.digest[:12]}"


def _result_id(source: Source, method: str) -> str:
    return f"{_id_of(source)}#{method}"


def _path_of(source: Source) -> str:
    """Return the place of a run in the datastore, without an ending."""
    parts = [_FOLDER_NAME.sub("_", part) for part in (source.benchmark, *source.model)]
    # A UUID of version 4 is asked for; this one is made of the run, so that it is no other's.
    identity = hashlib.sha256(_id_of(source).encode()).digest()[:16]
    return "/".join(["data", *parts, str(UUID(bytes=identity, version=4))])


def _to_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as texts, as the schema wants details; what is None is left out."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for name, value in values.items()
        if value is not None
    }
