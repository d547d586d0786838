"""Each member of the panel behaves as its namesake is known to, its known mistakes included.

The pairs are ours; the mechanisms are those that were measured on the namesakes. A member that
stopped making its mistake would no longer be the checker that published scores come from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.checkers import golden_corpus, judge, load_cases
from bench.checkers.panel import OURS, Checker, names, open_checker
from bench.errors import MissingExtraError, UnknownNameError

PEERS = tuple(name for name in names() if name != OURS)

ACCEPTED = {
    "math-verify": [
        (r"\frac{3}{8}", "0.375"),
        ("(x+3)^2", "x^2+6x+9"),
        ("$4, 9$", "9, 4"),
        ("12", r"So it is \boxed{12}."),
        (r"\frac{1}{3^{70}}", r"\frac{1}{3^{71}}"),  # compared as floats
    ],
    "lm-eval-hendrycks": [
        (r"\frac{3}{8}", r"\dfrac38"),
        ("0.5", r"\frac{1}{2}"),  # the one decimal that it knows
        ("12", "x=12"),
        (r"12\%", "12"),  # percent signs are dropped
        ("12", r"So it is \boxed{12}."),
    ],
    "lm-eval-minerva": [
        (r"\frac{3}{8}", "0.375"),
        ("a+2b=5", "5"),  # the right side alone
        (r"9 \text{ cm}", r"9 \text{ km}"),  # units are dropped, also different ones
        ("(3,4)", "(3,4)"),
    ],
    "prm800k-style": [
        (r"\frac{3}{8}", r"\dfrac{3}{8}"),
        ("1,000", "1000"),
        ("(3, 4)", r"\left(3,4\right)"),
        ("12 cm", "12"),
        ("12", r"So it is \boxed{12}."),
    ],
    "rstar-partial": [
        (r"\frac{3}{8}", "0.375"),
        ("4", "400"),  # a factor of a hundred is forgiven
        ("250000", "250001"),  # a relative tolerance for integers
        ("[2,9)", "[2,9]"),  # brackets are dropped
        ("5(x+2)", "5x+2"),
    ],
}
REJECTED = {
    "math-verify": [(r"\frac{3}{8}", r"\frac{8}{3}"), ("(3,4)", "(4,3)"), ("x<7", r"x\le 7")],
    "lm-eval-hendrycks": [("0.25", r"\frac{1}{4}"), ("x+1", "1+x"), ("5", "5.0")],
    "lm-eval-minerva": [("(3,4)", "(3, 5)"), (r"\frac{3}{8}", "0.3751"), ("4,9", "9,4")],
    "prm800k-style": [("x+1", "1+x"), (r"\frac{1}{2}", r"\frac{2}{4}"), ("(3,4)", "[3,4]")],
    "rstar-partial": [("17", "18"), ("x+1", "x+2"), (r"\frac{3}{8}", r"\frac{5}{8}")],
}


@pytest.fixture(scope="module", params=PEERS)
def member(request: pytest.FixtureRequest) -> Iterator[Checker]:
    checker = open_checker(request.param)
    yield checker
    checker.close()


def test_a_member_accepts_what_its_namesake_accepts(member: Checker) -> None:
    verdicts = [member.check(*pair) for pair in ACCEPTED[member.name]]
    assert [(v.gold, v.prediction) for v in verdicts if not v.correct] == []


def test_a_member_rejects_what_its_namesake_rejects(member: Checker) -> None:
    verdicts = [member.check(*pair) for pair in REJECTED[member.name]]
    assert [(v.gold, v.prediction) for v in verdicts if v.correct] == []


def test_a_verdict_names_the_version_and_a_reason(member: Checker) -> None:
    verdict = member.check("12", "13")
    assert verdict.comparer == member.version
    assert any(character.isdigit() for character in member.version)
    assert verdict.reason


def test_no_member_runs_the_text_of_a_hostile_answer(
    member: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member.close()
    monkeypatch.chdir(tmp_path)  # its next process would write here
    hostile = [c for c in load_cases(golden_corpus()) if "@@" in (c.prediction or "")]
    assert len(hostile) >= 20
    judged = judge(member, hostile)
    member.close()
    assert [each.case.id for each in judged if each.executed or each.crashed] == []
    assert [each.case.id for each in judged if each.verdict.correct] == []
    assert list(tmp_path.iterdir()) == []
    children = psutil.Process().children(recursive=True)
    assert not [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_what_a_partial_member_lacks_stands_in_its_label() -> None:
    about = {name: open_checker(name).about for name in names()}
    assert "PARTIAL" in about["rstar-partial"]
    assert "MARIO_EVAL" in about["rstar-partial"]
    assert "parse_expr" in about["rstar-partial"]
    assert "PARTIAL" in about["prm800k-style"]


def test_an_unknown_member_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'math-verify'"):
        open_checker("math-verifi")


@pytest.mark.parametrize("name", ["lm-eval-hendrycks", "lm-eval-minerva", "rstar-partial"])
def test_a_member_whose_library_is_absent_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(MissingExtraError, match=r"'lm-eval'.*pip install 'rstar-bench\[cpu\]'"):
        open_checker(name)
