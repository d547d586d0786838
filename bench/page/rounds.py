"""Rounds of a training on the page: coverage, accuracy, losses, calibration, figures in a table.

It reads what a trainer publishes, a folder with `base/` and `round-1/`, `round-2/`, ...: their
`figures.json`, `calibration.json`, and each model's `loss.jsonl` and `lineage.json`. The trainer's
own tables are `rstar-train table`; a round without figures (whole runs published as weights) has
its losses alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.errors import DataError
from bench.files.lines import scan
from bench.page.charts import Chart, Listing, Point, Series

FIGURES = "figures.json"
_ROUND = re.compile(r"round-(\d+)")
_LOSS_POINTS = 60
"""Points of a loss at most; of more steps, means."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round's folder holds."""

    number: int
    figures: Mapping[str, Any]
    calibration: Sequence[Mapping[str, float]]
    losses: Mapping[str, Sequence[tuple[float, float]]]
    """Steps and losses by role, `policy` or `ppm`."""
    lineage: Mapping[str, Any]


def is_training(folder: Path) -> bool:
    """Whether a folder is one of published rounds."""
    return any(_list_folders(folder))


def describe_training(folder: Path) -> dict[str, Any]:
    """Return a training's charts and tables. Raises DataError: one of its files is damaged."""
    rounds = [_read_round(number, path) for number, path in sorted(_list_folders(folder))]
    base = _read_json(folder / "base" / FIGURES) if (folder / "base" / FIGURES).exists() else {}
    charts = [
        *_draw_accuracy(rounds, base),
        *_draw_coverage(rounds),
        *_draw_losses(rounds),
        *_draw_calibration(rounds),
    ]
    return {
        "name": folder.name,
        "path": str(folder),
        "charts": [chart.to_json() for chart in charts],
        "tables": [table.to_json() for table in _list_rounds(rounds)],
    }


def _list_folders(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _ROUND.fullmatch(path.name)
        if found and ((path / FIGURES).exists() or any(path.glob("*/lineage.json"))):
            yield int(found[1]), path


def _read_round(number: int, path: Path) -> Round:
    figures, calibration = path / FIGURES, path / "calibration.json"
    lineage = path / "policy" / "lineage.json"
    return Round(
        number=number,
        figures=_read_json(figures) if figures.exists() else {},
        calibration=_read_json(calibration) if calibration.exists() else (),
        losses={
            role: _read_loss(path / role / "loss.jsonl")
            for role in ("policy", "ppm")
            if (path / role / "loss.jsonl").exists()
        },
        lineage=_read_json(lineage) if lineage.exists() else {},
    )


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file} cannot be read ({error}); expected the JSON that a training published"
        ) from error


def _read_loss(file: Path) -> list[tuple[float, float]]:
    """Return steps with a loss, means of so many that a chart has; other lines are passed over."""
    lines = [line.value for line in scan(file, lambda data: data).lines]
    told = [
        (float(line["step"]), float(line["loss"]))
        for line in lines
        if isinstance(line, dict) and "step" in line and "loss" in line
    ]
    every = max(1, -(-len(told) // _LOSS_POINTS))
    parts = [told[at : at + every] for at in range(0, len(told), every)]
    return [(part[-1][0], fmean(loss for _, loss in part)) for part in parts]


def _draw_accuracy(rounds: Sequence[Round], base: Mapping[str, Any]) -> Iterator[Chart]:
    evaluations = [(0, base.get("evaluation", {}))] if base else []
    evaluations += [(each.number, each.figures.get("evaluation", {})) for each in rounds]
    methods: dict[str, list[Point]] = {}
    for number, evaluation in evaluations:
        for cell in evaluation.values():
            if isinstance(cell, dict) and cell.get("accuracy"):
                methods.setdefault(cell["label"], []).append((number, *_share(cell["accuracy"])))
    if methods:
        series = [Series(name, points) for name, points in methods.items()]
        note = "95 % intervals; round 0 is the base model." if base else "95 % intervals."
        yield Chart("Held-out accuracy", "round", "accuracy, %", series, note, dots=True)


def _draw_coverage(rounds: Sequence[Round]) -> Iterator[Chart]:
    tiers: dict[str, list[tuple[int, Mapping[str, float]]]] = {}
    for each in rounds:
        for name, cell in each.figures.get("coverage", {}).items():
            if "/" not in name:
                tiers.setdefault(name, []).append((each.number, cell))
    series = [
        Series(name, [(at, cell["percent"], None, None) for at, cell in cells])
        for name, cells in tiers.items()
    ]
    ever = [
        Series(
            f"{name}, ever",
            [(at, cell["ever_percent"], None, None) for at, cell in cells],
            dashed=True,
        )
        for name, cells in tiers.items()
        if name == "all" or len(tiers) == 1
    ]
    if series:
        note = "Dashed: solved in this round or an earlier one."
        yield Chart("Pool solved by the search", "round", "%", [*series, *ever], note, dots=True)


def _draw_losses(rounds: Sequence[Round]) -> Iterator[Chart]:
    for role, name in (("policy", "Loss of the policy"), ("ppm", "Loss of the PPM")):
        series = [
            Series(
                f"round {each.number}",
                [(step, loss, None, None) for step, loss in each.losses[role]],
            )
            for each in rounds
            if each.losses.get(role)
        ]
        if series:
            yield Chart(name, "optimizer step", "loss", series, percent=False)


def _draw_calibration(rounds: Sequence[Round]) -> Iterator[Chart]:
    series = [
        Series(
            f"round {each.number}",
            [
                (100 * part["said"], 100 * part["share"], 100 * part["low"], 100 * part["high"])
                for part in each.calibration
            ],
        )
        for each in rounds
        if each.calibration
    ]
    if series:
        yield Chart(
            "Calibration of the PPM on held-out pairs",
            "said: the better step is preferred, %",
            "it was, %",
            series,
            "Bins of equally many pairs, 95 % intervals; on the line what is said is true.",
            dots=True,
            diagonal=True,
        )


def _share(cell: Mapping[str, float]) -> tuple[float, float, float]:
    return 100 * cell["estimate"], 100 * cell["low"], 100 * cell["high"]


def _list_rounds(rounds: Sequence[Round]) -> Iterator[Listing]:
    header = [
        *("round", "searched by", "problems solved", "SFT rows", "pairs", "policy loss"),
        *("PPM loss", "held-out pairs ordered, %"),
    ]
    rows = [_list_round(each) for each in rounds]
    if any(set(row[2:]) != {"-"} for row in rows):
        yield Listing("Rounds", header, rows)


def _list_round(each: Round) -> list[str]:
    search = each.figures.get("search", {})
    rows = each.figures.get("rows", {})
    pairs = each.figures.get("pair_accuracy", {})
    ordered = "-"
    if "accuracy" in pairs:
        shares = (100 * pairs[key] for key in ("accuracy", "low", "high"))
        ordered = "{:.1f} [{:.1f}, {:.1f}]".format(*shares)
    solved = f"{search['solved']} of {search['problems']}" if search else "-"
    return [
        str(each.number),
        _name_searcher(each.lineage.get("searcher", {})),
        solved,
        str(rows.get("sft_rows", "-")),
        str(rows.get("pairs", "-")),
        _write_loss(each, "policy"),
        _write_loss(each, "ppm"),
        ordered,
    ]


def _name_searcher(searcher: Mapping[str, Any]) -> str:
    names = [v["name"] if isinstance(v, dict) else str(v) for v in searcher.values()]
    return ", ".join(dict.fromkeys(names)) or "-"


def _write_loss(each: Round, role: str) -> str:
    found = each.figures.get(role)
    if found is None and role == "policy":
        found = each.lineage.get("figures")  # a round that is not evaluated yet
    if not found or "loss_first" not in found:
        return "-"
    return f"{found['loss_first']:.2f} to {found['loss_last']:.2f}"
