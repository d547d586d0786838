"""Files of training rows: JSON Lines, one row a line, whole or not at all.

Layouts (the keys of a line):

    sft.jsonl       problem_id, prompt, completion, mean_q
    pairs.jsonl     problem_id, prompt, chosen, rejected, kind, weight, pos_count, neg_count
    outcomes.jsonl  problem_id, prompt, completion, correct            (ORM)
    steps.jsonl     problem_id, prompt, step, q                        (PQM)

A prompt ends where the model takes over: it holds the question in the template, and the solution so
far. The published layouts of the released data are in `rstar_train.published`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import DataError
from bench.files.atomic import replace
from bench.files.lines import encode

Row = TypeVar("Row")


def write_rows(rows: Sequence[Any], path: Path) -> None:
    """Write rows (dataclasses) as JSON lines, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, b"".join(encode(dataclasses.asdict(row)) for row in rows))


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Read what `write_rows` wrote. Raises DataError, naming the line."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise DataError(f"cannot read the rows {path}: {error.strerror}") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(kind(**json.loads(line)))
        except (ValueError, TypeError) as error:
            names = ", ".join(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
            raise DataError(
                f"{path}, line {number} is no row: {error}; expected an object with {names}"
            ) from error
    return rows
