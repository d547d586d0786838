"""A run directory: one writer appends problem by problem, a kill loses at most those in flight.

    run.json                   header (`bench.runs.header`), with the configuration and its digest
    records.jsonl              a `Record` a line; a line here means that the problem is done
    records.rejected.jsonl     lines that a resume could not read
    timings.jsonl              seconds a problem: apart, so that records do not differ between runs
    trees/shard-0000.jsonl.gz  search trees, a gzip member a problem, 64 problems a shard
    summary.json               written at the end, and again by any re-scoring
    run.lock                   held by the writer while it lives

After `kill -9` everything appended is there. After a power cut the records are (they are synced to
disk), the last trees and timings may not be. This module neither grades nor summarises, and what a
tree holds is its caller's business; a run is read in `bench.runs.reader`, and how its files grow
and are mended is in `bench.files.lines` and `bench.files.shards`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import RunDirError
from bench.files import atomic, lock
from bench.files.lines import cut_half_line, encode, set_aside_unreadable
from bench.files.shards import append_member, cut_half_member
from bench.runs.header import SCHEMA_VERSION, config_digest, differences, read_header
from bench.runs.reader import RESUME, StoredTree, load_run
from bench.runs.record import Key, Record

Seconds = float | Sequence[float]

SHARD = 64
"""Problems per tree file, by the problem's index in its benchmark."""


class RunDir:
    """The one writer of a run. Close it, or use it as a context manager, to release the lock.

    Not for several threads: two appends must not interleave.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], held: int | None) -> None:
        """Use `RunDir.open`."""
        self.path = path
        self.header = header
        self.done: set[Key] = set()
        """Keys with a record that is not an engine error."""
        self._lock = held
        self._mended: set[Path] = set()

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Any]) -> RunDir:
        """Create the run at `path`, or resume it when it has the same configuration.

        Args:
            path: the directory; made, with its parents, when absent.
            header: as `bench.runs.header.header` builds it; needs at least "config".

        Raises:
            RunDirError: the directory is another configuration's, another process writes to it, it
                is not a run directory, or it cannot be written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            foreign = not (path / "run.json").exists() and _foreign(path)
            if foreign:
                raise RunDirError(
                    f"{path} is not empty ({foreign}) and holds no run.json, so it is not a run "
                    "directory. Choose another one (--out; in training --work)."
                )
            held = lock.acquire(path)
        except OSError as error:
            raise RunDirError(f"cannot write the run directory {path}: {error.strerror}") from error
        run = cls(path, header, held)
        try:
            run._start()
        except BaseException:
            run.close()
            raise
        return run

    def _start(self) -> None:
        """Write the header of a new run; check, mend and read an existing one."""
        config = json.loads(json.dumps(self.header["config"]))  # as it reads back: tuples are lists
        fresh = {
            "schema": SCHEMA_VERSION,
            **self.header,
            "config": config,
            "config_digest": config_digest(config),
        }
        file = self.path / "run.json"
        if not file.exists():
            atomic.replace(file, _pretty(fresh))
            self.header = fresh
            return
        stored = read_header(self.path)
        if stored["config_digest"] != fresh["config_digest"]:
            raise RunDirError(_other_config(self.path, stored, config))
        # The first header stays; of each later session only what differs from it is added.
        news = {k: v for k, v in fresh.items() if stored.get(k) != v}
        self.header = {**stored, "resumed": [*stored.get("resumed", ()), news]}
        atomic.replace(file, _pretty(self.header))
        cut_half_line(self.path / "timings.jsonl")
        cut_half_line(self.path / "records.jsonl")
        set_aside_unreadable(
            self.path / "records.jsonl", self.path / "records.rejected.jsonl", Record.from_json
        )
        self.done = {r.key for r in self.records() if not r.is_engine_error}

    def append(
        self, record: Record, tree: Mapping[str, Any], seconds: Mapping[str, Seconds], index: int
    ) -> None:
        """Store one finished problem: tree, then timing, then record, which commits it.

        Args:
            record: the result.
            tree: the search tree, as JSON values.
            seconds: wall seconds by part, one number or one for each event; "total" is what
                reports print, "cpu" is processor time.
            index: the problem's place in its benchmark, the same on every resume: names the shard.

        Raises:
            RunDirError: the disk refused, or a value is no JSON (NaN, infinity).
        """
        name = {"problem_id": record.problem_id, "seed": record.seed}
        try:
            stored = encode({**name, "tree": tree})
            timing = encode({**name, "seconds": {k: _rounded(v) for k, v in seconds.items()}})
            line = encode(record.to_json())
        except (TypeError, ValueError) as error:
            raise RunDirError(f"cannot store problem {record.problem_id!r}: {error}") from error
        shard = self.path / "trees" / f"shard-{index // SHARD:04d}.jsonl.gz"
        try:
            self._mend_shard(shard)
            append_member(shard, stored)
            atomic.append(self.path / "timings.jsonl", timing)
            atomic.append(self.path / "records.jsonl", line, sync=True)
        except OSError as error:
            raise RunDirError(
                f"cannot append problem {record.problem_id!r} to {self.path}: {error.strerror}. "
                f"What was stored before is intact. {RESUME} once the cause is gone."
            ) from error
        if not record.is_engine_error:
            self.done.add(record.key)

    def note(self, key: str, value: Any) -> None:
        """Add to the header what is known only once the parts run; a resume's go to its entry."""
        sessions = self.header.get("resumed")
        if key not in self.header:
            self.header = {**self.header, key: value}
        elif sessions and self.header[key] != value:
            self.header = {**self.header, "resumed": [*sessions[:-1], {**sessions[-1], key: value}]}
        else:
            return
        atomic.replace(self.path / "run.json", _pretty(self.header))

    def _mend_shard(self, shard: Path) -> None:
        """Make a shard ready to be appended to, once."""
        if shard in self._mended:
            return
        shard.parent.mkdir(exist_ok=True)
        if shard.exists():
            cut_half_member(shard)
        self._mended.add(shard)

    def records(self) -> tuple[Record, ...]:
        """Return what is stored, one record for each key."""
        return load_run(self.path).records

    def trees(self) -> Iterator[StoredTree]:
        """Yield the stored tree of every record."""
        return load_run(self.path).trees()

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, replacing an earlier one as a whole."""
        atomic.replace(self.path / "summary.json", _pretty(summary))

    def close(self) -> None:
        """Release the lock. Calling it again does nothing."""
        lock.release(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        """Return the run itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self.close()


def _rounded(seconds: Seconds) -> float | list[float]:
    """Return seconds as JSON: a total as it is, a list to the microsecond."""
    if isinstance(seconds, int | float):
        return float(seconds)
    return [round(float(each), 6) for each in seconds]


def _other_config(path: Path, stored: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Say which keys differ between the run's configuration and the one asked for."""
    command = shlex.join(stored.get("command", ()))
    return "\n".join(
        (
            f"{path} holds a run of another configuration:",
            *(
                f"  {d.key}: the run has {d.old}, this command asks for {d.new}"
                for d in differences(stored["config"], config)
            ),
            "Choose another directory (--out; in training --work), move this one away, or repeat "
            "the same command to resume that run" + (f": {command}" if command else "."),
        )
    )


def _pretty(data: Mapping[str, Any]) -> bytes:
    """Return JSON for people to read."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _foreign(path: Path) -> str:
    """Name an entry that a run, killed before it wrote run.json, did not leave; or ''."""
    ours = ("run.lock", "run.json.new")
    return next((entry.name for entry in sorted(path.iterdir()) if entry.name not in ours), "")
