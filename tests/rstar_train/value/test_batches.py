"""Batches of whole problems: enough rows, bounded micro-batches, every term once."""

from __future__ import annotations

import pytest

from rstar_train.rows.row import PairRow
from rstar_train.training.batching import draw_whole_problems
from rstar_train.value import batches
from rstar_train.value.batches import Batch, LossTerm, make_batches


def terms(problems: int, each: int, length: int = 12) -> list[LossTerm]:
    """Pairs of problems that share nothing with one another and most of a prompt within."""
    made = []
    for problem in range(problems):
        prompt = tuple(problem * 100 + at for at in range(length))
        for at in range(each):
            text, other = (*prompt, 50 + at), (*prompt, 70 + at, 71)
            made.append(LossTerm(f"p{problem}", text, other, 0.0, 1 / each))
    return made


def pairs_of(batch: Batch) -> list[tuple[int, int]]:
    """The last tokens of both sides of every term."""
    found = []
    for part in batch.micro_batches:
        last = [int(part.sequence.tokens[end]) for end in part.sequence.ends]
        found += [(last[a], last[b]) for a, b in zip(part.text, part.other, strict=True)]
    return found


def test_a_step_has_whole_problems_until_there_are_enough_rows() -> None:
    made = make_batches(terms(problems=6, each=3), batch_size=5)
    assert [sum(len(part.text) for part in batch.micro_batches) for batch in made] == [6, 6, 6]
    assert [batch.weight for batch in made] == [pytest.approx(2.0)] * 3


def test_a_small_rest_joins_the_step_before() -> None:
    made = make_batches(terms(problems=7, each=2), batch_size=6)
    assert [sum(len(part.text) for part in batch.micro_batches) for batch in made] == [6, 8]


def test_every_term_keeps_its_sides() -> None:
    (batch,) = make_batches(terms(problems=3, each=4), batch_size=99)
    assert sorted(pairs_of(batch)) == sorted(3 * [(50 + at, 71) for at in range(4)])
    assert batch.plain_tokens == 3 * 4 * (13 + 14)


def test_micro_batches_are_cut_between_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MICRO_BATCH_TOKENS", 40)
    (batch,) = make_batches(terms(problems=4, each=2), batch_size=99)
    sizes = [part.sequence.used for part in batch.micro_batches]
    assert sizes == [36, 36]  # 12 shared tokens and 2 x 3 of their own, two problems a line
    assert len(pairs_of(batch)) == 8


def test_a_problem_above_the_limit_is_cut_between_its_terms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "MICRO_BATCH_TOKENS", 20)
    (batch,) = make_batches(terms(problems=1, each=5), batch_size=99)
    # Two terms a line, of 12 shared tokens and 2 x 3 of their own; the shared ones in each.
    assert [part.sequence.used for part in batch.micro_batches] == [18, 18, 15]
    assert sorted(pairs_of(batch)) == [(50 + at, 71) for at in range(5)]
    assert batch.weight == pytest.approx(1.0)


def test_a_term_above_the_limit_is_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MICRO_BATCH_TOKENS", 10)
    (batch,) = make_batches(terms(problems=2, each=1), batch_size=99)
    assert [part.sequence.used for part in batch.micro_batches] == [15, 15]


@pytest.mark.parametrize("processes", [2, 3])
def test_all_processes_make_as_many_passes(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MICRO_BATCH_TOKENS", 40)
    made = make_batches(
        [*terms(problems=5, each=6), *terms(problems=1, each=1)], 12, processes=processes
    )
    assert len({len(batch.micro_batches) for batch in made}) == 1
    weights = [w for batch in made for part in batch.micro_batches for w in part.weight]
    assert sum(weights) == pytest.approx(sum(batch.weight for batch in made))
    assert all(part.text for batch in made for part in batch.micro_batches)


def rows(problems: int, each: int) -> list[PairRow]:
    return [
        PairRow(f"p{p}", f"q{p}", f"c{i}", f"r{i}", "step", 1.0)
        for i in range(each)
        for p in range(problems)
    ]


def test_rows_are_drawn_problem_by_problem() -> None:
    drawn = draw_whole_problems(rows(problems=20, each=5), 12, seed=1)
    assert [row.problem_id for row in drawn] == [
        *[drawn[0].problem_id] * 5,
        *[drawn[5].problem_id] * 5,
        *[drawn[10].problem_id] * 2,
    ]
    assert draw_whole_problems(rows(problems=20, each=5), 12, seed=1) == drawn
    assert draw_whole_problems(rows(problems=20, each=5), 12, seed=2) != drawn
    assert len(draw_whole_problems(rows(problems=20, each=5), 0, seed=1)) == 100
