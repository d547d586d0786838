"""A sweep: what a file means, which cells are covered, and that the rest is run once and read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from bench.engines.base import PathScores
from bench.errors import BenchError
from bench.evaluation import comparison
from bench.evaluation.estimate import estimate_cells, measure_cells
from bench.evaluation.harness import Harness, Started
from bench.evaluation.spec import Resolved
from bench.evaluation.sweep import Cell, list_own, plan_cells, run_sweep
from bench.evaluation.sweep_file import read_sweep
from bench.reports.sweeps import Swept, read_swept
from bench.reports.sweeps_view import draw_sweep, lay_out
from bench.sandbox import Sandbox, SandboxConfig
from bench.types import Problem
from tests.scripted import ScriptedPolicy

in_one_loop = pytest.mark.asyncio(loop_scope="module")
SMALL = """
benchmark: embedded-grade-school
limit: 3
search:
  - greedy
  - {name: majority, n: 3}
  - {name: sample, n: [1, 2, 4]}
  - {name: mcts, rollouts: [1, 4], candidates: 2}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return file


def refused(folder: Path, text: str) -> str:
    with pytest.raises(BenchError) as error:
        read_sweep(write(folder, text))
    said = str(error.value)
    assert "\n" not in said
    return said


def test_lists_are_combined_and_what_a_search_does_not_heed_multiplies_nothing(
    tmp_path: Path,
) -> None:
    asked = read_sweep(
        write(
            tmp_path,
            "benchmark: [{name: gsm8k, limit: 5}, math500]\n"
            "limit: 3\n"
            "policy: [{name: smollm2, ppm: smollm2-r1}]\n"
            "temperature: [0.7, 1.0]\n"
            "seed: [0, 1]\n"
            "search: [greedy, {name: sample, n: [2, 4]}]\n",
        )
    )
    found = [each for each in asked.combinations if each.spec.benchmark == "gsm8k"]
    assert [each.name for each in found if each.spec.seed == 0] == [
        "gsm8k-smollm2-greedy",
        *(
            f"gsm8k-smollm2-sample-n={n}-temperature={t}-ppm=smollm2-r1"
            for t in (0.7, 1.0)
            for n in (2, 4)
        ),
    ]
    assert len(asked.combinations) == 2 * (1 + 2 * 2 * 2)
    assert {each.spec.limit for each in found} == {5}
    assert found[0].spec.ppm is None
    assert found[1].varied["n"] == "2" and "policy" not in found[1].varied


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search: [{name: mcts, rolouts: 4}]", "did you mean 'rollouts'"),
        ("search: [greedy, {name: sample}]\nn: 4", "the search 'greedy' has no knob 'n'"),
        ("search: {name: sample, rollouts: 4}", "the search 'sample' has no knob 'rollouts'"),
        ("search: {name: sample, n: [0]}", "n is 0, and must be at least 1"),
        ("search: {name: sample, n: []}", "n is an empty list"),
        ("search: mtcs", "did you mean 'mcts'"),
        ("search: {n: 2}", "must be a name, or a mapping with a name"),
        ("seeds: [1, 2]\nsearch: greedy", "did you mean 'seed'"),
        ("limit: 2", "the key search is missing"),
        ("search: [", "is no YAML"),
    ],
)
def test_a_file_that_means_nothing_is_refused_in_a_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in refused(tmp_path, f"benchmark: gsm8k\n{text}\n")


def test_an_absent_file_and_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot read the sweep"):
        read_sweep(tmp_path / "no.yaml")
    assert "expected keys with values" in refused(tmp_path, "- greedy")


def plan(folder: Path, search: str, shared: str = "") -> dict[str, str | None]:
    """The cells of some searches by name, without benchmark and policy, with what covers them."""
    text = f"benchmark: embedded-grade-school\nlimit: 2\ntemperature: 0.7\n{shared}\n"
    cells = plan_cells(read_sweep(write(folder, f"{text}search: [{search}]\n")).combinations)

    def shorten(name: str | None) -> str | None:
        kept = name and name.removeprefix("embedded-grade-school-")
        return kept and kept.replace("-temperature=0.7", "")

    return {str(shorten(cell.name)): shorten(cell.covered_by) for cell in cells}


def test_the_largest_run_of_samples_covers_smaller_ones_and_their_selectors(tmp_path: Path) -> None:
    found = plan(tmp_path, "{name: sample, n: [2, 8]}, {name: majority, n: 4}, greedy")
    assert found == {
        "sample-n=8": None,
        "greedy": None,
        "sample-n=2": "sample-n=8",
        "majority-n=4": "sample-n=8",
    }


def test_a_tree_covers_smaller_budgets_and_nothing_that_differs_otherwise(tmp_path: Path) -> None:
    found = plan(tmp_path, "{name: mcts, rollouts: [2, 8], c: [1, 2]}, {name: mcts, tokens: 99}")
    assert found == {
        "mcts-rollouts=8-c=1.0": None,
        "mcts-rollouts=8": None,
        "mcts-rollouts=2-c=1.0": "mcts-rollouts=8-c=1.0",
        "mcts-rollouts=2": "mcts-rollouts=8",
        "mcts-rollouts=8-tokens=99": "mcts-rollouts=8",
    }


def test_iterations_of_cpl_are_no_rollouts_and_cover_nothing(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "benchmark: embedded-dial\nlimit: 3\npolicy: [{name: cpl-r2, ppm: cpl-r2}]\n"
        "search: {name: cpl, iterations: [2, 8]}\n",
    )
    cells = plan_cells(read_sweep(file).combinations)
    assert [cell.covered_by for cell in cells] == [None, None]


def test_samples_until_tokens_are_spent_cover_fewer_tokens_and_so_many_samples(
    tmp_path: Path,
) -> None:
    found = plan(tmp_path, "{name: sample, n: [2, 4], tokens: [100, 500]}, {name: sample, n: 4}")
    assert [name for name, by in found.items() if by is None] == ["sample-n=4-tokens=500"]


def test_another_aggregate_of_samples_is_covered_and_of_a_tree_is_not(tmp_path: Path) -> None:
    found = plan(
        tmp_path, "{name: sample, n: 2}, {name: mcts, rollouts: 2}", "aggregate: [last, min]"
    )
    assert sum(by is not None for by in found.values()) == 1
    assert found["sample-n=2-aggregate=min"] == "sample-n=2-aggregate=last"


class SomeScorer:
    """Likes long steps."""

    name = "some"
    aggregate = "last"

    def scoring(self, problem: Problem) -> SomeScorer:
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        return PathScores(
            [[len(step) % 7 / 7 for step in path] for path in paths], sum(map(len, paths))
        )

    def close(self) -> None:
        pass


def _write_step(partial: str, index: int) -> str:
    if "<output>" in partial:
        return f"<answer>\\boxed{{{len(partial) % 3 + index}}}<end_of_answer>"
    return f"\nx = {index}\n<end_of_step>\nprint(x)\n<end_of_code>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(workers=1)) as started:
        yield started


@pytest.fixture
def started(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every run that has something to do, by its search; scripted parts do it."""
    begun: list[str] = []

    class ScriptedHarness(Harness):
        check = staticmethod(lambda specs, **_: None)

        async def start(self, resolved: Resolved, *_: object) -> Started:
            begun.append(resolved.spec.search)
            scorer = SomeScorer() if resolved.ppm is not None else None
            search = resolved.entry.bind(
                resolved.search_config, ScriptedPolicy(_write_step), sandbox, scorer
            )
            return Started(search, {"engine": {"name": "scripted"}})

    monkeypatch.setattr(comparison, "Harness", ScriptedHarness)
    return begun


async def sweep(folder: Path, out: Path) -> tuple[list[Cell], Swept]:
    cells = plan_cells(read_sweep(write(folder, SMALL)).combinations)
    return cells, read_swept(await run_sweep(cells, out, concurrency=2))


@in_one_loop
async def test_a_sweep_runs_each_own_cell_once_and_reads_the_others_off_it(
    tmp_path: Path, started: list[str]
) -> None:
    cells, swept = await sweep(tmp_path, tmp_path / "out")
    assert sorted(started) == ["greedy", "mcts", "sample"]
    assert {file.parent for file in (tmp_path / "out").glob("*/run.json")} == {
        *list_own(cells, tmp_path / "out")
    }
    rows = {row.label: row for row in swept.rows}
    assert rows["majority@2"].covered and not rows["majority@4"].covered
    assert 0 < rows["mcts 1x2"].expense.tokens < rows["mcts 4x2"].expense.tokens
    assert rows["majority@2"].expense.tokens == rows["majority@4"].expense.tokens / 2
    assert rows["majority@2"].expense.ppm_flops == 0 < rows["best_of_n@2"].expense.ppm_flops
    assert all(row.problems == 3 and row.accuracy is not None for row in swept.rows)
    assert {curve.unit for curve in swept.curves} == {"samples", "rollouts"}
    assert json.loads(json.dumps(swept.to_json()))["rows"][0]["label"] == "greedy"
    (grid,) = lay_out(swept)
    assert any("~ majority@2" in row for row in grid.rows)
    again = await sweep(tmp_path, tmp_path / "out")
    assert again[1].rows == swept.rows and len(started) == 3


@in_one_loop
async def test_a_picture_has_every_curve_and_the_front(tmp_path: Path, started: list[str]) -> None:
    pytest.importorskip("matplotlib")
    _, swept = await sweep(tmp_path, tmp_path / "out")
    drawn = draw_sweep(swept, "embedded-grade-school").decode()
    assert 'id="front"' in drawn and 'id="curve-majority"' in drawn
    assert drawn.encode() == draw_sweep(swept, "embedded-grade-school")


@in_one_loop
async def test_a_dry_run_measures_two_problems_of_a_search_and_reckons_by_them(
    tmp_path: Path, started: list[str]
) -> None:
    out = tmp_path / "out"
    cells = plan_cells(read_sweep(write(tmp_path, SMALL)).combinations)
    unknown = estimate_cells(cells, out)
    assert {each.seconds for each in unknown} == {None}
    await measure_cells(unknown, out)
    known = {each.cell.resolved.spec.search: each for each in estimate_cells(cells, out)}
    assert {each.done for each in known.values()} == {2}
    assert known["sample"].tokens == pytest.approx(4 * known["greedy"].tokens, rel=0.2)
    assert all(each.seconds and each.by for each in known.values())
    elsewhere = estimate_cells(cells, tmp_path / "other", [out])
    assert {each.done for each in elsewhere} == {0}
    assert elsewhere[0].tokens == pytest.approx(3 * known["greedy"].tokens)
    await run_sweep(cells, out)
    assert {each.tokens for each in estimate_cells(cells, out)} == {0}
