"""The tables of a run: coverage by tier (the paper's Table 2) and accuracy by round, as text.

Both are made from the rounds' `figures.json` alone, so one command prints them from `results/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError

FIGURES = "figures.json"
"""In the folder of the base model, and of each round."""
ABLATION = "ablation.json"
"""Beside the folders of the rounds."""
_PARTS = ("coverage", "policy", "ppm", "pair_accuracy", "evaluation")


def load_figures(publish: Path) -> list[Mapping[str, Any]]:
    """Read the figures of the rounds published in a folder. Raises BenchError."""
    found: list[Mapping[str, Any]] = []
    while (file := publish / f"round-{len(found) + 1}" / FIGURES).is_file():
        found.append(_read(file, "train the round again"))
        lacking = [part for part in _PARTS if part not in found[-1]]
        if lacking:
            raise BenchError(
                f"{file} lacks {', '.join(lacking)}: an earlier version of rstar-train wrote it; "
                "train the round again"
            )
    if not found:
        raise BenchError(
            f"{publish} holds no round's figures; expected round-1/figures.json, which rstar-train "
            "evolve writes"
        )
    return found


def load_ablation(publish: Path) -> Mapping[str, Any] | None:
    """Read the ablations published beside the rounds; None where there are none."""
    file = publish / ABLATION
    return _read(file, "run rstar-train ablate again") if file.is_file() else None


def load_base(publish: Path) -> Mapping[str, Any] | None:
    """Read the base model's evaluation, published beside the rounds; None where there is none."""
    file = publish / "base" / FIGURES
    if not file.is_file():
        return None
    found: Mapping[str, Any] = _read(file, "run rstar-train evolve again")["evaluation"]
    return found


def _read(file: Path, remedy: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(file.read_text())
    except ValueError as error:
        raise BenchError(f"{file} is damaged ({error}); {remedy}") from error
    return found


_VARIANTS = (
    ("data", "random", "greedy", "samples as they come"),
    ("data", "rejection", "greedy", "right samples, best by ORM"),
    ("data", "verified", "greedy", "verified by search"),
    ("scorers", "orm", "best_of_n", "ORM"),
    ("scorers", "pqm", "mcts", "PQM"),
    ("scorers", "ppm", "best_of_n", "PPM"),
    ("scorers", "ppm", "mcts", "PPM"),
)


def ablation_table(figures: Mapping[str, Any]) -> str:
    """Return the ablations of the last round: training data, and what scores steps."""
    header = ["varied", "variant", "method", "n", "accuracy, %", "against the round", "p", "tokens"]
    rows = []
    for part, name, method, words in _VARIANTS:
        cell = figures[part][name].get(method)
        if cell is not None:
            own = name in ("verified", "ppm")  # compared with the round before, elsewhere
            shown = {**cell, "against_before": None} if own else cell
            rows.append([part, words, *accuracy_cells({method: shown})[0]])
    title = f"Ablations of round {figures['round']}, each variant paired with the round's own"
    return "\n\n".join((_table(title, header, rows), _held_out_table(figures["held_out"])))


def _held_out_table(held_out: Mapping[str, Any]) -> str:
    """Return how many held-out pairs of each kind every scorer orders; an ORM learns no steps."""
    rows = []
    for name in ("orm", "pqm", "ppm"):
        kinds = held_out[name].get("by_kind", {})
        cells = (kinds.get(kind) for kind in ("solution", "step"))
        rows.append([name.upper(), *(_ordered(cell) for cell in cells)])
    title = "Held-out pairs that each scorer orders rightly, %"
    return _table(title, ["scorer", "whole solutions", "steps below one prefix"], rows)


def render_rounds(
    figures: Sequence[Mapping[str, Any]], base: Mapping[str, Any] | None = None
) -> str:
    """Return coverage, training and evaluation tables, one below the other."""
    tables = coverage_table(figures), training_table(figures), accuracy_table(figures, base)
    return "\n\n".join(tables)


def coverage_table(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return the share of the pool that each round solved, and in brackets all rounds so far."""
    tiers = [name for name in figures[-1]["coverage"] if "/" not in name and name != "all"]
    header = ["round", *tiers, "all"]
    rows = []
    for number, found in enumerate(figures, start=1):
        cells = [found["coverage"][tier] for tier in (*tiers, "all")]
        shown = [f"{cell['percent']:.1f} ({cell['ever_percent']:.1f})" for cell in cells]
        rows.append([str(number), *shown])
    sizes = [str(figures[-1]["coverage"][tier]["problems"]) for tier in (*tiers, "all")]
    title = "Coverage of the pool, % solved in the round (in it or before)"
    return _table(title, header, [*rows, ["problems", *sizes]])


def families_table(
    figures: Sequence[Mapping[str, Any]], base: Mapping[str, Any] | None = None
) -> str:
    """Return, by family, what each round solved of the pool, and its policy of the held-out rest.

    Raises BenchError where the problems of the last round's evaluation have no families.
    """
    solved = {str(at): each["coverage"] for at, each in enumerate(figures, start=1)}
    evaluations = {"base": base} if base is not None else {}
    evaluations |= {str(at): each["evaluation"] for at, each in enumerate(figures, start=1)}
    right = {
        name: found.get("greedy", {}).get("by_tier", {}) for name, found in evaluations.items()
    }
    return "\n\n".join(
        (
            _by_family("Problems of the pool solved, by round", solved, "solved", "problems"),
            _by_family("Held-out problems right, greedy, by round", right, "correct", "n"),
        )
    )


def _by_family(title: str, rounds: Mapping[str, Mapping[str, Any]], count: str, size: str) -> str:
    """Return a table of families down and rounds across, with the size of each family."""
    last = rounds[list(rounds)[-1]]
    families = [name for name in last if "/" in name]
    if not families:
        raise BenchError(
            "the evaluated problems have no families, or an earlier version of rstar-train "
            "evaluated them; leave out --families"
        )
    rows = [
        [
            *name.removeprefix("embedded-").split("/", 1),
            *(str(found[name][count]) if name in found else "-" for found in rounds.values()),
            str(last[name][size]),
        ]
        for name in families
    ]
    return _table(title, ["tier", "family", *rounds, "of"], rows)


def training_table(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return what each round was trained on and how well its PPM orders held-out pairs."""
    header = ["round", "SFT rows", "loss", "pairs", "loss", "held-out pairs ordered, %"]
    rows = []
    for number, found in enumerate(figures, start=1):
        policy, ppm = found["policy"], found["ppm"]
        rows.append(
            [
                str(number),
                str(policy.get("rows", "-")),
                f"{policy['loss_first']:.2f} to {policy['loss_last']:.2f}",
                str(ppm.get("pairs", "-")),
                f"{ppm['loss_first']:.2f} to {ppm['loss_last']:.2f}",
                _ordered(found["pair_accuracy"]),
            ]
        )
    return _table("Training", header, rows)


def _ordered(pairs: Mapping[str, Any] | None) -> str:
    """Return a scorer's accuracy on pairs with its interval, or a dash where there were none."""
    if not pairs or "accuracy" not in pairs:
        return "-"
    return percent(pairs["accuracy"], pairs["low"], pairs["high"])


def accuracy_table(
    figures: Sequence[Mapping[str, Any]], base: Mapping[str, Any] | None = None
) -> str:
    """Return accuracy by round and method, with paired gains over the round before and the base.

    `base` is the base model's evaluation, where there is one.
    """
    compared = ("against_before", "against_base")
    header = ["round", "method", "n", "accuracy, %", "against the round before", "p"]
    evaluations = {"base": base} if base is not None else {}
    evaluations |= {str(number): each["evaluation"] for number, each in enumerate(figures, start=1)}
    rows = [
        [name, *cells]
        for name, evaluation in evaluations.items()
        for cells in accuracy_cells(evaluation, compared)
    ]
    title = (
        "Accuracy on held-out problems, 95 % intervals (tokens: policy + PPM, mean of a problem)"
    )
    return _table(title, [*header, "against the base", "p", "tokens"], rows)


def accuracy_cells(
    evaluation: Mapping[str, Any], compared: Sequence[str] = ("against_before",)
) -> list[list[str]]:
    """Return a row for each method: label, n, accuracy, paired gains and their p, tokens."""
    rows = []
    for cell in evaluation.values():
        if not isinstance(cell, Mapping):
            continue  # the stage's seconds
        accuracy = cell["accuracy"]
        shown = "-" if accuracy is None else percent(*_three(accuracy))
        gains = [text for name in compared for text in _gain(cell.get(name))]
        tokens = f"{cell['policy_tokens']:.0f} + {cell['ppm_tokens']:.0f}"
        rows.append([cell["label"], str(cell["n"]), shown, *gains, tokens])
    return rows


def _gain(gain: Mapping[str, Any] | None) -> tuple[str, str]:
    if gain is None:
        return "-", "-"
    return percent(*_three(gain), sign=True), f"{gain['mcnemar_p']:.2g}"


def _three(cell: Mapping[str, float]) -> tuple[float, float, float]:
    return cell["estimate"], cell["low"], cell["high"]


def percent(estimate: float, low: float, high: float, *, sign: bool = False) -> str:
    """Return a share with its interval, in percent."""
    form = "+.1f" if sign else ".1f"
    return f"{100 * estimate:{form}} [{100 * low:{form}}, {100 * high:{form}}]"


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [title, "-" * len(title)]
    for row in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
