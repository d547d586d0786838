"""Rows for the reward-model ablation: whole solutions for an ORM, steps with their Q for a PQM.

The paper compares its PPM with an outcome model (a solution is right or wrong) and a process model
that regresses Q itself (mean squared error), all on the data of round 4. Both kinds of rows come
from the same trees as the preference pairs, and the ablation takes those that the pairs compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from bench.prompts import OFFICIAL, START
from bench.search import Trace
from bench.types import Problem
from rstar_train.rows.paper import rewards
from rstar_train.rows.row import OutcomeRow, PairRow, StepRow

ScoredRow = TypeVar("ScoredRow", OutcomeRow, StepRow)


def select_compared(rows: Sequence[ScoredRow], pairs: Iterable[PairRow]) -> list[ScoredRow]:
    """Return the rows whose texts some pair compares, in their order.

    A problem has several times as many solutions and steps as it has pairs: on whole trees an ORM
    or a PQM would see far fewer problems than a PPM in as many rows, some of them only wrong.
    """
    texts = {pair.prompt + side for pair in pairs for side in (pair.chosen, pair.rejected)}
    return [row for row in rows if row.text in texts]


def outcome_rows(problem: Problem, trace: Trace) -> list[OutcomeRow]:
    """Return every finished trajectory whose outcome was decided, each text once."""
    prompt = OFFICIAL.render(problem.question, START)
    rows: dict[str, OutcomeRow] = {}
    for index, value in rewards(trace).items():
        if value != 0:
            text = trace.text(index).removeprefix(START)
            rows.setdefault(text, OutcomeRow(problem.id, prompt, text, value > 0))
    return list(rows.values())


def step_rows(problem: Problem, trace: Trace) -> list[StepRow]:
    """Return every step that a finished trajectory went through, with its Q."""
    on_path = {node.index for index in trace.finished for node in trace.lineage(index)}
    rows = []
    for node in trace.nodes:
        if node.index in on_path:
            assert node.parent is not None
            prompt = OFFICIAL.render(problem.question, trace.text(node.parent))
            # Q of a PPM-augmented search stays within [-1, 1] up to rounding.
            rows.append(StepRow(problem.id, prompt, node.text, max(-1.0, min(1.0, node.mean))))
    return rows
