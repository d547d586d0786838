"""Model cards and lineage: what a published checkpoint says about itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, Kind, find_checkpoint, read_checkpoint
from bench.errors import BenchError
from rstar_train.publishing.cards import card, write_cards
from rstar_train.publishing.checkpoint import Lineage, publish, round_name
from rstar_train.recipes.recipe import load_recipe
from tests.rstar_train.made_figures import difference, method, round_figures

RECIPE = load_recipe("smollm2-cpu")
SEARCHER = {"policy": {"name": "smollm2-r2", "digest": "abc"}, "ppm": {"name": "x", "digest": "d"}}
GIT = {"commit": "c0ffee", "dirty": False}
FIGURES = round_figures(greedy=method(n=504, tokens=100.0, before=difference(0.5, 0.4, 0.6, 0.012)))


def adapter(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/home/x"}))
    (folder / "optimizer.pt").write_bytes(b"not published")
    return folder


def published(tmp_path: Path, kind: Kind = "policy") -> Path:
    out = tmp_path / "out" / kind
    if kind == "policy":
        parent = find_checkpoint(EMBEDDED, "policy")
    else:
        parent = read_checkpoint(published(tmp_path), "policy")
    lineage = Lineage(
        name="smollm2-r3",
        kind=kind,
        parent=parent,
        round=3,
        recipe=RECIPE.name,
        searcher=SEARCHER,
        annotation="ppm",
        inputs={"parent": "b179", "data": "5f66"},
        figures={"rows": 400, "loss_last": 0.08},
        trained_by={"git": GIT, "packages": {}, "finished": "then"},
    )
    trained = adapter(tmp_path / "work" / kind)
    (trained / "stage.json").write_text("{}")
    publish(trained, out, lineage, lora=RECIPE.defaults.lora, leave_out=("stage.json",))
    return out


def test_what_is_published_is_a_checkpoint_and_nothing_of_this_machine(tmp_path: Path) -> None:
    out = published(tmp_path)
    assert {file.name for file in out.iterdir()} == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "lineage.json",
    }
    config = json.loads((out / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "smollm2"
    checkpoint = read_checkpoint(out, "policy")
    assert (checkpoint.name, checkpoint.lineage["round"]) == ("smollm2-r3", 3)
    assert checkpoint.lineage["searcher"] == SEARCHER
    assert checkpoint.lineage["annotation"] == "ppm"


def test_what_is_published_again_is_as_before_and_tells_who_trained_it(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        out = published(tmp_path)
        found.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert found[0] == found[1]
    assert set(found[0]) == {"adapter_model.safetensors", "adapter_config.json", "lineage.json"}
    lineage = json.loads(found[0]["lineage.json"])
    assert lineage["trained_by"] == {"git": GIT, "packages": {}, "finished": "then"}
    assert "| code | c0ffee |" in card(lineage, FIGURES)


def test_a_training_without_its_weights_takes_nothing_from_what_is_published(
    tmp_path: Path,
) -> None:
    out = published(tmp_path)
    (tmp_path / "work" / "policy" / "adapter_model.safetensors").unlink()
    lineage = Lineage(
        **{"name": "x", "kind": "policy", "parent": find_checkpoint(EMBEDDED, "policy")},
        **{"round": 3, "recipe": "r", "searcher": {}, "annotation": "ppm", "inputs": {}},
        **{"figures": {}, "trained_by": {}},
    )
    with pytest.raises(BenchError, match="holds no weights to publish, and .* keeps what it has"):
        lora = RECIPE.defaults.lora
        publish(tmp_path / "work" / "policy", out, lineage, lora=lora, leave_out=())
    assert read_checkpoint(out, "policy").name == "smollm2-r3"


@pytest.mark.parametrize("kind", ["policy", "ppm"])
def test_a_card_holds_lineage_training_and_results(tmp_path: Path, kind: Kind) -> None:
    lineage = json.loads((published(tmp_path, kind) / "lineage.json").read_text())
    page = card(lineage, FIGURES)
    assert page.startswith(f"# smollm2-r3, {kind}\n")
    assert "| searched by | policy smollm2-r2 (abc), ppm x (d) |" in page
    assert "| data, SHA-256 | `5f66` |" in page
    assert "problems unsolved: 7 |" in page
    assert "| held out of training | 40 problems of the pool, and all evaluation |" in page
    assert "| greedy | 504 | 50.0 [40.0, 60.0] | +50.0 [+40.0, +60.0] | 0.012 | 100 + 0 |" in page
    assert ("80.0 [70.0, 90.0] of 300" in page) == (kind == "ppm")


def test_both_cards_lie_beside_their_checkpoints(tmp_path: Path) -> None:
    published(tmp_path, "policy"), published(tmp_path, "ppm")
    write_cards(tmp_path / "out", FIGURES)
    for kind in ("policy", "ppm"):
        assert (tmp_path / "out" / kind / "README.md").read_text().startswith("# smollm2-r3")


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("smollm2-cpu", "smollm2-r4"),
        ("smollm2-gsm8k", "smollm2-gsm8k-r4"),
        ("official", "Qwen2.5-Math-7B-r4"),
    ],
)
def test_a_round_is_called_what_the_harness_finds_it_by(recipe: str, name: str) -> None:
    assert round_name(load_recipe(recipe), 4) == name
