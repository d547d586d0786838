"""Runs as Python has them: tables, reports, pages, and two of them compared."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import stats
from bench.errors import BenchError, UnknownNameError
from bench.files.outputs import check_output
from bench.page.asked import AskedSearch
from bench.python.answer import SearchTree
from bench.reports.comparing import Comparison, compare_runs, parse_pair
from bench.reports.comparing_view import lay_out
from bench.reports.grid import COLUMNS, Grid, grids_to_rich
from bench.reports.leaderboard import leaderboard
from bench.reports.render import to_grid
from bench.runs.reader import Run, load_run
from bench.search import Trace
from bench.search.registry import find_search
from bench.types import Problem

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Results:
    """A finished run."""

    run: Run

    @property
    def path(self) -> Path:
        """The run directory, which every command of `rstar-bench` reads."""
        return self.run.path

    @property
    def accuracy(self) -> Mapping[str, stats.Interval]:
        """The share of right answers of each selector, with its 95 % interval."""
        rows = leaderboard([self.run]).rows
        return {row.method: row.accuracy for row in rows if row.accuracy is not None}

    def to_pandas(self) -> pandas.DataFrame:
        """Return a row for each problem and selector: answer, outcome, tokens, seconds."""
        import pandas

        from bench.exports.parquet import list_answers
        from bench.exports.sources import read_source

        return pandas.DataFrame(list_answers(read_source(self.run)))

    def report(self) -> str:
        """Return the run's table as text, 80 columns wide."""
        return _to_text(to_grid(leaderboard([self.run])))

    def page(self, out: Path | str | None = None) -> Path:
        """Write the page of the run, its problems and trees; into its directory unless told where.

        Raises BenchError: it cannot be written there.
        """
        from bench.page.pages import write_page

        file = self.path / "page.html" if out is None else Path(out)
        check_output(file)
        return write_page([self.path], file).files[0]

    def tree(self, problem: str, *, selector: str | None = None) -> SearchTree:
        """Return the search tree of a problem, by its id. Raises BenchError: there is none."""
        record = next((each for each in self.run.records if each.problem_id == problem), None)
        if record is None:
            raise UnknownNameError(
                f"problem in {self.path}:", problem, [each.problem_id for each in self.run.records]
            )
        method = next(iter(record.selected), "") if selector is None else selector
        if method not in record.selected:
            raise UnknownNameError("selector", method, record.selected)
        stored = next((t for t in self.run.trees() if t.problem_id == problem and t.tree), None)
        if stored is None:
            raise BenchError(
                f"{self.path} holds no tree of {problem!r}: {record.error or 'its file is missing'}"
            )
        trace, choice = Trace.from_json(stored.tree), record.selected[method].sample
        selectors = find_search(self.run.search).choose_by(self.run.knobs.get("aggregate"))
        asked = AskedSearch(
            Problem(record.problem_id, "", record.gold, record.benchmark),
            trace,
            {method: selectors[method], **selectors},
            policy=self.run.policy,
        )
        return SearchTree(asked, None if choice is None else trace.rollouts[choice])

    def __str__(self) -> str:
        """Return the report."""
        return self.report()

    def _repr_html_(self) -> str:
        return _to_html(to_grid(leaderboard([self.run])))


@dataclass(frozen=True, slots=True)
class Differences:
    """Runs tested against a base, paired."""

    comparison: Comparison

    def to_pandas(self) -> pandas.DataFrame:
        """Return a row for each contrast: difference, interval, p, corrected p, flips."""
        import pandas

        rows = []
        for each in self.comparison.contrasts:
            rows.append(
                {
                    "run": each.run,
                    "method": each.method,
                    "base": each.base,
                    "base_method": each.base_method,
                    **asdict(each.difference),
                    "corrected_p": each.corrected_p,
                }
            )
        return pandas.DataFrame(rows)

    def __str__(self) -> str:
        """Return the table of contrasts, 80 columns wide."""
        return _to_text(lay_out(self.comparison))

    def _repr_html_(self) -> str:
        return _to_html(lay_out(self.comparison))


def load(path: Path | str) -> Results:
    """Return a run that lies in a directory. Raises RunDirError: it is missing or damaged."""
    return Results(load_run(Path(path)))


def compare(
    runs: Sequence[Results | Path | str],
    *,
    tokens: int | None = None,
    pairs: Sequence[str] = (),
) -> Differences:
    """Test runs against the first of them, problem by problem.

    `tokens` cuts all at so many generated tokens a problem. `pairs` name what is compared, as
    `METHOD:BASE_METHOD`; by default every method that both have. Raises BenchError: there are not
    two, they asked other problems, or cannot be cut so.
    """
    if isinstance(runs, str | Path | Results) or len(runs) < 2:
        raise BenchError(
            "compare needs a list of at least two runs, the base first, as in compare([a, b])"
        )
    if tokens is not None and tokens < 1:
        raise BenchError(f"tokens is {tokens}; give how many a problem may take, at least 1")
    read = [each if isinstance(each, Results) else load(each) for each in runs]
    base, *others = (each.run for each in read)
    at = None if tokens is None else ("tokens", float(tokens))
    return Differences(compare_runs(base, others, at=at, pairs=[parse_pair(p) for p in pairs]))


def _to_text(grid: Grid) -> str:
    from rich.console import Console

    console = Console(width=COLUMNS, color_system=None, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(grids_to_rich([grid]))
    return captured.get().rstrip("\n")


def _to_html(grid: Grid) -> str:
    def cells(tag: str, texts: Sequence[str]) -> str:
        shown = (html.escape(text).replace("\n", "<br>") for text in texts)
        return "".join(f"<{tag}>{text}</{tag}>" for text in shown)

    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in grid.rows)
    notes = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in grid.notes)
    return (
        f"<p><b>{html.escape(grid.title)}</b></p><table><thead><tr>{cells('th', grid.heads)}</tr>"
        f"</thead><tbody>{rows}</tbody></table>{notes}"
    )
