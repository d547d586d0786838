"""Stored runs as the page shows them: the table, the curves, every problem, and what each opens to.

A column is a run under one seed. What a list of problems needs is kept apart from what one problem
opens to (its samples and trees), which the page unpacks when it is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.answers import canonicalize
from bench.errors import MissingRunError
from bench.page.budgets import Curves, count_tokens, follow_choices, list_budgets
from bench.page.proofs import explain_certificate, read_certificate
from bench.page.samples import draw_every_k
from bench.page.trees import pack_tree
from bench.reports.leaderboard import leaderboard
from bench.reports.render import to_json
from bench.runs.questions import read_problems
from bench.runs.reader import Run
from bench.runs.record import Record, Sample, Selected
from bench.search import Trace
from bench.search.registry import SEARCHES
from bench.search.selection import Selector
from bench.types import Problem

_ANSWER_CHARS = 160
"""Characters of an answer that the list of problems holds; what a problem opens to has it whole."""


@dataclass(frozen=True, slots=True)
class Column:
    """A run under one seed."""

    run: Run
    seed: int
    records: Mapping[str, Record]
    name: str
    selectors: Mapping[str, Selector]
    """Empty where this version does not know the search."""
    labels: Mapping[str, str]
    """What each of the record's selectors is called, told apart from those of other columns."""


@dataclass(frozen=True, slots=True)
class RunsPart:
    """The runs of a page."""

    data: dict[str, Any]
    """Table, charts, columns and the list of problems."""
    details: Sequence[Mapping[str, Any]]
    """What each problem opens to, in the order of the list."""
    titles: Sequence[str]
    """What the page is about, in a few words."""


def describe_runs(runs: Sequence[Run]) -> RunsPart:
    """Return the runs as data, their trees read and packed.

    Raises MissingRunError: no problem is done in any of them.
    """
    columns = _list_columns(runs)
    if not columns:
        names = ", ".join(str(run.path) for run in runs)
        raise MissingRunError(f"no problem is done in {names}; repeat the command that started it")
    questions = _read_questions(runs)
    keys = _list_problems(columns)
    details: dict[str, dict[str, Any]] = {key: {"columns": [None] * len(columns)} for key in keys}
    curves = Curves(list_budgets(_find_largest(columns)))
    for at, column in enumerate(columns):
        _read_details(at, column, curves, details)
    table = leaderboard(runs)
    problems = [_describe_problem(key, columns, questions.get(key)) for key in keys]
    chart = curves.draw()
    data = {
        "table": to_json(table),
        "charts": [each.to_json() for each in (*([chart] if chart else ()), *draw_every_k(runs))],
        "columns": [_describe_column(column) for column in columns],
        "problems": problems,
    }
    benchmarks = dict.fromkeys(_name_benchmark(run) for run in runs)
    policies = dict.fromkeys(run.policy for run in runs)
    named = [name for name in policies if name != "-"]
    titles = [", ".join(named), ", ".join(benchmarks), _count_problems(len(keys))]
    return RunsPart(data, list(details.values()), [title for title in titles if title])


def _count_problems(count: int) -> str:
    return f"{count} problem{'' if count == 1 else 's'}"


def _list_columns(runs: Sequence[Run]) -> list[Column]:
    found = [
        (run, seed, {r.problem_id: r for r in run.records if r.seed == seed})
        for run in runs
        for seed in sorted({record.seed for record in run.records})
    ]
    several = len({run.policy for run in runs if run.policy != "-"}) > 1
    names = _tell_apart([_name(run, several=several) for run, _, _ in found])
    methods = [_list_methods(records.values()) for _, _, records in found]
    labels = iter(
        _tell_apart(
            [
                f"{run.policy} {method}" if several and run.policy != "-" else method
                for (run, _, _), of_run in zip(found, methods, strict=True)
                for method in of_run
            ]
        )
    )
    return [
        Column(run, seed, records, name, _selectors(run), {method: next(labels) for method in of})
        for (run, seed, records), name, of in zip(found, names, methods, strict=True)
    ]


def _name(run: Run, *, several: bool) -> str:
    policy, search = run.policy, run.search
    return f"{policy} {search}" if several and policy != "-" else search


def _tell_apart(names: Sequence[str]) -> list[str]:
    """Return names with a number behind those that are not the only ones of their kind."""
    times, seen = Counter(names), Counter[str]()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} ({seen[name]})" if times[name] > 1 else name)
    return told


def _list_methods(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.selected))


def _selectors(run: Run) -> Mapping[str, Selector]:
    entry = SEARCHES.get(run.search)
    return {} if entry is None else entry.choose_by(run.knobs.get("aggregate"))


def _list_problems(columns: Sequence[Column]) -> list[str]:
    return list(dict.fromkeys(key for column in columns for key in column.records))


def _read_questions(runs: Sequence[Run]) -> dict[str, Problem]:
    """Return the problems of the runs' benchmarks by id; each benchmark is read once."""
    found: dict[str, Problem] = {}
    for run in runs:
        if any(record.problem_id not in found for record in run.records):
            found.update(read_problems(run))
    return found


def _name_benchmark(run: Run) -> str:
    """Return what a run was about; of a search for training, the parts of its pool."""
    name = run.configured("benchmark")
    if name is not None:
        return str(name)
    return ", ".join(dict.fromkeys(record.benchmark for record in run.records))


def _describe_column(column: Column) -> dict[str, Any]:
    header = column.run.header
    config = header["config"]
    ppm = column.run.configured("ppm")
    return {
        "name": column.name,
        "path": str(column.run.path),
        "seed": column.seed,
        "methods": list(column.labels),
        "labels": dict(column.labels),
        "policy": column.run.policy,
        "ppm": None if ppm is None else str(ppm),
        "search": column.run.configured("search"),
        "benchmark": _name_benchmark(column.run),
        "settings": _flatten(config),
        "created": header.get("created", ""),
        "hardware": _flatten(header.get("cpu", {})),
    }


def _flatten(settings: Any, before: str = "") -> dict[str, str]:
    """Return nested settings as names with points and texts."""
    if not isinstance(settings, Mapping):
        return {before: "-" if settings is None else str(settings)} if before else {}
    return {
        name: text
        for key, value in settings.items()
        for name, text in _flatten(value, f"{before}.{key}" if before else key).items()
    }


def _describe_problem(
    key: str, columns: Sequence[Column], problem: Problem | None
) -> dict[str, Any]:
    records = [column.records.get(key) for column in columns]
    some = next(record for record in records if record is not None)
    return {
        "id": key,
        "question": _ask(problem, some),
        "gold": _shorten(some.gold),
        "family": problem.subject if problem else None,
        "level": problem.level if problem else None,
        "answers": [
            None if record is None else _describe_answers(record, column)
            for record, column in zip(records, columns, strict=True)
        ],
    }


def _ask(problem: Problem | None, record: Record) -> str:
    if problem is not None:
        return problem.question
    if record.verifier is not None:
        return str(record.verifier.parameters.get("statement", ""))
    return ""


def _describe_answers(record: Record, column: Column) -> dict[str, Any]:
    seconds = column.run.seconds.get(record.key, {})
    selected = record.selected
    return {
        "chosen": {
            name: [_brief(each), str(each.outcome), each.sample] for name, each in selected.items()
        },
        "disagree": len({_canonical(each) for each in selected.values()}) > 1,
        "tokens": [record.tokens.policy_generated, record.tokens.ppm, record.tokens.policy_prompt],
        "executions": record.executions,
        "seconds": seconds.get("cpu", seconds.get("total")),
        "samples": Counter(str(sample.outcome) for sample in record.samples),
        "error": record.error,
    }


def _canonical(selected: Selected) -> str | None:
    return None if selected.answer is None else canonicalize(selected.answer)


def _brief(selected: Selected) -> str | None:
    return None if selected.answer is None else _shorten(selected.answer)


def _shorten(text: str) -> str:
    """Return an answer for the list; of a certificate, what it is."""
    certificate = read_certificate(text)
    if certificate is not None:
        return certificate.brief
    return text if len(text) <= _ANSWER_CHARS else f"{text[: _ANSWER_CHARS - 3]}..."


def _find_largest(columns: Sequence[Column]) -> int:
    return max((r.tokens.policy_generated for c in columns for r in c.records.values()), default=0)


def _read_details(
    at: int, column: Column, curves: Curves, details: Mapping[str, dict[str, Any]]
) -> None:
    """Fill a column's place in what its problems open to, and count them for the curves."""
    for key, record in column.records.items():
        details[key]["columns"][at] = {
            "samples": [_pack_sample(sample) for sample in record.samples],
            "proofs": _explain(record),
        }
    for stored in column.run.trees():
        known = column.records.get(stored.problem_id)
        if known is not None and stored.seed == column.seed and stored.tree:
            packed = pack_tree(stored.tree)
            packed["choices"] = _follow(Trace.from_json(stored.tree), known, column, curves)
            details[stored.problem_id]["columns"][at]["tree"] = packed


def _follow(trace: Trace, record: Record, column: Column, curves: Curves) -> dict[str, Any]:
    """Return, by selector, the samples chosen after some numbers of rollouts; count them."""
    if not column.selectors or not count_tokens(trace):
        return {}
    choices = follow_choices(trace, record, column.selectors, curves.budgets)
    curves.add(column.labels, choices)
    return {
        method: [[done, each[method].sample] for done, each in sorted(choices.selected.items())]
        for method in column.selectors
    }


def _pack_sample(sample: Sample) -> list[Any]:
    guess = None if sample.guess is None else str(sample.guess)
    score = None if sample.score is None else round(sample.score, 5)
    return [sample.answer, str(sample.outcome), score, sample.tokens, sample.reason, guess]


def _explain(record: Record) -> list[dict[str, Any]]:
    """Return the proofs that a record's selectors chose, in sentences, each once."""
    answers = dict.fromkeys(each.answer for each in record.selected.values() if each.answer)
    found = [read_certificate(answer) for answer in answers]
    return [explain_certificate(each.data) for each in found if each is not None]
