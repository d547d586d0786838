"""The arms of the ablation of preferences: which pairs and which loss each has, seed by seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, Checkpoint
from bench.errors import CheckpointError
from bench.search import ROOT, NodeKind
from bench.search.tree import new_trace
from rstar_train.cpl_figures import ArmFigures, CPLRoundFigures
from rstar_train.recipes.recipe import Recipe, load_recipe
from rstar_train.rounds import cpl_ablation
from rstar_train.rounds.cpl import PlanRound
from rstar_train.rounds.cpl_ablation import ARMS, ablate_preferences
from rstar_train.rounds.stages import Trained
from rstar_train.rows.preferences import PreferenceRow
from rstar_train.rows.row import read_rows, write_rows
from rstar_train.search.pool import Pool
from tests.rstar_train.made_figures import evaluation, method
from tests.rstar_train.made_pairs import made_pair
from tests.rstar_train.publishing.test_cpl_published import LEARNT, round_of
from tests.rstar_train.rows.test_plan_pairs import P, add, end, solve, step, stored

RECIPE: Recipe = replace(load_recipe("cpl-smollm2"), again=(2,))
NUMBER = len(RECIPE.rounds)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A last round's trees and figures, for both seeds: two steps, and luck below the wrong one."""
    trace = new_trace(P.id, "cpl", 1, "<plan>")
    root = trace.nodes[ROOT]
    good, bad, worse = (add(trace, root, step(1, words)) for words in ("good", "bad", "worse"))
    end(trace, good, solve("print(3)", "3"), 1)
    end(trace, bad, solve("print(3)  # by luck", "3"), 1)
    for at in range(2):
        end(trace, bad, solve(f"print({at})", f"{at}"), -1)
    end(trace, worse, solve("boom"), -1, NodeKind.FAILED_CODE)
    trees = tmp_path / f"round-{NUMBER}" / "search" / "trees"
    trees.parent.mkdir(parents=True)
    stored(trees, trace)
    pairs = tmp_path / f"round-{NUMBER}" / "pairs" / "pairs.jsonl"
    pairs.parent.mkdir()
    write_rows([made_pair(1, "", "good", "bad", margin) for margin in (0.2, 0.6, 1.0)], pairs)
    for name in (f"round-{NUMBER}", f"round-{NUMBER}-seed-2"):
        folder = tmp_path / "out" / name
        folder.mkdir(parents=True)
        (folder / "figures.json").write_text(json.dumps(round_of().to_json()))
    return tmp_path


class Trainer:
    """Stands in for what trains and measures; notes what each arm was given."""

    def __init__(self) -> None:
        self.arms: list[tuple[int, str, str, float, float]] = []
        self.evaluated: list[tuple[str, str, str]] = []
        self.read_own: list[tuple[str, str | None]] = []

    def add_reference(self, stages: Any, name: str, file: Path, *_: Any) -> None:
        self.file = file

    def train(
        self, stages: Any, name: str, file: Path, sft: Any, preference: Any, lora: Any
    ) -> Trained[Any]:
        rate = preference.learning_rate / RECIPE.rounds[-1].preference.learning_rate
        self.arms.append((stages.seed, name, self.file.parent.name, preference.alpha, rate))
        return Trained(stages.folder / name, LEARNT, {})

    def evaluate(self, one: Any, policy: Checkpoint, ppm: Any, **how: Any) -> Any:
        self.evaluated.append((how["stage"], policy.name, how["before"].parent.name))
        return evaluation(plan_greedy=method("plan greedy"))

    def read(self, runs: Any, families: Any, *, before: Any, base: Any) -> Any:
        self.read_own.append((runs["plan_greedy"], before.get("plan_greedy")))
        return evaluation(plan_greedy=method("plan greedy"))


@pytest.fixture
def trainer(run: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    made = Trainer()
    pool = Pool((P,), frozenset(), {})
    monkeypatch.setattr(cpl_ablation, "load_pool", lambda *_, **__: pool)
    monkeypatch.setattr(cpl_ablation, "add_reference_stage", made.add_reference)
    monkeypatch.setattr(cpl_ablation, "train_preference_stage", made.train)
    monkeypatch.setattr(
        cpl_ablation,
        "read_checkpoint",
        lambda folder, kind: Checkpoint(folder.name, kind, folder, {"template": "plans"}),
    )
    monkeypatch.setattr(
        cpl_ablation,
        "find_checkpoint",
        lambda *_: Checkpoint(EMBEDDED, "policy", None, {"template": "few-shot"}),
    )
    monkeypatch.setattr(
        cpl_ablation,
        "load_runs",
        lambda folder: {"plan_greedy": f"{folder.parent.name}/{folder.name}"} if folder else {},
    )
    monkeypatch.setattr(cpl_ablation, "families_of", lambda benchmark: {})
    monkeypatch.setattr(cpl_ablation, "figures_of", made.read)
    monkeypatch.setattr(PlanRound, "publish_trained", lambda *_, **__: None)
    monkeypatch.setattr(
        PlanRound,
        "evaluate",
        lambda one, policy, ppm, **how: made.evaluate(one, policy, ppm, **how),
    )
    return made


def test_arms_differ_in_pairs_and_loss_and_every_seed_has_all(run: Path, trainer: Trainer) -> None:
    found = ablate_preferences(RECIPE, work=run, publish=run / "out")
    assert [(each.seed, list(each.arms)) for each in found] == [(None, [*ARMS]), (2, [*ARMS])]
    assert trainer.arms == [
        (seed, *arm)
        for seed in (RECIPE.seed, 2)
        for arm in (
            ("step_dpo", "pairs", 0.0, 1.0),
            ("instance_dpo", "pairs", 0.0, 1.0),
            ("cso", "verified-pairs", 0.0, 1.0),
            ("step_apo_low", "pairs", 0.3, 1.0),
            ("step_apo_wide", "wide-pairs", 1.0, 1.0),
            ("step_dpo_wide", "wide-pairs", 0.0, 1.0),
            ("step_apo_fast", "pairs", 1.0, pytest.approx(3.0)),
            ("step_dpo_fast", "pairs", 0.0, pytest.approx(3.0)),
        )
    ]
    assert sorted(path.name for path in (run / "out").glob("*.json")) == [
        "ablation-seed-2.json",
        "ablation.json",
    ]


def test_step_apo_is_what_the_round_trained_and_measured(run: Path, trainer: Trainer) -> None:
    first, _ = ablate_preferences(RECIPE, work=run, publish=run / "out")
    figures = CPLRoundFigures.from_json(round_of().to_json())
    assert isinstance(first.arms["step_apo"], ArmFigures)
    assert first.arms["step_apo"].training == figures.preference
    own = f"round-{NUMBER}"
    assert trainer.read_own[:3] == [
        (f"{own}/evaluation", f"{own}/sft_evaluation"),
        (f"{own}/sft_evaluation", None),
        (f"{own}/evaluation", "ablation/step_dpo-evaluation"),
    ]
    assert [name for name, *_ in trainer.evaluated[: len(ARMS) - 1]] == [
        f"{arm}-evaluation" for arm in ARMS if arm != "step_apo"
    ]


def test_every_arm_is_paired_with_step_dpo(run: Path, trainer: Trainer) -> None:
    ablate_preferences(RECIPE, work=run, publish=run / "out")
    paired = [one for one, other in trainer.read_own if other == "ablation/step_dpo-evaluation"]
    arms = [f"ablation/{arm}-evaluation" for arm in ARMS if arm not in ("step_apo", "step_dpo")]
    assert paired == [f"round-{NUMBER}/evaluation", *arms]


def test_another_work_folder_than_the_rounds_is_refused(
    run: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpl_ablation, "load_runs", lambda folder: {})
    with pytest.raises(CheckpointError, match="give the --work that the rounds were trained in"):
        ablate_preferences(RECIPE, work=run, publish=run / "out")


def test_wide_pairs_are_those_of_the_median_margin_and_more(run: Path, trainer: Trainer) -> None:
    ablate_preferences(RECIPE, work=run, publish=run / "out")
    rows = read_rows(PreferenceRow, run / "ablation" / "wide-pairs" / "pairs.jsonl")
    assert [row.margin for row in rows] == [0.6, 1.0]


def test_verified_pairs_are_those_whose_choice_flips_the_outcome(
    run: Path, trainer: Trainer
) -> None:
    ablate_preferences(RECIPE, work=run, publish=run / "out")
    rows = read_rows(PreferenceRow, run / "ablation" / "verified-pairs" / "pairs.jsonl")
    steps = [(row.chosen, row.rejected) for row in rows if row.kind == "step"]
    assert steps == [(step(1, "good"), step(1, "worse"))]
