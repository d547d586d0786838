"""Results for model cards of the Hugging Face hub: files of `.eval_results`.

They lie in the repository of the model, one for each variant; the hub shows them on the model's
page and on the leaderboard of the data set, where that is a benchmark of the hub. It has no field
for an interval, so that stands in the notes. Only whole benchmarks are written: a leaderboard has
no place for a part of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bench.errors import DataError, MissingExtraError
from bench.exports.bundle import Bundle
from bench.exports.sources import LOCAL, Source
from bench.problems import BENCHMARKS
from bench.problems.registry import UNVERIFIED, Hub
from bench.reports.leaderboard import Row

TASKS: Mapping[str, str] = {"openai/gsm8k": "gsm8k"}
"""Data sets known to be benchmarks of the hub, and the task in their `eval.yaml` that is ours."""
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def encode(sources: Sequence[Source]) -> Bundle:
    """Return a file for each selector of each run, in a folder for each model.

    Raises DataError: there is none that the hub has a place for. MissingExtraError: without
    huggingface_hub.
    """
    files: dict[str, bytes] = {}
    notes = []
    for source in sources:
        refused = _refuse(source)
        if refused:
            notes.append(f"{source.name}: left out, {refused}.")
            continue
        for row in source.rows:
            if row.accuracy is not None:
                path = _path_of(source, row)
                if path in files:
                    raise DataError(
                        f"two runs would be the one file {path}, as when they differ in their seed "
                        "or their PPM: which of them counts is for you to say; export one"
                    )
                files[path] = _encode(source, row)
        notes += _warn(source)
    if not files:
        raise DataError(f"nothing to write for the hub. {' '.join(notes)}".rstrip())
    return Bundle(files, tuple(notes))


def _refuse(source: Source) -> str | None:
    """Return why the hub has no place for a run; None where it has one."""
    benchmark = BENCHMARKS.get(source.benchmark)
    if benchmark is None or benchmark.hub is None:
        return f"{source.benchmark} is no data set of the hub"
    if benchmark.hub.id not in TASKS:
        return f"{benchmark.hub.id} is not known to be a benchmark of the hub"
    whole = benchmark.hub.rows or benchmark.rows
    found = len({record.problem_id for record in source.run.records})
    return None if found >= whole else f"it has {found} of {whole} problems"


def _warn(source: Source) -> list[str]:
    notes = []
    if source.model[0] == LOCAL:
        notes.append(f"{source.name}: the model is no repository of the hub; name its folder.")
    failures = [
        f"{row.counts.failures} by {row.method}" for row in source.rows if row.counts.failures
    ]
    if failures:
        notes.append(
            f"{source.name}: answers that could not be judged are not part of the value "
            f"({', '.join(failures)})."
        )
    return notes


def _encode(source: Source, row: Row) -> bytes:
    try:
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    except ImportError as error:
        raise MissingExtraError("--to hf", "huggingface_hub", "cpu") from error
    hub = _hub_of(source)
    assert row.accuracy is not None
    entry = EvalResultEntry(
        dataset_id=hub.id,
        task_id=TASKS[hub.id],
        value=round(100 * row.accuracy.estimate, 2),
        dataset_revision=None if hub.revision == UNVERIFIED else hub.revision,
        date=source.created.date().isoformat(),
        notes=_describe(source, row),
    )
    data: list[dict[str, Any]] = eval_result_entries_to_yaml([entry])
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000).encode()


def _describe(source: Source, row: Row) -> str:
    assert row.accuracy is not None
    low, high = 100 * row.accuracy.low, 100 * row.accuracy.high
    said = [
        row.label,
        *([] if row.ppm is None else [f"PPM {row.ppm}"]),
        f"n={row.accuracy.n}",
        f"95 % [{low:.1f}, {high:.1f}]",
        f"{row.policy_tokens:.0f} tokens a problem",
    ]
    if row.counts.failures:
        said.append(f"not judged: {row.counts.failures}")
    benchmark = source.config.get("benchmark")
    errata = benchmark.get("errata") if isinstance(benchmark, Mapping) else None
    if isinstance(errata, list) and errata:
        said.append(f"{len(errata)} references corrected")
    return ", ".join([*said, "rStar-Bench"])


def _hub_of(source: Source) -> Hub:
    hub = BENCHMARKS[source.benchmark].hub
    assert hub is not None
    return hub


def _path_of(source: Source, row: Row) -> str:
    variant = _NAME.sub("-", f"{source.benchmark}-{row.label}")
    return "/".join([*source.model, ".eval_results", f"{variant}.yaml"])
