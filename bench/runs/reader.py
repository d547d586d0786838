"""A run directory as read: its header, its records, its seconds and its trees.

Reading touches nothing: what a kill left is mended by the writer, when the run is resumed. The
files, and their one writer, are in `bench.runs.writer`.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import RunDirError
from bench.files.lines import scan
from bench.files.shards import members
from bench.runs.header import read_header
from bench.runs.record import Key, Record

log = logging.getLogger(__name__)

RESUME = "Repeat the command that started the run to resume it"


@dataclass(frozen=True, slots=True)
class StoredTree:
    """The search tree of one problem."""

    problem_id: str
    seed: int
    tree: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read from disk, good to the last line."""

    path: Path
    header: Mapping[str, Any]
    records: tuple[Record, ...]
    """One for each key, the last written, sorted by key: nothing depends on who finished first."""
    seconds: Mapping[Key, Mapping[str, Any]]
    """By part, see `bench.runs.writer.RunDir.append`."""

    def trees(self) -> Iterator[StoredTree]:
        """Yield the tree of every record that has one, the last written, sorted within a shard."""
        done = {r.key for r in self.records}
        for shard in sorted((self.path / "trees").glob("shard-*.jsonl.gz")):
            found: dict[Key, StoredTree] = {}
            for member in members(shard):
                data = json.loads(member.text)
                tree = StoredTree(data["problem_id"], data["seed"], data["tree"])
                found[Key(tree.problem_id, tree.seed)] = tree
            yield from (found[key] for key in sorted(found) if key in done)


def load_run(path: Path) -> Run:
    """Read a run without touching it.

    Raises:
        RunDirError: there is no run, or a line of its records is damaged; the message says which
            and what resuming the run will do about it.
    """
    header = read_header(path)
    file = path / "records.jsonl"
    found = scan(file, Record.from_json)
    where = f"{file}, line {len(found.lines) + 1}"
    command = shlex.join(header.get("command", ()))
    again = f"{RESUME} ({command}):" if command else f"{RESUME}:"
    for line in found.lines:
        if line.value is None:
            raise RunDirError(
                f"{file}, line {line.number} is unreadable ({line.fault}). {again} the line is "
                "moved to records.rejected.jsonl and its problem is run again."
            )
    if found.tail:
        raise RunDirError(
            f"{where} is half-written. {again} the line is cut off and its problem is run again."
        )
    latest = {line.value.key: line.value for line in found.lines if line.value is not None}
    records = tuple(latest[key] for key in sorted(latest))
    return Run(path, header, records, _read_seconds(path / "timings.jsonl"))


def _read_seconds(file: Path) -> dict[Key, Mapping[str, Any]]:
    """Read timings.jsonl; a damaged line costs a number nobody scores, so it is only logged."""
    seconds: dict[Key, Mapping[str, Any]] = {}
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    for number, raw in enumerate(lines, start=1):
        if not raw:
            continue
        try:
            data = json.loads(raw)
            seconds[Key(data["problem_id"], data["seed"])] = dict(data["seconds"])
        except (ValueError, TypeError, KeyError) as error:
            log.warning("%s, line %d is unreadable (%s), ignored", file, number, error)
    return seconds
