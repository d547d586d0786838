"""Model cards of a round of CPL: its SFT policy, its policy after Step-APO, its value model."""

from __future__ import annotations

import json
from pathlib import Path

from bench.files.atomic import replace
from rstar_train.cpl_figures import CPLRoundFigures
from rstar_train.figures import EvaluationFigures, Json
from rstar_train.publishing.cards import FILE, held_out_row, page, training_rows

_WRITES = "it writes a plan, step by step, and then the solution."
_WHAT = {
    "sft": f"A policy before it learns preferences: {_WRITES}",
    "policy": f"A policy after Step-APO: {_WRITES}",
    "ppm": "A value model: it says what the q of a plan so far would be, from -1 to 1.",
}


def write_cards(folder: Path, figures: CPLRoundFigures) -> None:
    """Write the cards of a round's checkpoints, below the folder it was published in."""
    for role in _WHAT:
        lineage = json.loads((folder / role / "lineage.json").read_text())
        replace(folder / role / FILE, card(role, lineage, figures).encode())


def card(role: str, lineage: Json, figures: CPLRoundFigures) -> str:
    """Return the card of one checkpoint as Markdown; its role is the folder it is in."""
    rows = training_rows(lineage, figures.rows.dropped)
    rows.append(held_out_row(figures.held_out_rows.problems))
    if role == "policy":
        outcomes = (f"{name}: {count}" for name, count in figures.pairs.outcomes.items())
        rows.append(("trees by what they gave", ", ".join(outcomes)))
        rows.append(("pairs left out as not critical", str(figures.pairs.filtered)))
    accuracy = figures.value_accuracy
    if role == "ppm" and accuracy.mse is not None and accuracy.mse_of_mean is not None:
        rows.append(("held-out steps", f"{accuracy.steps} of {accuracy.problems} problems"))
        said = f"{accuracy.mse:.3f} ({accuracy.mse_of_mean:.3f} by always saying the mean)"
        rows.append(("mean squared error of q there", said))
        if accuracy.spearman is not None:
            rows.append(("rank correlation there", f"{accuracy.spearman:.3f}"))
    return page(lineage, _WHAT[role], rows, *_results(role, figures))


def _results(role: str, figures: CPLRoundFigures) -> tuple[EvaluationFigures, str]:
    if role == "sft":
        note = "The policy alone; what stands in the column is against the round's own policy."
        return figures.sft_evaluation, note
    if role == "policy":
        note = "What goes by values goes by this round's value model."
        return figures.evaluation, note
    return figures.evaluation, "With this round's policy."
