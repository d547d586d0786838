"""Shared prefixes computed once give what each text gives alone: scores, losses, gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import find_checkpoint
from bench.checkpoints.weights import full_weights
from bench.prompts import OFFICIAL, START
from rstar_train.rows.row import PairRow
from rstar_train.training.batching import TokenizerCache
from rstar_train.value.batches import make_batches
from rstar_train.value.model import load_value_model
from rstar_train.value.objectives import preference
from rstar_train.value.ppm import OBJECTIVES, pair_term
from rstar_train.value.training import micro_batch_loss
from tests import tiny

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TOLERANCE = 1e-4
"""Of losses and gradients, relative to the largest gradient of a tensor; the issue's."""


def pairs() -> list[PairRow]:
    """Two problems whose pairs share prompts, steps, or both."""
    rows = []
    for problem in ("Tom has 14 jars of 6 jam and eats 9.", "What is 57 + 87 - 70?"):
        first = OFFICIAL.render(problem, START)
        step = "\n# Step 1: Multiply\na = 14 * 6\n<end_of_step>"
        for kind, prompt, chosen, rejected, weight in (
            ("step", first, step, "\na = 14 + 6\n<end_of_step>", 0.5),
            ("step", first, step, "\n# No idea\na = 9\n<end_of_step>", 0.5),
            ("step", first + step, "\nb = a - 9\n<end_of_step>", "\nb = a\n<end_of_step>", 1.0),
            ("solution", first, step + "\nprint(a - 9)\n<end_of_code>", "\nprint(6)", 0.25),
        ):
            rows.append(PairRow(problem, prompt, chosen, rejected, kind, weight))
    return rows


def trained(model: Any) -> dict[str, Any]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def compare(folder: Path, *, every: int) -> tuple[float, float, float, int]:
    """Losses plain and packed, the worst relative gradient error, and how many tensors it is of.

    `every`: that layer's gradients and every so many others are compared.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = TokenizerCache(tokenizer, 512)
    terms = [term for row in pairs() if (term := pair_term(row, ids)) is not None]
    (batch,) = make_batches(terms, 100)
    torch.manual_seed(3)
    head = torch.randn(1, transformers.AutoConfig.from_pretrained(folder).hidden_size) / 50

    plain = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, dtype=torch.float32
    )
    plain.config.pad_token_id = tokenizer.pad_token_id
    packed = load_value_model(folder, dtype=torch.float32)
    for model in (plain, packed):
        with torch.no_grad():
            model.score.weight.copy_(head)
        for at, (name, weight) in enumerate(model.named_parameters()):
            weight.requires_grad_(at % every == 0 or "score" in name)
    total = torch.zeros(())
    for term in terms:  # as a plain trainer would: each text by itself
        good, bad = (plain(torch.tensor([side])).logits[0] for side in (term.text, term.other))
        total = total + term.weight * preference(good, bad, good)[0]
    (total / batch.weight).backward()
    loss = torch.zeros(())
    for part in batch.micro_batches:
        one = micro_batch_loss(packed, part, OBJECTIVES["paper"], torch.float32) / batch.weight
        one.backward()
        loss += one.detach()
    wanted, got = trained(plain), trained(packed)
    assert wanted.keys() == got.keys()
    worst = max(
        float((wanted[n] - got[n]).abs().max() / wanted[n].abs().max().clamp_min(1e-12))
        for n in wanted
    )
    assert batch.plain_tokens > 2 * sum(part.sequence.used for part in batch.micro_batches)
    return float(total.detach() / batch.weight), float(loss), worst, len(wanted)


def test_a_tiny_model_has_the_same_loss_and_gradients(tiny_policy: Path) -> None:
    plain, packed, worst, tensors = compare(tiny_policy, every=1)
    assert packed == pytest.approx(plain, abs=TOLERANCE)
    assert (worst < TOLERANCE, tensors > 15) == (True, True)


def test_the_embedded_model_has_the_same_loss_and_gradients(embedded_gguf: Path) -> None:
    folder = full_weights(find_checkpoint("smollm2", "policy"))
    plain, packed, worst, tensors = compare(folder, every=40)
    assert packed == pytest.approx(plain, abs=TOLERANCE)
    assert (worst < TOLERANCE, tensors >= 7) == (True, True)


def test_a_model_without_grouped_queries_is_served_too(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    vocabulary = len(transformers.AutoTokenizer.from_pretrained(tokenizer_folder))
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(tiny.config(vocabulary, num_key_value_heads=4))
    folder = tiny._save(model, tmp_path, tokenizer_folder)
    plain, packed, worst, _ = compare(folder, every=1)
    assert packed == pytest.approx(plain, abs=TOLERANCE)
    assert worst < TOLERANCE


def test_a_plain_call_needs_no_layout(tiny_policy: Path) -> None:
    model = load_value_model(tiny_policy, dtype=torch.float32)
    model.set_attn_implementation("sdpa")
    model.config.pad_token_id = 2
    with torch.inference_mode():
        assert float(model(input_ids=torch.tensor([[5, 6]])).logits) == 0.0  # a head of zeros
