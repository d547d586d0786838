"""The run store: whatever its files hold, a resume mends it, and no whole line is lost."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path

from bench.errors import RunDirError
from bench.files.lines import encode
from bench.runs.header import config_digest
from bench.runs.reader import load_run
from bench.runs.record import Record
from bench.runs.writer import RunDir
from bench.types import Outcome
from tests.made_runs import make_record

SEPARATOR = b"\x1e\x1e"
"""Between records, timings, a shard and a header; what is missing is absent."""
_SHARED = Path("/dev/shm")
_FOLDER = Path(tempfile.mkdtemp(dir=_SHARED if os.access(_SHARED, os.W_OK) else None)) / "run"
_HEADER = {"config": {"search": "fuzzed"}}

_RECORDS = b"".join(
    encode(make_record(n, {"first": Outcome.CORRECT}, samples=[Outcome.WRONG]).to_json())
    for n in range(2)
)
_TIMINGS = b"".join(
    encode({"problem_id": f"p{n:02}", "seed": 0, "seconds": {"total": 1.5}}) for n in range(2)
)
_SHARD = b"".join(
    gzip.compress(encode({"problem_id": f"p{n:02}", "seed": 0, "tree": {"nodes": [1]}}), mtime=0)
    for n in range(2)
)
_LIKE = encode(make_record(7, {"first": Outcome.CORRECT}).to_json()).strip()
SEEDS = (
    SEPARATOR.join((_RECORDS, _TIMINGS, _SHARD)),
    SEPARATOR.join((_RECORDS[:-9], _TIMINGS[:-3], _SHARD[:-20])),
    SEPARATOR.join((_RECORDS + _LIKE.replace(b"p07", b"p00") + b"\n", _TIMINGS, b"")),
    SEPARATOR.join(
        (_LIKE.replace(b'"seed":0', b'"seed":1e999') + b"\n", b"[]\n{}\n", b"\x1f\x8b\x08")
    ),
    SEPARATOR.join((b"[[[[[[[[\n" + b"\x00" * 9 + b"\n", _TIMINGS * 2, _SHARD[:30] + _SHARD)),
    SEPARATOR.join((_RECORDS, b"", b"", json.dumps({"schema": 2, "config": {}}).encode())),
)


def _with_header(text: bytes) -> bytes:
    return SEPARATOR.join((_RECORDS, b"", b"", text))


_CONFIG = _HEADER["config"]
_SIGNED = {"schema": 2, "config": _CONFIG, "config_digest": config_digest(_CONFIG)}
FOUND = (
    SEPARATOR.join((_RECORDS, b"", _SHARD + gzip.compress(b'{"problem_id":7,"seed":0,"tree":1}'))),
    _with_header(b'{"schema":1e999,"config":{},"config_digest":""}'),
    _with_header(b'{"schema":2,"config":{"a":NaN},"config_digest":""}'),
    _with_header(json.dumps({**_SIGNED, "resumed": 3}).encode()),
    _with_header(json.dumps({**_SIGNED, "command": [3]}).encode()),
)


def try_input(data: bytes) -> None:
    """Read a damaged run, resume it, and read it again."""
    records, timings, shard, header, *_ = [*data.split(SEPARATOR), b"", b"", b"", b""]
    shutil.rmtree(_FOLDER, ignore_errors=True)
    with RunDir.open(_FOLDER, _HEADER) as run:
        run.note("sandbox", {"level": "none"})
    if records:
        (_FOLDER / "records.jsonl").write_bytes(records)
    if timings:
        (_FOLDER / "timings.jsonl").write_bytes(timings)
    if shard:
        (_FOLDER / "trees").mkdir()
        (_FOLDER / "trees" / "shard-0000.jsonl.gz").write_bytes(shard)
    if header:
        (_FOLDER / "run.json").write_bytes(header)
    try:
        before = load_run(_FOLDER)
        list(before.trees())
    except RunDirError:
        before = None
    try:
        run = RunDir.open(_FOLDER, _HEADER)
    except RunDirError:
        if not header:
            raise  # nothing but a header binds a run to what it is
        return
    with run:
        run.append(make_record(50, {"first": Outcome.CORRECT}), {"new": 1}, {"total": 1.0}, 0)
    after = load_run(_FOLDER)
    if before is not None and len(after.records) < len(before.records):
        raise AssertionError("a resume lost a record that could be read")
    if [tree.tree for tree in after.trees()][-1:] != [{"new": 1}] and "p50" not in data.decode(
        errors="replace"
    ):
        new = [tree.tree for tree in after.trees() if tree.problem_id == "p50"]
        if new != [{"new": 1}]:
            raise AssertionError(f"the new tree cannot be read: {new}")
    _check_lines(records)


def _check_lines(records: bytes) -> None:
    """Every line that was whole is read, or lies in the file of those that cannot be."""
    rejected = _FOLDER / "records.rejected.jsonl"
    aside = set(rejected.read_bytes().split(b"\n")) if rejected.exists() else set()
    kept = set((_FOLDER / "records.jsonl").read_bytes().split(b"\n")[:-1])
    for line in records.split(b"\n")[:-1]:
        if line not in aside and line not in kept:
            raise AssertionError(f"lost: {line[:200]!r}")
        if line in kept:
            Record.from_json(json.loads(line))
