"""Published reward models, tiny and random: each scores as its own published code would.

The formulas here go over whole texts, with the tokenizer's own chat template and the model's whole
output; what is tested lays steps out one by one, and computes what they share once.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import find_checkpoint
from bench.checkpoints.reward import (
    MATH_SHEPHERD,
    OUTCOME,
    QWEN_MATH_PRM,
    RLHFLOW_PRM,
    SKYWORK_PRM,
    find_reading,
    read_contract,
)
from bench.engines.ppm import PPMScorer
from bench.engines.rewards import split_steps, strip_tags
from bench.errors import CheckpointError
from tests import tiny
from tests.scripted import problem

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)
QUESTION = problem().question
STEPS = ["# Add\na = 1 + 2\n<end_of_step>", "\nprint(a)\n<end_of_code>\n<output>3<end_of_output>\n"]
OTHER = "\nprint(a - 1)\n<end_of_code>\n<output>2<end_of_output>\n"
PLAIN = ["# Add\na = 1 + 2", "print(a)\n\nOutput: 3"]
"""The steps as a model that knows no tags reads them."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HIDDEN = 32


def make_tokenizer(source: Path, folder: Path, *special: str) -> Any:
    """The embedded model's tokenizer with a template of its own, and more special tokens."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.chat_template = CHATML
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.save_pretrained(folder)
    return tokenizer


def save(model: Any, folder: Path, heads: Mapping[str, Any], **config: Any) -> Any:
    """Save a model with further tensors, and what config.json says of it; return its tokenizer.

    It is read again, for `config.json` decides what kind of tokenizer the files make.
    """
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    for weight in model.parameters():
        weight.data = weight.data.bfloat16().float()
    model.save_pretrained(folder)
    file = folder / "model.safetensors"
    save_file({**load_file(file), **heads}, file, metadata={"format": "pt"})
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, **config}))
    return AutoTokenizer.from_pretrained(folder)


def make_backbone(tokenizer: Any, **changes: Any) -> Any:
    from transformers import Qwen2Config, Qwen2Model

    return Qwen2Model(as_config(Qwen2Config, tokenizer, **changes)).eval()


def as_config(kind: Any, tokenizer: Any, **changes: Any) -> Any:
    """The tiny Llama's sizes as a configuration of another kind."""
    import torch

    torch.manual_seed(5)
    told = tiny.config(len(tokenizer), **changes).to_dict()
    own = ("model_type", "architectures", "transformers_version")
    return kind(**{name: value for name, value in told.items() if name not in own})


def make_weights(*shape: int) -> Any:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def hidden_of(backbone: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return backbone(torch.tensor([ids])).last_hidden_state[0]


def prefixed(backbone: Any, folder: Path) -> None:
    """Name a backbone's weights as in the published files, `model.` before each."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    found = load_file(file)
    names = {name for name, _ in backbone.named_parameters()}
    renamed = {f"model.{k}" if k in names else k: v.clone() for k, v in found.items()}
    save_file(renamed, file, metadata={"format": "pt"})


@contextmanager
def opened(folder: Path, name: str = "reward") -> Iterator[PPMScorer]:
    scorer = PPMScorer(folder, name=name)
    scorer.backbone.float()
    try:
        yield scorer
    finally:
        scorer.close()


def score(scorer: PPMScorer) -> list[list[float]]:
    """Score two whole solutions that begin alike, then the second step once more by itself."""

    async def go() -> list[list[float]]:
        scoring = scorer.scoring(problem())
        whole = await scoring.score("", [STEPS, [STEPS[0], OTHER]])
        late = await scoring.score(STEPS[0], [[STEPS[1]]])
        assert late.values[0] == pytest.approx(whole.values[0][1:], abs=1e-5)
        assert late.tokens == 0
        return whole.values

    return asyncio.run(go())


def expect(scorer: PPMScorer, formula: Callable[[list[str]], list[float]]) -> None:
    """Compare with what the published code would give, as probabilities."""
    values = score(scorer)
    second = [PLAIN[0], "print(a - 1)\n\nOutput: 2"]
    for found, steps in zip(values, (PLAIN, second), strict=True):
        assert [(value + 1) / 2 for value in found] == pytest.approx(formula(steps), abs=1e-5)
    assert abs(values[0][1] - values[1][1]) > 1e-3


@needs_torch
def test_qwen_math_prm_scores_at_its_marker(tokenizer_folder: Path, tmp_path: Path) -> None:
    import torch

    tokenizer = make_tokenizer(tokenizer_folder, tmp_path, "<extra_0>")
    backbone = make_backbone(tokenizer)
    # Narrow, so that the probabilities are not all 0 or 1.
    first, last = make_weights(HIDDEN, HIDDEN) / 10, make_weights(2, HIDDEN) / 10
    heads = {
        **{"score.0.weight": first, "score.0.bias": make_weights(HIDDEN)},
        **{"score.2.weight": last, "score.2.bias": make_weights(2)},
    }
    tokenizer = save(backbone, tmp_path, heads, architectures=["Qwen2ForProcessRewardModel"])
    prefixed(backbone, tmp_path)
    assert find_reading(tmp_path) == QWEN_MATH_PRM

    def formula(steps: list[str]) -> list[float]:
        messages = [
            {"role": "system", "content": QWEN_MATH_PRM.system},
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "<extra_0>".join(steps) + "<extra_0>"},
        ]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        ids = tokenizer.encode(text, add_special_tokens=False)
        states = (hidden_of(backbone, ids) @ first.T + heads["score.0.bias"]).relu()
        logits = states @ last.T + heads["score.2.bias"]
        mask = torch.tensor(ids) == tokenizer.convert_tokens_to_ids("<extra_0>")
        return list(logits[mask].softmax(dim=-1)[:, 1].tolist())

    with opened(tmp_path) as scorer:
        assert scorer.aggregate == "product"
        expect(scorer, formula)


@needs_torch
def test_skywork_prm_scores_the_end_of_a_line(tokenizer_folder: Path, tmp_path: Path) -> None:
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path)
    backbone = make_backbone(tokenizer)
    weight, bias = make_weights(1, HIDDEN), make_weights(1)
    heads = {"v_head.summary.weight": weight, "v_head.summary.bias": bias}
    tokenizer = save(backbone, tmp_path, heads, architectures=["Qwen2ForPrmModel"])
    prefixed(backbone, tmp_path)
    assert find_reading(tmp_path) == SKYWORK_PRM

    def formula(steps: list[str]) -> list[float]:
        ids = [tokenizer.bos_token_id, *tokenizer.encode(f"{QUESTION}\n", add_special_tokens=False)]
        newline = tokenizer.encode("\n", add_special_tokens=False)[-1]
        ends = []
        for step in steps:
            for line in step.split("\n"):  # the published loop: an empty line has its mark, too
                ids += tokenizer.encode(line, add_special_tokens=False) if line != "" else []
                ids += [newline]
            ends.append(len(ids) - 1)
        rewards = (hidden_of(backbone, ids) @ weight.T + bias).sigmoid()[:, 0]
        return [float(rewards[end]) for end in ends]

    with opened(tmp_path) as scorer:
        expect(scorer, formula)


@needs_torch
def test_math_shepherd_scores_by_two_words_at_its_tag(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    folder = tmp_path / "math-shepherd-mistral-7b-prm"
    tokenizer = make_tokenizer(tokenizer_folder, folder)
    tokenizer = save(MistralForCausalLM(as_config(MistralConfig, tokenizer)), folder, {})
    assert find_reading(folder) == MATH_SHEPHERD
    tag = tokenizer.encode("ки")[-1]
    words = [tokenizer.encode(word)[-1] for word in "+-"]

    with opened(folder) as scorer:

        def formula(steps: list[str]) -> list[float]:
            output = "\n".join(f"{step} ки" for step in steps)
            text = f"{QUESTION} {output}"
            ids = [tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False)]
            rows = language_model.get_output_embeddings().weight[words].detach()
            scores = (hidden_of(language_model.base_model, ids) @ rows.T).softmax(dim=-1)[:, 0]
            return list(scores[torch.tensor(ids) == tag].tolist())

        from transformers import AutoModelForCausalLM

        language_model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        expect(scorer, formula)


@needs_torch
def test_rlhflow_scores_how_likely_the_verdict_is(tokenizer_folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    tiny.policy(tmp_path, tokenizer_folder)
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path)
    name = "RLHFlow/Llama3.1-8B-PRM-Deepseek-Data"
    assert find_reading(tmp_path, name) == RLHFLOW_PRM
    assert RLHFLOW_PRM.aggregate == "mean"  # as its own code ranks solutions
    words = [tokenizer.encode(word)[-1] for word in "+-"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)

    def formula(steps: list[str]) -> list[float]:
        scores, turns = [], []
        for at, step in enumerate(steps):
            asked = step if at else f"{QUESTION} {step}"
            turns.append({"role": "user", "content": asked})
            text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            with torch.inference_mode():
                ids = tokenizer.encode(text, add_special_tokens=False)
                logits = model(torch.tensor([ids])).logits
            scores.append(float(logits[0, -1, words].softmax(dim=-1)[0]))
            turns.append({"role": "assistant", "content": "+"})
        return scores

    with opened(tmp_path, name) as scorer:
        expect(scorer, formula)


@needs_torch
def test_a_model_of_outcomes_scores_the_chat_so_far(tokenizer_folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    tiny.ppm(tmp_path, tokenizer_folder)
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path)
    assert find_reading(tmp_path) == OUTCOME
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.float32)

    def formula(steps: list[str]) -> list[float]:
        scores = []
        for at in range(1, len(steps) + 1):
            turns = [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": "\n".join(steps[:at])},
            ]
            text = tokenizer.apply_chat_template(turns, tokenize=False)
            ids = tokenizer.encode(text, add_special_tokens=False)
            hidden = hidden_of(model.base_model, ids)
            with torch.inference_mode():
                scores.append(float(model.score(hidden)[-1, 0].sigmoid()))
        return scores

    with opened(tmp_path) as scorer:
        expect(scorer, formula)


@needs_torch
def test_a_reward_json_reads_a_model_that_nobody_knows(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path, "<mark>")
    backbone = make_backbone(tokenizer)
    save(backbone, tmp_path, {"score.weight": make_weights(1, HIDDEN)}, architectures=["New"])
    with pytest.raises(CheckpointError, match=r"no reward\.json, and New is not"):
        find_checkpoint(str(tmp_path), "ppm")
    told = {"layout": "chat", "head": "score", "squash": "tanh", "marker": "<mark>"}
    (tmp_path / "reward.json").write_text(json.dumps(told))
    assert find_checkpoint(str(tmp_path), "ppm").folder == tmp_path
    with opened(tmp_path) as scorer:
        assert all(-1 < value < 1 for values in score(scorer) for value in values)


@needs_torch
def test_a_marker_that_the_tokenizer_does_not_know_is_refused(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path)
    backbone = make_backbone(tokenizer)
    heads = {"score.0.weight": make_weights(2, HIDDEN)}
    save(backbone, tmp_path, heads, architectures=["Qwen2ForProcessRewardModel"])
    with opened(tmp_path) as scorer, pytest.raises(CheckpointError, match="as . tokens; it must"):
        scorer.place(QUESTION, "", [STEPS])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layout": "round"}, "layout is 'round'; expected one of chat, turns, plain"),
        ({"head": None}, "head is None; expected one of score"),
        ({"marker": ""}, "the layout 'chat' needs a marker"),
        ({"head": "classes"}, "the head 'classes' needs good and bad, the numbers of two labels"),
        ({"aggregate": "median"}, "aggregate is 'median'; expected one of last"),
        ({"colour": "red"}, "unknown key 'colour'; known: aggregate"),
        ({"marker": 5}, "marker is 5; a text is expected"),
        ({"begins": "no"}, "begins is 'no'; true or false is expected"),
        ({"head": "classes", "good": "yes", "bad": "no"}, "the numbers of two labels"),
        ({"head": "vocabulary", "good": 1, "bad": 0}, "good and bad, the two words"),
        ({"squash": "softmax"}, "'score' makes one number, which softmax does not read"),
        (
            {"head": "classes", "good": 1, "bad": 0},
            "'classes' makes two numbers, which tanh does not read; expected softmax",
        ),
        ({"layout": "turns"}, "the layout 'turns' needs good, a word that answers a step"),
    ],
)
def test_a_contract_that_means_nothing_is_one_sentence(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    told = {"layout": "chat", "head": "score", "squash": "tanh", "marker": "<m>", **changes}
    (tmp_path / "reward.json").write_text(json.dumps(told))
    with pytest.raises(CheckpointError, match=said):
        read_contract(tmp_path)
    (tmp_path / "reward.json").write_text("[")
    with pytest.raises(CheckpointError, match=r"reward\.json cannot be read"):
        read_contract(tmp_path)


def test_a_solution_is_read_step_by_step_without_tags() -> None:
    assert split_steps("<code>\n" + "".join(STEPS)) == PLAIN
    assert strip_tags("<answer>\\boxed{3}<end_of_answer>") == "\\boxed{3}"


@needs_torch
def test_a_head_that_is_not_there_is_said(tokenizer_folder: Path, tmp_path: Path) -> None:
    tokenizer = make_tokenizer(tokenizer_folder, tmp_path)
    save(make_backbone(tokenizer), tmp_path, {}, architectures=["Qwen2ForPrmModel"])
    with pytest.raises(CheckpointError, match=r"holds no v_head\.summary\.weight"):
        PPMScorer(tmp_path, name="x")
    shutil.rmtree(tmp_path)
