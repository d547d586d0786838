"""Runs against a base run on the same problems: paired, exact, corrected, and every flip.

A contrast is one selector of a run against the same selector of the base; where they share none,
the first of each; or those pairs that are asked for. All contrasts that are shown are corrected
together (Holm). Runs that asked other problems, or were graded otherwise, are refused, with the
reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench import stats
from bench.errors import BenchError, UnknownNameError
from bench.reports.leaderboard import compare, methods
from bench.reports.pooled import parts_of
from bench.reports.token_budget import cut, drop_late, spend_flops
from bench.runs.derived import checker_of, conventions_of, rescored_from
from bench.runs.reader import Run
from bench.runs.record import Key, Record
from bench.search import ROOT, Trace
from bench.types import Outcome

LEVEL = 0.05
"""A contrast is shown where its corrected p is below."""
BUDGETS = ("tokens", "flops", "seconds")
_READERS = ("math-verify", "latex2sympy2-extended", "sympy")
"""Packages that move a verdict."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run answered."""

    answer: str | None
    outcome: str
    text: str
    """The solution whose answer it is; empty where nothing was chosen or its tree is not stored."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A problem that exactly one of the two solved."""

    problem_id: str
    gold: str
    base: Answer
    run: Answer

    @property
    def is_gain(self) -> bool:
        """Whether the run solved it."""
        return self.run.outcome == Outcome.CORRECT


@dataclass(frozen=True, slots=True)
class Contrast:
    """One selector of a run against one of the base."""

    run: str
    base: str
    method: str
    base_method: str
    accuracy: stats.Interval
    base_accuracy: stats.Interval
    """Both of the problems that both could be judged on."""
    difference: stats.PairedDifference
    """share(run) - share(base), with the exact McNemar p."""
    mid_p: float
    corrected_p: float
    """The exact p, corrected for all contrasts (Holm)."""
    tests: int
    """How many those are."""
    left_out: int
    """Problems that either run could not be judged on."""
    flips: tuple[Flip, ...]

    @property
    def detectable(self) -> float | None:
        """Return the smallest true difference that such problems show four times in five.

        With as many discordant ones as there were, without correction. None where no difference is.
        """
        of = self.difference
        discordant = of.only_a + of.only_b
        if not discordant:
            return None
        least = stats.minimum_detectable_difference(of.n, discordant=discordant / of.n)
        return least if math.isfinite(least) else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The contrasts of some runs with a base run."""

    benchmark: str
    at: str
    """The budget at which all were cut; empty for whole runs."""
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]
    """What the runs differ in that does not forbid to compare them, but may explain."""


def parse_budget(text: str) -> tuple[str, float]:
    """Read `tokens=N`, `flops=F` or `seconds=S`. Raises BenchError."""
    name, _, number = text.partition("=")
    if name not in BUDGETS:
        raise UnknownNameError("budget", name, BUDGETS)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BenchError(f"--at {text}: a number above 0 is expected, as in {name}=1024")
    return name, value


def parse_pair(text: str) -> tuple[str, str]:
    """Read `METHOD:BASE_METHOD`, or `METHOD` for the same of both. Raises BenchError."""
    method, colon, base_method = text.partition(":")
    if not method or (colon and not base_method):
        raise BenchError(
            f"--pair {text}: METHOD:BASE_METHOD is expected, as in mcts_likely:majority"
        )
    return method, base_method or method


def compare_runs(
    base: Run,
    others: Sequence[Run],
    *,
    at: tuple[str, float] | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> Comparison:
    """Compare every selector of every other run with that of the base, all cut at one budget.

    `pairs` are selectors of the other runs and of the base, where others are meant. Raises
    BenchError: the runs cannot be compared, cannot be cut there, or have no such selector.
    """
    notes = [note for other in others for note in _check_parts(base, other)]
    names = _name_runs([base, *others])
    contrasts = []
    of_base = _cut_at(base, at)
    for other, name in zip(others, names[1:], strict=True):
        of_other = _cut_at(other, at)
        for method, base_method in pairs or _pair_methods(of_other, of_base):
            for chosen, known in ((method, of_other), (base_method, of_base)):
                if chosen not in known:
                    raise UnknownNameError("method", chosen, known)
            contrasts.append(
                _contrast(
                    (of_other[method], of_base[base_method]),
                    (method, base_method),
                    (name, names[0]),
                    (other, base),
                )
            )
    corrected = stats.holm([each.difference.p for each in contrasts])
    tests = len(contrasts)
    return Comparison(
        benchmark=base.benchmark,
        at="" if at is None else f"{at[0]} = {at[1]:g}",
        contrasts=tuple(
            replace(each, corrected_p=p, tests=tests)
            for each, p in zip(contrasts, corrected, strict=True)
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def _check_parts(base: Run, other: Run) -> list[str]:
    """Return what may explain a difference, of pooled runs on each benchmark. Raises BenchError."""
    sides = [
        {part.configured("benchmark"): part for part in parts_of(run)} for run in (base, other)
    ]
    if sides[0].keys() != sides[1].keys():
        return check_comparable(base, other)  # says in which benchmarks they differ
    return [note for name in sides[0] for note in check_comparable(sides[0][name], sides[1][name])]


def check_comparable(base: Run, other: Run) -> list[str]:
    """Return what may explain a difference; one re-scored from the other may differ in its checker.

    Raises BenchError: they asked other problems, or were graded otherwise; says in what.
    """
    for run in (base, other):
        if not run.records:
            raise BenchError(f"{run.path} holds no record, so there is nothing to compare")
    # Other problems come with other grading, which explains nothing more.
    differences = _list_problems(base, other) or _list_grading(base, other)
    reasons = [f"{what}: {a} and {b}" for what, a, b in differences]
    if reasons:
        raise BenchError(
            f"{base.path} and {other.path} cannot be compared, for they differ in "
            f"{'; '.join(reasons)}"
        )
    notes = []
    if checker_of(base) != checker_of(other):
        notes.append(
            f"The same answers under two checkers: {checker_of(base)} and {checker_of(other)}."
        )
    versions = [run.header.get("packages", {}) for run in (base, other)]
    moved = [
        f"{name} {versions[0].get(name)} and {versions[1].get(name)}"
        for name in _READERS
        if versions[0].get(name) != versions[1].get(name)
    ]
    if all(versions) and moved:
        notes.append(f"Graded with different versions of {', '.join(moved)}.")
    return notes


def _list_problems(base: Run, other: Run) -> list[tuple[str, str, str]]:
    a, b = (_benchmark(run) for run in (base, other))
    if a["name"] != b["name"]:
        return [("the benchmark", a["name"], b["name"])]
    if a.get("errata") != b.get("errata"):
        return [("the errata", _show_errata(a), _show_errata(b))]
    if a.get("sha256") != b.get("sha256"):
        return [("the problems asked", _show_problems(a), _show_problems(b))]
    if max(_seeds_of(base), _seeds_of(other)) > 1:
        what = "the seeds, of which a paired test takes one a problem"
        return [(what, str(_seeds_of(base)), str(_seeds_of(other)))]
    return []


def _list_grading(base: Run, other: Run) -> list[tuple[str, str, str]]:
    a, b = (conventions_of(run) for run in (base, other))
    differ = [name for name in sorted({*a, *b}) if a.get(name) != b.get(name)]
    checkers = checker_of(base), checker_of(other)
    if rescored_from(base, other) or rescored_from(other, base):
        return []  # to see what the grading does is the purpose
    found = [(f"the convention {name}", str(a.get(name)), str(b.get(name))) for name in differ]
    return [*([("the checker", *checkers)] if checkers[0] != checkers[1] else []), *found]


def _benchmark(run: Run) -> Mapping[str, Any]:
    benchmark = run.config.get("benchmark")
    return benchmark if isinstance(benchmark, Mapping) else {"name": str(benchmark)}


def _show_errata(benchmark: Mapping[str, Any]) -> str:
    errata = benchmark.get("errata")
    return "off" if errata == "off" else f"{len(errata or ())} corrected"


def _show_problems(benchmark: Mapping[str, Any]) -> str:
    digest = str(benchmark.get("sha256", "no hash")).removeprefix("sha256:")[:12]
    return f"{benchmark.get('problems')} problems ({digest})"


def _seeds_of(run: Run) -> int:
    """Return the largest number of records of a problem."""
    return max(Counter(record.problem_id for record in run.records).values())


def _name_runs(runs: Sequence[Run]) -> list[str]:
    """Return the runs' names: of the directory, or its whole path where two are alike."""
    short = [run.path.name or str(run.path) for run in runs]
    return short if len(set(short)) == len(short) else [str(run.path) for run in runs]


def _cut_at(run: Run, at: tuple[str, float] | None) -> dict[str, Run]:
    """Return by method the run at a budget: at FLOPs, a selector without scores pays no PPM."""
    match at:
        case None:
            parts = [run]
        case "tokens", most:
            parts = [cut(run, int(most))]
        case "flops", most:
            parts = spend_flops(run, most)
        case _, most:
            parts = [drop_late(run, most)]
    return {method: part for part in parts for method in methods(part)}


def _pair_methods(run: Collection[str], base: Collection[str]) -> list[tuple[str, str]]:
    shared = [(method, method) for method in run if method in base]
    return shared or [(next(iter(run)), next(iter(base)))] if run and base else []


def _contrast(
    cuts: tuple[Run, Run],
    chosen: tuple[str, str],
    names: tuple[str, str],
    whole: tuple[Run, Run],
) -> Contrast:
    """Return one contrast, uncorrected; of every pair the run comes first, then the base."""
    difference = compare(*cuts, a_method=chosen[0], b_method=chosen[1])
    if difference is None:
        raise BenchError(
            f"{whole[0].path} and {whole[1].path} have no problem that both could be judged on, so "
            "they cannot be compared; see in `rstar-bench report` what failed"
        )
    judged = _list_judged(cuts, chosen)
    right = [
        [record.selected[name].outcome is Outcome.CORRECT for record in side]
        for side, name in zip(zip(*judged, strict=True), chosen, strict=True)
    ]
    differing = [pair for pair, a, b in zip(judged, *right, strict=True) if a != b]
    told = [_tell([pair[side] for pair in differing], chosen[side], whole[side]) for side in (0, 1)]
    flips = [
        Flip(pair[0].problem_id, pair[0].gold, base, run)
        for pair, run, base in zip(differing, *told, strict=True)
    ]
    return Contrast(
        run=names[0],
        base=names[1],
        method=chosen[0],
        base_method=chosen[1],
        accuracy=stats.wilson(sum(right[0]), len(judged)),
        base_accuracy=stats.wilson(sum(right[1]), len(judged)),
        difference=difference,
        mid_p=stats.mcnemar_mid_p(difference.only_a, difference.only_b),
        corrected_p=difference.p,
        tests=1,
        left_out=len({r.problem_id for run in cuts for r in run.records}) - len(judged),
        flips=tuple(flips),
    )


def _list_judged(cuts: tuple[Run, Run], chosen: tuple[str, str]) -> list[tuple[Record, Record]]:
    """Return the records of the problems that both could be judged on, by problem."""
    sides = [
        {
            record.problem_id: record
            for record in run.records
            if record.error is None
            and name in record.selected
            and not record.selected[name].outcome.is_failure
        }
        for run, name in zip(cuts, chosen, strict=True)
    ]
    return [(sides[0][name], sides[1][name]) for name in sorted(sides[0].keys() & sides[1].keys())]


def _tell(records: Sequence[Record], method: str, run: Run) -> list[Answer]:
    """Return what a selector chose in some records of a run, with the text behind it."""
    chosen = {record.key: record.selected[method] for record in records}
    texts: dict[Key, str] = {}
    for stored in run.trees() if records else ():
        key = Key(stored.problem_id, stored.seed)
        place = chosen[key].sample if key in chosen else None
        if place is not None and stored.tree:
            trace = Trace.from_json(stored.tree)
            if place < len(trace.rollouts):
                line = trace.lineage(trace.rollouts[place])
                text = "".join(node.text for node in line if node.index != ROOT)
                texts[key] = text.strip()
    return [
        Answer(each.answer, str(each.outcome), texts.get(key, "")) for key, each in chosen.items()
    ]
