"""The released code's reward models, imported: the same scores, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import CheckpointError
from rstar_train.cli import main
from rstar_train.official.value_head import BIAS, HEAD, WEIGHT, convert_value_head

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

HIDDEN = 16


@pytest.fixture(scope="module")
def reward_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer model with a head, saved as the released code's save_rm.py does."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("rm")
    words = {word: at for at, word in enumerate(["<unk>", "<pad>", "a", "b", "c", "d"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", eos_token="<pad>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=8,
        hidden_size=HIDDEN,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)
    torch.save({WEIGHT: torch.randn(1, HIDDEN), BIAS: torch.tensor([1e-6])}, folder / HEAD)
    return folder


def copied(source: Path, out: Path, **head: Any) -> Path:
    out.mkdir()
    for file in source.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    if head:
        torch.save(head, out / HEAD)
    return out


def test_an_imported_model_gives_the_scores_of_the_released_code(
    reward_model: Path, tmp_path: Path
) -> None:
    from bench.engines.ppm import PPMScorer

    found = convert_value_head(reward_model, tmp_path / "ppm")
    assert found["squash"] == "tanh_fifth"
    text = "a b c d a a b"
    scorer = PPMScorer(tmp_path / "ppm", name="imported")
    try:
        ids = torch.tensor([scorer.ids(text)])
        ((value,),) = scorer.values(text[:3], [[text[3:]]])
    finally:
        scorer.close()
    model = transformers.AutoModelForCausalLM.from_pretrained(reward_model).float()
    head = torch.load(reward_model / HEAD, weights_only=True)
    with torch.inference_mode():
        last = model(ids, output_hidden_states=True).hidden_states[-1][0, -1]
    raw = last @ head[WEIGHT][0] + head[BIAS][0]
    expected = float(torch.tanh(raw / 5))
    ours = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "ppm").float()
    with torch.inference_mode():
        exact = float(torch.tanh(ours(ids).logits[0, 0] / 5))
    assert exact == pytest.approx(expected, abs=1e-5)
    assert value == pytest.approx(expected, abs=0.02)  # the scorer's backbone is bf16


def test_the_command_writes_a_standard_checkpoint(
    reward_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["import-official", "--value-head", str(reward_model), "--out", str(tmp_path)]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["hidden_size"] == HIDDEN
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert model.num_labels == 1


def test_what_is_no_such_model_is_refused(reward_model: Path, tmp_path: Path) -> None:
    weight, bias = torch.zeros(1, HIDDEN), torch.zeros(1)
    cases = {
        "other": ({"score.weight": weight}, "of another layout"),
        "wide": ({WEIGHT: torch.zeros(1, 99), BIAS: bias}, r"\(1, 99\).*expected \(1, 16\)"),
        "bias": ({WEIGHT: weight, BIAS: torch.tensor([0.5])}, "bias is 0.5"),
    }
    for name, (head, message) in cases.items():
        with pytest.raises(CheckpointError, match=message):
            convert_value_head(copied(reward_model, tmp_path / name, **head), tmp_path / "out")
    with pytest.raises(CheckpointError, match="no value_head.bin"):
        convert_value_head(tmp_path, tmp_path / "out")
    damaged = copied(reward_model, tmp_path / "damaged")
    (damaged / HEAD).write_bytes(b"PK not a zip")
    with pytest.raises(CheckpointError, match="damaged"):
        convert_value_head(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_models_tokenizer_is_refused(reward_model: Path, tmp_path: Path) -> None:
    folder = copied(reward_model, tmp_path / "rm")
    file = folder / "tokenizer.json"
    data = json.loads(file.read_text())
    data["model"]["vocab"].update({f"w{at}": at for at in range(6, 40)})
    file.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"has 40 tokens and the model 8"):
        convert_value_head(folder, tmp_path / "out")
