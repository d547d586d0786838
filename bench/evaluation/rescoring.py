"""A stored run as it would stand under another checker, selector or PPM; nothing is generated.

Neither the search nor its texts depend on who grades them, so other verdicts on the stored answers
are those that the run would have had. Another PPM scores the stored solutions of a run of samples
anew; in a tree search it would have grown another tree, so there it is refused. Another aggregate
chooses anew among what the search finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from bench.answers import Conventions
from bench.checkers.panel import OURS, Checker, Ours, open_checker
from bench.checkpoints.checkpoint import find_checkpoint
from bench.engines.base import RunningScorer
from bench.engines.opening import open_scorer
from bench.errors import BenchError, DataError, UnknownNameError
from bench.evaluation.spec import digest_problems
from bench.problems import load
from bench.runs.derived import conventions_of
from bench.runs.grading import judge_by, reason_of, select
from bench.runs.reader import Run, StoredTree
from bench.runs.record import Key, Record, Sample, Selected
from bench.search import AGGREGATES, ROOT, Trace
from bench.search.registry import find_search
from bench.types import Problem


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be other than in the stored run; None stays as it was."""

    checker: str | None = None
    """A member of `bench.checkers.panel`."""
    aggregate: str | None = None
    ppm: str | None = None
    """Name or folder of a PPM."""
    conventions: Mapping[str, Any] | None = None
    """Those of our own checker that change, by name."""


class Rescored(NamedTuple):
    """A run that was re-scored, and its trees where they changed."""

    run: Run
    trees: Sequence[StoredTree] | None


def rescore_run(source: Run, change: Change, on_done: Callable[[], None] | None = None) -> Rescored:
    """Return a run with other verdicts, choices or scores; `on_done` hears of each record graded.

    Raises BenchError: nothing is to change, or it cannot be changed in such a run; or its benchmark
    cannot be read here, or is another one.
    """
    if not source.records:
        raise BenchError(f"{source.path} holds no record, so there is nothing to score again")
    if change == Change():
        raise BenchError("nothing is to change: give --checker, --convention, --aggregate or --ppm")
    run, trees = Rescored(source, None)
    if change.ppm is not None:
        run, trees = _change_ppm(run, change.ppm)
    if change.aggregate is not None:
        run = choose_by(run, change.aggregate, trees)
    if change.checker is not None or change.conventions is not None:
        conventions = {**conventions_of(source), **(change.conventions or {})}
        with closing(_open(change, Conventions(**conventions))) as checker:
            run = regrade(run, checker, list_alternatives(source), on_done)
    return Rescored(run, trees)


def regrade(
    run: Run,
    checker: Checker,
    alternatives: Mapping[str, Sequence[str]],
    on_done: Callable[[], None] | None = None,
) -> Run:
    """Return a run under another checker, which is asked about each distinct pair once.

    `alternatives` has other right answers by problem. What was chosen stays. Raises BenchError:
    verifiers decided all of it.
    """
    if all(record.verifier is not None for record in run.records):
        names = {r.verifier.name for r in run.records if r.verifier is not None}
        raise BenchError(
            f"{run.path} was graded by the verifier {', '.join(sorted(names))}, which no checker "
            "takes the place of"
        )
    known: dict[tuple[str, str, tuple[str, ...]], Sample] = {}
    records = []
    for record in run.records:
        if record.verifier is None and record.error is None:
            others = tuple(alternatives.get(record.problem_id, ()))
            problem = Problem(record.problem_id, "", record.gold, record.benchmark, others)
            samples = tuple(_regrade(each, problem, checker, known) for each in record.samples)
            record = replace(record, samples=samples, selected=_choices(record, samples))
        records.append(record)
        if on_done is not None:
            on_done()
    return replace(run, header=_with_checker(run, checker), records=tuple(records))


def _regrade(
    sample: Sample,
    problem: Problem,
    checker: Checker,
    known: dict[tuple[str, str, tuple[str, ...]], Sample],
) -> Sample:
    if sample.answer is None:
        return sample
    question = problem.answer, sample.answer, problem.alternatives
    found = known.get(question)
    if found is None:
        verdict = judge_by(checker.check, problem, sample.answer)
        found = known[question] = replace(
            sample, outcome=verdict.outcome, reason=reason_of(verdict), guess=verdict.guess
        )
    return replace(sample, outcome=found.outcome, reason=found.reason, guess=found.guess)


def _choices(record: Record, samples: Sequence[Sample]) -> dict[str, Selected]:
    return {
        name: chosen
        if chosen.sample is None
        else replace(chosen, outcome=samples[chosen.sample].outcome)
        for name, chosen in record.selected.items()
    }


def choose_by(run: Run, aggregate: str, trees: Sequence[StoredTree] | None = None) -> Run:
    """Return a run whose selectors go by another aggregate of the stored scores.

    Raises BenchError: there is no such aggregate, no score, or the tree of a problem is not stored.
    """
    if aggregate not in AGGREGATES:
        raise UnknownNameError("aggregate", aggregate, AGGREGATES)
    config = run.config
    entry = find_search(run.search)
    if not entry.uses_ppm or config.get("ppm") is None:
        raise BenchError(
            f"{run.path} holds no scores of a PPM, so no aggregate of them chooses anything"
        )
    selectors = entry.choose_by(aggregate)
    by_key = {record.key: record for record in run.records if not record.is_engine_error}
    anew = {}
    for stored in run.trees() if trees is None else trees:  # one in memory at a time
        key = Key(stored.problem_id, stored.seed)
        if key in by_key and stored.tree:
            record = by_key[key]
            chosen = select(Trace.from_json(stored.tree), record.samples, selectors)
            anew[key] = replace(record, selected=chosen)
    for key in by_key:
        if key not in anew:
            raise DataError(
                f"{run.path}: the tree of problem {key.problem_id!r} is not stored, so it cannot "
                "be chosen from anew"
            )
    records = [anew.get(record.key, record) for record in run.records]
    config = {**config, "search": {**config["search"], "aggregate": aggregate}}
    return replace(run, header={**run.header, "config": config}, records=tuple(records))


def rescore(run: Run, problems: Mapping[str, Problem], scorer: RunningScorer, *, ppm: str) -> Run:
    """Return a run of samples of `problems`, by id, scored by another PPM, whose digest is `ppm`.

    Problems that are not among them, or whose tree is not stored, are left out.
    """
    records = [record for record, _ in _score_anew(run, problems, scorer)]
    config = {**run.config, "ppm": {"name": scorer.name, "digest": ppm}}
    return replace(run, header={**run.header, "config": config}, records=tuple(records))


def _score_anew(
    run: Run, problems: Mapping[str, Problem], scorer: RunningScorer
) -> Iterator[tuple[Record, Trace]]:
    selectors = find_search("sample").choose_by(scorer.aggregate)
    by_key = {record.key: record for record in run.records}
    for stored in run.trees():
        if stored.problem_id in problems and stored.tree:
            trace = Trace.from_json(stored.tree)
            _score(trace, problems[stored.problem_id], scorer)
            record = by_key[Key(stored.problem_id, stored.seed)]
            samples = _rescored(record, trace)
            chosen = select(trace, samples, selectors)
            yield replace(record, samples=samples, selected=chosen), trace


def _change_ppm(run: Run, name: str) -> Rescored:
    """Return a run of samples under another PPM, with its trees; failed problems stay failed."""
    if not find_search(run.search).is_sampling:
        raise BenchError(
            f"{run.path} is a run of {run.search!r}: under another PPM that search would have "
            "grown another tree. Give a run of --search sample, or search again"
        )
    checkpoint = find_checkpoint(name, "ppm")
    problems = read_problems(run)
    scorer = open_scorer(checkpoint)
    try:
        scored = list(_score_anew(run, problems, scorer))
    finally:
        scorer.close()
    found = {record.key: record for record, _ in scored}
    missing = [r.problem_id for r in run.records if r.key not in found and not r.is_engine_error]
    if missing:
        raise DataError(
            f"{run.path}: the trees of {len(missing)} problems are not stored, {missing[0]!r} for "
            "one, so their texts cannot be scored"
        )
    config = {
        **run.config,
        "ppm": {"name": checkpoint.name, "digest": checkpoint.digest},
        "search": {"name": run.search, **run.knobs, "aggregate": scorer.aggregate},
    }
    records = tuple(found.get(record.key, record) for record in run.records)
    trees = [StoredTree(r.problem_id, r.seed, trace.to_json()) for r, trace in scored]
    header = {**run.header, "config": config}
    return Rescored(replace(run, header=header, records=records), trees)


def read_problems(run: Run) -> dict[str, Problem]:
    """Return the problems of a run, which must be those that its benchmark holds here."""
    asked = run.config["benchmark"]
    problems = load(asked["name"], limit=asked["problems"], errata=asked.get("errata") != "off")
    if digest_problems(problems) != asked["sha256"]:
        raise DataError(
            f"{run.path} asked other problems than {asked['name']} holds here (its hash is "
            "another); use the version of rstar-bench, and the data, that made the run"
        )
    return {problem.id: problem for problem in problems}


def list_alternatives(run: Run) -> dict[str, Sequence[str]]:
    """Return other right answers by problem; only errata have some."""
    benchmark = run.config.get("benchmark")
    errata = benchmark.get("errata") if isinstance(benchmark, Mapping) else None
    if not errata or errata == "off":
        return {}
    return {p.id: p.alternatives for p in read_problems(run).values() if p.alternatives}


def _open(change: Change, conventions: Conventions) -> Checker:
    if change.checker is None or change.checker == OURS:
        return Ours(conventions)
    if change.conventions is not None:
        raise BenchError(
            f"conventions are those of the checker {OURS!r}; leave them out with {change.checker!r}"
        )
    return open_checker(change.checker)


def _with_checker(run: Run, checker: Checker) -> dict[str, Any]:
    config = {name: v for name, v in run.config.items() if name != "checker"}
    if isinstance(checker, Ours):
        config["conventions"] = asdict(checker.conventions)
    else:
        config["checker"] = {"name": checker.name, "version": checker.version}
    return {**run.header, "config": config}


def _score(trace: Trace, problem: Problem, scorer: RunningScorer) -> None:
    """Give every step of the finished solutions its value."""
    for node in trace.nodes:
        node.value = None
    lines = [trace.lineage(index) for index in trace.finished]
    paths = [[node.text for node in line] for line in lines]
    values = scorer.values_of(problem.question, trace.nodes[ROOT].text, paths)
    for line, of_line in zip(lines, values, strict=True):
        for node, value in zip(line, of_line, strict=True):
            node.value = value


def _rescored(record: Record, trace: Trace) -> tuple[Sample, ...]:
    samples = []
    for end, sample in zip(trace.rollouts, record.samples, strict=True):
        line = trace.lineage(end) if end in trace.finished else []
        scores = tuple(node.value for node in line if node.value is not None)
        last = scores[-1] if scores else None
        samples.append(replace(sample, score=last, step_scores=scores))
    return tuple(samples)
