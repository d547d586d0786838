from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench.cli
from bench.errors import DataError, UnknownNameError
from bench.problems import BENCHMARKS
from bench.reports import paper
from bench.reports.paper import describe_paper_result, find_table, read_tables, table_names


def test_every_table_of_the_paper_is_there_with_a_mark_that_is_explained() -> None:
    rstar, lips = (f"table{n}" for n in range(1, 11)), (f"lips{n}" for n in range(1, 4))
    cpl = (f"cpl{n}" for n in range(1, 5))
    assert table_names() == [*rstar, *lips, *cpl, "figure3"]
    assert {find_table(name).mark for name in table_names()} <= set(read_tables()["marks"])


@pytest.mark.parametrize("name", table_names())
def test_a_table_is_rectangular_and_within_its_unit(name: str) -> None:
    found = find_table(name)
    assert len(found.labels) == len(found.rows) == len(set(found.labels))
    assert {len(row) for row in found.rows} == {len(found.columns)}
    if found.unit.startswith("percent"):
        assert all(0 <= v <= 100 for row in found.rows for v in row if v is not None)


def test_columns_are_benchmarks_of_the_registry() -> None:
    for name in ("table1", "table3", "table5", "table9", "table10", "lips1", "lips2", "lips3"):
        assert set(find_table(name).columns) <= set(BENCHMARKS)


def test_one_system_has_one_value_in_all_its_tables() -> None:
    last = find_table("table5").row("rStar-Math (Qwen2.5-Math-7B + 7B PPM)")
    assert last == find_table("table6").row("round 4") == find_table("table8").row("PPM")
    policy = find_table("table3").row("SLM-r4")
    assert (
        policy
        == find_table("table10").row("Qwen2.5-Math-7B")
        == find_table("table7").row("step-by-step")
    )
    assert find_table("table4").row("PPM-r1") == find_table("table6").row("round 1")
    frontier = find_table("table1").row("rStar-Math^64, Qwen2.5-Math-7B")
    searched = find_table("table5").row("rStar-Math^64 (Qwen2.5-Math-7B")
    assert all(searched[name] == frontier[name] for name in frontier if name in searched)


def test_a_conflict_is_real_and_is_told_at_both_its_places() -> None:
    in_5, in_8 = find_table("table5").row("o1-mini"), find_table("table8").row("o1-mini")
    differing = [name for name in in_5 if in_5[name] != in_8[name]]
    (conflict,) = [c for c in read_tables()["conflicts"] if c.get("rows") == ["o1-mini"]]
    assert differing == conflict["benchmarks"]
    for name in conflict["about"]:
        assert conflict["values"][name] == [find_table(name).row("o1-mini")[b] for b in differing]
        assert conflict["says"] in find_table(name).conflicts


def test_aime_values_of_the_papers_own_systems_are_thirtieths() -> None:
    for name in ("table3", "table4", "table5", "table6", "table10"):
        found = find_table(name)
        for label in found.labels:
            if label.startswith(("rStar", "SLM", "PPM", "round")):
                value = found.row(label)["aime2024"]
                assert value is not None
                assert abs(value * 30 / 100 - round(value * 30 / 100)) < 0.02


def test_the_paper_is_beside_a_search_and_beside_a_policy() -> None:
    assert "Qwen2.5-Math-7B, trained 78.4 (table10)" in str(
        describe_paper_result("math500", "greedy")
    )
    searched = str(describe_paper_result("aime2024", "mcts"))
    assert "50.0 (table5)" in searched
    assert "53.3 (table5)" in searched


def test_what_lips_proves_is_beside_a_run_on_its_sets_and_of_its_own_paper() -> None:
    beside = str(describe_paper_result("567neq", "closers"))
    assert "LIPS without SOS 59.8 (lips2); LIPS with SOS 81.5 (lips2)" in beside
    assert "rStar" not in beside
    assert (find_table("lips3").mark, find_table("lips3").arxiv) == ("U", "2502.13834")
    assert find_table("table5").arxiv == "2501.04519v1"


def test_counts_of_lips_are_whole_problems() -> None:
    listed = {"mo_int_20": 20, "chenneq": 42, "567neq": 92}
    for values in find_table("lips2").rows:
        for name, value in zip(find_table("lips2").columns, values, strict=True):
            assert value is not None
            count = value * listed[name] / 100
            assert abs(count - round(count)) < 0.05


def test_tables_of_cpl_agree_but_for_the_conflict_that_they_tell() -> None:
    rounds, learnt = find_table("cpl2"), find_table("cpl-table3")
    assert (find_table("cpl1").mark, rounds.mark, learnt.mark) == ("P", "N", "N")
    last = rounds.row("round 2, Step-APO")
    assert last == {name: find_table("cpl1").row("CPL")[name] for name in rounds.columns}
    for stage in ("SFT", "Step-APO"):
        one, other = rounds.row(f"round 1, {stage}"), learnt.row(stage)
        differing = [name for name in one if one[name] != other[name]]
        assert differing == (["humaneval"] if stage == "Step-APO" else [])
    assert "46.34 on HumanEval in one table and 48.78" in rounds.conflicts[0]
    assert rounds.conflicts == learnt.conflicts


def test_all_values_of_cpl_on_math_but_one_are_whole_problems() -> None:
    for name in ("cpl1", "cpl2", "cpl3"):
        for label in find_table(name).labels:
            value = find_table(name).row(label)["math"]
            assert value is not None
            assert (abs(value * 50 - round(value * 50)) < 1e-6) == (label != "Step-DPO")


def test_cpl_is_beside_a_policy_that_plans_and_beside_no_search() -> None:
    assert "CPL, last round 73.8 (cpl1)" in str(describe_paper_result("gsm8k", "plan_greedy"))
    for method in ("plan_majority", "cpl", "cpl_weighted", "cpl_solution"):
        assert describe_paper_result("gsm8k", method) is None


def test_the_paper_has_no_majority_of_plain_samples() -> None:
    assert describe_paper_result("math500", "majority") is None


@pytest.mark.parametrize("name", ["embedded", "math:level-5", "aime2025"])
def test_the_paper_is_not_beside_what_it_does_not_have(name: str) -> None:
    assert describe_paper_result(name, "mcts") is None


def test_a_table_is_printed_with_its_mark_and_conflicts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.cli.main(["paper", "table5"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Qwen2.5-Math-7B base 58.8 0.0 22.5 21.8 41.6 91.6 51.7" in text
    assert "[P] read from the paper's own tables" in text
    assert "Conflict: o1-mini has other values" in text
    assert bench.cli.main(["paper", "figure3", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["mark"] == "D"
    assert bench.cli.main(["paper"]) == 0
    assert "figure5   missing" in capsys.readouterr().out


def test_an_unknown_table_lists_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'table1"):
        find_table("table11")


def test_an_absent_file_says_what_to_set_and_is_no_reason_to_fail_a_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_PAPER", str(tmp_path / "none.json"))
    paper.read_tables.cache_clear()
    try:
        with pytest.raises(DataError, match="set RSTAR_BENCH_PAPER to results/paper.json of"):
            find_table("table5")
        assert describe_paper_result("math500", "mcts") is None
    finally:
        paper.read_tables.cache_clear()
