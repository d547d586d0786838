"""What rules that stop a vote would have saved, against votes counted by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.errors import MissingRunError
from bench.reports.grid import grid_to_markdown
from bench.reports.stopping import ORDERS, Stopping, lay_out, read_stopping
from bench.runs.reader import Run
from bench.runs.record import Sample
from tests.made_runs import C, E, W, greedy, make_record, make_run


def make_sample(answer: str | None, tokens: int = 10) -> Sample:
    return Sample(answer, C if answer == "1" else W, None, (), tokens, "")


def sampled(problems: Sequence[Sequence[Sample]]) -> Run:
    records = [
        replace(make_record(i, {"majority": W}), samples=tuple(samples))
        for i, samples in enumerate(problems)
    ]
    return make_run(records, search="sample")


def read(run: Run, **rules: Sequence[float]) -> Stopping:
    (found,) = read_stopping([run], **{"confidences": (), "windows": (), **rules})  # type: ignore[arg-type]
    return found


def test_agreeing_samples_are_paid_for_until_the_rule_is_sure_and_all_others_whole() -> None:
    agree = [make_sample("1")] * 8
    differ = [make_sample(str(n)) for n in range(8)]
    found = read(sampled([agree, differ]), confidences=[0.95], windows=[2])
    beta, window = found.rules
    assert (found.samples, found.tokens) == (8, 80)
    assert (beta.rule, beta.samples, beta.tokens) == ("beta 0.95", (4 + 8) / 2, 60)
    assert (window.rule, window.samples) == ("window 2", (2 + 8) / 2)
    assert beta.saved == pytest.approx(0.25)
    # Of eight that all differ the first met wins: right in an eighth of the orders, for all alike.
    share = beta.right.estimate
    assert share == pytest.approx((1 + 1 / 8) / 2, abs=3 / ORDERS**0.5)
    assert beta.against_all.estimate == pytest.approx(share - found.right.estimate)


def test_a_rule_that_never_stops_equals_the_vote_of_all() -> None:
    problems = [[make_sample("1"), make_sample("2"), make_sample("1"), make_sample("2")]] * 3
    found = read(sampled(problems), confidences=[0.999])
    (rule,) = found.rules
    assert (rule.samples, rule.saved) == (4, 0)
    # A tie, which the order decides: the first in the run is no better than the others.
    assert rule.right.estimate == found.right.estimate == pytest.approx(0.5, abs=0.25)
    assert rule.against_all.estimate == rule.against_fixed.estimate == 0


def test_a_rule_is_held_against_as_many_samples_as_its_tokens_pay_for() -> None:
    # Stopping after 2 of 4 alike costs half; a vote of two of the mixed problem is right in half.
    alike = [make_sample("1")] * 4
    mixed = [make_sample(a) for a in ("1", "2", "2", "1")]
    found = read(sampled([alike] * 3 + [mixed]), windows=[2])
    (rule,) = found.rules
    assert rule.samples < 4
    fixed = rule.right.estimate - rule.against_fixed.estimate
    assert fixed == pytest.approx((3 + 0.5) / 4, abs=0.02)


def test_unfinished_samples_cost_tokens_and_have_no_vote() -> None:
    samples = [make_sample(None, 100), make_sample("1"), make_sample("1"), make_sample(None, 100)]
    found = read(sampled([samples]), windows=[2])
    assert found.tokens == 220
    assert found.right.estimate == 1  # as of all subsets of four


def test_tables_fit_and_json_is_plain() -> None:
    run = sampled([[make_sample("1")] * 8] * 30)
    failed = replace(make_record(40, {"majority": E}), samples=(), error="gone")
    found = read(replace(run, records=(*run.records, failed)), confidences=[0.9], windows=[4])
    assert found.left_out == 1
    text = grid_to_markdown(lay_out([found])[0])
    assert "| beta 0.9 | 3.0 | 30 | 62 % | 100.0 [89,100] | +0.0 [+0.0,+0.0] |" in text
    assert "1 problems are left out" in text
    assert json.loads(json.dumps(found.to_json()))["rules"][1]["rule"] == "window 4"


def test_a_run_without_samples_is_refused_with_what_to_run() -> None:
    with pytest.raises(MissingRunError, match="Run: rstar-bench run --search sample"):
        read_stopping([greedy([C, W])], confidences=[0.9], windows=[])
