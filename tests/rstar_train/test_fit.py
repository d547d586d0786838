"""One training by itself leaves a checkpoint: what it wrote is found, merged and scored with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint, read_checkpoint
from bench.checkpoints.weights import full_weights
from bench.engines.ppm import PPMScorer
from bench.prompts import OFFICIAL, START
from rstar_train.fit import main
from rstar_train.recipes.recipe import RECIPES
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, write_rows

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("peft")

PROMPTS = [OFFICIAL.render(f"What is {at} + 1?", START) for at in range(4)]
RIGHT, WRONG = "\nprint(1)", "\nx = 1"
PAIRS = [PairRow(f"p{i}", p, RIGHT, WRONG, "solution", 1.0) for i, p in enumerate(PROMPTS)]
ROWS: dict[str, Sequence[Any]] = {
    "sft": [SFTRow(f"p{i}", p, RIGHT, 1.0) for i, p in enumerate(PROMPTS)],
    "ppm": PAIRS,
    "orm": [
        OutcomeRow(f"p{i}", p, text, text == RIGHT)
        for i, p in enumerate(PROMPTS)
        for text in (RIGHT, WRONG)
    ],
    "orm-pairs": PAIRS,
    "pqm": [StepRow(f"p{i}", p, RIGHT, 0.5) for i, p in enumerate(PROMPTS)],
}

Fit = Callable[[str, Path, int], Checkpoint]


@pytest.fixture
def fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fit:
    """Train on a base, an adapter of this rank or every weight (0), and find what was written."""
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "cache"))

    def train(what: str, base: Path, rank: int) -> Checkpoint:
        values = yaml.safe_load((RECIPES / "smollm2-cpu.yaml").read_text())
        values["lora"] = {"rank": rank, "alpha": 8, "dropout": 0.0}
        for section in ("sft", "ppm"):
            values[section] |= {"epochs": 1, "batch_size": 4, "learning_rate": 1e-2}
        recipe, rows, out = (tmp_path / f"{what}{end}" for end in (".yaml", ".jsonl", ""))
        recipe.write_text(yaml.safe_dump(values))
        write_rows(ROWS[what], rows)
        given = {"--recipe": recipe, "--rows": rows, "--base": base, "--out": out}
        capsys.readouterr()
        assert main([what, *(str(each) for pair in given.items() for each in pair)]) == 0
        printed = json.loads(capsys.readouterr().out)
        found = find_checkpoint(str(out), "policy" if what == "sft" else "ppm")
        assert found.lineage["figures"] == printed
        return found

    return train


@pytest.mark.parametrize(("what", "rank"), [*((what, 2) for what in ROWS), ("sft", 0), ("ppm", 0)])
def test_what_was_trained_is_found_and_is_not_its_parent(
    what: str, rank: int, tiny_policy: Path, tmp_path: Path, fit: Fit
) -> None:
    trained, parent = fit(what, tiny_policy, rank), read_checkpoint(tiny_policy, "policy")
    assert (trained.name, trained.template) == (what, OFFICIAL.name)
    assert (tmp_path / what / trained.lineage["parent"]).resolve() == tiny_policy
    assert trained.parent == (parent if rank else None)
    assert trained.lineage["inputs"]["parent"] == parent.digest != trained.digest
    weights = full_weights(trained)
    assert (weights == tmp_path / what) == (not rank)
    assert (weights / "config.json").is_file()
    for file in (tmp_path / what).glob("*.json"):
        assert str(tiny_policy) not in file.read_text(), file  # which is this machine's business


def test_a_ppm_is_trained_on_a_policy_that_is_an_adapter(tiny_policy: Path, fit: Fit) -> None:
    policy = fit("sft", tiny_policy, 2)
    assert policy.folder is not None
    ppm = fit("ppm", policy.folder, 2)
    assert (ppm.lineage["parent"], ppm.parent and ppm.parent.digest) == ("../sft", policy.digest)
    with closing(PPMScorer(full_weights(ppm), name="ppm")) as scorer:
        assert -1 < scorer.values(PROMPTS[0], [[RIGHT]])[0][0] < 1


def test_a_second_training_takes_the_place_of_the_first_in_its_folder(
    tiny_policy: Path, fit: Fit
) -> None:
    assert fit("sft", tiny_policy, 2).adapter is not None
    assert fit("sft", tiny_policy, 0).adapter is None
    again = fit("sft", tiny_policy, 2)
    assert again.folder is not None and again.adapter is not None
    assert [file.name for file in again.folder.glob("*.safetensors")] == [
        "adapter_model.safetensors"
    ]


def test_the_base_is_not_written_over(
    tiny_policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_checkpoint(tiny_policy, "policy").digest
    options = ("--recipe", "smollm2-cpu", "--rows", "none.jsonl", "--base", str(tiny_policy))
    assert main(["sft", *options, "--out", f"{tiny_policy}/../{tiny_policy.name}"]) == 2
    assert "is the folder of --base, whose weights would be lost" in capsys.readouterr().err
    assert read_checkpoint(tiny_policy, "policy").digest == before


def test_a_base_that_is_no_model_is_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--recipe", "smollm2-cpu", "--rows", "none.jsonl", "--base", str(tmp_path))
    assert main(["sft", *options, "--out", str(tmp_path / "out")]) == 2
    assert f"{tmp_path} is not a checkpoint: no config.json" in capsys.readouterr().err
