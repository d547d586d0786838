"""Files that a command is told to write: what cannot be is said before the work, not after it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bench.errors import DataError


def check_output(out: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse a file that cannot be written, or that the command reads.

    Args:
        out: the file; it need not be there, its folder does.
        inputs: files that are read; of a folder, its lines of JSON and its run.json.

    Raises:
        DataError: it is one of them, a folder, in no folder, or not to be written.
    """
    if out.is_dir():
        raise DataError(f"cannot write {out}: it is a folder; name a file in it")
    if any(_is_same(out, file) for file in inputs):
        raise DataError(f"cannot write {out}: this command reads it; name another file")
    if not out.absolute().parent.is_dir():
        raise DataError(f"no folder {out.parent} to write {out} to; make it, or name another place")
    if not os.access(out if out.exists() else out.absolute().parent, os.W_OK):
        raise DataError(f"cannot write {out}: that is not permitted; name another place")


def _is_same(out: Path, given: Path) -> bool:
    if not out.is_file():  # a pipe or a terminal is read and written without harm
        return False
    files = [*given.glob("*.jsonl"), given / "run.json"] if given.is_dir() else [given]
    return any(file.exists() and out.samefile(file) for file in files)
