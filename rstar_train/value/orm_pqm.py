"""The scorers that the paper compares its PPM with (section 4.3): an ORM, and a PQM.

Same backbone, head, packing and checkpoint layout as the PPM; `reward.json` names the kind. An ORM
is made to compare whole solutions, and says little about half a one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from rstar_train.figures import ValueFigures
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rows.row import OutcomeRow, PairRow, StepRow
from rstar_train.training.batching import TokenizerCache
from rstar_train.value.batches import LossTerm
from rstar_train.value.objectives import Objective, outcome, preference, regression
from rstar_train.value.ppm import center, pair_term
from rstar_train.value.training import train_value


def train_orm(
    rows: Sequence[OutcomeRow],
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
) -> ValueFigures:
    """Train on whether whole solutions are right: cross entropy, problems weighing the same.

    Raises BenchError without both right and wrong solutions, and what `train_value` raises.
    """
    if len({row.correct for row in rows}) < 2:
        raise BenchError(
            f"an outcome model needs right and wrong solutions; the {len(rows)} given are all "
            f"{'right' if any(row.correct for row in rows) else 'wrong'}"
        )
    weights = _shares([row.problem_id for row in rows])

    def make(row: OutcomeRow, ids: TokenizerCache) -> LossTerm | None:
        text = ids(row.prompt + row.completion)
        if text is None:
            return None
        return LossTerm(row.problem_id, text, None, float(row.correct), weights[row.problem_id])

    objective = Objective("orm", outcome)
    return train_value(rows, make, objective, base, out, settings=settings, lora=lora, seed=seed)


def train_orm_on_pairs(
    rows: Sequence[PairRow],
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
) -> ValueFigures:
    """Train on right against wrong whole solutions: Bradley-Terry, as the paper's ORM.

    Raises BenchError without such pairs, and what `train_value` raises.
    """
    pairs = [row for row in rows if row.kind == "solution"]
    if not pairs:
        raise BenchError(
            f"none of the {len(rows)} pairs is of whole solutions: no problem has both right and "
            "wrong ones"
        )
    objective = center(Objective("orm", preference), settings)
    return train_value(
        pairs, pair_term, objective, base, out, settings=settings, lora=lora, seed=seed
    )


def train_pqm(
    rows: Sequence[StepRow],
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
) -> ValueFigures:
    """Train on the Q of every step: squared error, problems weighing the same.

    Raises BenchError without rows or for a Q outside [-1, 1], and what `train_value` raises.
    """
    if not rows:
        raise BenchError("there is no step with a Q to train on: no trajectory has finished")
    for row in rows:
        if not -1 <= row.q <= 1:
            raise BenchError(f"a step of {row.problem_id!r} has Q {row.q}, expected -1 to 1")
    weights = _shares([row.problem_id for row in rows])

    def make(row: StepRow, ids: TokenizerCache) -> LossTerm | None:
        text = ids(row.prompt + row.step)
        if text is None:
            return None
        return LossTerm(row.problem_id, text, None, row.q, weights[row.problem_id])

    objective = center(Objective("pqm", regression), settings)
    return train_value(rows, make, objective, base, out, settings=settings, lora=lora, seed=seed)


def _shares(problem_ids: Sequence[str]) -> dict[str, float]:
    """Weights with which every problem counts once, whatever the size of its tree."""
    counts: dict[str, int] = {}
    for problem_id in problem_ids:
        counts[problem_id] = counts.get(problem_id, 0) + 1
    return {problem_id: 1 / count for problem_id, count in counts.items()}
