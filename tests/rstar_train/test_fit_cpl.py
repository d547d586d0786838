"""One training of CPL by itself leaves a checkpoint that is asked in the template of plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.checkpoints.checkpoint import find_checkpoint, read_checkpoint
from bench.prompts.plans import PLANS
from rstar_train.fit import main
from rstar_train.recipes.recipe import RECIPES
from rstar_train.rows.row import SFTRow, write_rows
from tests.rstar_train.policy.test_step_apo import rows as pairs
from tests.rstar_train.value.test_plan_value import rows as values

pytest.importorskip("trl")
pytest.importorskip("peft")

ROWS: dict[str, list[Any]] = {
    "sft": [SFTRow(row.problem_id, row.rendered, row.chosen, 1.0) for row in pairs()],
    "step-apo": pairs(),
    "plan-value": values(),
}


def recipe(folder: Path) -> str:
    data = yaml.safe_load((RECIPES / "cpl-smollm2.yaml").read_text())
    data["lora"] = {"rank": 2, "alpha": 8, "dropout": 0.0}
    for section in ("sft", "preference", "value"):
        data[section] |= {"epochs": 1, "batch_size": 4}
    (folder / "mine.yaml").write_text(yaml.safe_dump(data))
    return str(folder / "mine.yaml")


@pytest.mark.parametrize("what", ROWS)
def test_what_was_trained_is_found_and_writes_or_reads_plans(
    what: str, tiny_policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(ROWS[what], tmp_path / "rows.jsonl")
    options = ["--recipe", recipe(tmp_path), "--rows", str(tmp_path / "rows.jsonl")]
    out = tmp_path / what
    assert main([what, *options, "--base", str(tiny_policy), "--out", str(out)]) == 0
    found = find_checkpoint(str(out), "ppm" if what == "plan-value" else "policy")
    assert (found.name, found.template) == (what, PLANS.name)
    assert found.lineage["figures"] == json.loads(capsys.readouterr().out)
    assert found.lineage["inputs"]["parent"] == read_checkpoint(tiny_policy, "policy").digest


def test_a_training_of_another_system_is_refused(
    tiny_policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rows", "none.jsonl", "--base", str(tiny_policy), "--out", str(tmp_path / "out")]
    assert main(["ppm", "--recipe", "cpl-smollm2", *options]) == 2
    assert "trains cpl, which has no section 'ppm'" in capsys.readouterr().err
    assert main(["step-apo", "--recipe", "smollm2-cpu", *options]) == 2
    assert "trains rstar, which has no section 'preference'" in capsys.readouterr().err
