"""Benchmark rows out of a local mirror directory: one JSON Lines file for each benchmark.

A row has `id`, `problem` and `answer` (strings; an answer may be empty) and may have `level`,
`subject`, `source` and `meta`. Of a benchmark of formal statements the question may be a text in
`meta`, which the registry names. Nothing is repaired: a file that differs from the registry's row
count or hash is an error, because a score on other rows would carry the same name. Nothing is
downloaded.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from bench.errors import DataError, MissingDataError
from bench.files.lines import decode
from bench.problems.registry import Benchmark
from bench.types import Problem

VARIABLE = "RSTAR_BENCH_DATA"
"""The environment variable that names the mirror directory; set to nothing, the hub is read."""

_COLUMNS = {
    "id": str,
    "problem": str,
    "answer": str,
    "level": str,
    "subject": str,
    "source": str,
    "meta": dict,
}
_REQUIRED = ("id", "problem", "answer")
_BESIDE = Path("shared") / "data"


def locate(benchmark: Benchmark) -> Path | None:
    """Return the mirror's file of a benchmark, or None where the hub has to serve it.

    Raises:
        MissingDataError: `RSTAR_BENCH_DATA` names a directory that does not hold the file.
    """
    if benchmark.folder is not None:
        path = benchmark.folder / benchmark.file
        if path.is_file():
            return path
        raise MissingDataError(
            f"the package that brings the benchmark {benchmark.name!r} has no file {path}; install "
            "it again"
        )
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser() / benchmark.file
        if path.is_file():
            return path
        state = f"has no file {benchmark.file!r}" if path.parent.is_dir() else "is not a directory"
        raise MissingDataError(
            f"{VARIABLE} is {named!r}, which {state}; set it to the directory that holds the rows "
            f"of {benchmark.name!r}, or set it to nothing ({VARIABLE}=) to read them from the hub"
        )
    if named is not None:
        return None
    # A clone keeps its data beside itself; the second root serves a command run from elsewhere.
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        path = root.parent / _BESIDE / benchmark.file
        if path.is_file():
            return path
    return None


def read(benchmark: Benchmark, path: Path) -> list[Problem]:
    """Return all problems of a benchmark, checked against the registry.

    Raises:
        DataError: a line is no JSON object, lacks a column or repeats an id, or the file as a whole
            differs from the registry's row count or hash.
    """
    content = path.read_bytes()
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    # Not splitlines(): problem texts may hold U+2028 and its like, which end no line of JSONL.
    for number, line in enumerate(content.rstrip(b"\n").split(b"\n"), start=1):
        problem = _problem(benchmark, line, where=f"{path}, line {number}")
        if problem.id in lines:
            raise DataError(
                f"{path}, line {number}: id {problem.id!r} was used on line {lines[problem.id]} "
                "already; ids must be unique, restore the file"
            )
        lines[problem.id] = number
        problems.append(problem)
    if len(problems) != benchmark.rows:
        raise DataError(
            f"{path} has {len(problems)} rows, {benchmark.title} was published with "
            f"{benchmark.rows}; restore the whole file"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != benchmark.sha256:
        raise DataError(
            f"{path} has SHA-256 {digest}, the registry pins {benchmark.sha256}: some row was "
            f"edited; restore the file, or set {VARIABLE} to nothing to read the hub"
        )
    return problems


def _question(benchmark: Benchmark, row: dict[str, Any], where: str) -> str:
    if benchmark.statement is None:
        return "\n".join([row["problem"], *_options(row)])
    statement = (row.get("meta") or {}).get(benchmark.statement)
    if not isinstance(statement, str) or not statement.strip():
        raise DataError(f"{where}: 'meta' has no text under {benchmark.statement!r}")
    return statement


def _options(row: dict[str, Any]) -> list[str]:
    """Return the options of a multiple-choice problem, which a mirror keeps beside its text."""
    return list((row.get("meta") or {}).get("options") or ())


def _problem(benchmark: Benchmark, line: bytes, *, where: str) -> Problem:
    try:
        row: Any = decode(line)
    except ValueError as error:
        raise DataError(
            f"{where}: not valid JSON ({error}); the file is truncated or damaged, restore it"
        ) from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: expected a JSON object, found {type(row).__name__}")
    for column, kind in _COLUMNS.items():
        value = row.get(column)
        if not isinstance(value, kind) and (value is not None or column in _REQUIRED):
            found = "nothing" if value is None else type(value).__name__
            raise DataError(f"{where}: column {column!r} must be {kind.__name__}, found {found}")
    for column in ("id", "problem"):
        if not row[column].strip():
            raise DataError(f"{where}: column {column!r} is empty")
    question = _question(benchmark, row, where)
    return Problem(
        id=row["id"],
        question=question,
        answer=row["answer"],
        benchmark=benchmark.name,
        verifier=benchmark.verifier_of(question),
        level=row.get("level"),
        subject=row.get("subject"),
        meta={**(row.get("meta") or {}), "source": row.get("source") or "mirror"},
    )
