"""lm-eval's results and samples, as its version 0.4.13 writes them, for runs that it did not make.

A selector is a filter: `verdict,majority` is its accuracy, and the samples have a line for each
problem and filter. The metrics are those of our tasks (`bench.lm_eval.scoring`): a problem that the
harness could not judge has `failed`, and no `verdict`. What lm-eval has no key for (intervals, the
run's header) is under `rstar`, as in the files of `rstar-bench lm-eval`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import fmean, stdev
from typing import Any

from bench.exports.bundle import Bundle, to_json, to_json_lines
from bench.exports.sources import Source, describe_gaps
from bench.reports.leaderboard import outcomes
from bench.runs.record import Record
from bench.types import Outcome

_VERSION = 1.0
"""Of our tasks."""
_LOWER_IS_BETTER = {
    "truncated": (Outcome.TRUNCATED,),
    "no_answer": (Outcome.NO_ANSWER, Outcome.GUESSED),
    "unparsed": (Outcome.UNPARSED,),
    "failed": tuple(outcome for outcome in Outcome if outcome.is_failure),
}
"""Metrics that count outcomes."""
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def encode(sources: Sequence[Source]) -> Bundle:
    """Return a file of results and one of samples for each run, in a folder of its model."""
    files: dict[str, bytes] = {}
    for source in sources:
        task = _task_of(source)
        samples = list(_list_samples(source))
        made = source.created.strftime("%Y-%m-%dT%H-%M-%S")
        stamp = f"{made}.{source.digest[:6]}"
        folder = _NAME.sub("_", _model_of(source))
        files[f"{folder}/results_{stamp}.json"] = to_json(_describe_results(source, task, samples))
        files[f"{folder}/samples_{task}_{stamp}.jsonl"] = to_json_lines(samples)
    return Bundle(files, tuple(describe_gaps(sources)))


def _describe_results(
    source: Source, task: str, samples: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    header = source.run.header
    results: dict[str, Any] = {"name": task, "alias": task, "sample_len": len(source.run.records)}
    for row in source.rows:
        of_row = [sample for sample in samples if sample["filter"] == row.method]
        for metric in ("verdict", *_LOWER_IS_BETTER):
            values = [sample[metric] for sample in of_row if metric in sample]
            if values:
                results[f"{metric},{row.method}"] = fmean(values)
                results[f"{metric}_stderr,{row.method}"] = _standard_error(values)
    hashes = [s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples]
    higher = {"verdict": True, **dict.fromkeys(_LOWER_IS_BETTER, False)}
    count = len({record.problem_id for record in source.run.records})
    model = _model_of(source)
    return {
        "results": {task: results},
        "group_subtasks": {},
        "configs": {task: _describe_task(source, task)},
        "versions": {task: _VERSION},
        "n-shot": {task: 0},
        "higher_is_better": {task: higher},
        "n-samples": {task: {"original": count, "effective": count}},
        "config": {
            "model": "rstar",
            "model_args": _list_arguments(source),
            "batch_size": header.get("concurrency"),
            "batch_sizes": [],
            "device": None,
            "use_cache": None,
            "limit": None,
            "bootstrap_iters": 0,
            "gen_kwargs": {},
            "random_seed": source.config.get("seed"),
            "numpy_seed": None,
            "torch_seed": None,
            "fewshot_seed": None,
        },
        "git_hash": (header.get("git") or {}).get("commit"),
        "date": source.created.timestamp(),
        "pretty_env_info": f"{header.get('platform', '')}, Python {header.get('python', '')}",
        "transformers_version": header.get("packages", {}).get("transformers"),
        "lm_eval_version": header.get("packages", {}).get("lm-eval"),
        "upper_git_hash": None,
        "task_hashes": {task: _hash("".join(hashes))},
        "model_source": "rstar",
        "model_name": model,
        "model_name_sanitized": _NAME.sub("_", model),
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": None,
        "chat_template": None,
        "chat_template_sha": None,
        "total_evaluation_time_seconds": None,
        "rstar": {"rows": [asdict(row) for row in source.rows], "header": dict(header)},
    }


def _describe_task(source: Source, task: str) -> dict[str, Any]:
    metrics = {"verdict": True, **dict.fromkeys(_LOWER_IS_BETTER, False)}
    return {
        "task": task,
        "dataset_path": source.benchmark,
        "test_split": "test",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "num_fewshot": 0,
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": higher}
            for name, higher in metrics.items()
        ],
        "output_type": "generate_until",
        "generation_kwargs": {},
        "repeats": 1,
        "filter_list": [
            {"name": row.method, "filter": [{"function": "custom"}]} for row in source.rows
        ],
        "should_decontaminate": False,
        "metadata": {"version": _VERSION},
    }


def _list_samples(source: Source) -> Iterator[dict[str, Any]]:
    numbers: dict[str, int] = {}
    for record in source.run.records:
        numbers.setdefault(record.problem_id, len(numbers))
    for row in source.rows:
        found = outcomes(source.run, row.method)
        for record in source.run.records:
            yield _describe_sample(
                source, record, row.method, found[record.key], numbers[record.problem_id]
            )


def _describe_sample(
    source: Source, record: Record, method: str, outcome: Outcome, number: int
) -> dict[str, Any]:
    question, target = source.question(record), record.gold
    doc = {"id": record.problem_id, "question": question, "answer": target}
    selected = record.selected.get(method)
    chosen = None if selected is None else source.solution(record, selected.sample)
    texts = source.solutions.get(record.key, ())
    metrics = {name: float(outcome in of) for name, of in _LOWER_IS_BETTER.items()}
    if not outcome.is_failure:
        metrics = {"verdict": float(outcome is Outcome.CORRECT), **metrics}
    answer = None if selected is None else selected.answer
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": question, "arg_1": {}}},
        "resps": [list(texts)],
        "filtered_resps": [chosen or ""],
        "filter": method,
        "metrics": list(metrics),
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(question),
        "target_hash": _hash(target),
        **metrics,
        "rstar": {"outcome": str(outcome), "answer": answer, "seed": record.seed},
    }


def _task_of(source: Source) -> str:
    """Return what our task of the benchmark is called, or would be."""
    return "rstar_" + _NAME.sub("_", source.benchmark).replace("-", "_")


def _model_of(source: Source) -> str:
    """Return the name of policy and search, as `rstar-bench lm-eval` names its folders."""
    developer, name = source.model
    return f"{name}-{source.search}" if name != source.search else name


def _list_arguments(source: Source) -> dict[str, Any]:
    names = ("policy", "ppm", "search", "engine", "seed")
    return {name: source.config[name] for name in names if source.config.get(name) is not None}


def _standard_error(values: Sequence[float]) -> float | str:
    """Return the standard error of a mean as lm-eval prints it: of one value there is none."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else "N/A"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
