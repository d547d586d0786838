"""The headroom report as terminal tables, Markdown or JSON.

Text shows whole percent and points for k = 1, 2, 4, ... and all samples; JSON holds every k and all
digits. Where a cell has several numbers they are those of the aggregates, in the column's order.
Nothing is computed here but the rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.reports.grid import markdown_line
from bench.reports.headroom.choosing import CeilingVerdict, Choosing, describe
from bench.reports.headroom.report import GroupReport, Part, SampledRun
from bench.reports.headroom.scoring import SURFACE, Auc, ScoreWorth, Worth
from bench.reports.headroom.token_use import TokenUse
from bench.search import AGGREGATES
from bench.stats.bootstrap import DRAWS
from bench.stats.choices import DRAWN, MOST_LISTED
from bench.stats.separation import Explained

if TYPE_CHECKING:
    from rich.console import Group as RichGroup

SCHEMA_VERSION = 1
"""Version of the JSON that `to_json` returns."""

_ORDER = "/".join(AGGREGATES)


def to_json(groups: Sequence[GroupReport]) -> dict[str, Any]:
    """Return the report as JSON values, shares as fractions; curves begin at k = 1."""
    return {"schema": SCHEMA_VERSION, "groups": [_group_to_json(group) for group in groups]}


def to_markdown(groups: Sequence[GroupReport]) -> str:
    """Return the report as GitHub Markdown."""
    lines = []
    for block in _blocks(groups):
        lines += [f"**{block.title}**", ""]
        for table in block.tables:
            heads = [name for name, _ in table.columns]
            lines += [
                markdown_line(heads),
                markdown_line("---" if left else "---:" for _, left in table.columns),
                *map(markdown_line, table.rows),
                "",
            ]
        lines += [*(f"- {sentence}" for sentence in block.sentences), ""]
    return "\n".join(lines)


def to_rich(groups: Sequence[GroupReport]) -> RichGroup:
    """Return the report for a terminal, readable in 120 columns."""
    from rich import box
    from rich.console import Group as RichGroup
    from rich.table import Table
    from rich.text import Text

    shown: list[Table | Text] = []
    for block in _blocks(groups):
        shown.append(Text(f"{block.title}\n", style="bold"))
        for table in block.tables:
            rich = Table(box=box.SIMPLE_HEAD, padding=0)
            for name, left in table.columns:
                rich.add_column(name, justify="left" if left else "right", no_wrap=not left)
            for row in table.rows:
                rich.add_row(*map(Text, row))
            shown.append(rich)
        shown += [Text(sentence) for sentence in block.sentences]
        shown.append(Text())
    return RichGroup(*shown)


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Sequence[tuple[str, bool]]
    """Headings, and whether a column is text, which is set to the left."""
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Block:
    title: str
    tables: Sequence[_Table]
    sentences: Sequence[str]


def _blocks(groups: Sequence[GroupReport]) -> list[_Block]:
    blocks = []
    for group in groups:
        name = f"{group.policy} on {group.benchmark}, PPM {group.ppm or '-'}"
        for run in group.sampled:
            blocks.append(_block_of_run(name, group, run))
        blocks.append(_block_of_tokens(name, group))
    return blocks


def _block_of_run(name: str, group: GroupReport, run: SampledRun) -> _Block:
    asked = [f"{run.samples} samples of a problem"]
    asked += [] if run.temperature is None else [f"temperature {run.temperature:g}"]
    asked += [] if run.seed is None else [f"seed {run.seed}"]
    scored = run.parts[0].scoring is not None
    tables = [_curves(run.parts, scored=scored), _losses(run.parts, scored=scored)]
    if scored:
        tables += [_aucs(run.parts), _steps(run.parts[0]), _explained(run.parts)]
    sentences = _verdicts(run.parts)
    return _Block(
        f"Headroom · {name} · {', '.join(asked)} · {run.path.name}",
        tables,
        [*sentences, *_notes(group, run, scored=scored)],
    )


def _curves(parts: Sequence[Part], *, scored: bool) -> _Table:
    """Return what is right at k, in percent, and the ceiling in points."""
    heads = ["Part", "n", "k", "greedy", "oracle", "majority"]
    heads += [f"best of k\n{_ORDER}", f"weighted\n{_ORDER}"] if scored else []
    rows = []
    for part in parts:
        of = part.choosing
        for k in _shown(len(of.oracle)):
            greedy = "-" if of.greedy is None else _percent(of.greedy.estimate)
            low, estimate, high = (
                _percent(x)
                for x in (of.ceiling[k - 1].low, of.ceiling[k - 1].estimate, of.ceiling[k - 1].high)
            )
            first = [part.name, str(of.problems)] if k == 1 else ["", ""]
            cells = [*first, str(k), greedy, _percent(of.oracle[k - 1])]
            chosen = _by_selector(of.chosen, k, scored=scored)
            rows.append([*cells, *chosen, f"{estimate} [{low}, {high}]"])
    return _Table(_columns([*heads, "ceiling\n95 %"]), rows)


def _losses(parts: Sequence[Part], *, scored: bool) -> _Table:
    """Return what is lost at the largest k, in points."""
    size = len(parts[0].choosing.oracle)
    heads = [
        "Part",
        "right and\nwrong, %",
        f"generation\nloss, k {size}",
        "selection loss:\nmajority",
    ]
    heads += [f"best of k\n{_ORDER}", f"weighted\n{_ORDER}"] if scored else []
    rows = [
        [
            part.name,
            _percent(part.choosing.mixed),
            _percent(part.choosing.generation_loss[-1]),
            *_by_selector(part.choosing.selection_loss, size, scored=scored),
        ]
        for part in parts
    ]
    return _Table(_columns(heads), rows)


def _by_selector(curves: Mapping[str, Sequence[float]], k: int, *, scored: bool) -> list[str]:
    """Return a cell for majority, and one for each selector by score with all aggregates."""
    cells = [_percent(curves["majority"][k - 1])]
    for name in ("best_of_n", "weighted") if scored else ():
        cells.append("/".join(_percent(curves[f"{name} {each}"][k - 1]) for each in AGGREGATES))
    return cells


def _aucs(parts: Sequence[Part]) -> _Table:
    rows = []
    for part in parts:
        if part.scoring is not None:
            found = list(part.scoring.auc.values())
            rows.append([part.name, _count(found[0]), *map(_auc, found)])
    return _Table(_columns(["AUC of scores", "problems", *AGGREGATES]), rows)


def _steps(part: Part) -> _Table:
    found = part.scoring.by_step if part.scoring is not None else ()
    rows = [[f"step {at}", _count(auc), _auc(auc)] for at, auc in enumerate(found, start=1) if auc]
    return _Table(_columns(["AUC by step, all", "problems", "score of this step"]), rows)


def _explained(parts: Sequence[Part]) -> _Table:
    heads = ["Variance of scores\nexplained, %", "samples", f"right\n{_ORDER}", *SURFACE]
    rows = []
    for part in parts:
        if part.scoring is not None and (of := part.scoring.explained):
            names = ["right", *SURFACE, "surface"]
            cells = ["/".join(_share(of[each][name]) for each in AGGREGATES) for name in names]
            sizes = {e.n for each in of.values() for e in each.values() if e is not None}
            rows.append([part.name, str(max(sizes, default=0)), *cells])
    return _Table(_columns([*heads, "surface\n(all four)"]), rows)


def _block_of_tokens(name: str, group: GroupReport) -> _Block:
    heads = [
        "Tokens of",
        "search",
        "problems",
        "generated\na problem",
        "duplicates",
        "unfinished",
        "answers",
    ]
    heads += ["finished", "distinct", "tokens a\ndistinct one"]
    notes = [
        "Shares of the generated tokens: in samples whose text repeats an earlier finished one (in "
        "a tree search: in steps that repeat a sibling), on no finished solution, in sentences "
        "that state an answer, those of duplicates included. Finished, distinct: solutions."
    ]
    missing = sum(use.missing for use in group.tokens)
    if missing:
        notes.append(f"{missing} problems have no stored tree; their tokens are left out.")
    if not group.sampled:
        notes.append(
            "No run of this policy and this PPM holds independent samples: nothing is said of k."
        )
    table = _Table(_columns(heads), [_tokens(use) for use in group.tokens])
    return _Block(f"Tokens · {name}", [table], notes)


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
        "problems, were they all alike, would leave open (Wilson)."
    ]
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


def _columns(heads: Iterable[str]) -> list[tuple[str, bool]]:
    return [(head, at == 0) for at, head in enumerate(heads)]


def _shown(size: int) -> list[int]:
    """Return the k that text shows: powers of two, and all samples."""
    return [*(1 << i for i in range(size.bit_length()) if 1 << i < size), size]


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
    return f"{auc.interval.estimate:.2f} [{auc.interval.low:.2f}, {auc.interval.high:.2f}]"


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
