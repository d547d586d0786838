"""lm-eval's own tasks from a mirror: hub datasets that the registry knows, in the hub's columns.

`serve_mirror` replaces `datasets.load_dataset` for this process: a known hub id is answered from
the mirror, with the published references (errata are for our own tasks), where every split of it is
there; all else goes to the hub as before, and a hub that cannot be reached costs one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import MissingDataError
from bench.problems import BENCHMARKS, mirror
from bench.problems.registry import Benchmark, Gold, Hub


def serve_mirror() -> None:
    """Answer `datasets.load_dataset` from the mirror where it can; a second call does nothing."""
    import datasets

    original: Callable[..., Any] = datasets.load_dataset
    if getattr(original, "serves_mirror", False):
        return

    def load_dataset(path: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        splits = None if args or "data_files" in kwargs else hub_splits(path, name)
        if not splits:
            try:
                return original(path, name, *args, **kwargs)
            except ConnectionError as error:
                raise _unreachable(path) from error
        found = {split: datasets.Dataset.from_list(rows) for split, rows in splits.items()}
        wanted = kwargs.get("split")
        return datasets.DatasetDict(found) if wanted is None else found[wanted]

    load_dataset.serves_mirror = True  # type: ignore[attr-defined]
    datasets.load_dataset = load_dataset


def _unreachable(path: str) -> MissingDataError:
    files = [b.file for b in BENCHMARKS.values() if b.hub is not None and b.hub.id == path]
    remedy = (
        f"set {mirror.VARIABLE} to a directory that holds {' and '.join(map(repr, files))}"
        if files
        else f"no mirror ({mirror.VARIABLE}) can stand in, because the registry does not know it"
    )
    return MissingDataError(
        f"cannot reach the hub for the dataset {path!r}; {remedy}, or check the network"
    )


def hub_splits(path: str, name: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a hub dataset by split, out of the mirror; empty where it has none."""
    splits = {}
    for benchmark in BENCHMARKS.values():
        hub = benchmark.hub
        if hub is None or hub.id != path or hub.configs not in ((None,), (name,)):
            continue
        try:
            file = mirror.locate(benchmark)
        except MissingDataError:
            return {}
        if file is None or hub.gold not in _PRINTED:
            return {}
        splits[hub.split] = _rows(benchmark, hub, file)
    return splits


def _rows(benchmark: Benchmark, hub: Hub, file: Path) -> list[dict[str, Any]]:
    mirror.read(benchmark, file)  # counts and hashes
    lines = file.read_bytes().rstrip(b"\n").split(b"\n")
    return [_row(json.loads(line), hub) for line in lines]


def _row(row: Mapping[str, Any], hub: Hub) -> dict[str, Any]:
    found = {hub.question: row["problem"], hub.answer: _PRINTED[hub.gold](row)}
    if hub.answer != "solution" and "solution" in row and hub.gold is Gold.AS_IS:
        found["solution"] = row["solution"]
    for column, key in ((hub.level, "level"), (hub.subject, "subject"), (hub.key, "id")):
        if column is not None:
            found[column] = row.get(key, "")
    return found


_PRINTED: Mapping[Gold, Callable[[Mapping[str, Any]], str]] = {
    Gold.AS_IS: lambda row: row["answer"],
    Gold.INTEGER: lambda row: row["answer"],
    Gold.AFTER_HASHES: lambda row: (
        row["solution"] if "####" in row["solution"] else f"{row['solution']}\n#### {row['answer']}"
    ),
}
"""How a hub prints the reference, where the mirror keeps all that it takes."""
