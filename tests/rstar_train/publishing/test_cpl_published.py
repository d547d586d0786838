"""What is printed of a run of CPL, its cards, and the status of a run: from files alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from rstar_train.cli import main
from rstar_train.cpl_figures import (
    ArmFigures,
    CPLAblationFigures,
    CPLRoundFigures,
    PlanRowFigures,
    PreferenceFigures,
    PreferencePairFigures,
    ReferenceFigures,
    ValueAccuracyFigures,
    ValueBinFigures,
)
from rstar_train.figures import BaseFigures, Figures, PolicyFigures, SearchFigures, ValueFigures
from rstar_train.publishing.cpl_cards import card
from rstar_train.publishing.cpl_tables import is_cpl
from rstar_train.recipes.recipe import load_recipe
from rstar_train.rounds.cpl import STAGES
from rstar_train.rounds.cpl_ablation import ARMS, ablate_preferences
from rstar_train.rounds.scorers import compare_scorers
from rstar_train.rounds.status import stage_statuses
from tests.rstar_train.made_figures import COVERAGE, difference, evaluation, method

FIT = {"dropped_too_long": 0, "steps": 5, "loss_first": 1.25, "loss_last": 0.5, "seconds": 1.0}
ROWS = PlanRowFigures(40, 40, 90, 30, 900, {"words_2": 90}, {"problems unsolved": 10})
LEARNT = PreferenceFigures(
    pairs=70, problems=20, mean_margin=1.2, mean_log_ratio=3.4, ordered=0.9, measured=70, **FIT
)


def round_of(**changes: object) -> CPLRoundFigures:
    figures = CPLRoundFigures(
        search=SearchFigures(40, 40, 0, 30, 40, 12345, 0, 50, stage_seconds=1800.0),
        rows=ROWS,
        held_out_rows=replace(ROWS, problems=4),
        sft=PolicyFigures(rows=90, **FIT),
        pairs=PreferencePairFigures(
            40, 60, 10, 70, 20, {"pairs": 25, "only wrong": 15}, 3, 1.5, 0.6
        ),
        reference=ReferenceFigures(70, 0, -3.0, -4.0),
        preference=LEARNT,
        value=ValueFigures(
            rows=900, problems=40, tokens_per_epoch=9, tokens_per_epoch_without_sharing=30, **FIT
        ),
        value_accuracy=ValueAccuracyFigures(
            80, 4, 0.31, 0.62, 0.7, None, {"0": ValueBinFigures(80, 0.1, 0.2, 0.1, 0.3)}
        ),
        evaluation=evaluation(plan_greedy=method("plan greedy"), cpl=method("cpl 16")),
        sft_evaluation=evaluation(
            plan_greedy=method("plan greedy", before=difference(-0.1, -0.2, 0.0, 0.04))
        ),
        coverage={"all": COVERAGE, "words": COVERAGE},
    )
    return replace(figures, **changes)


def write(folder: Path, figures: Figures) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures.to_json()))


def test_figures_are_read_as_they_were_written() -> None:
    figures = round_of()
    assert CPLRoundFigures.from_json(json.loads(json.dumps(figures.to_json()))) == figures


def test_one_command_prints_the_tables_of_published_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "round-1", round_of())
    write(tmp_path / "base", BaseFigures(evaluation(plan_greedy=method("plan greedy"))))
    lost = difference(-0.3, -0.4, -0.2, 0.001)
    arms = {
        name: ArmFigures(LEARNT, evaluation(plan_greedy=method("plan greedy")), lost)
        for name in ARMS
    }
    for name, seed in (("ablation-seed-2", 2), ("ablation", None)):
        found = CPLAblationFigures(1, evaluation(plan_greedy=method("plan greedy")), arms, seed)
        (tmp_path / f"{name}.json").write_text(json.dumps(found.to_json()))
    assert is_cpl(tmp_path) and not is_cpl(tmp_path / "round-1")
    assert main(["table", str(tmp_path)]) == 0
    page = capsys.readouterr().out
    lines = [line.split() for line in page.splitlines()]
    assert ["1", "40", "40", "90", "60", "10", "900", "15", "12,345", "0.50"] in [
        [*line[:9], line[9] if len(line) > 9 else ""] for line in lines
    ]
    assert "1      80     4         0.310               0.620        0.700             -" in page
    assert "SFT" in page and "-10.0 [-20.0, +0.0]" in page
    assert page.index("Preferences after round 1, the recipe's seed") < page.index("1, seed 2")
    assert [line[0] for line in lines if line and line[0] in ARMS] == [*ARMS] * 2
    assert page.count("-30.0 [-40.0, -20.0]  0.001") == 2 * len(ARMS)


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("sft", "before it learns preferences"),
        ("policy", "| trees by what they gave | pairs: 25, only wrong: 15 |"),
        ("ppm", "| mean squared error of q there | 0.310 (0.620 by always saying the mean) |"),
    ],
)
def test_a_card_says_what_its_checkpoint_is(role: str, words: str) -> None:
    lineage = {
        "name": "smollm2-cpl-r1",
        "kind": "ppm" if role == "ppm" else "policy",
        "round": 1,
        "recipe": "cpl-smollm2",
        "parent": "../sft",
        "template": "plans",
        "searcher": {"demonstrator": "demonstrator of plans"},
        "annotation": "terminal",
        "inputs": {"parent": "p", "data": "d"},
        "figures": {"pairs": 70},
        "trained_by": {"git": None},
    }
    page = card(role, lineage, round_of())
    assert words in page
    assert "| searched by | demonstrator of plans |" in page
    assert "| held out of training | 4 problems of the pool" in page


def test_the_status_of_a_run_lists_the_stages_of_cpl(tmp_path: Path) -> None:
    (tmp_path / "pool.json").write_text(json.dumps({"problems": []}))
    names = [each.name for each in stage_statuses(load_recipe("cpl-smollm2"), tmp_path)]
    assert names[0] == "base/evaluation"
    assert names[1:] == [f"round-{k}/{stage}" for k in (1, 2) for stage in STAGES]


def test_what_has_not_been_trained_or_is_another_systems_is_said(tmp_path: Path) -> None:
    recipe = load_recipe("cpl-smollm2")
    with pytest.raises(BenchError, match="round-2 holds no finished round; run rstar-train evolve"):
        ablate_preferences(recipe, work=tmp_path, publish=tmp_path)
    with pytest.raises(BenchError, match="trains cpl, and variants of a PPM are of rStar-Math's"):
        compare_scorers(recipe, 1, work=tmp_path, publish_in=tmp_path)
