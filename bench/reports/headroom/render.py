"""The headroom report as tables of 80 columns, or as JSON.

Tables show whole percent and points for k = 1, 2, 4, ... and all samples; JSON holds every k and
all digits. Where a cell has several numbers they are those of the aggregates, in their order.
Nothing is computed here but the rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.reports.grid import Grid
from bench.reports.headroom.choosing import CeilingVerdict, Choosing, describe, list_powers
from bench.reports.headroom.report import GroupReport, Part, SampledRun
from bench.reports.headroom.scoring import SURFACE, Auc, ScoreWorth, Worth
from bench.reports.headroom.token_use import TokenUse
from bench.search import AGGREGATES
from bench.stats.bootstrap import DRAWS
from bench.stats.choices import DRAWN, MOST_LISTED
from bench.stats.separation import Explained

SCHEMA_VERSION = 1
"""Version of the JSON that `to_json` returns."""

_ORDER = "/".join(AGGREGATES)


def to_json(groups: Sequence[GroupReport]) -> dict[str, Any]:
    """Return the report as JSON values, shares as fractions; curves begin at k = 1."""
    return {"schema": SCHEMA_VERSION, "groups": [_group_to_json(group) for group in groups]}


def lay_out(groups: Sequence[GroupReport]) -> list[Grid]:
    """Return the report as tables that fit 80 columns, what is said of a run below its last."""
    grids = []
    for group in groups:
        name = f"{group.policy} on {group.benchmark}, PPM {group.ppm or '-'}"
        for run in group.sampled:
            grids += _lay_out_run(name, group, run)
        grids.append(_lay_out_tokens(name, group))
    return grids


def _lay_out_run(name: str, group: GroupReport, run: SampledRun) -> list[Grid]:
    asked = [f"{run.samples} samples of a problem"]
    asked += [] if run.temperature is None else [f"temperature {run.temperature:g}"]
    asked += [] if run.seed is None else [f"seed {run.seed}"]
    scored = run.parts[0].scoring is not None
    sentences = _verdicts(run.parts)
    notes = [*sentences, *_notes(group, run, scored=scored)]
    title = f"Headroom · {name} · {', '.join(asked)} · {run.path.name}"
    losses = "Lost with all samples, points", *_losses(run.parts, scored=scored)
    if not scored:
        return [Grid(title, *_curves(run.parts, scored=False)), Grid(*losses, notes)]
    step = next((f", {part.name}" for part in run.parts), "")
    return [
        Grid(title, *_curves(run.parts, scored=True)),
        Grid(*losses),
        Grid("AUC of the scores, 95 %", *_aucs(run.parts)),
        Grid(f"AUC of each step's own score{step}", *_steps(run.parts[0])),
        Grid(f"Percent of the scores' variance explained{step}", *_explained(run.parts[0]), notes),
    ]


_Columns = tuple[list[str], list[list[str]]]
"""Headings and rows."""


def _curves(parts: Sequence[Part], *, scored: bool) -> _Columns:
    """Return what is right at k, in percent, and the ceiling in points."""
    heads = ["Part", "n", "k", "greedy", "oracle", "majority"]
    heads += ["best of k", "weighted"] if scored else []
    rows = []
    for part in parts:
        of = part.choosing
        for k in list_powers(len(of.oracle)):
            greedy = "-" if of.greedy is None else _percent(of.greedy.estimate)
            low, estimate, high = (
                _percent(x)
                for x in (of.ceiling[k - 1].low, of.ceiling[k - 1].estimate, of.ceiling[k - 1].high)
            )
            first = [part.name, str(of.problems)] if k == 1 else ["", ""]
            cells = [*first, str(k), greedy, _percent(of.oracle[k - 1])]
            chosen = _by_selector(of.chosen, k, scored=scored)
            rows.append([*cells, *chosen, f"{estimate} [{low},{high}]"])
    return [*heads, "ceiling"], rows


def _losses(parts: Sequence[Part], *, scored: bool) -> _Columns:
    """Return what is lost at the largest k, in points."""
    size = len(parts[0].choosing.oracle)
    heads = ["Part", "mixed", "generation", "majority"]
    heads += ["best of k", "weighted"] if scored else []
    rows = [
        [
            part.name,
            _percent(part.choosing.mixed),
            _percent(part.choosing.generation_loss[-1]),
            *_by_selector(part.choosing.selection_loss, size, scored=scored),
        ]
        for part in parts
    ]
    return heads, rows


def _by_selector(curves: Mapping[str, Sequence[float]], k: int, *, scored: bool) -> list[str]:
    """Return a cell for majority, and one for each selector by score with all aggregates."""
    cells = [_percent(curves["majority"][k - 1])]
    for name in ("best_of_n", "weighted") if scored else ():
        cells.append("/".join(_percent(curves[f"{name} {each}"][k - 1]) for each in AGGREGATES))
    return cells


def _aucs(parts: Sequence[Part]) -> _Columns:
    rows = []
    for part in parts:
        if part.scoring is not None:
            found = list(part.scoring.auc.values())
            rows.append([part.name, _count(found[0]), *map(_auc, found)])
    return ["Part", "n", *AGGREGATES], rows


def _steps(part: Part) -> _Columns:
    found = part.scoring.by_step if part.scoring is not None else ()
    rows = [[str(at), _count(auc), _auc(auc)] for at, auc in enumerate(found, start=1) if auc]
    return ["Step", "n", "AUC"], rows


def _explained(part: Part) -> _Columns:
    """Return how much of each aggregate's variance right and wrong explain, and the surface."""
    rows = []
    if part.scoring is not None and (of := part.scoring.explained):
        names = ["right", *SURFACE, "surface"]
        for aggregate, shares in of.items():
            samples = max((e.n for e in shares.values() if e is not None), default=0)
            rows.append([aggregate, str(samples), *(_share(shares[name]) for name in names)])
    return ["Scores", "samples", "right", *SURFACE, "surface"], rows


def _lay_out_tokens(name: str, group: GroupReport) -> Grid:
    notes = [
        "Tokens: generated, a problem. Of these in percent, twice: in samples whose text repeats "
        "an earlier finished one (in a tree: in steps that repeat a sibling); open: on no finished "
        "solution; said: in sentences that state an answer, those of duplicates included. Ends, "
        "new: finished solutions, and distinct ones. Each: tokens a distinct solution."
    ]
    missing = sum(use.missing for use in group.tokens)
    if missing:
        notes.append(f"{missing} problems have no stored tree; their tokens are left out.")
    if not group.sampled:
        notes.append(
            "No run of this policy and this PPM holds independent samples: nothing is said of k."
        )
    heads = ["Run", "Search", "n", "Tokens", "twice", "open", "said", "ends", "new", "each"]
    rows = [_tokens(use) for use in group.tokens]
    return Grid(f"Tokens · {name}", heads, rows, notes, left=frozenset({0, 1}))


def _tokens(use: TokenUse) -> list[str]:
    each = "-" if use.per_distinct is None else f"{use.per_distinct:,.0f}"
    shares = [use.duplicates, use.unfinished, use.answers]
    return [
        use.path.name,
        use.search,
        str(use.problems),
        f"{use.generated / use.problems:,.0f}" if use.problems else "-",
        *(f"{_percent(share / use.generated)} %" if use.generated else "-" for share in shares),
        f"{use.solutions:,}",
        f"{use.distinct:,}",
        each,
    ]


def _verdicts(parts: Sequence[Part]) -> list[str]:
    """Return what is said of a search and of the scores, of each part; the undecided together."""
    told, left_open = [], []
    for part in parts:
        if part.kind != "all" and part.choosing.verdict is CeilingVerdict.UNDECIDED:
            left_open.append(part.name)
        else:
            scores = "" if part.scoring is None else f" {_scores(part.scoring)}"
            told.append(f"{part.name}: {describe(part.choosing)}.{scores}")
    if left_open:
        told.append(f"Undecided: {', '.join(left_open)}.")
    return told


def _scores(scoring: ScoreWorth) -> str:
    names: dict[Worth, list[str]] = {}
    for name, auc in scoring.auc.items():
        names.setdefault(Worth.TOO_FEW if auc is None else auc.worth, []).append(name)
    if Worth.TOO_FEW in names:
        return "Scores: too few problems with right and wrong samples to say."
    told = [f"{', '.join(names[worth])} {worth}" for worth in Worth if worth in names]
    return f"Scores: {'; '.join(told)}."


def _notes(group: GroupReport, run: SampledRun, *, scored: bool) -> list[str]:
    """Return how to read one run's tables."""
    notes = [
        "Percent right, a mean over all subsets of k samples (oracle: one of them is right; at k = "
        "1, pass@1). Ceiling, losses: points. Ceiling: oracle less the better of greedy and "
        f"majority; {DRAWS:,} bootstrap draws of the problems, and no less to gain than so few "
        "problems, were they all alike, would leave open (Wilson). Mixed: percent of the problems "
        "with right and wrong samples."
    ]
    if scored:
        notes.append(f"Best of k, weighted: by {_ORDER} of the step scores.")
    of = run.parts[0].choosing
    if of.greedy is None:
        notes.append(
            "No greedy run was given, and the ceiling is over majority alone: rstar-bench run "
            f"--search greedy --benchmark {group.benchmark} --policy {group.policy} --out DIR"
        )
    elif of.greedy.n < of.problems:
        notes.append(f"Greedy and the ceiling are of {of.greedy.n} of the {of.problems} problems.")
    if scored:
        notes.append(
            "AUC: how often a right sample scores above a wrong one of its problem; useful, at "
            "chance or harmful by its 95 % interval. Variance within problems, R² adjusted for the "
            "number of columns; - where the samples are too few."
        )
    if run.drawn:
        notes.append(
            f"Weighted votes of {run.drawn} problems with more than {MOST_LISTED} scored samples "
            f"are a mean over {DRAWN:,} random subsets of each size (seeded); all else is exact."
        )
    if run.failed_problems or run.failed_samples:
        notes.append(
            f"Left out, as the harness failed on them: {run.failed_problems} problems, and "
            f"{run.failed_samples} samples of others."
        )
    return notes


def _percent(share: float) -> str:
    """Return a share in whole percent, no negative zero."""
    return f"{round(100 * share) + 0}"


def _share(explained: Explained | None) -> str:
    return "-" if explained is None else _percent(max(0.0, explained.adjusted))


def _count(auc: Auc | None) -> str:
    return "0" if auc is None else str(auc.interval.n)


def _auc(auc: Auc | None) -> str:
    if auc is None:
        return "-"
    middle, low, high = (
        f"{x:.2f}".removeprefix("0")[:3]
        for x in (auc.interval.estimate, auc.interval.low, auc.interval.high)
    )
    return f"{middle} [{low},{high}]"


def _group_to_json(group: GroupReport) -> dict[str, Any]:
    sampled = [
        {**asdict(run), "path": str(run.path), "parts": [*map(_part_to_json, run.parts)]}
        for run in group.sampled
    ]
    tokens = [
        {**asdict(use), "path": str(use.path), "per_distinct": use.per_distinct}
        for use in group.tokens
    ]
    return {**asdict(group), "sampled": sampled, "tokens": tokens}


def _part_to_json(part: Part) -> dict[str, Any]:
    return {
        **asdict(part),
        "choosing": _choosing_to_json(part.choosing),
        "scoring": None if part.scoring is None else _scoring_to_json(part.scoring),
    }


def _choosing_to_json(choosing: Choosing) -> dict[str, Any]:
    return {
        **asdict(choosing),
        "generation_loss": choosing.generation_loss,
        "selection_loss": choosing.selection_loss,
        "verdict": choosing.verdict,
        "sentence": describe(choosing),
    }


def _scoring_to_json(scoring: ScoreWorth) -> dict[str, Any]:
    return {
        **asdict(scoring),
        "auc": {name: _auc_to_json(auc) for name, auc in scoring.auc.items()},
        "by_step": [_auc_to_json(auc) for auc in scoring.by_step],
    }


def _auc_to_json(auc: Auc | None) -> dict[str, Any] | None:
    return None if auc is None else {**asdict(auc.interval), "worth": auc.worth}
