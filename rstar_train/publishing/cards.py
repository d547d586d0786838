"""Model cards: the page beside a published checkpoint, made from its lineage and its figures.

Nothing is written by hand and nothing is claimed that the figures do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.files.atomic import replace
from rstar_train.publishing.tables import accuracy_cells, percent

FILE = "README.md"
_WHAT = {
    "policy": "A policy: it writes the next step of a solution, Python code and comments.",
    "ppm": "A process preference model (PPM): it values a partial solution, from -1 to 1.",
}


def write_cards(folder: Path, figures: Mapping[str, Any]) -> None:
    """Write the cards of a round's two checkpoints, below the folder it was published in."""
    for kind in ("policy", "ppm"):
        lineage = json.loads((folder / kind / "lineage.json").read_text())
        replace(folder / kind / FILE, card(lineage, figures).encode())


def card(lineage: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
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


def _lineage(lineage: Mapping[str, Any]) -> str:
    searcher = lineage["searcher"]
    who = ", ".join(
        f"{role} {each['name']} ({each['digest']})" if isinstance(each, Mapping) else str(each)
        for role, each in searcher.items()
    )
    git = lineage["trained_by"]["git"]
    code = "outside git" if git is None else git["commit"] + (", edited" if git["dirty"] else "")
    rows = [
        ("trained from", f"`{lineage['parent']}` ({lineage['inputs']['parent']})"),
        ("data, SHA-256", f"`{lineage['inputs']['data']}`"),
        ("searched by", who),
        ("Q annotation", str(lineage["annotation"])),
        ("prompt template", str(lineage["template"])),
        ("code", code),
    ]
    return "## Lineage\n\n" + _two_columns(rows)


def _training(kind: str, lineage: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    made, own = figures["rows"], lineage["figures"]
    dropped = ", ".join(f"{name}: {count}" for name, count in made["dropped"].items() if count)
    rows = [(name.replace("_", " "), str(value)) for name, value in own.items()]
    rows.append(("left out when the rows were made", dropped or "nothing"))
    held_out = figures["held_out_rows"]["problems"]
    rows.append(("held out of training", f"{held_out} problems of the pool, and all evaluation"))
    if kind == "ppm" and "accuracy" in figures["pair_accuracy"]:
        found = figures["pair_accuracy"]
        shown = percent(found["accuracy"], found["low"], found["high"])
        rows.append(("held-out pairs ordered rightly, %", f"{shown} of {found['held_out_pairs']}"))
    return "## Training\n\n" + _two_columns(rows)


def _results(kind: str, figures: Mapping[str, Any]) -> str:
    header = ["method", "n", "accuracy, %", "against the round before", "p", "tokens"]
    rows = accuracy_cells(figures["evaluation"])
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
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
