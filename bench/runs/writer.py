"""A run directory: one writer appends problem by problem, a kill loses at most those in flight.

    run.json                   header (`bench.runs.header`), with the configuration and its digest
    records.jsonl              a `Record` a line; a line here means that the problem is done
    records.rejected.jsonl     lines that a resume could not read
    timings.jsonl              seconds a problem: apart, so that records do not differ between runs
    trees/shard-0000.jsonl.gz  search trees, a gzip member a problem, 64 problems a shard
    summary.json               written at the end, and again by any re-scoring
    run.lock                   held by the writer while it lives

A start that fails leaves no run.json: it is written with the first note or record, once the parts
run. A run may grow (`bench.evaluation.growth`): records that are of the larger run stay as they
are, one that is too small is followed by another, whose line then takes its place.

After `kill -9` everything appended is there. After a power cut the records are (they are synced to
disk), the last trees and timings may not be. This module neither grades nor summarises, and what a
tree holds is its caller's business; a run is read in `bench.runs.reader`, and how its files grow
and are mended is in `bench.files.lines` and `bench.files.shards`.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from bench.errors import RunDirError
from bench.files import atomic, lock
from bench.files.lines import cut_half_line, encode, scan, set_aside_unreadable
from bench.files.shards import append_member, cut_half_member
from bench.runs.header import SCHEMA_VERSION, config_digest, differences, read_header
from bench.runs.reader import GROWING, RESUME, StoredTree, load_run, stream_records
from bench.runs.record import Key, Record

log = logging.getLogger(__name__)

Seconds = float | Sequence[float]

Grows = Callable[[Mapping[str, Any]], str | None]
"""Says of a stored configuration why its run cannot grow into the one asked for: nothing where it
can, None where they differ in more than their size."""

SHARD = 64
"""Problems per tree file, by the problem's index in its benchmark."""


class _Found(NamedTuple):
    """What of a record decides whether its problem is done."""

    is_whole: bool
    failed: bool


class RunDir:
    """The one writer of a run. Close it, or use it as a context manager, to release the lock.

    Not for several threads: two appends must not interleave.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        held: int | None,
        is_whole: Callable[[Record], bool],
    ) -> None:
        """Use `RunDir.open`."""
        self.path = path
        self.header = dict(header)
        self.done: set[Key] = set()
        """Keys with a record of the run's size that is not an engine error."""
        self._is_whole = is_whole
        self._lock = held
        self._bound = False
        self._mended: set[Path] = set()

    @classmethod
    def open(
        cls,
        path: Path,
        header: Mapping[str, Any],
        *,
        grows: Grows | None = None,
        is_whole: Callable[[Record], bool] = lambda record: True,
    ) -> RunDir:
        """Create the run at `path`, or resume it when it has the same configuration.

        Args:
            path: the directory; made, with its parents, when absent.
            header: as `bench.runs.header.header` builds it; needs at least "config".
            grows: whether a stored run of another configuration may become this one.
            is_whole: whether a record is of the run's size; one that is not is not done yet.

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
        run = cls(path, header, held, is_whole)
        try:
            run._start(grows)
        except BaseException:
            run.close()
            raise
        return run

    def _start(self, grows: Grows | None) -> None:
        """Make the header of a new run; check, mend and read an existing one."""
        config = json.loads(json.dumps(self.header["config"]))  # as it reads back: tuples are lists
        fresh = {
            "schema": SCHEMA_VERSION,
            **self.header,
            "config": config,
            "config_digest": config_digest(config),
        }
        if not (self.path / "run.json").exists():
            self.header = fresh
            return
        stored = read_header(self.path)
        was_growing = GROWING in stored
        if stored["config_digest"] != fresh["config_digest"]:
            if not _refuse_other(self.path, stored, config, grows):
                log.info("%s was bound to another configuration, and no record came", self.path)
                self.header = fresh
                return
            stored = {**_grown(stored, fresh), GROWING: True}
        # The first header stays; of each later session only what differs from it is added.
        news = {k: v for k, v in fresh.items() if stored.get(k) != v}
        self.header = {**stored, "resumed": [*stored.get("resumed", ()), news]}
        cut_half_line(self.path / "timings.jsonl")
        cut_half_line(self.path / "records.jsonl")
        set_aside_unreadable(
            self.path / "records.jsonl", self.path / "records.rejected.jsonl", Record.from_json
        )
        found = {
            record.key: _Found(self._is_whole(record), record.is_engine_error)
            for record in stream_records(self.path, self.header)
        }
        # A session that was killed may have left lines that `settle` has yet to drop.
        if not was_growing and all(each.is_whole for each in found.values()):
            self.header.pop(GROWING, None)
        self.done = {key for key, each in found.items() if self._is_done(each)}

    def _is_done(self, found: _Found) -> bool:
        # Only what is being grown is measured: what an older version took for whole is whole.
        return (GROWING not in self.header or found.is_whole) and not found.failed

    def bind(self) -> None:
        """Write the header: from now on the directory is this run's. Again, it does nothing."""
        if not self._bound:
            atomic.replace(self.path / "run.json", _pretty(self.header))
            self._bound = True

    def append(
        self,
        record: Record,
        tree: Mapping[str, Any],
        seconds: Mapping[str, Seconds],
        index: int,
        *,
        machine: Mapping[str, float] | None = None,
    ) -> None:
        """Store one finished problem: tree, then timing, then record, which commits it.

        Args:
            record: the result.
            tree: the search tree, as JSON values.
            seconds: wall seconds by part, one number or one for each event; "total" is what
                reports print, "cpu" is processor time.
            index: the problem's place in its benchmark, the same on every resume: names the shard.
            machine: what a `bench.machine.Meter` took since the last problem that was stored.

        Raises:
            RunDirError: the disk refused, or a value is no JSON (NaN, infinity).
        """
        name = {"problem_id": record.problem_id, "seed": record.seed}
        try:
            stored = encode({**name, "tree": tree})
            rounded = {k: _rounded(v) for k, v in seconds.items()}
            beside = {} if machine is None else {"machine": dict(machine)}
            timing = encode({**name, "seconds": rounded, **beside})
            line = encode(record.to_json())
        except (TypeError, ValueError) as error:
            raise RunDirError(f"cannot store problem {record.problem_id!r}: {error}") from error
        shard = self.path / "trees" / f"shard-{index // SHARD:04d}.jsonl.gz"
        lock.check(self.path, self._lock)
        try:
            self.bind()
            self._mend_shard(shard)
            append_member(shard, stored)
            atomic.append(self.path / "timings.jsonl", timing)
            atomic.append(self.path / "records.jsonl", line, sync=True)
        except OSError as error:
            raise RunDirError(
                f"cannot append problem {record.problem_id!r} to {self.path}: {error.strerror}. "
                f"What was stored before is intact. {RESUME} once the cause is gone."
            ) from error
        if self._is_done(_Found(self._is_whole(record), record.is_engine_error)):
            self.done.add(record.key)

    def note(self, key: str, value: Any) -> None:
        """Add to the header what is known only once the parts run; a resume's go to its entry."""
        sessions = self.header.get("resumed")
        if key not in self.header:
            self.header = {**self.header, key: value}
        elif sessions and self.header[key] != value:
            self.header = {**self.header, "resumed": [*sessions[:-1], {**sessions[-1], key: value}]}
        elif self._bound:
            return
        self._bound = False
        self.bind()

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
        if not (self.path / "run.json").exists():
            return ()
        return load_run(self.path).records

    def trees(self) -> Iterator[StoredTree]:
        """Yield the stored tree of every record."""
        return load_run(self.path).trees()

    def settle(self) -> None:
        """Drop the lines that larger records took the place of, once all are of the run's size."""
        self.bind()
        if GROWING not in self.header:
            return
        file = self.path / "records.jsonl"
        latest = {line.value.key: line for line in scan(file, Record.from_json).lines if line.value}
        kept = sorted(latest.values(), key=lambda line: line.number)
        atomic.replace(file, b"".join(line.raw + b"\n" for line in kept))
        self.header = {key: value for key, value in self.header.items() if key != GROWING}
        atomic.replace(self.path / "run.json", _pretty(self.header))

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


def check_run_dir(path: Path, config: Mapping[str, Any], grows: Grows | None = None) -> None:
    """Raise RunDirError where `RunDir.open` would find another run; touch nothing."""
    if (path / "run.json").exists():
        stored, asked = read_header(path), json.loads(json.dumps(config))
        if stored["config_digest"] != config_digest(asked):
            _refuse_other(path, stored, asked, grows)


def _refuse_other(
    path: Path, stored: Mapping[str, Any], config: Mapping[str, Any], grows: Grows | None
) -> bool:
    """Raise RunDirError for a run that cannot become one of `config`.

    Return whether there is a run: a header alone is what a start left to which no record came.
    """
    if not _foreign(path, "run.json"):
        return False
    refused = None if grows is None else grows(stored["config"])
    if refused is None or refused:
        raise RunDirError(_other_config(path, stored, config, refused or ""))
    return True


def _grown(stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header of a run that becomes a larger one, with what it was before."""
    differing = differences(stored["config"], fresh["config"])
    before = {
        "config_digest": stored["config_digest"],
        "command": stored.get("command", []),
        "differences": {each.key: [each.old, each.new] for each in differing},
    }
    now = {key: fresh[key] for key in ("command", "config", "config_digest") if key in fresh}
    return {**stored, **now, "grown": [*stored.get("grown", ()), before]}


def _other_config(
    path: Path, stored: Mapping[str, Any], config: Mapping[str, Any], refused: str
) -> str:
    """Say which keys differ between the run's configuration and the one asked for."""
    command = shlex.join(stored.get("command", ()))
    return "\n".join(
        (
            f"{path} holds a run of another configuration:",
            *(
                f"  {d.key}: the run has {d.old}, this command asks for {d.new}"
                for d in differences(stored["config"], config)
            ),
            *([f"It cannot grow: {refused}."] if refused else ()),
            "Choose another directory (--out; in training --work), move this one away, or repeat "
            "the same command to resume that run" + (f": {command}" if command else "."),
        )
    )


def _pretty(data: Mapping[str, Any]) -> bytes:
    """Return JSON for people to read."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    # A name that is no UTF-8 comes as surrogates, which no file holds but as JSON spells them.
    return text.encode(errors="backslashreplace") + b"\n"


def _foreign(path: Path, *known: str) -> str:
    """Name an entry that a start which failed did not leave, and which is not `known`; or ''."""
    ours = ("run.lock", "run.json.new", *known)
    return next((entry.name for entry in sorted(path.iterdir()) if entry.name not in ours), "")
