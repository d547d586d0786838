"""Step-APO: its loss by hand, its log-probabilities one by one, and DPO as TRL has it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, DataError
from rstar_train.policy import step_apo
from rstar_train.policy.logprobs import (
    load_policy_model,
    pack_responses,
    response_logprobs,
    token_logprobs,
)
from rstar_train.policy.step_apo import add_reference, step_apo_loss, train_step_apo
from rstar_train.recipes.cpl import PreferenceSettings
from rstar_train.recipes.settings import LoRASettings
from rstar_train.rows.preferences import PreferenceRow
from rstar_train.training.batching import TokenizerCache
from rstar_train.training.tree_attention import use_packed_attention
from tests.rstar_train.made_pairs import made_pair

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

LORA = LoRASettings(rank=4, alpha=8, dropout=0.0)
SETTINGS = PreferenceSettings(
    epochs=1.0,
    learning_rate=1e-2,
    batch_size=4,
    max_length=256,
    warmup_fraction=0.0,
    max_rows=0,
)


def rows() -> list[PreferenceRow]:
    """Three problems, each with two pairs below one prefix and one below a longer one."""
    found = []
    for at in range(3):
        first = "\n<step>Plan 1: take 3 * 4 as a</step>"
        found += [
            made_pair(at, "", first, f"\n<step>Plan 1: take {at} + 3 as a</step>", 1.5),
            made_pair(at, "", first, "\n<step>Plan 1: guess</step>", 0.5),
            made_pair(at, first, f"\n<step>Plan 2: take {at} + a as b</step>", "\n</plan>", 1.0),
        ]
    return found


def logprob(model: Any, tokens: tuple[int, ...], start: int) -> Any:
    """Of one response, its text alone in the plain model."""
    logits = model(torch.tensor([tokens])).logits[0, start - 1 : -1].float()
    wanted = torch.tensor(tokens[start:])[:, None]
    return logits.log_softmax(dim=1).gather(1, wanted).sum()


def known_rows() -> list[PreferenceRow]:
    """The same, each with a reference of its own."""
    return [
        replace(each, ref_chosen=-3.0 - 0.3 * at, ref_rejected=-2.5 + 0.2 * at)
        for at, each in enumerate(rows())
    ]


def terms(folder: Path) -> list[step_apo.PreferenceTerm]:
    ids = TokenizerCache(transformers.AutoTokenizer.from_pretrained(folder), 256)
    return [term for each in known_rows() if (term := step_apo.make_term(each, ids)) is not None]


def test_the_loss_and_its_gradient_are_those_worked_by_hand() -> None:
    difference = torch.tensor([0.4, -2.0], requires_grad=True)
    losses = step_apo_loss(
        difference, torch.tensor([0.1, -2.0]), torch.tensor([1.2, 0.0]), beta=0.3, alpha=1.0
    )
    # 0.3 * 0.3 - 1.2 = -1.11, and log(1 + e^1.11) = log 4.0343583; without a margin log 2.
    assert losses.tolist() == pytest.approx([1.3948472, 0.6931472], abs=1e-6)
    losses.sum().backward()
    # -beta sigmoid(1.11) = -0.3 * 3.0343583 / 4.0343583, and -beta / 2.
    assert difference.grad.tolist() == pytest.approx([-0.2256387, -0.15], abs=1e-6)


def test_a_larger_margin_keeps_its_weight_for_longer() -> None:
    # The policy has shown 4 nats of both pairs; the critical one still asks for more.
    difference = torch.full((2,), 4.0, requires_grad=True)
    margin = torch.tensor([0.2, 1.8])
    step_apo_loss(difference, torch.zeros(2), margin, beta=0.3, alpha=1.0).sum().backward()
    small, large = difference.grad.tolist()
    assert large < 2 * small < 0


def test_shared_prefixes_give_the_log_probabilities_of_each_text_alone(tiny_policy: Path) -> None:
    load = transformers.AutoModelForCausalLM.from_pretrained
    plain, packed = (load(tiny_policy, dtype=torch.float32) for _ in range(2))
    use_packed_attention(packed)
    sides = step_apo._responses(terms(tiny_policy))
    wanted = torch.stack([logprob(plain, *side) for side in sides])
    responses = pack_responses([text for text, _ in sides], [start for _, start in sides])
    found = response_logprobs(packed, responses, torch.float32)
    assert responses.sequence.used < sum(len(text) for text, _ in sides) / 2
    assert len(responses.tokens) < len(responses.token_of)  # siblings share their first tokens
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)
    scale = torch.linspace(-1, 1, len(sides))
    (found * scale).sum().backward(), (wanted * scale).sum().backward()
    for (name, ours), theirs in zip(packed.named_parameters(), plain.parameters(), strict=True):
        largest = float(theirs.grad.abs().max().clamp_min(1e-9))
        assert float((ours.grad - theirs.grad).abs().max()) < 1e-4 * largest, name


def test_with_alpha_0_the_loss_and_its_gradient_are_trls(tiny_policy: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    theirs = trl.DPOTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained(tiny_policy, dtype=torch.float32),
        processing_class=transformers.AutoTokenizer.from_pretrained(tiny_policy),
        train_dataset=Dataset.from_list([{"prompt": "1", "chosen": "2", "rejected": "3"}]),
        args=trl.DPOConfig(
            output_dir=str(tmp_path),
            beta=0.3,
            use_cpu=True,
            bf16=False,
            report_to="none",
            gradient_checkpointing=False,
        ),
    )
    theirs.precompute_ref_logps = True
    made = terms(tiny_policy)
    examples = [
        {
            "prompt_ids": list(each.chosen[: each.chosen_start]),
            "chosen_ids": list(each.chosen[each.chosen_start :]),
            "rejected_ids": list(each.rejected[each.rejected_start :]),
            "ref_chosen_logps": row.ref_chosen,
            "ref_rejected_logps": row.ref_rejected,
        }
        for row, each in zip(known_rows(), made, strict=True)
    ]
    wanted = theirs.compute_loss(theirs.model, DataCollatorForPreference(2)(examples))
    ours = load_policy_model(tiny_policy, dtype=torch.float32)
    (batch,) = step_apo.make_preference_batches(made, 100)
    dpo = replace(SETTINGS, alpha=0.0)
    (part,) = batch.micro_batches
    found = step_apo.micro_batch_loss(ours, part, dpo, torch.float32) / batch.weight
    assert float(found.detach()) == pytest.approx(float(wanted.detach()), abs=1e-5)
    found.backward(), wanted.backward()
    same = zip(ours.named_parameters(), theirs.model.parameters(), strict=True)
    for (name, one), other in same:
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-5, msg=name)
    assert max(float(each.grad.abs().max()) for each in ours.parameters()) > 1e-3
    assert all(each.margin > 0 for each in made)  # which alpha = 0 left out


@pytest.mark.parametrize(
    ("rank", "rate", "weights"),
    [(4, 1e-2, "adapter_model.safetensors"), (0, 2e-3, "model.safetensors")],
)
def test_a_policy_learns_its_pairs_from_where_the_reference_is(
    rank: int, rate: float, weights: str, tiny_policy: Path, tmp_path: Path
) -> None:
    known = add_reference(rows(), tiny_policy, max_length=256, adapts=rank > 0)
    settings, lora = replace(SETTINGS, epochs=12.0, learning_rate=rate), replace(LORA, rank=rank)
    figures = train_step_apo(known, tiny_policy, tmp_path, settings=settings, lora=lora, seed=1)
    losses = [
        json.loads(line).get("loss") for line in (tmp_path / "loss.jsonl").read_text().splitlines()
    ]
    # Log ratios begin at 0: what is lost at first is log(1 + e^margin), of problems alike.
    at_first = sum(float(torch.nn.functional.softplus(torch.tensor(m))) for m in (1.5, 0.5, 1.0))
    assert losses[0] == pytest.approx(at_first / 3, rel=0.01)
    assert (figures.pairs, figures.problems, figures.measured) == (9, 3, 9)
    assert figures.ordered == 1.0
    assert figures.mean_log_ratio > 2
    assert figures.loss_last < 0.7 * figures.loss_first
    assert (tmp_path / weights).is_file()


def test_a_training_that_multiplies_in_bf16_makes_its_log_probabilities_in_fp32() -> None:
    torch.manual_seed(0)
    hidden, head, tokens = torch.randn(5, 64), torch.randn(300, 64), torch.arange(5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = token_logprobs(hidden, head, tokens)
        assert (hidden @ head.T).dtype == torch.bfloat16
    torch.testing.assert_close(found, token_logprobs(hidden, head, tokens), rtol=0, atol=0)


def test_the_reference_is_the_base_itself(tiny_policy: Path) -> None:
    (first, *_) = add_reference(rows(), tiny_policy, max_length=256, adapts=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_policy)
    ids = TokenizerCache(tokenizer, 256)
    term = step_apo.make_term(first, ids)
    assert term is not None
    plain = transformers.AutoModelForCausalLM.from_pretrained(tiny_policy, dtype=torch.float32)
    with torch.inference_mode():
        wanted = [
            float(logprob(plain, term.chosen, term.chosen_start)),
            float(logprob(plain, term.rejected, term.rejected_start)),
        ]
    assert [first.ref_chosen, first.ref_rejected] == pytest.approx(wanted, abs=1e-3)
    assert tokenizer.decode(term.chosen[term.chosen_start :]) == first.chosen


def test_what_cannot_be_learnt_is_said_in_a_sentence(tiny_policy: Path, tmp_path: Path) -> None:
    def train(given: list[PreferenceRow], **changes: Any) -> None:
        settings = replace(SETTINGS, **changes)
        train_step_apo(given, tiny_policy, tmp_path, settings=settings, lora=LORA, seed=1)

    with pytest.raises(BenchError, match="no tree has a right and a wrong step below one prefix"):
        train([])
    with pytest.raises(DataError, match="a pair of 'p[0-2]' has no log-probabilities under the"):
        train(rows())
    with pytest.raises(BenchError, match="each of the 9 pairs has a side of more than 9 tokens"):
        add_reference(rows(), tiny_policy, max_length=9, adapts=True)


def test_a_text_that_begins_with_its_response_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a token before it"):
        pack_responses([[1, 2]], [0])
