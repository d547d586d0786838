"""Which search is best for how hard a problem: learnt on one half, judged on the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.errors import BenchError, MissingRunError
from bench.reports.compute_optimal import lay_out, read_optima
from bench.reports.grid import grid_to_markdown
from bench.runs.reader import Run
from bench.runs.record import Sample
from bench.types import Outcome
from tests.made_runs import C, W, make_record, make_run

PROBLEMS = 120


def spend(run: Run, tokens: int) -> Run:
    """Return a run that spent so much on each problem."""
    records = [
        replace(each, tokens=replace(each.tokens, policy_generated=tokens)) for each in run.records
    ]
    return replace(run, records=tuple(records))


@pytest.fixture(autouse=True)
def whole_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without trees, which no budget cuts."""
    monkeypatch.setattr("bench.reports.compute_optimal.cut", spend)


def name_of(index: int) -> str:
    return f"problem {index}"


def sampled(ease: Callable[[int], float], right: Callable[[int], bool]) -> Run:
    """Four samples a problem, a share of them right; the PPM values them by the ease."""
    records = []
    for index in range(PROBLEMS):
        count = round(4 * ease(index))
        outcomes = [C] * count + [W] * (4 - count)
        scores = (2 * ease(index) - 1,)
        samples = tuple(Sample("1", each, scores[-1], scores, 10, "") for each in outcomes)
        chosen = {"majority": C if right(index) else W}
        made = make_record(index, chosen)
        records.append(replace(made, problem_id=name_of(index), samples=samples))
    return make_run(records, search="sample", ppm="round-1")


def searched(right: Callable[[int], bool]) -> Run:
    records = [
        replace(make_record(i, {"mcts": C if right(i) else W}), problem_id=name_of(i))
        for i in range(PROBLEMS)
    ]
    return make_run(records, search="mcts", ppm="round-1")


def is_hard(index: int) -> bool:
    return index % 2 == 1


def test_where_each_search_wins_its_own_problems_a_choice_by_difficulty_wins_all() -> None:
    samples = sampled(lambda i: 0.0 if is_hard(i) else 1.0, lambda i: not is_hard(i))
    (found,) = read_optima([samples, searched(is_hard)], [512], bins=2)
    alone, measured, predicted = found.choices
    assert found.searches == ("majority", "mcts") and found.problems == PROBLEMS
    assert alone.right.estimate == pytest.approx(0.5, abs=0.12)
    for choice in (measured, predicted):
        # The halves have other shares of hard problems, so some lie on the wrong side of an edge.
        assert choice.chosen == (("majority", "mcts"), ("majority", "mcts"))
        assert choice.right.estimate > 0.9
        assert choice.gain is not None and choice.gain.low > 0.2


def test_a_choice_that_noise_suggests_is_judged_where_it_was_not_made() -> None:
    # Both are right by a coin that has nothing to do with how hard a problem is.
    coin = [int.from_bytes(name_of(i).encode()[-2:]) * 7919 % 97 for i in range(PROBLEMS)]
    samples = sampled(lambda i: (i % 5) / 4, lambda i: coin[i] % 2 == 0)
    tree = searched(lambda i: coin[i] % 3 == 0)
    (found,) = read_optima([samples, tree], [512], bins=3)
    gains = [choice.gain for choice in found.choices if choice.gain is not None]
    assert all(gain.low <= 0.0 for gain in gains)


def test_a_budget_may_be_spent_where_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    # Easy problems are right at any budget; hard ones need all of the larger one.
    samples = sampled(lambda i: 0.0 if is_hard(i) else 1.0, lambda i: not is_hard(i))
    tree = searched(lambda i: True)

    def cut(run: Run, tokens: int) -> Run:
        found = run if tokens >= 2000 or run.search == "sample" else searched(lambda i: False)
        return spend(replace(run, records=found.records), tokens)

    monkeypatch.setattr("bench.reports.compute_optimal.cut", cut)
    small, *_ = read_optima([samples, tree], [1300, 400, 2000], bins=2)
    alone, measured, spread, *_ = small.choices
    assert (alone.spreads, measured.spreads, spread.spreads) == (False, False, True)
    assert measured.right.estimate == alone.right.estimate == pytest.approx(0.5, abs=0.12)
    assert spread.chosen == (("majority@400", "mcts@2000"), ("majority@400", "mcts@2000"))
    assert spread.right.estimate > 0.9
    assert spread.spent == pytest.approx(1200, rel=0.1)


def test_tables_fit_and_json_is_plain() -> None:
    samples = sampled(lambda i: (i % 5) / 4, lambda i: i % 5 > 1)
    optima = read_optima([samples, searched(is_hard)], [512, 1024], bins=3)
    grid, picked = lay_out(optima, "Compute-optimal")
    text = grid_to_markdown(grid)
    assert text.count("| one for all |") == text.count("| measured, budgets too |") == 2
    # Of each budget one for all, and three bins of two difficulties with and without budgets.
    assert len(picked.rows) == 2 * (1 + 3 * 4)
    assert "**512 tokens, 120 problems**" in text
    assert json.loads(json.dumps([each.to_json() for each in optima]))[1]["tokens"] == 1024


def test_what_cannot_be_chosen_is_refused_in_a_sentence() -> None:
    samples = sampled(lambda i: 0.5, lambda i: True)
    with pytest.raises(BenchError, match="there is one search to choose from, majority"):
        read_optima([samples], [512])
    with pytest.raises(BenchError, match="120 problems are too few for 9 bins in each of two"):
        read_optima([samples, searched(is_hard)], [512], bins=9)
    with pytest.raises(MissingRunError, match="Run: rstar-bench run --search sample"):
        read_optima([searched(is_hard)], [512])
    other = make_run([make_record(0, {"mcts": Outcome.CORRECT})], policy="other", search="mcts")
    config = {**other.config, "benchmark": samples.config["benchmark"]}
    other = replace(other, header={**other.header, "config": config})
    with pytest.raises(BenchError, match="is of the policy 'other'"):
        read_optima([samples, other], [512])
