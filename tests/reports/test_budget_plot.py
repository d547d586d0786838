"""Curves of stored runs: every point is the run cut there, and the picture has a line for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.cli import main
from bench.errors import BenchError
from bench.reports.budget_plot import POINTS, budget_curves, budget_plot
from bench.reports.every_k import read_all
from bench.reports.every_k_view import draw_every_k
from bench.reports.leaderboard import leaderboard
from bench.reports.token_budget import cut
from bench.runs.reader import Run
from tests.reports.test_token_budget import run

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("runs") / "samples", "sample", n=4)


def test_every_point_is_the_accuracy_of_the_run_cut_there(samples: Run) -> None:
    curves = budget_curves([samples], 320)
    rows = leaderboard([cut(samples, 160)]).rows
    assert set(curves) == {(row.policy, row.label) for row in rows}
    for row in rows:
        assert row.accuracy is not None
        points = {tokens: right for tokens, right, _, _ in curves[row.policy, row.label]}
        assert len(points) == POINTS
        assert points[160] == pytest.approx(100 * row.accuracy.estimate)


def test_the_picture_has_a_curve_for_each_method_and_is_the_same_again(samples: Run) -> None:
    picture = budget_plot([samples], 320)
    groups = {each.get("id") for each in ElementTree.fromstring(picture).iter()}
    assert {f"curve-{label}" for _, label in budget_curves([samples], 320)} <= groups
    assert b"n = " in picture
    assert budget_plot([samples], 320) == picture


def test_runs_of_which_nothing_was_judged_have_no_curve(samples: Run) -> None:
    failed = replace(samples, records=tuple(replace(r, error="x") for r in samples.records))
    with pytest.raises(BenchError, match="answers that were judged, and these runs have none"):
        budget_plot([failed], 320)


def test_a_budget_too_small_for_a_curve_is_refused(samples: Run) -> None:
    with pytest.raises(BenchError, match="up to 3 tokens has no points; give at least 16"):
        budget_curves([samples], 3)


def test_report_draws_up_to_its_largest_budget_and_every_k_without_one(
    samples: Run, tmp_path: Path
) -> None:
    out = tmp_path / "curve.svg"
    asked = ["report", str(samples.path), "--plot", str(out)]
    assert main(asked) == 0
    assert out.read_bytes() == draw_every_k(read_all([samples]))
    assert main([*asked, "--tokens", "160,320"]) == 0
    assert out.read_bytes() == budget_plot([samples], 320)
