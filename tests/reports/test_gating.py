"""A gate passes what is as good, fails what is worse, and says when it cannot tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.reports.gating import Gate, GateVerdict, Policy, Rule, judge_run, read_policy
from bench.reports.headroom.report import Kind
from bench.runs.reader import Run
from bench.types import Outcome
from tests.made_runs import C, E, W, greedy

HALF = [C, W] * 150
DEFAULT = Policy()


def gate(run: list[Outcome] | Run, policy: Policy = DEFAULT, base: list[Outcome] = HALF) -> Gate:
    made = run if isinstance(run, Run) else greedy(run)
    return judge_run(policy, [(made, greedy(base))], lambda name: {})


def planted(regressions: int) -> list[Outcome]:
    """The base's answers, so many of the right ones wrong."""
    return [W] * (2 * regressions) + HALF[2 * regressions :]


def test_the_same_answers_pass() -> None:
    found = gate(HALF)
    assert found.verdict is GateVerdict.GO
    assert found.verdict.exit_code == 0


def test_a_run_that_is_not_finished_is_inconclusive_whatever_it_has_answered() -> None:
    whole = greedy(HALF)
    config = {**whole.config, "benchmark": {"name": whole.benchmark, "problems": len(HALF)}}
    whole = replace(whole, header={**whole.header, "config": config})
    part = replace(
        whole, records=tuple(r for r in whole.records if r.selected["greedy"].outcome is C)
    )
    found = judge_run(DEFAULT, [(part, whole)], lambda name: {})
    assert found.verdict is GateVerdict.INCONCLUSIVE
    assert "150 of 300 done" in [check.found for check in found.checks]
    assert judge_run(DEFAULT, [(whole, whole)], lambda name: {}).verdict is GateVerdict.GO


def test_rules_of_a_benchmark_without_a_run_are_told_and_a_misspelt_one_is_refused() -> None:
    asked = Policy(benchmarks={"math500": Rule(min_accuracy=0.9)})
    assert any("math500: the policy has rules" in note for note in gate(HALF, asked).notes)
    name = greedy(HALF).benchmark
    with pytest.raises(BenchError, match=f"did you mean '{name}'"):
        gate(HALF, Policy(benchmarks={f"{name}l": Rule()}))


def test_planted_regressions_fail() -> None:
    found = gate(planted(30))
    assert found.verdict is GateVerdict.NO_GO
    assert found.verdict.exit_code == 1
    assert "0 won, 30 lost" in found.checks[-1].found


def test_a_few_regressions_are_inconclusive() -> None:
    assert gate(planted(5)).verdict is GateVerdict.INCONCLUSIVE


def test_ten_problems_are_inconclusive_however_bad() -> None:
    found = gate([W] * 10, base=[C] * 10)
    assert found.verdict is GateVerdict.INCONCLUSIVE
    assert found.verdict.exit_code == 3
    assert found.checks[-1].found == "10 judged of both"


def test_more_failures_than_allowed_fail() -> None:
    answers = [E, E, *HALF[2:]]
    assert gate(answers).verdict is GateVerdict.NO_GO
    assert gate(answers, Policy(default=Rule(allowed_failures=2))).verdict is GateVerdict.GO


def test_an_accuracy_is_asked_for_with_its_interval() -> None:
    for asked, verdict in ((0.4, "GO"), (0.49, "INCONCLUSIVE"), (0.6, "NO-GO")):
        assert gate(HALF, Policy(default=Rule(min_accuracy=asked))).verdict == verdict


def test_a_family_can_be_worse_where_the_whole_is_not() -> None:
    run = planted(10)
    policy = Policy(
        default=Rule(margin=0.5),
        families={("pool", "Algebra"): Rule(margin=0.1, min_problems=10)},
    )
    kinds = {f"p{at:02}": Kind("Algebra" if at < 20 else "Number", None) for at in range(300)}
    found = judge_run(policy, [(greedy(run), greedy(HALF))], lambda name: kinds)
    assert [c.verdict for c in found.checks if "Algebra" in c.subject][-1] is GateVerdict.NO_GO
    assert found.checks[1].verdict is GateVerdict.GO


def test_a_family_that_no_problem_has_is_refused() -> None:
    policy = Policy(families={("pool", "Algebar"): Rule()})
    kinds = {f"p{at:02}": Kind("Algebra", None) for at in range(300)}
    with pytest.raises(BenchError, match="did you mean 'Algebra'"):
        judge_run(policy, [(greedy(HALF), greedy(HALF))], lambda name: kinds)


def test_a_policy_is_read_from_the_general_to_the_special(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "alpha: 0.1\nmargin: 0.03\nbenchmarks:\n  math500:\n    min_problems: 50\n"
        "    families:\n      Algebra: {margin: 0.1}\n"
    )
    policy = read_policy(file)
    assert policy.alpha == 0.1
    assert policy.default == Rule(margin=0.03)
    assert policy.benchmarks["math500"] == Rule(margin=0.03, min_problems=50)
    assert policy.families["math500", "Algebra"] == Rule(margin=0.1, min_problems=50)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alhpa: 0.1", "'alhpa'; did you mean 'alpha'"),
        ("benchmarks: {math500: {margn: 0.1}}", "'margn'; did you mean 'margin'"),
        ("margin: wide", "margin is 'wide', and must be a finite number"),
        ("margin: 0", "margin is 0, and must be from 0.001 to 1"),
        ("[1, 2]", "expected keys with values"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_in_one_sentence(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(BenchError) as error:
        read_policy(file)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_absent_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot read the policy"):
        read_policy(tmp_path / "none.yaml")


@pytest.mark.slow
def test_a_wrong_go_and_a_wrong_no_go_are_as_rare_as_alpha() -> None:
    import numpy as np

    def count(drop: float, verdict: GateVerdict) -> float:
        """How often a run that is worse by `drop` gets a verdict, of 1,500."""
        rng = np.random.default_rng(9)
        policy = Policy(default=Rule(margin=0.05))
        found = 0
        for _ in range(1500):
            chance = rng.choice(4, size=300, p=[0.45, 0.15, 0.15 - drop, 0.25 + drop])
            base = [C if c in (0, 1) else W for c in chance]
            run = [C if c in (0, 2) else W for c in chance]
            found += gate(run, policy, base).verdict is verdict
        return found / 1500

    assert count(0.05, GateVerdict.GO) == pytest.approx(0.05, abs=0.012)
    assert count(0.05, GateVerdict.NO_GO) == pytest.approx(0.05, abs=0.012)
