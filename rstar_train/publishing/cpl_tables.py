"""The tables of a run of CPL: counts, trainings, the value model, accuracy, the arms of ablation.

As those of rStar-Math (`rstar_train.publishing.tables`) they are made from the published figures
alone. The paper prints no counts of problems, trees, rows, pairs or hours; these do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.files.lines import decode
from rstar_train.cpl_figures import CPLAblationFigures, CPLRoundFigures
from rstar_train.figures import EvaluationFigures, StageFigures
from rstar_train.publishing.tables import (
    ABLATION,
    FIGURES,
    TextTable,
    accuracy_table,
    coverage_table,
    load_rounds,
    method_cells,
    read_figures,
)
from rstar_train.recipes.settings import GREEDY


def is_cpl(publish: Path) -> bool:
    """Whether the rounds published in a folder are CPL's."""
    try:
        data = decode((publish / "round-1" / FIGURES).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and data.get("system") == "cpl"


def load_cpl_figures(publish: Path) -> list[CPLRoundFigures]:
    """Read the figures of the rounds published in a folder. Raises BenchError."""
    return load_rounds(CPLRoundFigures, publish)


def load_cpl_ablations(publish: Path) -> list[CPLAblationFigures]:
    """Read the ablations published beside the rounds, of the recipe's own seed first."""
    files = sorted(publish.glob(f"{Path(ABLATION).stem}*.json"), key=lambda file: len(file.name))
    remedy = "run rstar-train ablate again"
    return [read_figures(CPLAblationFigures, file, remedy) for file in files]


def cpl_round_tables(
    figures: Sequence[CPLRoundFigures], base: EvaluationFigures | None = None
) -> list[TextTable]:
    """Return the tables of coverage, counts, trainings, the value model and accuracy."""
    return [
        coverage_table([each.coverage for each in figures]),
        counts_table(figures),
        training_table(figures),
        value_table(figures),
        preference_table(figures),
        accuracy_table(figures, base),
    ]


def counts_table(figures: Sequence[CPLRoundFigures]) -> TextTable:
    """Return what each round searched, what came of it, and how long all of it took.

    Of a training that was killed and went on, only the last process's hours are known: then `>`.
    """
    header = [
        *("round", "problems", "trees", "SFT rows", "pairs of steps", "of solutions", "values"),
        *("trees without pairs", "tokens searched", "hours"),
    ]
    rows = []
    for number, found in enumerate(figures, start=1):
        without = found.pairs.trees - found.pairs.outcomes.get("pairs", 0)
        rows.append(
            [
                *(str(number), str(found.search.searched), str(found.search.trees)),
                *(str(found.rows.sft_rows), str(found.pairs.step_pairs)),
                *(str(found.pairs.solution_pairs), str(found.rows.values)),
                *(str(without), f"{found.search.policy_tokens:,}", _hours(found)),
            ]
        )
    return TextTable("What each round searched, and what its trees give", header, rows)


def _hours(found: CPLRoundFigures) -> str:
    hours = sum(stage.stage_seconds or 0.0 for stage in _stages(found)) / 3600
    trainings = (found.sft, found.preference, found.value)
    resumed = any(each.resumed_at_step is not None for each in trainings)
    return f"{'> ' if resumed else ''}{hours:.2f}"


def _stages(found: CPLRoundFigures) -> Iterator[StageFigures]:
    yield from (found.search, found.rows, found.held_out_rows, found.sft, found.pairs)
    yield from (found.reference, found.preference, found.value, found.value_accuracy)
    yield from (found.evaluation, found.sft_evaluation)


def training_table(figures: Sequence[CPLRoundFigures]) -> TextTable:
    """Return what every training learnt from, its loss, and what Step-APO made of its pairs."""
    header = [
        *("round", "SFT rows", "loss", "pairs", "of problems", "loss", "mean margin"),
        *("log ratio shown, nats", "ordered, %", "values", "of problems", "loss"),
    ]
    rows = []
    for number, found in enumerate(figures, start=1):
        learnt = found.preference
        rows.append(
            [
                *(str(number), str(found.sft.rows)),
                f"{found.sft.loss_first:.2f} to {found.sft.loss_last:.2f}",
                *(str(learnt.pairs), str(learnt.problems)),
                f"{learnt.loss_first:.3f} to {learnt.loss_last:.3f}",
                f"{learnt.mean_margin:.2f}",
                f"{learnt.mean_log_ratio:.2f}",
                f"{100 * learnt.ordered:.1f} of {learnt.measured}",
                *(str(found.value.rows), str(found.value.problems)),
                f"{found.value.loss_first:.3f} to {found.value.loss_last:.3f}",
            ]
        )
    return TextTable("What was trained on: SFT, Step-APO, values", header, rows)


def value_table(figures: Sequence[CPLRoundFigures]) -> TextTable:
    """Return how well each value model predicts q of held-out trees."""
    header = [
        *("round", "steps", "problems", "mean squared error", "of the mean"),
        *("rank correlation", "within a problem", "ends in order, %"),
    ]
    rows = []
    for number, found in enumerate(figures, start=1):
        value = found.value_accuracy
        numbers = (value.mse, value.mse_of_mean, value.spearman, value.within_problem)
        shown = ("-" if each is None else f"{each:.3f}" for each in numbers)
        ends = "-" if value.ends_ordered is None else f"{100 * value.ends_ordered:.0f}"
        rows.append([str(number), str(value.steps), str(value.problems), *shown, ends])
    return TextTable("Each value model on held-out trees", header, rows)


def preference_table(figures: Sequence[CPLRoundFigures]) -> TextTable:
    """Return the SFT policy of each round beside its policy after Step-APO, alone and greedily."""
    header = ["round", "policy", "method", "n", "accuracy, %", "against the round's", "p", "tokens"]
    rows = []
    for number, found in enumerate(figures, start=1):
        for words, evaluation in (("SFT", found.sft_evaluation), ("Step-APO", found.evaluation)):
            for name, cell in evaluation.methods.items():
                if name in GREEDY:
                    gain = cell.against_before if words == "SFT" else None
                    rows.append([str(number), words, *method_cells(cell, [gain])])
    return TextTable("What Step-APO changed, on held-out problems, 95 % intervals", header, rows)


def cpl_ablation_tables(found: Sequence[CPLAblationFigures]) -> list[TextTable]:
    """Return the arms of the ablations, each paired with the SFT policy that it starts from."""
    return [_arms(each) for each in found]


def _arms(figures: CPLAblationFigures) -> TextTable:
    header = [
        *("arm", "pairs", "loss", "log ratio, nats", "ordered, %", "method", "n", "accuracy, %"),
        *("against SFT", "p", "against Step-DPO", "p", "tokens"),
    ]
    rows = []
    for cell in figures.sft.methods.values():
        rows.append(["SFT", "-", "-", "-", "-", *method_cells(cell, [None, None])])
    for name, arm in figures.arms.items():
        learnt = arm.training
        for cell in arm.evaluation.methods.values():
            rows.append(
                [
                    name,
                    str(learnt.pairs),
                    f"{learnt.loss_first:.3f} to {learnt.loss_last:.3f}",
                    f"{learnt.mean_log_ratio:.2f}",
                    f"{100 * learnt.ordered:.0f}",
                    *method_cells(cell, [cell.against_before, arm.against_step_dpo]),
                ]
            )
    seed = "the recipe's seed" if figures.seed is None else f"seed {figures.seed}"
    return TextTable(f"Preferences after round {figures.round}, {seed}", header, rows)
