"""A run directory as read: its header, its records, its seconds and its trees.

Reading touches nothing: what a kill left is mended by the writer, when the run is resumed. The
files, and their one writer, are in `bench.runs.writer`.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import RunDirError
from bench.files.lines import HALF_WRITTEN, decode, stream
from bench.files.shards import members
from bench.runs.header import read_header
from bench.runs.record import Key, Record

log = logging.getLogger(__name__)

RESUME = "Repeat the command that started the run to resume it"
GROWING = "growing"
"""Key of a header while some records are those of a smaller run."""


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
    machine: Mapping[str, float] = field(default_factory=dict)
    """What a `bench.machine.Meter` took while the run was made, summed up; empty where none did."""

    @property
    def config(self) -> Mapping[str, Any]:
        """What was asked for."""
        config: Mapping[str, Any] = self.header["config"]
        return config

    @property
    def benchmark(self) -> str:
        """Name of the benchmark."""
        return str(self.configured("benchmark"))

    @property
    def search(self) -> str:
        """Name of the search."""
        return str(self.configured("search"))

    @property
    def knobs(self) -> Mapping[str, Any]:
        """The settings of the search, by name."""
        search = self.config.get("search")
        if not isinstance(search, Mapping):
            return {}
        return {name: value for name, value in search.items() if name != "name"}

    @property
    def policy(self) -> str:
        """Name of the policy; a dash where the search asks none."""
        name = self.configured("policy")
        return "-" if name is None else str(name)

    def configured(self, key: str) -> Any:
        """Return an entry of the configuration, of a nested one its name; None: there is none."""
        value = self.config.get(key)
        return value.get("name") if isinstance(value, Mapping) else value

    def trees(self) -> Iterator[StoredTree]:
        """Yield the tree of every record that has one, the last written, sorted within a shard."""
        done = {r.key for r in self.records}
        for shard in sorted((self.path / "trees").glob("shard-*.jsonl.gz")):
            found: dict[Key, StoredTree] = {}
            for member in members(shard):
                try:
                    data = decode(member.text)
                    tree = StoredTree(data["problem_id"], data["seed"], data["tree"])
                    found[Key(tree.problem_id, tree.seed)] = tree
                except (ValueError, TypeError, KeyError) as error:
                    log.warning("%s: no tree ends at byte %d (%s)", shard, member.end, error)
            yield from (found[key] for key in sorted(found.keys() & done))


def load_run(path: Path) -> Run:
    """Read a run without touching it.

    Raises:
        RunDirError: there is no run, or a line of its records is damaged; the message says which
            and what resuming the run will do about it.
    """
    header = read_header(path)
    if header.get(GROWING):
        log.warning("%s is being grown, and some of its records are those of a smaller run", path)
    latest = {record.key: record for record in stream_records(path, header)}
    records = tuple(latest[key] for key in sorted(latest))
    return Run(path, header, records, *_read_timings(path / "timings.jsonl"))


def stream_records(path: Path, header: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of a run as they lie there, one in memory at a time.

    Of several with one key the last counts. Raises RunDirError, as `load_run`.
    """
    file = path / "records.jsonl"
    command = shlex.join(header.get("command", ()))
    again = f"{RESUME} ({command}):" if command else f"{RESUME}:"
    for line in stream(file, Record.from_json):
        if line.fault is HALF_WRITTEN:
            raise RunDirError(
                f"{file}, line {line.number} is half-written. {again} the line is cut off and its "
                "problem is run again."
            )
        if line.value is None:
            raise RunDirError(
                f"{file}, line {line.number} is unreadable ({line.fault}). {again} the line is "
                "moved to records.rejected.jsonl and its problem is run again."
            )
        yield line.value


def _read_timings(file: Path) -> tuple[dict[Key, Mapping[str, Any]], dict[str, float]]:
    """Read timings.jsonl; a damaged line costs a number nobody scores, so it is only logged."""
    seconds: dict[Key, Mapping[str, Any]] = {}
    machine: dict[str, float] = {}
    for line in stream(file, _parse_timing):
        if line.fault is HALF_WRITTEN:
            continue
        if line.value is None:
            log.warning("%s, line %d is unreadable (%s), ignored", file, line.number, line.fault)
            continue
        key, of_parts, of_machine = line.value
        seconds[key] = of_parts
        for name, took in of_machine.items():
            machine[name] = machine.get(name, 0.0) + took
    return seconds, machine


def _parse_timing(data: Any) -> tuple[Key, Mapping[str, Any], Mapping[str, float]]:
    """Return a problem's key, its seconds and what the machine took. Raises ValueError."""
    match data:
        case {"problem_id": str(name), "seed": int(seed), "seconds": dict(seconds)}:
            machine = data.get("machine", {})
        case _:
            raise ValueError("expected an object with problem_id, seed and seconds")
    if not isinstance(machine, dict) or not all(map(_is_number, machine.values())):
        raise ValueError("'machine' is no object of numbers")
    for name_of_part, took in seconds.items():
        if not all(map(_is_number, took if isinstance(took, list) else [took])):
            raise ValueError(f"{name_of_part!r} is neither a number nor a list of them")
    return Key(name, seed), seconds, machine


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
