from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from bench.checkers.panel.hosted import Hosted
from bench.checkers.panel.math_verify_rule import boxed_math_verify
from bench.lm_eval import scoring
from bench.lm_eval.scoring import keep_all, looks_cut, process_results


def document(answer: str = "12", *alternatives: str) -> dict[str, Any]:
    return {
        "id": "p1",
        "question": "How many?",
        "answer": answer,
        "alternatives": list(alternatives),
        "verifier": "",
    }


def boxed(answer: str) -> str:
    return f"So the answer is \\boxed{{{answer}}}."


def scores(samples: Sequence[str], answer: str = "12", *alternatives: str) -> dict[str, float]:
    (kept,) = keep_all([samples], [None])
    return process_results(document(answer, *alternatives), [kept])


def test_one_right_sample() -> None:
    found = scores([boxed("12")])
    assert (found["verdict"], found["math_verify"], found["exact_match"]) == (1, 1, 1)
    assert not any(name.startswith(("maj@", "pass@")) for name in found)


def test_every_sample_counts_and_not_the_first_alone() -> None:
    found = scores([boxed("12"), *[boxed("7")] * 5, boxed("24/2"), boxed("8")])
    assert found["verdict"] == found["math_verify"] == 0.25
    assert found["exact_match"] == 0.125
    assert found["pass@2"] == pytest.approx(1 - 15 / 28)
    assert found["pass@8"] == 1
    assert found["maj@8"] == 0


def test_two_ways_to_write_a_number_are_one_vote() -> None:
    found = scores([boxed("7"), boxed("12"), boxed("24/2")])
    assert found["maj@3"] == 1


def test_k_reaches_n_whatever_n_is() -> None:
    found = scores([boxed("12"), boxed("7"), boxed("7")])
    assert {name for name in found if name.startswith("pass@")} == {"pass@2", "pass@3"}
    assert found["pass@2"] == pytest.approx(2 / 3)


def test_a_tie_goes_to_the_answer_that_came_first() -> None:
    assert scores([boxed("12"), boxed("7")])["maj@2"] == 1
    assert scores([boxed("7"), boxed("12")])["maj@2"] == 0


def test_why_there_is_no_answer_is_told_apart() -> None:
    found = scores(["First, add 5 and", "I do not know.", boxed("12"), "So \\boxed{1"])
    assert (found["truncated"], found["no_answer"]) == (0.5, 0.25)
    assert found["verdict"] == 0.25
    assert found["failed"] == 0


def test_a_problem_without_a_reference_has_no_verdict() -> None:
    found = scores([boxed("12"), boxed("7")], "")
    assert found["failed"] == 1
    assert found["exact_match"] == 0
    assert "verdict" not in found
    assert "math_verify" not in found
    assert not any(name.startswith(("maj@", "pass@")) for name in found)


def test_an_alternative_is_as_good_as_the_reference() -> None:
    found = scores([boxed("13"), boxed("12"), boxed("14")], "12", "13")
    assert found["verdict"] == found["math_verify"] == found["exact_match"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Therefore x is 5.", False),
        ("Therefore x is", True),
        ("```python\nprint(5)\n", True),
        ("```python\nprint(5)\n```", False),
        ("Hence $$x = 5.", True),
        ("so \\boxed{\\frac{1}{2}", True),
        ("", False),
    ],
)
def test_a_cut_text_shows_at_its_end(text: str, cut: bool) -> None:
    assert looks_cut(text) is cut


def test_a_pair_that_math_verify_cannot_finish_is_no_wrong_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurried = Hosted("math-verify", "math-verify", "", boxed_math_verify, limit=0.5)
    monkeypatch.setattr(scoring, "_boxed_math_verify", lambda: hurried)
    with closing(hurried):
        hurried.warm()
        assert scoring.math_verify_accepts("1", "9^{9^{9^{9}}}") is None
    monkeypatch.setattr(scoring, "math_verify_accepts", lambda gold, answer: None)
    found = scores([boxed("12")])
    assert "math_verify" not in found
    assert found["verdict"] == 1
