"""What a training row holds, and files of rows: JSON Lines, whole or not at all.

Layouts (the keys of a line):

    sft.jsonl       problem_id, prompt, completion, mean_q
    pairs.jsonl     problem_id, prompt, chosen, rejected, kind, weight, pos_count, neg_count
    outcomes.jsonl  problem_id, prompt, completion, correct            (ORM)
    steps.jsonl     problem_id, prompt, step, q, weight                (PQM, values)

A prompt ends where the model takes over: it holds the question in the template, and the solution so
far. The published layouts of the released data are in `rstar_train.official.layouts`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import DataError
from bench.files.atomic import replace
from bench.files.lines import decode, encode, number_lines

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class SFTRow:
    """One solution to imitate."""

    problem_id: str
    prompt: str
    completion: str
    mean_q: float


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two continuations of one prompt, the first preferred."""

    problem_id: str
    prompt: str
    chosen: str
    rejected: str
    kind: str
    """`step`: siblings below one prefix; `solution`: whole solutions."""
    weight: float
    """1 / (pairs of the group), so that each group counts once."""
    pos_count: int = 1
    """Chosen candidates of the group."""
    neg_count: int = 1
    """Rejected candidates of the group."""
    margin: float = 0.0
    """Q of the chosen side minus Q of the rejected; of solutions, their mean Q."""


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One whole solution, for an outcome reward model."""

    problem_id: str
    prompt: str
    completion: str
    correct: bool

    @property
    def text(self) -> str:
        """The prompt with the solution."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step and its Q in [-1, 1], for a process model that regresses it."""

    problem_id: str
    prompt: str
    """With the solution up to the step."""
    step: str
    q: float
    weight: float | None = None
    """What the row counts for; None: as much as the problem's other rows."""

    @property
    def text(self) -> str:
        """The prompt with the step."""
        return self.prompt + self.step


def write_rows(rows: Sequence[Any], path: Path) -> None:
    """Write rows (dataclasses) as JSON lines, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, b"".join(encode(dataclasses.asdict(row)) for row in rows))


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Read what `write_rows` wrote. Raises DataError, naming the line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the rows {path}: {error.strerror}") from error
    rows = []
    for number, line in number_lines(data):
        try:
            rows.append(kind(**decode(line)))
        except (ValueError, TypeError) as error:
            names = ", ".join(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
            raise DataError(
                f"{path}, line {number} is no row: {error}; expected an object with {names}"
            ) from error
    return rows
