"""Model cards: the page beside a published checkpoint, made from its lineage and its figures.

Nothing is written by hand and nothing is claimed that the figures do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bench.files.atomic import replace
from rstar_train.figures import Json, RoundFigures
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
    kind, number = str(lineage["kind"]), lineage["round"]
    sections = [
        f"# {lineage['name']}, {kind}\n\n{_WHAT[kind]} Round {number} of the recipe "
        f"`{lineage['recipe']}`.",
        _lineage(lineage),
        _training(kind, lineage, figures),
        _results(kind, figures),
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


def _training(kind: str, lineage: Json, figures: RoundFigures) -> str:
    dropped = ", ".join(f"{name}: {n}" for name, n in figures.rows.dropped.items() if n)
    own = _object(lineage["figures"])
    rows = [(name.replace("_", " "), str(value)) for name, value in own.items()]
    rows.append(("left out when the rows were made", dropped or "nothing"))
    held_out = figures.held_out_rows.problems
    rows.append(("held out of training", f"{held_out} problems of the pool, and all evaluation"))
    counts = figures.pair_accuracy.counts
    if kind == "ppm" and counts is not None:
        shown = percent(counts.accuracy, counts.low, counts.high)
        of = figures.pair_accuracy.held_out_pairs
        rows.append(("held-out pairs ordered rightly, %", f"{shown} of {of}"))
    worth = figures.worth
    if kind == "ppm" and worth is not None and worth.aggregate in worth.auc:
        auc = worth.auc[worth.aggregate]
        shown = percent(auc.estimate, auc.low, auc.high)
        rows.append(("AUC on the policy's own solutions, %", f"{shown}, {worth.aggregate}"))
    if kind == "policy" and worth is not None:
        ceiling = worth.headroom.ceiling
        shown = percent(ceiling.estimate, ceiling.low, ceiling.high, sign=True)
        rows.append((f"search ceiling at {worth.headroom.samples} samples, points", shown))
    return "## Training\n\n" + _two_columns(rows)


def _object(value: object) -> Json:
    assert isinstance(value, Mapping), f"{value!r} of a lineage is no object"
    return value


def _results(kind: str, figures: RoundFigures) -> str:
    header = ["method", "n", "accuracy, %", "against the round before", "p", "tokens"]
    rows = accuracy_cells(figures.evaluation)
    if kind == "policy":
        note = "Greedy and majority are the policy alone; the others go by this round's PPM."
    else:
        note = "With this round's policy."
    return f"## Results\n\n95 % intervals. {note}\n\n" + _markdown(header, rows)


def _use(kind: str) -> str:
    option = "--policy" if kind == "policy" else "--ppm"
    return f"`rstar-bench run {option} FOLDER ...`, with this folder; `--help` says the rest."


def _two_columns(rows: list[tuple[str, str]]) -> str:
    return _markdown(["", ""], [list(row) for row in rows])


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    return TextTable("", header, rows).to_markdown()
