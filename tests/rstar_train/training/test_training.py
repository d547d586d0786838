"""Trainings on tiny random models: they learn, resume where they were killed, and say what failed.

What is checked is arithmetic and files; how well a real model learns is for the rounds to show.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import read_checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights, parameters
from bench.engines.base import Request
from bench.engines.ppm import PPMScorer
from bench.engines.transformers import TransformersEngine
from bench.errors import BenchError, CheckpointError
from bench.prompts import OFFICIAL, START
from rstar_train.figures import PolicyFigures
from rstar_train.policy import sft
from rstar_train.policy.sft import train_policy
from rstar_train.publishing.checkpoint import Lineage, publish
from rstar_train.recipes.recipe import RoundSettings, load_recipe
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow
from rstar_train.training import trainer, watcher
from rstar_train.value.orm_pqm import train_orm, train_orm_on_pairs, train_pqm
from rstar_train.value.pair_accuracy import measure_pairs
from rstar_train.value.ppm import train_ppm
from tests import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

SHIPPED, SEED = load_recipe("smollm2-cpu").defaults, load_recipe("smollm2-cpu").seed


def recipe(**changes: Any) -> RoundSettings:
    """The shipped settings with a small adapter and, in both trainings, these changes."""
    fit = {"learning_rate": 1e-2, "batch_size": 4, "max_rows": 0, "epochs": 2.0, **changes}
    lora = replace(SHIPPED.lora, rank=4, alpha=8)
    return replace(
        SHIPPED, lora=lora, sft=replace(SHIPPED.sft, **fit), ppm=replace(SHIPPED.ppm, **fit)
    )


def fit_policy(
    rows: Sequence[SFTRow], given: RoundSettings, base: Path, out: Path
) -> PolicyFigures:
    return train_policy(rows, base, out, settings=given.sft, lora=given.lora, seed=SEED)


def _scorer(train: Callable[..., Any]) -> Callable[..., Any]:
    """A training of a scorer that takes the settings of a round."""

    def fit(rows: Any, given: RoundSettings, base: Path, out: Path, **how: Any) -> Any:
        return train(rows, base, out, settings=given.ppm, lora=given.lora, seed=SEED, **how)

    return fit


fit_ppm, fit_orm, fit_orm_on_pairs, fit_pqm = map(
    _scorer, (train_ppm, train_orm, train_orm_on_pairs, train_pqm)
)


def prompt(at: int) -> str:
    return OFFICIAL.render(f"What is {at} + 1?", START)


SOLUTIONS = [
    SFTRow(f"p{at}", prompt(at), f"\nprint({at} + 1)\n<end_of_code>", 1.0) for at in range(10)
]
PAIRS = [
    PairRow(f"p{at}", prompt(at), f"\nprint({at} + 1)", f"\nx = {wrong}", kind, 0.5)
    for at in range(8)
    for wrong, kind in ((at, "step"), (9, "solution"))
]
OUTCOMES = [
    OutcomeRow(row.problem_id, row.prompt, text, right)
    for row in PAIRS
    for text, right in ((row.chosen, True), (row.rejected, False))
]
STEPS = [StepRow(row.problem_id, row.prompt, row.completion, 0.5 * row.correct) for row in OUTCOMES]


def curve(folder: Path) -> list[float]:
    rows = [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def adapter(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(str(folder / "adapter_model.safetensors")))


def scorer_of(base: Path, trained: Path, out: Path) -> Path:
    from bench.checkpoints.merging import save_merged

    out.mkdir()
    save_merged("ppm", base, trained, out)
    return out


# Policy.


def test_a_policy_learns_its_rows(tiny_policy: Path, tmp_path: Path) -> None:
    figures = fit_policy(SOLUTIONS, recipe(epochs=6.0), tiny_policy, tmp_path)
    losses = curve(tmp_path)
    assert (figures.rows, figures.steps, len(losses)) == (10, 18, 18)
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert all(weight.dtype == torch.bfloat16 for weight in adapter(tmp_path).values())
    assert not (tmp_path / "trainer").exists()


def plain_loss(folder: Path, rows: Sequence[SFTRow]) -> float:
    """Mean loss of the response's tokens and the end, each row alone in the plain model."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    total, count = 0.0, 0
    for row in rows:
        start = len(tokenizer(row.prompt)["input_ids"])
        ids = [*tokenizer(row.prompt + row.completion)["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model(torch.tensor([ids])).logits[0, start - 1 : -1]
        total += float(
            torch.nn.functional.cross_entropy(logits, torch.tensor(ids[start:]), reduction="sum")
        )
        count += len(ids) - start
    return total / count


def test_the_first_loss_is_that_of_the_responses_alone(tiny_policy: Path, tmp_path: Path) -> None:
    whole = recipe(batch_size=10, epochs=1.0)
    figures = fit_policy(SOLUTIONS, whole, tiny_policy, tmp_path)
    # The adapter begins at zero; bf16 rounds.
    assert figures.loss_first == pytest.approx(plain_loss(tiny_policy, SOLUTIONS), rel=0.01)


def test_a_training_is_told_by_what_its_base_holds(tiny_policy: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_policy, tmp_path / "copy"))
    sections = {"sft": recipe().sft}
    first = trainer.training_digest(0, sections, tiny_policy, SOLUTIONS)
    assert trainer.training_digest(0, sections, copy, SOLUTIONS) == first
    file = copy / "model.safetensors"
    weights = bytearray(file.read_bytes())
    weights[-1] ^= 1  # of the same size
    file.write_bytes(weights)
    assert trainer.training_digest(0, sections, copy, SOLUTIONS) != first


def test_rank_0_trains_every_weight_in_fp32(
    tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = replace(recipe(learning_rate=1e-5), lora=replace(SHIPPED.lora, rank=0))
    monkeypatch.setattr(trainer, "_halve", lambda folder: None)  # what is trained, not yet rounded
    fit_policy(SOLUTIONS, every, tiny_policy, tmp_path)
    before, after = (
        transformers.AutoModelForCausalLM.from_pretrained(each, dtype=torch.float32)
        for each in (tiny_policy, tmp_path)
    )
    for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        assert not torch.equal(old, new), name


def test_a_whole_model_is_published_and_found_as_full_weights(
    tiny_policy: Path, tmp_path: Path
) -> None:
    every = replace(recipe(), lora=replace(SHIPPED.lora, rank=0))
    base = read_checkpoint(tiny_policy, "policy")
    parent, trained = base, {}
    for kind, train, rows in (("policy", fit_policy, SOLUTIONS), ("ppm", fit_ppm, PAIRS)):
        made = tmp_path / "work" / kind
        train(rows, every, full_weights(parent), made)  # type: ignore[operator]
        parent = trained[kind] = publish(
            made,
            tmp_path / "out" / kind,
            Lineage(
                name="smollm2-r2",
                kind=kind,  # type: ignore[arg-type]
                parent=parent,
                round=2,
                recipe="smollm2-cpu",
                searcher={},
                annotation="terminal",
                inputs={},
                figures={},
                trained_by={},
            ),
            lora=every.lora,
            leave_out=(),
        )
    policy, ppm = trained["policy"], trained["ppm"]
    assert (policy.adapter, policy.name, policy.template) == (None, "smollm2-r2", "rstar")
    assert (tmp_path / "out" / "policy" / policy.lineage["parent"]).resolve() == tiny_policy
    assert ppm.lineage["parent"] == "../policy"
    assert parameters(policy) == parameters(ppm) == parameters(base)
    assert full_weights(policy) == tmp_path / "out" / "policy"
    assert json.loads((tmp_path / "out" / "ppm" / "config.json").read_text())["dtype"] == "bfloat16"
    assert str(tmp_path) not in "".join(p.read_text() for p in tmp_path.glob("out/*/*.json"))
    with closing(TransformersEngine(full_weights(policy), name="policy")) as engine:
        (text,) = asyncio.run(engine.generate(Request(prompt(1), 1, 0, 0.0, 8, ())))
        assert text.tokens > 0
    with closing(PPMScorer(full_weights(ppm), name="ppm")) as scorer:
        assert -1 < scorer.values(prompt(1), [["\nprint(2)"]])[0][0] < 1


def test_training_again_leaves_what_was_published_alone(tiny_policy: Path, tmp_path: Path) -> None:
    made, published = tmp_path / "made", tmp_path / "published.safetensors"
    fit_policy(SOLUTIONS, recipe(epochs=1.0), tiny_policy, made)
    published.hardlink_to(made / "adapter_model.safetensors")  # as publishing does
    before = published.read_bytes()
    fit_policy(SOLUTIONS[:5], recipe(epochs=1.0), tiny_policy, made)
    assert published.read_bytes() == before
    assert (made / "adapter_model.safetensors").read_bytes() != before


# What is killed goes on.


class Killed(Exception):
    """Stands in for a kill: nothing after it runs."""


@pytest.mark.parametrize("what", ["policy", "ppm"])
def test_a_killed_training_goes_on_and_ends_as_it_would_have(
    what: str, tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "SAVE_SECONDS", 0.0)  # a checkpoint at every step
    train: Any = {"policy": fit_policy, "ppm": fit_ppm}[what]
    rows: Any = {"policy": SOLUTIONS, "ppm": PAIRS}[what]
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    train(rows, recipe(), tiny_policy, unbroken)

    save_state = transformers.TrainerState.save_to_json

    def killed_at_4(self: Any, path: str) -> None:
        if self.global_step == 4:
            raise Killed  # while saving: checkpoint 4 is not whole
        save_state(self, path)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(transformers.TrainerState, "save_to_json", killed_at_4)
        train(rows, recipe(), tiny_policy, broken)
    assert (broken / "trainer" / "checkpoint-4").is_dir()
    figures = train(rows, recipe(), tiny_policy, broken)
    assert figures.resumed_at_step == 3
    assert curve(broken) == pytest.approx(curve(unbroken), rel=1e-4)
    for name, weight in adapter(unbroken).items():
        torch.testing.assert_close(adapter(broken)[name], weight, rtol=0.02, atol=1e-4)


def test_a_checkpoint_of_other_rows_is_not_gone_on_from(tmp_path: Path) -> None:
    folder = tmp_path / "trainer"
    assert watcher.find_checkpoint_to_resume(folder, "these rows") is None
    (folder / "checkpoint-7").mkdir()
    (folder / "checkpoint-7" / "trainer_state.json").write_text("{}")
    assert watcher.find_checkpoint_to_resume(folder, "these rows") == folder / "checkpoint-7"
    assert watcher.find_checkpoint_to_resume(folder, "other rows") is None
    assert not (folder / "checkpoint-7").exists()


def test_of_several_checkpoints_the_last_whole_one_counts(tmp_path: Path) -> None:
    folder = tmp_path / "trainer"
    watcher.find_checkpoint_to_resume(folder, "rows")
    for step, state in ((9, "{}"), (10, "{}"), (11, '{"cut'), (12, None)):
        (folder / f"checkpoint-{step}").mkdir()
        if state is not None:
            (folder / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert watcher.find_checkpoint_to_resume(folder, "rows") == folder / "checkpoint-10"
    assert sorted(p.name for p in folder.glob("check*")) == ["checkpoint-10", "checkpoint-9"]


# Scorers.


def test_a_ppm_learns_its_pairs_and_is_used_as_trained(tiny_policy: Path, tmp_path: Path) -> None:
    figures = fit_ppm(PAIRS, recipe(epochs=8.0), tiny_policy, tmp_path / "ppm")
    assert (figures.pairs, figures.problems) == (16, 8)
    assert figures.tokens_per_epoch < figures.tokens_per_epoch_without_sharing / 2
    assert figures.loss_first == pytest.approx(0.6931, abs=1e-4)  # the head starts at zero
    merged = scorer_of(tiny_policy, tmp_path / "ppm", tmp_path / "merged")
    found = measure_pairs(PAIRS, merged, seed=SEED, out=tmp_path)
    assert found.accuracy > 0.8
    assert found.by_kind["step"].pairs == found.by_kind["solution"].pairs == 8
    assert "<svg" in (tmp_path / "calibration.svg").read_text()
    table = json.loads((tmp_path / "calibration.json").read_text())
    assert sum(row["pairs"] for row in table) == 16


def test_a_pairs_weight_is_how_much_it_counts(tiny_policy: Path, tmp_path: Path) -> None:
    # The same two texts, preferred one way and, with less weight, the other.
    one = PAIRS[0]
    rows = [
        replace(one, weight=3.0),
        replace(one, chosen=one.rejected, rejected=one.chosen, weight=1.0),
    ]
    fit_ppm(rows, recipe(epochs=12.0), tiny_policy, tmp_path / "ppm")
    folder = scorer_of(tiny_policy, tmp_path / "ppm", tmp_path / "merged")
    assert measure_pairs(rows[:1], folder, seed=SEED).right == 1


@pytest.mark.parametrize("kind", ["ppm", "orm on pairs"])
def test_what_is_learnt_from_pairs_is_learnt_with_the_recipes_centering(
    kind: str, tiny_policy: Path, tmp_path: Path
) -> None:
    train: Any = {"ppm": fit_ppm, "orm on pairs": fit_orm_on_pairs}[kind]
    losses = {}
    for coefficient in (None, 5.0):
        plain = recipe(epochs=2.0)
        settings = replace(plain, ppm=replace(plain.ppm, centering=coefficient))
        train(PAIRS, settings, tiny_policy, tmp_path / f"{coefficient}")
        losses[coefficient] = curve(tmp_path / f"{coefficient}")
    assert losses[5.0][0] == losses[None][0]  # the head starts at zero
    assert losses[5.0][-1] > losses[None][-1]


def test_official_rules_train_raw_scores_and_say_so(tiny_policy: Path, tmp_path: Path) -> None:
    fit_ppm(PAIRS, recipe(epochs=1.0), tiny_policy, tmp_path, rules="official")
    assert PPMConfig.load(tmp_path).squash == "tanh_fifth"
    assert curve(tmp_path)[0] == pytest.approx(0.6931 * 2, abs=1e-3)  # a sum of 4 x 0.5, no mean


@pytest.mark.parametrize("kind", ["orm", "orm on pairs", "pqm"])
def test_the_ablations_scorers_learn_and_are_loaded_as_a_ppm_is(
    kind: str, tiny_policy: Path, tmp_path: Path
) -> None:
    train: Any = {"orm": fit_orm, "orm on pairs": fit_orm_on_pairs, "pqm": fit_pqm}[kind]
    rows: Any = {"orm": OUTCOMES, "orm on pairs": PAIRS, "pqm": STEPS}[kind]
    figures = train(rows, recipe(epochs=8.0), tiny_policy, tmp_path / "scorer")
    assert figures.loss_last < 0.8 * figures.loss_first
    scorer = PPMScorer(scorer_of(tiny_policy, tmp_path / "scorer", tmp_path / "m"), name=kind)
    contract = scorer.reading.contract
    assert isinstance(contract, PPMConfig) and contract.kind == kind[:3]
    (good,), (bad,) = scorer.values(PAIRS[0].prompt, [[PAIRS[0].chosen], [PAIRS[0].rejected]])
    scorer.close()
    assert good > bad


VALUES = [
    StepRow(row.problem_id, row.prompt, row.completion, 1.0 if row.correct else -1.0, 0.5)
    for row in OUTCOMES
]


@pytest.mark.parametrize("learn", ["values", "both"])
@pytest.mark.parametrize("head_only", [None, True])
def test_a_ppm_learns_what_texts_are_worth_and_its_head_alone_can(
    learn: Any, head_only: bool | None, tiny_policy: Path, tmp_path: Path
) -> None:
    plain = recipe(epochs=8.0)
    settings = replace(plain, ppm=replace(plain.ppm, learn=learn, head_only=head_only, bias=True))
    figures = fit_ppm(PAIRS, settings, tiny_policy, tmp_path / "ppm", values=VALUES)
    assert figures.loss_last < 0.8 * figures.loss_first
    assert "bias" in json.loads((tmp_path / "ppm" / "reward.json").read_text())
    assert not [name for name in adapter(tmp_path / "ppm") if name.endswith("bias")]
    scorer = PPMScorer(scorer_of(tiny_policy, tmp_path / "ppm", tmp_path / "m"), name="values")
    values = [scorer.values(row.prompt, [[row.chosen], [row.rejected]]) for row in PAIRS]
    scorer.close()
    right = sum(good > 0 > bad for (good,), (bad,) in values)
    assert right > len(PAIRS) / 2


def test_a_head_that_was_fitted_alone_leaves_the_backbone_as_it_was(
    tiny_policy: Path, tmp_path: Path
) -> None:
    settings = replace(recipe(), ppm=replace(recipe().ppm, head_only=True))
    fit_ppm(PAIRS, settings, tiny_policy, tmp_path)
    changed = {name: tensor.abs().max() for name, tensor in adapter(tmp_path).items()}
    assert all(size == 0 for name, size in changed.items() if "lora_B" in name)
    assert changed["base_model.model.score.weight"] > 0
    assert adapter(tmp_path)["base_model.model.score.weight"].dtype == torch.float32
    assert json.loads((tmp_path / "reward.json").read_text())["head_only"]


# Bad input.


def test_nothing_to_train_on_is_said(tiny_policy: Path, tmp_path: Path) -> None:
    for train, words in (
        (fit_policy, "no solved problem"),
        (fit_ppm, "no preference pairs"),
        (fit_pqm, "no step with a Q"),
    ):
        with pytest.raises(BenchError, match=words):
            train([], recipe(), tiny_policy, tmp_path)  # type: ignore[operator]
    right = [row for row in OUTCOMES if row.correct]
    with pytest.raises(BenchError, match="8 given are all right|16 given are all right"):
        fit_orm(right, recipe(), tiny_policy, tmp_path)
    with pytest.raises(BenchError, match="none of the 8 pairs is of whole solutions"):
        steps = [row for row in PAIRS if row.kind == "step"]
        fit_orm_on_pairs(steps, recipe(), tiny_policy, tmp_path)
    with pytest.raises(BenchError, match="has Q 1.5, expected -1 to 1"):
        fit_pqm([replace(STEPS[0], q=1.5)], recipe(), tiny_policy, tmp_path)


def test_rows_over_the_limit_are_counted_and_if_all_are_it_is_an_error(
    tiny_policy: Path, tmp_path: Path
) -> None:
    long = replace(PAIRS[0], rejected="\nx = 1" * 300)
    figures = fit_ppm([*PAIRS, long], recipe(epochs=1.0), tiny_policy, tmp_path / "ppm")
    assert (figures.pairs, figures.dropped_too_long) == (16, 1)
    with pytest.raises(BenchError, match=r"each of the 1 rows .* 512 tokens; raise ppm.max_length"):
        fit_ppm([long], recipe(), tiny_policy, tmp_path / "none")
    short = replace(recipe(), sft=replace(recipe().sft, max_length=5))
    with pytest.raises(BenchError, match=r"each of the 10 SFT rows .*raise sft.max_length"):
        fit_policy(SOLUTIONS, short, tiny_policy, tmp_path / "sft")


def test_another_models_tokenizer_is_refused(
    tiny_policy: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    small = transformers.LlamaForCausalLM(tiny.config(1000))
    folder = tiny._save(small, tmp_path / "model", tokenizer_folder)
    for train, rows in ((fit_policy, SOLUTIONS), (fit_ppm, PAIRS)):
        with pytest.raises(CheckpointError, match="the model embeds 1000 tokens"):
            train(rows, recipe(), folder, tmp_path / "out")  # type: ignore[operator]
    shutil.rmtree(folder)
    with pytest.raises(CheckpointError, match="no model folder"):
        fit_ppm(PAIRS, recipe(), folder, tmp_path / "out")


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_said_and_costs_what_was_not_saved(
    error: Exception, tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "SAVE_SECONDS", 0.0)
    save_state = transformers.TrainerState.save_to_json

    def full_at_4(self: Any, path: str) -> None:
        if self.global_step == 4:
            raise error
        save_state(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.TrainerState, "save_to_json", full_at_4)
        with pytest.raises(BenchError, match="disk of .* is full .*goes on at the last checkpoint"):
            fit_ppm(PAIRS, recipe(), tiny_policy, tmp_path)
    assert fit_ppm(PAIRS, recipe(), tiny_policy, tmp_path).resumed_at_step == 3


def test_another_runtime_error_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    assert not trainer._is_full(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), tmp_path)


def test_trls_own_loss_of_a_packed_batch_is_the_same(
    tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a GPU, where TRL's head is the fast one.
    whole = recipe(batch_size=10, epochs=1.0)
    ours = fit_policy(SOLUTIONS, whole, tiny_policy, tmp_path / "ours")
    make_trainer = sft.response_trainer

    def as_on_a_gpu(base: type) -> type:
        trainer = make_trainer(base)
        trainer.on_one_cpu = False  # type: ignore[attr-defined]
        return trainer

    monkeypatch.setattr(sft, "response_trainer", as_on_a_gpu)
    theirs = fit_policy(SOLUTIONS, whole, tiny_policy, tmp_path / "theirs")
    assert theirs.loss_first == pytest.approx(ours.loss_first, rel=2e-3)
    assert theirs.loss_last == pytest.approx(ours.loss_last, rel=5e-3)
