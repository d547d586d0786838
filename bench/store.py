"""A run directory: one writer appends problem by problem, a kill loses at most those in flight.

    run.json                   header (`bench.provenance`), with the configuration and its digest
    records.jsonl              a `Record` a line; a line here means that the problem is done
    records.rejected.jsonl     lines that a resume could not read
    timings.jsonl              seconds a problem: apart, so that records do not differ between runs
    trees/shard-0000.jsonl.gz  search trees, a gzip member a problem, 64 problems a shard
    summary.json               written at the end, and again by any re-scoring
    run.lock                   held by the writer while it lives

After `kill -9` everything appended is there. After a power cut the records are (they are synced to
disk), the last trees and timings may not be. This module neither grades nor summarises, and what a
tree holds is its caller's business.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import logging
import os
import shlex
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import RunDirError
from bench.provenance import SCHEMA_VERSION, config_digest, differences, read_header
from bench.record import Key, Record

try:
    import fcntl
except ImportError:  # Windows: runs are not locked there
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

SHARD = 64
"""Problems per tree file, by the problem's index in its benchmark."""

_GZIP_MAGIC = b"\x1f\x8b\x08"
_RESUME = "Repeat the command that started the run to resume it"


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
    seconds: Mapping[Key, Mapping[str, float]]

    def trees(self) -> Iterator[StoredTree]:
        """Yield the tree of every record that has one, the last written, sorted within a shard."""
        done = {r.key for r in self.records}
        for shard in sorted((self.path / "trees").glob("shard-*.jsonl.gz")):
            found: dict[Key, StoredTree] = {}
            for member in _members(shard):
                data = json.loads(member.text)
                tree = StoredTree(data["problem_id"], data["seed"], data["tree"])
                found[Key(tree.problem_id, tree.seed)] = tree
            yield from (found[key] for key in sorted(found) if key in done)


class RunDir:
    """The one writer of a run. Close it, or use it as a context manager, to release the lock.

    Not for several threads: two appends must not interleave.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], lock: int | None) -> None:
        """Use `RunDir.open`."""
        self.path = path
        self.header = header
        self.done: set[Key] = set()
        """Keys with a record that is not an engine error."""
        self._lock = lock
        self._mended: set[Path] = set()

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Any]) -> RunDir:
        """Create the run at `path`, or resume it when it has the same configuration.

        Args:
            path: the directory; made, with its parents, when absent.
            header: as `bench.provenance.header` builds it; needs at least "config".

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
                    "directory. Choose another --out."
                )
            lock = _lock(path)
        except OSError as error:
            raise RunDirError(f"cannot write the run directory {path}: {error.strerror}") from error
        run = cls(path, header, lock)
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
            _replace(file, _pretty(fresh))
            self.header = fresh
            return
        stored = read_header(self.path)
        if stored["config_digest"] != fresh["config_digest"]:
            raise RunDirError(_other_config(self.path, stored, config))
        # The first header stays; of each later session only what differs from it is added.
        news = {k: v for k, v in fresh.items() if stored.get(k) != v}
        self.header = {**stored, "resumed": [*stored.get("resumed", ()), news]}
        _replace(file, _pretty(self.header))
        _cut_half_line(self.path / "timings.jsonl")
        _cut_half_line(self.path / "records.jsonl")
        _reject_unreadable(self.path / "records.jsonl")
        self.done = {r.key for r in self.records() if not r.is_engine_error}

    def append(
        self, record: Record, tree: Mapping[str, Any], seconds: Mapping[str, float], index: int
    ) -> None:
        """Store one finished problem: tree, then timing, then record, which commits it.

        Args:
            record: the result.
            tree: the search tree, as JSON values.
            seconds: wall seconds by part; "total" is what reports print.
            index: the problem's place in its benchmark, the same on every resume: names the shard.

        Raises:
            RunDirError: the disk refused, or a value is no JSON (NaN, infinity).
        """
        name = {"problem_id": record.problem_id, "seed": record.seed}
        try:
            stored = _line({**name, "tree": tree})
            timing = _line({**name, "seconds": {k: float(v) for k, v in seconds.items()}})
            line = _line(record.to_json())
        except (TypeError, ValueError) as error:
            raise RunDirError(f"cannot store problem {record.problem_id!r}: {error}") from error
        shard = self.path / "trees" / f"shard-{index // SHARD:04d}.jsonl.gz"
        try:
            self._mend_shard(shard)
            _write(shard, gzip.compress(stored, compresslevel=6, mtime=0))
            _write(self.path / "timings.jsonl", timing)
            _write(self.path / "records.jsonl", line, sync=True)
        except OSError as error:
            raise RunDirError(
                f"cannot append problem {record.problem_id!r} to {self.path}: {error.strerror}. "
                f"What was stored before is intact. {_RESUME} once the cause is gone."
            ) from error
        if not record.is_engine_error:
            self.done.add(record.key)

    def _mend_shard(self, shard: Path) -> None:
        """Cut off a half-written member, once: other gzip readers stop there."""
        if shard in self._mended:
            return
        shard.parent.mkdir(exist_ok=True)
        if shard.exists():
            end = max((m.end for m in _members(shard)), default=0)
            if end < shard.stat().st_size:
                log.warning("%s: cut off the half-written tree after byte %d", shard, end)
                os.truncate(shard, end)
        self._mended.add(shard)

    def records(self) -> tuple[Record, ...]:
        """Return what is stored, one record for each key."""
        return load_run(self.path).records

    def trees(self) -> Iterator[StoredTree]:
        """Yield the stored tree of every record."""
        return load_run(self.path).trees()

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, replacing an earlier one as a whole."""
        _replace(self.path / "summary.json", _pretty(summary))

    def close(self) -> None:
        """Release the lock. Calling it again does nothing."""
        if self._lock in _locks:  # a forked child has closed its copy already
            _locks.remove(self._lock)
            os.close(self._lock)

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


def load_run(path: Path) -> Run:
    """Read a run without touching it.

    Raises:
        RunDirError: there is no run, or a line of its records is damaged; the message says which
            and what resuming the run will do about it.
    """
    header = read_header(path)
    file = path / "records.jsonl"
    scan = _scan(file)
    where = f"{file}, line {len(scan.lines) + 1}"
    command = shlex.join(header.get("command", ()))
    again = f"{_RESUME} ({command}):" if command else f"{_RESUME}:"
    for line in scan.lines:
        if line.record is None:
            raise RunDirError(
                f"{file}, line {line.number} is unreadable ({line.fault}). {again} the line is "
                "moved to records.rejected.jsonl and its problem is run again."
            )
    if scan.tail:
        raise RunDirError(
            f"{where} is half-written. {again} the line is cut off and its problem is run again."
        )
    latest = {line.record.key: line.record for line in scan.lines if line.record is not None}
    records = tuple(latest[key] for key in sorted(latest))
    return Run(path, header, records, _read_seconds(path / "timings.jsonl"))


@dataclass(frozen=True, slots=True)
class _Line:
    """A terminated line of records.jsonl; `record` is None where `fault` says why."""

    number: int
    raw: bytes
    record: Record | None
    fault: str


@dataclass(frozen=True, slots=True)
class _Scan:
    """The terminated lines of a file, and what follows the last newline."""

    lines: tuple[_Line, ...]
    tail: bytes


@dataclass(frozen=True, slots=True)
class _Member:
    """A complete gzip member and the offset of its end."""

    text: bytes
    end: int


def _scan(file: Path) -> _Scan:
    """Read every line of records.jsonl, good or bad; an absent file is an empty one."""
    raws = (file.read_bytes() if file.exists() else b"").split(b"\n")
    return _Scan(tuple(_parse(i, raw) for i, raw in enumerate(raws[:-1], start=1)), raws[-1])


def _parse(number: int, raw: bytes) -> _Line:
    """Read one record, or say why it cannot be read."""
    try:
        return _Line(number, raw, Record.from_json(json.loads(raw)), "")
    except (ValueError, TypeError) as error:
        return _Line(number, raw, None, str(error))


def _members(shard: Path) -> Iterator[_Member]:
    """Yield the complete gzip members of a shard, passing over damaged bytes between them."""
    data = shard.read_bytes()
    start = data.find(_GZIP_MAGIC)
    while start >= 0:
        inflate = zlib.decompressobj(wbits=31)
        with contextlib.suppress(zlib.error):
            text = inflate.decompress(memoryview(data)[start:])
            if inflate.eof:
                end = len(data) - len(inflate.unused_data)
                yield _Member(text, end)
                start = data.find(_GZIP_MAGIC, end)
                continue
        log.warning("%s: no complete tree at byte %d, passed over", shard, start)
        start = data.find(_GZIP_MAGIC, start + 1)


def _read_seconds(file: Path) -> dict[Key, Mapping[str, float]]:
    """Read timings.jsonl; a damaged line costs a number nobody scores, so it is only logged."""
    seconds: dict[Key, Mapping[str, float]] = {}
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


def _cut_half_line(file: Path) -> None:
    """Cut off what follows the last newline: the process died while writing it."""
    data = file.read_bytes() if file.exists() else b""
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        number = data.count(b"\n") + 1
        log.warning("%s: cut off line %d, half-written (%d bytes)", file, number, len(data) - whole)
        os.truncate(file, whole)


def _reject_unreadable(file: Path) -> None:
    """Move unreadable lines out of records.jsonl, so that their problems are run again."""
    lines = _scan(file).lines
    bad = [line for line in lines if line.record is None]
    if not bad:
        return
    rejected = file.with_name("records.rejected.jsonl")
    for line in bad:
        log.warning(
            "%s, line %d is unreadable (%s): moved to %s, its problem is run again",
            *(file, line.number, line.fault, rejected.name),
        )
    # Saved before removed: dying between the two costs a duplicate, not a line.
    _write(rejected, b"".join(line.raw + b"\n" for line in bad), sync=True)
    _replace(file, b"".join(line.raw + b"\n" for line in lines if line.record is not None))


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
            "Choose another --out, or repeat the same command to resume that run"
            + (f": {command}" if command else "."),
        )
    )


def _line(data: Mapping[str, Any]) -> bytes:
    """Return one line of JSON; ASCII, so that no text of a model's can fail to encode."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _pretty(data: Mapping[str, Any]) -> bytes:
    """Return JSON for people to read."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _write(file: Path, data: bytes, *, sync: bool = False) -> None:
    """Append `data` in one write, or leave the file as it was and raise OSError."""
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(fd).st_size
        written = os.write(fd, data)
        if written < len(data):  # the disk is full: the next append must not follow half a line
            os.ftruncate(fd, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def _replace(file: Path, data: bytes) -> None:
    """Write a whole file, so that at every moment the old or the new one is there."""
    half = file.with_name(file.name + ".new")
    half.write_bytes(data)
    with half.open("rb") as stream:
        os.fsync(stream.fileno())
    half.replace(file)


def _foreign(path: Path) -> str:
    """Name an entry that a run, killed before it wrote run.json, did not leave; or ''."""
    ours = ("run.lock", "run.json.new")
    return next((entry.name for entry in sorted(path.iterdir()) if entry.name not in ours), "")


def _lock(path: Path) -> int | None:
    """Take the run's lock until the descriptor is closed or the process dies, even by kill -9."""
    if fcntl is None:
        return None
    fd = os.open(path / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        writer = os.read(fd, 32).decode(errors="replace").strip()
        os.close(fd)
        raise RunDirError(
            f"{path} is being written by another process (pid {writer}). Wait for it or stop it, "
            "or choose another --out."
        ) from None
    except OSError as error:
        log.warning("%s is not locked against a second writer: %s", path, error.strerror)
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    _locks.add(fd)
    return fd


_locks: set[int] = set()


def _forget_locks() -> None:
    """Drop the locks in a forked child: one that outlives a killed run must not keep it locked."""
    while _locks:
        os.close(_locks.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)
