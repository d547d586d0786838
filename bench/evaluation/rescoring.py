"""A stored run of samples as it would stand had another PPM scored it; nothing is generated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.engines.ppm import PPMScorer
from bench.runs.grading import select
from bench.runs.reader import Run
from bench.runs.record import Record, Sample
from bench.search import ROOT, Trace
from bench.search.registry import find_search
from bench.types import Problem


def rescore(run: Run, problems: Mapping[str, Problem], scorer: PPMScorer, *, ppm: str) -> Run:
    """Return a run of samples of `problems`, by id, scored by another PPM, whose digest is `ppm`.

    Problems that are not among them, or whose tree is not stored, are left out.
    """
    selectors = find_search("sample").choose_by(scorer.aggregate)
    by_id = {record.problem_id: record for record in run.records}
    records = []
    for stored in run.trees():
        if stored.problem_id in problems and stored.tree:
            trace = Trace.from_json(stored.tree)
            _score(trace, problems[stored.problem_id], scorer)
            record = by_id[stored.problem_id]
            samples = _rescored(record, trace)
            chosen = select(trace, samples, selectors)
            records.append(replace(record, samples=samples, selected=chosen))
    config = {**run.header["config"], "ppm": {"name": scorer.name, "digest": ppm}}
    return replace(run, header={**run.header, "config": config}, records=tuple(records))


def _score(trace: Trace, problem: Problem, scorer: PPMScorer) -> None:
    """Give every step of the finished solutions its value."""
    for node in trace.nodes:
        node.value = None
    lines = [trace.lineage(index) for index in trace.finished]
    prompt = scorer.template.render(problem.question, trace.nodes[ROOT].text)
    values = scorer.values(prompt, [[node.text for node in line] for line in lines])
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
