"""A stored run under another PPM, checker or aggregate: the same answers, another judgement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bench.engines.ppm import PPMScorer
from bench.errors import BenchError, RunDirError
from bench.evaluation.rescoring import Change, regrade, rescore, rescore_run
from bench.evaluation.runner import run_problems
from bench.prompts import START
from bench.runs.derived import checker_of, rescored_from, write_derived
from bench.runs.header import config_digest, make_header
from bench.runs.reader import Run, load_run
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import EventKind, NodeKind, Sampling, sample, select_majority
from bench.search.tree import new_trace
from bench.types import Outcome, Verdict, Verifier
from tests.scripted import ScriptedPolicy, problem


def scorer(values: dict[str, float], aggregate: str = "last") -> PPMScorer:
    """Return what `rescore` asks of a scorer, which looks its values up."""

    def look_up(question: str, partial: str, paths: Sequence[Sequence[str]]) -> list[list[float]]:
        assert (question, partial) == (problem().question, START)
        return [
            [next((v for part, v in values.items() if part in step), 0.0) for step in path]
            for path in paths
        ]

    stub = SimpleNamespace(name="other", aggregate=aggregate, values_of=look_up)
    return cast(PPMScorer, stub)


def write(text: str, index: int) -> str:
    if "<end_of_output>" in text:
        printed = text.split("<output>")[1].split("<end_of_output>")[0]
        return f"<answer>\\boxed{{{printed}}}<end_of_answer>"
    return f"\nx = {index}\n<end_of_step>\nprint(x)\n<end_of_code>"


@pytest.mark.asyncio
async def test_scores_and_choices_are_the_other_ppms_and_answers_stay(tmp_path: Path) -> None:
    header = make_header({"search": {"name": "sample", "n": 4}})
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        with RunDir.open(tmp_path / "run", header) as run:
            await run_problems(
                [problem(answer="2")],
                partial(
                    sample,
                    policy=ScriptedPolicy(write),
                    sandbox=sandbox,
                    config=Sampling(n=4),
                    seed=0,
                ),
                run=run,
                selectors={"majority": select_majority},
                name="sample",
                seed=0,
            )
    stored = load_run(tmp_path / "run")
    found = rescore(stored, {"p1": problem(answer="2")}, scorer({"x = 2": 0.5}, "mean"), ppm="d")
    (before,), (after,) = stored.records, found.records
    assert [s.answer for s in after.samples] == [s.answer for s in before.samples]
    assert [s.outcome for s in after.samples] == [s.outcome for s in before.samples]
    assert after.samples[2].step_scores == (0.5, 0.0, 0.0)
    assert after.selected["best_of_n"].answer == "2"
    assert found.config["ppm"] == {"name": "other", "digest": "d"}
    assert rescore(stored, {}, scorer({}), ppm="d").records == ()


def store(path: Path, *, verifier: Verifier | None = None) -> Run:
    """A run of one problem whose two answers, 1/2 and 0.5, were both called wrong."""
    trace = new_trace("p1", "sample", 0, START)
    for at, (text, value) in enumerate((("1/2", 0.1), ("0.5", 0.9))):
        node = trace.add(trace.nodes[0], at, text, NodeKind.ANSWER, 3)
        node.answer, node.value = text, value
        trace.record(EventKind.ROLLOUT, node)
    samples = tuple(
        Sample(answer, Outcome.WRONG, score, (0.5, score), 3, "said so")
        for answer, score in (("1/2", 0.1), ("0.5", 0.9))
    )
    record = Record(
        "p1",
        0,
        "pool",
        r"\frac{1}{2}",
        "sample",
        samples,
        {"majority": Selected("1/2", Outcome.WRONG, 0)},
        Tokens(),
        0,
        verifier=verifier,
    )
    config = {
        "benchmark": "pool",
        "policy": "p",
        "ppm": {"name": "q", "digest": "d"},
        "search": {"name": "sample", "n": 2, "aggregate": "last"},
        "seed": 0,
        "conventions": {"percent": True},
    }
    with RunDir.open(path, make_header(config, ["rstar-bench", "run"])) as run:
        run.append(record, trace.to_json(), {"total": 1.0}, 0)
    return load_run(path)


class Counting:
    """A checker that accepts what is spelled alike, and counts what it is asked."""

    name, version, about = "spelling", "spelling 1", "equal texts"

    def __init__(self) -> None:
        self.asked = 0

    def check(self, gold: str, prediction: str | None) -> Verdict:
        self.asked += 1
        found = Outcome.CORRECT if gold == prediction else Outcome.WRONG
        return Verdict(found, self.version, gold, prediction or "", "read")

    def warm(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def test_another_checker_judges_every_stored_answer_and_changes_no_choice(tmp_path: Path) -> None:
    source = store(tmp_path / "run")
    found = rescore_run(source, Change(checker="rstar-bench")).run
    assert [s.outcome for s in found.records[0].samples] == [Outcome.CORRECT] * 2
    assert found.records[0].selected["majority"].outcome is Outcome.CORRECT
    assert found.records[0].selected["majority"].sample == 0


def test_a_pair_is_asked_about_once_and_other_right_answers_count(tmp_path: Path) -> None:
    source = store(tmp_path / "run")
    twice = replace(source.records[0], problem_id="p2")
    checker = Counting()
    found = regrade(replace(source, records=(*source.records, twice)), checker, {})
    assert checker.asked == 2
    assert checker_of(found) == "spelling 1"
    others = {"p1": ("0.5",)}
    (record,) = regrade(source, Counting(), others).records
    assert [s.outcome for s in record.samples] == [Outcome.WRONG, Outcome.CORRECT]


def test_what_is_written_is_a_run_with_its_lineage(tmp_path: Path) -> None:
    source = store(tmp_path / "run")
    found = regrade(source, Counting(), {})
    write_derived(tmp_path / "new", found, source, {"rows": []}, argv=["rstar-bench", "rescore"])
    again = load_run(tmp_path / "new")
    assert again.records == found.records
    assert again.seconds == source.seconds
    assert [t.tree for t in again.trees()] == [t.tree for t in source.trees()]
    assert rescored_from(again, source)
    assert not rescored_from(source, again)
    lineage = again.header["lineage"]
    assert lineage["command"] == ["rstar-bench", "run"]
    assert lineage["changed"]["checker.version"] == {"from": "nothing", "to": '"spelling 1"'}
    assert again.header["config_digest"] == config_digest(again.config)
    with pytest.raises(RunDirError, match=r"is not empty .*give a new directory"):
        write_derived(tmp_path / "new", found, source, {})


def test_another_aggregate_chooses_anew(tmp_path: Path) -> None:
    source = store(tmp_path / "run")
    found = rescore_run(source, Change(aggregate="min")).run
    assert found.records[0].selected["best_of_n"].answer == "0.5"
    assert found.config["search"]["aggregate"] == "min"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change(), "nothing is to change"),
        (Change(checker="math-verfy"), "did you mean 'math-verify'"),
        (Change(aggregate="median"), "unknown aggregate 'median'"),
        (Change(ppm="none-such"), "unknown PPM 'none-such'"),
        (Change(checker="math-verify", conventions={"percent": False}), "leave them out with"),
    ],
)
def test_what_cannot_be_changed_is_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        rescore_run(store(tmp_path / "run"), change)


def test_what_a_verifier_decided_has_no_other_checker(tmp_path: Path) -> None:
    source = store(tmp_path / "run", verifier=Verifier("arithmetic"))
    with pytest.raises(BenchError, match="graded by the verifier arithmetic"):
        rescore_run(source, Change(checker="rstar-bench"))


def test_conventions_change_over_those_of_the_run(tmp_path: Path) -> None:
    found = rescore_run(store(tmp_path / "run"), Change(conventions={"tolerance": 0.5})).run
    config = json.loads(json.dumps(found.config))
    assert config["conventions"]["tolerance"] == 0.5
    assert config["conventions"]["guess"] == "accept"  # what old runs did, which do not say


def test_a_tree_is_not_scored_by_a_ppm_that_did_not_grow_it(tmp_path: Path) -> None:
    source = store(tmp_path / "run")
    config = {**source.config, "search": {"name": "mcts"}}
    with pytest.raises(BenchError, match="would have grown another tree"):
        rescore_run(replace(source, header={"config": config}), Change(ppm="smollm2-r4"))
