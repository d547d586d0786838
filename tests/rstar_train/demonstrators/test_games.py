"""The demonstrator plays on from any position, right or wrong, and by the rules."""

from __future__ import annotations

import contextlib
import io
import random
import re

import pytest

from bench.answers.verifiers import verify
from bench.problems.generated import DIAL, family_problems
from bench.prompts import START, code_of, output_block, shown_output
from bench.prompts.tags import END_OF_ANSWER, END_OF_CODE, OUTPUT
from bench.types import Outcome, Problem
from rstar_train.demonstrators.games import FAMILIES, next_step


def play(problem: Problem, mistake_rate: float, seed: int) -> tuple[str, str]:
    """Let the demonstrator play a whole game; return the text and the answer."""
    partial, variables, rng = START, {}, random.Random(seed)
    for _ in range(8):
        step = next_step(problem.question, partial, rng, mistake_rate)
        partial += step
        if step.endswith(END_OF_ANSWER):
            boxed = re.search(r"\\boxed\{(.*)\}", step)
            assert boxed
            return partial, boxed[1]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code_of(step), variables)
        shown = shown_output if step.endswith(OUTPUT) else output_block
        partial += shown(printed.getvalue())
    raise AssertionError(f"the game does not end: {partial}")


def test_the_families_are_those_of_the_countdown_tier() -> None:
    assert {family.name for family in DIAL["countdown"]} == FAMILIES


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_without_mistakes_every_game_is_won(family: str) -> None:
    for seed, problem in enumerate(family_problems("countdown", family, "train", 12)):
        assert problem.verifier is not None
        _, answer = play(problem, 0.0, seed)
        assert verify(problem.verifier, answer).outcome is Outcome.CORRECT


def test_with_mistakes_games_are_lost_by_the_target_and_never_by_the_rules() -> None:
    lost = 0
    for seed, problem in enumerate(family_problems("countdown", "game_of_24", "train", 20)):
        assert problem.verifier is not None
        verdict = verify(problem.verifier, play(problem, 1.0, seed)[1])
        lost += verdict.outcome is Outcome.WRONG
        assert "not given" not in verdict.reason
        assert "does not use" not in verdict.reason
    assert lost > 10


def test_what_is_left_is_printed_after_every_move() -> None:
    (problem,) = family_problems("countdown", "game_of_24", "train", 1)
    text, _ = play(problem, 0.0, 0)
    shown = re.findall(r"<output>([-\d. ]+)<end_of_output>", text)
    assert [len(each.split()) for each in shown] == [3, 2, 1]
    assert float(shown[-1]) == 24
    assert text.count(END_OF_CODE) == 1


def test_another_question_is_refused() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        next_step("How many are there?", START, random.Random(0), 0.0)
