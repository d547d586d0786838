"""The measuring itself: that real numbers come out, and that what is missing is said."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from bench.speed.__main__ import main
from bench.speed.answers import load_labelled, measure_answers, measure_panel
from bench.speed.engines import engines
from bench.speed.measure import Figure, percentile
from bench.speed.sandbox import Size, sandbox
from bench.speed.stored import Size as StoredSize
from bench.speed.stored import stored


def by_name(figures: list[Figure]) -> dict[str, float]:
    """The figures' values; every one is a number that was measured."""
    assert all(math.isfinite(figure.value) and figure.value > 0 for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
    return {figure.name: figure.value for figure in figures}


@pytest.mark.slow
async def test_a_live_node_beats_a_fresh_interpreter() -> None:
    figures = await sandbox(Size(chains=2, tree=12, trivial=5, house=3, starts=1))
    isolation = [figure for figure in figures if "over process" in figure.name]  # may be noise
    values = by_name([figure for figure in figures if figure not in isolation])
    live, fresh = (values[f"chain steps, {which}"] for which in ("live nodes", "A: fresh python"))
    assert live > fresh
    assert values["live nodes / A"] == pytest.approx(live / fresh)
    assert len(isolation) == 1


async def test_answers_are_timed_beside_math_verify_on_the_same_cases() -> None:
    figures = await measure_answers(limit=12)
    values = by_name(figures)
    medians = [f.value for f in figures if f.name.endswith("median")]
    assert [f.name.split(",")[0].split()[0] for f in figures if f.name.endswith("median")] == [
        "rstar-bench",
        "math-verify",
    ]
    assert values["math-verify / rstar-bench, medians"] == pytest.approx(medians[1] / medians[0])
    assert figures[0].value == 12


async def test_an_engine_that_is_not_installed_has_a_sentence_in_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setattr("bench.speed.vllm_apart.ENVIRONMENT", "")
    table = await engines(["vllm", "server"])
    assert table.count("not measured: RSTAR_BENCH_VLLM names no environment with vLLM") == 2


@pytest.mark.slow
async def test_an_engines_records_survive_a_kill() -> None:
    row = (await engines(["openvino"], widest=2)).splitlines()[-1]
    assert row.split()[0] == "openvino" and row.endswith("12 of 12 equal")


async def test_the_panel_table_has_a_row_for_every_member() -> None:
    table = await measure_panel(limit=4, members=("rstar-bench", "math-verify", "prm800k-style"))
    assert "4 labelled answers" in table
    for version in ("rstar-bench", "math-verify 0.9.0", "prm800k-style 1"):
        assert version in table


@pytest.mark.parametrize("mirror", ["nowhere/data", None])
def test_labelled_answers_are_uncontested_and_spread_over_the_whole(
    mirror: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mirror is not None:
        monkeypatch.setenv("RSTAR_BENCH_DATA", str(tmp_path / mirror))
    cases, source = load_labelled(limit=50)
    assert len(cases) == 50
    assert all(case.equal is not None and not case.contested for case in cases)
    assert len({case.category for case in cases}) >= 10
    assert mirror is None or source == "golden corpus"


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5), (99, 10), (100, 10), (90, 9), (91, 10), (1, 1)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


def test_a_section_that_lacks_something_says_what_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", str(tmp_path))
    assert main(["--only", "ppm,ppm"]) == 0
    assert capsys.readouterr().out.count("not measured: no PPM is published under") == 2


def test_an_unknown_section_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "answer"]) == 2
    assert "did you mean 'answers'" in capsys.readouterr().err


async def test_what_is_computed_from_stored_runs_is_timed() -> None:
    values = by_name(await stored(StoredSize(problems=4, samples=5, records=20)))
    assert "every k of 4 problems x 5 samples" in values
    assert sum("re-scored by" in name for name in values) == 3
