"""Every number of samples out of one run: the counts of the selectors, bands, and the verdict."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from bench.reports.every_k import (
    EveryK,
    FallVerdict,
    describe_falls,
    read_all,
    read_every_k,
)
from bench.reports.every_k_view import lay_out
from bench.reports.grid import grid_to_markdown
from bench.reports.headroom.choosing import list_powers
from bench.runs.reader import Run
from bench.runs.record import Sample
from bench.search import AGGREGATES, Finished, select_best, select_majority, select_weighted
from tests.made_runs import C, E, W, greedy, make_record, make_run


def make_sample(answer: str, *scores: float) -> Sample:
    return Sample(answer, C if answer == "1" else W, None, scores, 10, "")


def sampled(problems: Sequence[Sequence[Sample]]) -> Run:
    records = [
        replace(make_record(i, {"majority": W}), samples=tuple(samples))
        for i, samples in enumerate(problems)
    ]
    return make_run(records, search="sample", ppm="round-1")


def read(run: Run) -> EveryK:
    found = read_every_k(run)
    assert found is not None
    return found


def tied(seed: int, samples: int = 8) -> list[Sample]:
    """Samples with many equal scores and equal votes."""
    rng = random.Random(seed)
    scores = (-0.5, 0.0, 0.25)
    return [
        make_sample(rng.choice("123"), rng.choice(scores), rng.choice(scores))
        for _ in range(samples)
    ]


def test_every_selector_counts_as_it_chooses_from_all_subsets_of_eight() -> None:
    problems = [tied(seed) for seed in range(5)]
    found = read(sampled(problems))
    assert found.samples == 8
    for aggregate in AGGREGATES:
        for name, choose in (("best_of_n", select_best), ("weighted", select_weighted)):
            for k in (1, 2, 5, 8):
                shares = []
                for samples in problems:
                    subsets = list(combinations(samples, k))
                    chosen = [
                        s[choose([Finished(x.answer or "", x.step_scores) for x in s], aggregate)]  # type: ignore[index]  # something is always chosen
                        for s in subsets
                    ]
                    shares.append(sum(each.answer == "1" for each in chosen) / len(subsets))
                point = found.curves[f"{name} {aggregate}"].points[k - 1]
                assert point.estimate == pytest.approx(sum(shares) / len(shares))


def test_a_majority_of_ties_is_counted_over_all_subsets() -> None:
    samples = tied(7)
    for k in range(1, 9):
        won = 0
        subsets = list(combinations(samples, k))
        for subset in subsets:
            place = select_majority([Finished(s.answer or "", ()) for s in subset])
            assert place is not None
            won += subset[place].answer == "1"
        curve = read(sampled([samples, samples])).curves["majority"]
        assert curve.points[k - 1].estimate == pytest.approx(won / len(subsets))


def test_a_scorer_that_values_wrong_answers_most_over_optimises() -> None:
    rng = random.Random(1)
    problems = []
    for _ in range(60):
        right = [make_sample("1", rng.uniform(-1, 0.5)) for _ in range(5)]
        wrong = [make_sample(str(at + 2), rng.uniform(0, 1)) for at in range(3)]
        problems.append([*right, *wrong])
    found = read(sampled(problems))
    last = next(fall for fall in found.falls if fall.aggregate == "last")
    assert last.verdict is FallVerdict.OVER_OPTIMISES
    assert (last.peak, last.last) == (1, 8)
    assert last.p <= last.corrected_p
    assert any("over-optimises: best-of-k by last" in told for told in describe_falls(found.falls))


def test_a_scorer_that_knows_the_right_answers_does_not() -> None:
    problems = [[make_sample("1", 0.9), make_sample("2", -0.5), make_sample("3", 0.1)]] * 30
    assert {f.verdict for f in read(sampled(problems)).falls} == {FallVerdict.NOT_SHOWN}


def test_with_few_problems_nothing_is_said_of_a_fall() -> None:
    problems = [[make_sample("1", -0.9), make_sample("2", 0.9)]] * 3
    found = read(sampled(problems))
    assert {fall.verdict for fall in found.falls} == {FallVerdict.TOO_FEW}
    assert "too few to say" in describe_falls(found.falls)[0]


def test_only_runs_of_several_samples_have_curves() -> None:
    assert read_every_k(greedy([C, W])) is None
    assert read_every_k(sampled([[make_sample("1")]])) is None
    assert read_every_k(sampled([])) is None
    assert len(read_all([greedy([C]), sampled([tied(0), tied(1)])])) == 1


def test_what_the_harness_could_not_judge_is_counted_apart() -> None:
    failed = [Sample("1", E, None, (), 10, "")] * 4
    found = read(sampled([tied(0, 4), failed]))
    assert (found.problems, found.left_out) == (1, 1)


def test_more_samples_than_are_listed_are_drawn_and_it_is_said() -> None:
    found = read(sampled([tied(0, 20), tied(1, 20)]))
    assert found.drawn == 2
    assert "random subsets" in grid_to_markdown(lay_out([found])[0])


def test_a_table_fits_80_columns_and_json_holds_every_k() -> None:
    found = read(sampled([tied(seed, 40) for seed in range(3)]))
    (grid,) = lay_out([found])
    assert grid.heads == ["k", "1", "2", "4", "8", "16", "32", "40"]
    widths = [
        max(len(part) for row in grid.rows for part in row[at].split("\n")) for at in range(8)
    ]
    assert sum(widths) + len(widths) <= 80
    data = json.loads(json.dumps(found.to_json()))
    assert len(data["curves"]["oracle"]["points"]) == 40


@pytest.mark.parametrize(("size", "shown"), [(1, [1]), (7, [1, 2, 4, 7]), (8, [1, 2, 4, 8])])
def test_powers_of_two_are_shown_and_all_samples(size: int, shown: list[int]) -> None:
    assert list_powers(size) == shown
