"""One command prints what is published: coverage, training, accuracy, families, ablations."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rstar_train.cli import main
from rstar_train.figures import (
    AblationFigures,
    AblationRowFigures,
    BaseFigures,
    CountFigures,
    Figures,
    PairFigures,
    ScorerFigures,
)
from rstar_train.publishing.tables import REFRESHED, ablation_tables, round_tables, scorers_table
from tests.rstar_train.made_figures import (
    difference,
    evaluation,
    method,
    on_policy_rows,
    pairs,
    round_figures,
    worth,
)


def write(folder: Path, figures: Figures) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures.to_json()))


def test_one_command_prints_the_tables_of_published_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gain = method(
        before=difference(0.5, 0.4, 0.6, 0.0312), base=difference(-0.25, -0.5, 0.125, 4e-5)
    )
    write(tmp_path / "round-1", round_figures(greedy=method()))
    write(tmp_path / "round-2", round_figures(greedy=gain))
    write(tmp_path / "base", BaseFigures(evaluation(greedy=method())))
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


def test_a_round_that_was_trained_again_stands_beside_itself_by_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "round-1", round_figures(greedy=method()))
    write(tmp_path / "round-1-seed-10", round_figures(greedy=method()))
    write(
        tmp_path / "round-1-seed-2",
        round_figures(greedy=method(before=difference(-0.25, -0.5, 0.125, 4e-5))),
    )
    assert main(["table", str(tmp_path)]) == 0
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()[-3:]]
    told = [[cell.strip() for cell in row if cell] for row in rows]
    assert [row[:3] for row in told] == [
        ["1", "the recipe's", "greedy"],
        ["1", "2", "greedy"],
        ["1", "10", "greedy"],
    ]
    assert told[1][5:] == ["-25.0 [-50.0, +12.5]", "4e-05", "9 + 0"]


def test_families_are_shown_where_they_were_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiers = {
        "embedded-low": CountFigures(20, 10, 0.5, 0.3, 0.7),
        "embedded-low/gcd": CountFigures(5, 3, 0.6, 0.2, 0.9),
    }
    write(tmp_path / "round-1", round_figures(greedy=method()))
    write(tmp_path / "round-2", round_figures(greedy=method(by_tier=tiers)))
    assert main(["table", str(tmp_path), "--families"]) == 0
    page = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["tier", "family", "1", "2", "of"] in page
    assert ["low", "gcd", "5", "5", "10"] in page
    assert ["low", "gcd", "-", "3", "5"] in page
    assert main(["table", str(tmp_path), "--markdown"]) == 0
    page = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert any(cells[0] == "| 1" for cells in page)
    assert ["| ---", "---", "--- |"] in page
    write(tmp_path / "round-2", round_figures(greedy=method()))
    assert main(["table", str(tmp_path), "--families"]) == 2
    assert "have no families" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is damaged"),
        ('{"coverage": {}, "sft": {}}', "cannot be read (no 'search'): another version"),
        ("[]", "cannot be read (expected an object, found list)"),
    ],
)
def test_figures_that_cannot_be_read_say_which_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, sentence: str
) -> None:
    assert main(["table", str(tmp_path)]) == 2
    assert "expected round-1/figures.json" in capsys.readouterr().err
    (tmp_path / "round-1").mkdir()
    (tmp_path / "round-1" / "figures.json").write_text(content)
    assert main(["table", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert sentence in error and "train the round again" in error


def test_ablations_are_paired_with_the_round_and_show_what_the_scorers_order() -> None:
    cell = method(before=difference(0.1, 0.0, 0.2, 0.5))
    steps = pairs()
    assert steps.by_kind is not None
    only_steps = PairFigures(150, 150, 120, 0.75, 0.7, 0.8, {"step": steps.by_kind["step"]})
    shown = ablation_tables(
        AblationFigures(
            round=4,
            data={name: evaluation(greedy=cell) for name in ("random", "rejection", "verified")},
            scorers={
                "orm": evaluation(best_of_n=cell),
                "pqm": evaluation(mcts=cell),
                "ppm": evaluation(best_of_n=cell, mcts=cell),
            },
            held_out={"orm": steps, "pqm": only_steps, "ppm": PairFigures(0)},
            rows=AblationRowFigures(1, 1, 1, 1),
        )
    )
    page = "\n\n".join(table.to_text() for table in shown)
    rows = [[cell for cell in line.split("  ") if cell] for line in page.splitlines()]
    stripped = [[cell.strip() for cell in row] for row in rows]
    own = next(row for row in stripped if row[:2] == ["data", "verified by search"])
    other = next(row for row in stripped if row[:2] == ["data", "samples as they come"])
    assert "+10.0 [+0.0, +20.0]" in other
    assert "+10.0 [+0.0, +20.0]" not in own  # the round itself has nothing to be paired with
    assert ["ORM", "75.0 [70.0, 80.0]", "75.0 [70.0, 80.0]"] in stripped
    assert ["PQM", "-", "75.0 [70.0, 80.0]"] in stripped
    assert ["PPM", "-", "-"] in stripped


def test_a_ppm_that_learnt_other_texts_stands_beside_one_that_learnt_those_of_the_rest() -> None:
    cell = method(before=difference(0.1, 0.0, 0.2, 0.5))
    scored = evaluation(best_of_n=cell, mcts=cell)
    of = {"orm": pairs(), "pqm": pairs(), "ppm": pairs(), REFRESHED: PairFigures(0)}
    variants, held_out = ablation_tables(
        AblationFigures(
            round=4,
            data={name: evaluation(greedy=cell) for name in ("random", "rejection", "verified")},
            scorers=dict.fromkeys(of, scored),
            held_out=of,
            rows=AblationRowFigures(1, 1, 1, 1),
        )
    )
    gains = {row[1]: row[5] for row in variants.rows if row[0] == "scorers"}
    assert gains["PPM"].startswith("+10.0")
    assert gains["PPM, the policy's own texts"] == "-"
    assert [row[0] for row in held_out.rows] == ["ORM", "PQM", "PPM", "PPM, the policy's own texts"]


def test_a_refreshed_round_says_what_its_ppm_is_worth_and_what_is_left_to_win() -> None:
    refreshed = dataclasses.replace(
        round_figures(greedy=method()), on_policy_rows=on_policy_rows(), worth=worth()
    )
    shown = [table.to_text() for table in round_tables([round_figures(greedy=method()), refreshed])]
    assert len(shown) == 5
    own, left = shown[2], shown[3]
    (row,) = own.splitlines()[3:]
    assert row.split("  ")[0] == "2"
    assert "70.0 [60.0, 80.0]" in row
    assert row.rstrip().endswith("mean       55.0       57.0")
    assert "sums_3" in left
    assert "+25.0 [+10.0, +40.0]" in left
    assert len(round_tables([round_figures(greedy=method())])) == 3


def test_variants_of_a_ppm_stand_in_one_table() -> None:
    text = scorers_table(ScorerFigures(2, {"head alone": worth(), "PQM": worth("last")})).to_text()
    assert "round 2" in text
    assert "20 of 30 held-out problems" in text
    assert [line.split("  ")[0] for line in text.splitlines()[3:]] == ["head alone", "PQM"]
