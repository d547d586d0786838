"""Solutions whose steps somebody judged, as ProcessBench and PRMBench publish them.

A row is read by its keys, which may stand in `meta`. ProcessBench (arXiv 2412.06559) says which
step is the first wrong one, -1 where none is; what comes after it is not judged. PRMBench (arXiv
2501.03124) lists all wrong steps of a solution that was made wrong, counted from 1.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.errors import DataError
from bench.files.lines import decode, number_lines

log = logging.getLogger(__name__)

Source = Literal["ProcessBench", "PRMBench"]


@dataclass(frozen=True, slots=True)
class JudgedSolution:
    """A solution, and what is known of its steps."""

    id: str
    source: Source
    part: str
    """ProcessBench's subset, PRMBench's class of error."""
    question: str
    steps: tuple[str, ...]
    right: tuple[bool | None, ...]
    """Of each step; None: not judged."""

    @property
    def first_wrong(self) -> int | None:
        """The first wrong step, from 0; None where all are right."""
        return next((at for at, right in enumerate(self.right) if right is False), None)


def read_solutions(file: Path) -> list[JudgedSolution]:
    """Read a file of rows, JSON lines. Raises DataError: a line is no row of either benchmark."""
    if not file.is_file():
        raise DataError(
            f"{file} is no file; expected rows of ProcessBench or PRMBench as JSON lines"
        )
    found = []
    for number, raw in number_lines(file.read_bytes()):
        try:
            found.append(_read_row(decode(raw), file.stem))
        except (ValueError, TypeError, KeyError) as error:
            told = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{file}, line {number}: {told}") from error
    if not found:
        raise DataError(f"{file} holds no row; expected rows of ProcessBench or PRMBench")
    if len({each.id for each in found}) < len(found):
        raise DataError(f"{file} holds two rows with one id; give each its own")
    return found


def _read_row(data: Any, part: str) -> JudgedSolution:
    if not isinstance(data, Mapping):
        raise ValueError("no object")
    row: dict[str, Any] = {**(data.get("meta") or {}), **data}
    if "modified_process" in row and "error_steps" in row:
        return _read_prm_bench(row)
    if "steps" in row and "label" in row:
        return _read_process_bench(row, part)
    raise ValueError(
        "neither a row of ProcessBench (problem, steps, label) nor of PRMBench "
        "(modified_process, error_steps)"
    )


def _read_process_bench(row: Mapping[str, Any], part: str) -> JudgedSolution:
    steps, label = _texts(row["steps"]), int(row["label"])
    if not -1 <= label < len(steps):
        raise ValueError(f"the first wrong step is {label}, of {len(steps)}")
    right: list[bool | None] = [True] * len(steps)
    if label >= 0:
        right = [*[True] * label, False, *[None] * (len(steps) - label - 1)]
    name = str(row["id"])
    subset = name.partition("-")[0] if "-" in name else part
    return JudgedSolution(name, "ProcessBench", subset, str(row["problem"]), steps, tuple(right))


def _read_prm_bench(row: Mapping[str, Any]) -> JudgedSolution:
    steps = _texts(row["modified_process"])
    wrong = {int(at) for at in row["error_steps"]}
    if beyond := sorted(at for at in wrong if not 1 <= at <= len(steps)):
        # The published rows have some, which the published code passes over as well.
        log.warning("%s: no step %s among %d", row.get("id"), beyond, len(steps))
    asked = row.get("modified_question") or row.get("problem") or row["original_question"]
    return JudgedSolution(
        id=str(row.get("id") or row["idx"]),
        source="PRMBench",
        part=str(row.get("classification") or "-"),
        question=str(asked),
        steps=steps,
        right=tuple(at not in wrong for at in range(1, len(steps) + 1)),
    )


def _texts(steps: Any) -> tuple[str, ...]:
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise ValueError("no list of steps")
    return tuple(map(str, steps))
