"""One command prints what is published: coverage, training, accuracy, families, ablations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rstar_train.cli import main
from rstar_train.publishing.tables import ablation_table


def figures(**evaluation: Any) -> dict[str, Any]:
    cell = {"problems": 10, "solved": 5, "percent": 50.0, "ever": 6, "ever_percent": 60.0}
    return {
        "coverage": {"all": cell, "low": cell, "low/gcd": cell},
        "policy": {"rows": 9, "loss_first": 1.0, "loss_last": 0.5},
        "ppm": {"pairs": 8, "loss_first": 0.7, "loss_last": 0.6},
        "pair_accuracy": {"accuracy": 0.8, "low": 0.7, "high": 0.9},
        "evaluation": {**evaluation, "stage_seconds": 3.0},
    }


def test_one_command_prints_the_tables_of_published_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    share = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    cell = {"label": "greedy", "n": 20, "accuracy": share, "policy_tokens": 9, "ppm_tokens": 0}
    before = {**share, "mcnemar_p": 0.0312}
    base = {"estimate": -0.25, "low": -0.5, "high": 0.125, "mcnemar_p": 4e-5}
    gain = {**cell, "against_before": before, "against_base": base}
    for number, found in enumerate((figures(greedy=cell), figures(greedy=gain)), start=1):
        folder = tmp_path / f"round-{number}"
        folder.mkdir()
        (folder / "figures.json").write_text(json.dumps(found))
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "figures.json").write_text(json.dumps({"evaluation": {"greedy": cell}}))
    picture = tmp_path / "rounds.svg"
    assert main(["table", str(tmp_path), "--plot", str(picture)]) == 0
    page = capsys.readouterr().out
    assert "\nbase   greedy  20  50.0 [40.0, 60.0]" in page
    assert page.endswith(f"drawn: {picture}\n") and picture.read_bytes().startswith(b"<?xml")
    assert "2         50.0 (60.0)  50.0 (60.0)" in page
    assert "80.0 [70.0, 90.0]" in page
    last = page.splitlines()[-3].split("  ")
    assert [cell.strip() for cell in last if cell] == [
        *("2", "greedy", "20", "50.0 [40.0, 60.0]", "+50.0 [+40.0, +60.0]", "0.031"),
        *("-25.0 [-50.0, +12.5]", "4e-05", "9 + 0"),
    ]


def test_families_are_shown_where_they_were_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    share = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    cell = {"label": "greedy", "n": 20, "accuracy": share, "policy_tokens": 9, "ppm_tokens": 0}
    tiers = {"embedded-low": {"n": 20, "correct": 10}, "embedded-low/gcd": {"n": 5, "correct": 3}}
    for number, by_tier in enumerate(({}, tiers), start=1):
        (tmp_path / f"round-{number}").mkdir()
        found = figures(greedy={**cell, "by_tier": by_tier})
        (tmp_path / f"round-{number}" / "figures.json").write_text(json.dumps(found))
    assert main(["table", str(tmp_path), "--families"]) == 0
    page = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["tier", "family", "1", "2", "of"] in page
    assert ["low", "gcd", "5", "5", "10"] in page
    assert ["low", "gcd", "-", "3", "5"] in page
    found = figures(greedy={**cell, "by_tier": {}})
    (tmp_path / "round-2" / "figures.json").write_text(json.dumps(found))
    assert main(["table", str(tmp_path), "--families"]) == 2
    assert "have no families" in capsys.readouterr().err


def test_a_folder_without_rounds_has_no_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", str(tmp_path)]) == 2
    assert "expected round-1/figures.json" in capsys.readouterr().err
    (tmp_path / "round-1").mkdir()
    (tmp_path / "round-1" / "figures.json").write_text("{")
    assert main(["table", str(tmp_path)]) == 2
    assert "is damaged" in capsys.readouterr().err
    (tmp_path / "round-1" / "figures.json").write_text('{"coverage": {}, "sft": {}}')
    assert main(["table", str(tmp_path)]) == 2
    assert "lacks policy, ppm, pair_accuracy, evaluation" in capsys.readouterr().err


def test_ablations_are_paired_with_the_round_and_show_what_the_scorers_order() -> None:
    share = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    gain = {"estimate": 0.1, "low": 0.0, "high": 0.2, "mcnemar_p": 0.5}
    cell = {"label": "x", "n": 20, "accuracy": share, "policy_tokens": 9, "ppm_tokens": 0}
    cell |= {"against_before": gain}
    pairs = {"accuracy": 0.75, "low": 0.7, "high": 0.8}
    page = ablation_table(
        {
            "round": 4,
            "data": {name: {"greedy": cell} for name in ("random", "rejection", "verified")},
            "scorers": {
                "orm": {"best_of_n": cell},
                "pqm": {"mcts": cell},
                "ppm": {"best_of_n": cell, "mcts": cell},
            },
            "held_out": {
                "orm": {"by_kind": {"solution": pairs, "step": pairs}},
                "pqm": {"by_kind": {"step": pairs}},
                "ppm": {"held_out_pairs": 0},
            },
        }
    )
    rows = [[cell for cell in line.split("  ") if cell] for line in page.splitlines()]
    stripped = [[cell.strip() for cell in row] for row in rows]
    own = next(row for row in stripped if row[:2] == ["data", "verified by search"])
    other = next(row for row in stripped if row[:2] == ["data", "samples as they come"])
    assert "+10.0 [+0.0, +20.0]" in other
    assert "+10.0 [+0.0, +20.0]" not in own  # the round itself has nothing to be paired with
    assert ["ORM", "75.0 [70.0, 80.0]", "75.0 [70.0, 80.0]"] in stripped
    assert ["PQM", "-", "75.0 [70.0, 80.0]"] in stripped
    assert ["PPM", "-", "-"] in stripped
