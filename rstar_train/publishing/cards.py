"""Model cards: the page beside a published checkpoint, made from its lineage and its figures.

Nothing is written by hand and nothing is claimed that the figures do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.files.atomic import replace
from rstar_train.figures import EvaluationFigures, Json, RoundFigures, WorthFigures
from rstar_train.publishing.tables import TextTable, accuracy_cells, percent

FILE = "README.md"
_WHAT = {
    "policy": "A policy: it writes the next step of a solution, Python code and comments.",
    "ppm": "A process preference model (PPM): it values a partial solution, from -1 to 1.",
}


def write_cards(folder: Path, figures: RoundFigures) -> None:
    """Write the cards of a round's two checkpoints, below the folder it was published in."""
    for kind in ("policy", "ppm"):
        lineage = json.loads((folder / kind / "lineage.json").read_text())
        replace(folder / kind / FILE, card(lineage, figures).encode())


def card(lineage: Json, figures: RoundFigures) -> str:
    """Return the card of one checkpoint as Markdown."""
    kind = str(lineage["kind"])
    rows = [*training_rows(lineage, figures.rows.dropped), *_measured_rows(kind, figures)]
    note = (
        "Greedy and majority are the policy alone; the others go by this round's PPM."
        if kind == "policy"
        else "With this round's policy."
    )
    return page(lineage, _WHAT[kind], rows, figures.evaluation, note)


def write_head_card(folder: Path, problems: int, worth: WorthFigures) -> None:
    """Write the card of a head on a policy's states; it searched so many problems for it."""
    lineage = json.loads((folder / "lineage.json").read_text())
    rows = [*training_rows(lineage, {}), ("problems searched for it", str(problems))]
    rows += [held_out_row(worth.headroom.problems), *_worth_rows(worth)]
    what = _WHAT["ppm"] + " It is a head on the policy's own states: nothing else was trained."
    replace(folder / FILE, page(lineage, what, rows, None, "").encode())


def page(
    lineage: Json,
    what: str,
    training: Sequence[tuple[str, str]],
    evaluation: EvaluationFigures | None,
    note: str,
) -> str:
    """Return a card: what a checkpoint is, its lineage, its training and results, its use.

    What was not evaluated has no results.
    """
    kind = str(lineage["kind"])
    sections = [
        f"# {lineage['name']}, {kind}\n\n{what} Round {lineage['round']} of the recipe "
        f"`{lineage['recipe']}`.",
        _lineage(lineage),
        "## Training\n\n" + _two_columns(training),
        *([] if evaluation is None else [_results(evaluation, note)]),
        "## Use\n\n" + _use(kind),
        "## Limits\n\nA model of this size, trained on the families of problems that its pool "
        "holds, solves others rarely or never. What it writes is run: use the sandbox.",
    ]
    return "\n\n".join(sections) + "\n"


def _lineage(lineage: Json) -> str:
    searcher, trained_by, inputs = (
        _object(lineage[key]) for key in ("searcher", "trained_by", "inputs")
    )
    who = ", ".join(
        f"{role} {each['name']} ({each['digest']})" if isinstance(each, Mapping) else str(each)
        for role, each in searcher.items()
    )
    code = "outside git"
    if trained_by["git"] is not None:
        git = _object(trained_by["git"])
        code = f"{git['commit']}" + (", edited" if git["dirty"] else "")
    rows = [
        ("trained from", f"`{lineage['parent']}` ({inputs['parent']})"),
        ("data, SHA-256", f"`{inputs['data']}`"),
        ("searched by", who),
        ("Q annotation", str(lineage["annotation"])),
        ("prompt template", str(lineage["template"])),
        ("code", code),
    ]
    return "## Lineage\n\n" + _two_columns(rows)


def training_rows(lineage: Json, dropped: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return a training's own figures, and what was left out when its rows were made."""
    own = _object(lineage["figures"])
    rows = [(name.replace("_", " "), str(value)) for name, value in own.items()]
    left_out = ", ".join(f"{name}: {n}" for name, n in dropped.items() if n)
    return [*rows, ("left out when the rows were made", left_out or "nothing")]


def held_out_row(problems: int) -> tuple[str, str]:
    """Return how much was held out of training."""
    return "held out of training", f"{problems} problems of the pool, and all evaluation"


def _measured_rows(kind: str, figures: RoundFigures) -> list[tuple[str, str]]:
    rows = [held_out_row(figures.held_out_rows.problems)]
    counts = figures.pair_accuracy.counts
    if kind == "ppm" and counts is not None:
        shown = percent(counts.accuracy, counts.low, counts.high)
        of = figures.pair_accuracy.held_out_pairs
        rows.append(("held-out pairs ordered rightly, %", f"{shown} of {of}"))
    worth = figures.worth
    if kind == "ppm" and worth is not None:
        rows += _worth_rows(worth)
    if kind == "policy" and worth is not None:
        ceiling = worth.headroom.ceiling
        shown = percent(ceiling.estimate, ceiling.low, ceiling.high, sign=True)
        rows.append((f"search ceiling at {worth.headroom.samples} samples, points", shown))
    return rows


def _worth_rows(worth: WorthFigures) -> list[tuple[str, str]]:
    if worth.aggregate not in worth.auc:
        return []
    auc = worth.auc[worth.aggregate]
    shown = percent(auc.estimate, auc.low, auc.high)
    return [("AUC on the policy's own solutions, %", f"{shown}, {worth.aggregate}")]


def _object(value: object) -> Json:
    assert isinstance(value, Mapping), f"{value!r} of a lineage is no object"
    return value


def _results(evaluation: EvaluationFigures, note: str) -> str:
    header = ["method", "n", "accuracy, %", "against the round before", "p", "tokens"]
    rows = accuracy_cells(evaluation)
    return f"## Results\n\n95 % intervals. {note}\n\n" + _markdown(header, rows)


def _use(kind: str) -> str:
    option = "--policy" if kind == "policy" else "--ppm"
    return f"`rstar-bench run {option} FOLDER ...`, with this folder; `--help` says the rest."


def _two_columns(rows: Sequence[tuple[str, str]]) -> str:
    return _markdown(["", ""], [list(row) for row in rows])


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    return TextTable("", header, rows).to_markdown()
