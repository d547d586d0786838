"""Step-APO (CPL, arXiv 2409.08642): a policy learns from pairs how much better one step is.

A step a_w that is worth q_w is preferred to one a_l worth q_l after the same solution so far s:

    L = -log sigmoid(beta (log r(a_w) - log r(a_l)) - alpha (q_w - q_l)), r(a) = pi(a|s) / ref(a|s)

Log-probabilities are summed over the step's tokens, s masked, and no end of text is appended. The
reference is the SFT policy that training starts from. With alpha = 0 this is DPO: Step-DPO on the
same pairs, instance-DPO on whole responses. A pair whose margin is large keeps its weight in the
gradient for longer, which is how critical steps come to count for more.

TRL's DPO trainer has no margin of a pair's own, and computes a shared prefix once for every side.
So this is the trainer of batches that the scorers use, `rstar_train.training.batch_trainer`; with
alpha = 0 its loss is TRL's. The reference's log-probabilities are computed beforehand, by the same
code, so that training begins at log ratios of 0 up to rounding.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from bench.errors import BenchError, DataError, MissingExtraError
from rstar_train.cpl_figures import PreferenceFigures
from rstar_train.policy.logprobs import PackedResponses, load_policy_model, pack_responses
from rstar_train.recipes.cpl import PreferenceSettings
from rstar_train.recipes.settings import LoRASettings
from rstar_train.rows.preferences import PreferenceRow
from rstar_train.training import fused_lora
from rstar_train.training.batch_trainer import batch_trainer
from rstar_train.training.batching import (
    Ids,
    TokenizerCache,
    count_shared,
    cut_batches,
    draw_whole_problems,
)
from rstar_train.training.precision import as_trained, find_device, weights_dtype
from rstar_train.training.processes import count_processes
from rstar_train.training.trainer import (
    load_tokenizer,
    lora_config,
    save,
    train,
    trainer_arguments,
    training_digest,
)
from rstar_train.training.watcher import find_checkpoint_to_resume, make_watcher

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

MICRO_BATCH_TOKENS = 2048
"""As of a scorer's (`rstar_train.value.batches`); the head's logits are chunked besides."""
MEASURED = 400
"""Pairs on which it is measured after the training what the policy shows of them, or a few more."""


@dataclass(frozen=True, slots=True)
class PreferenceTerm:
    """One pair, as tokens."""

    problem_id: str
    chosen: Ids
    """The whole text's tokens, prompt included."""
    rejected: Ids
    chosen_start: int
    """Index of the first token that is the side's own."""
    rejected_start: int
    margin: float
    reference: float
    """log ref(a_w|s) - log ref(a_l|s)."""
    weight: float = 1.0

    @property
    def texts(self) -> tuple[Ids, Ids]:
        """Both sides."""
        return self.chosen, self.rejected


@dataclass(frozen=True, slots=True)
class PreferenceMicroBatch:
    """One pass: the responses of N pairs, each response once."""

    responses: PackedResponses
    chosen: tuple[int, ...]
    """Place of each pair's chosen side among the responses."""
    rejected: tuple[int, ...]
    margin: tuple[float, ...]
    reference: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PreferenceBatch:
    """What one optimizer step learns from."""

    micro_batches: tuple[PreferenceMicroBatch, ...]
    weight: float


def step_apo_loss(
    difference: torch.Tensor,
    reference: torch.Tensor,
    margin: torch.Tensor,
    *,
    beta: float,
    alpha: float,
) -> torch.Tensor:
    """Return the losses of N pairs, shape (N,).

    Args:
        difference: log pi(a_w|s) - log pi(a_l|s), shape (N,).
        reference: the same under the reference policy, shape (N,).
        margin: q_w - q_l, shape (N,).
        beta: how strongly the policy is held to the reference.
        alpha: how much of the margin a pair has to show.
    """
    import torch

    shown = beta * (difference - reference) - alpha * margin
    return -torch.nn.functional.logsigmoid(shown)


def train_step_apo(
    rows: Sequence[PreferenceRow],
    base: Path,
    out: Path,
    *,
    settings: PreferenceSettings,
    lora: LoRASettings,
    seed: int,
) -> PreferenceFigures:
    """Train on pairs whose reference is known; save the adapter (or the model) in `out`.

    `base` is the Hugging Face folder of the reference policy, `settings.batch_size` the fewest
    pairs of a step, which takes whole problems. A training that was killed goes on at its last
    checkpoint. Raises BenchError, DataError, CheckpointError, MissingExtraError.
    """
    try:
        from transformers import TrainingArguments, set_seed

        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    _require_pairs(rows)
    drawn = draw_whole_problems(rows, settings.max_rows, seed)
    ids = TokenizerCache(tokenizer, settings.max_length)
    terms = [term for row in drawn if (term := make_term(row, ids)) is not None]
    _require_terms(terms, drawn, settings.max_length)
    batches = make_preference_batches(terms, settings.batch_size, processes=count_processes())
    sections = {"lora": lora, "preference": settings}
    checkpoint = find_checkpoint_to_resume(
        out / "trainer", training_digest(seed, sections, base, drawn)
    )
    set_seed(seed)  # the adapter's first weights
    dtype = weights_dtype(frozen=lora.rank > 0)
    model = _load(base, dtype, lora)
    trainer = batch_trainer()(
        batches,
        lambda model, part: micro_batch_loss(model, part, settings, dtype),
        model=model,
        processing_class=tokenizer,
        args=TrainingArguments(
            # A row of the data set is a whole batch.
            **trainer_arguments(settings, lora, out / "trainer", seed, passes=(1, 1))
        ),
        callbacks=[make_watcher(out / "loss.jsonl", "Step-APO" if settings.alpha else "DPO")],
    )
    told = train(trainer, checkpoint)
    shown = _show(batches, trainer.model, dtype)
    save(trainer, out)
    return PreferenceFigures(
        pairs=len(terms),
        problems=len({term.problem_id for term in terms}),
        dropped_too_long=len(drawn) - len(terms),
        mean_margin=round(fmean(term.margin for term in terms), 4),
        mean_log_ratio=round(fmean(shown), 4),
        ordered=sum(ratio > 0 for ratio in shown) / len(shown),
        measured=len(shown),
        steps=told.steps,
        loss_first=told.loss_first,
        loss_last=told.loss_last,
        seconds=told.seconds,
        resumed_at_step=told.resumed_at_step,
    )


def add_reference(
    rows: Sequence[PreferenceRow],
    base: Path,
    *,
    max_length: int,
    adapts: bool,
) -> list[PreferenceRow]:
    """Return the pairs with their log-probabilities under the reference policy in `base`.

    Pairs with a side of more than `max_length` tokens are left out. `adapts` says whether an
    adapter will be trained on them, and so in which precision the policy will be held. Raises
    BenchError: there is no pair, or none is short enough; CheckpointError, MissingExtraError.
    """
    import torch

    try:
        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "transformers", "cpu") from error
    _require_pairs(rows)
    ids = TokenizerCache(tokenizer, max_length)
    found = [
        (row, term)
        for row in rows
        if (term := make_term(dataclasses.replace(row, ref_chosen=0.0, ref_rejected=0.0), ids))
    ]
    _require_terms(found, rows, max_length)
    dtype = weights_dtype(frozen=adapts)
    model = _load(base, dtype, None).to(find_device()).eval()
    known: dict[tuple[Ids, int], float] = {}
    cut = cut_batches([term for _, term in found], 1, micro_batch_tokens=MICRO_BATCH_TOKENS)
    with torch.inference_mode(), as_trained(adapts=adapts):
        for number, terms in enumerate((part for batch in cut for part in batch), start=1):
            texts = _responses(terms)
            packed = pack_responses([text for text, _ in texts], [start for _, start in texts])
            values = model(responses=packed, dtype=dtype).tolist()
            known |= dict(zip(texts, values, strict=True))
            if number % 50 == 0:
                log.info("reference: %d of %d sides known", len(known), 2 * len(found))
    return [
        dataclasses.replace(
            row,
            ref_chosen=known[term.chosen, term.chosen_start],
            ref_rejected=known[term.rejected, term.rejected_start],
        )
        for row, term in found
    ]


def make_term(row: PreferenceRow, ids: TokenizerCache) -> PreferenceTerm | None:
    """Return a pair as tokens; None where a side is too long.

    Raises DataError: the reference's log-probabilities are not known.
    """
    if row.ref_chosen is None or row.ref_rejected is None:
        raise DataError(
            f"a pair of {row.problem_id!r} has no log-probabilities under the reference policy; "
            "add them first (rstar_train.policy.step_apo.add_reference; `python -m rstar_train.fit "
            "step-apo` does)"
        )
    before = row.rendered
    prompt, chosen, rejected = ids(before), ids(before + row.chosen), ids(before + row.rejected)
    if prompt is None or chosen is None or rejected is None:
        return None
    return PreferenceTerm(
        row.problem_id,
        chosen,
        rejected,
        count_shared(prompt, chosen),
        count_shared(prompt, rejected),
        row.margin,
        row.ref_chosen - row.ref_rejected,
    )


def make_preference_batches(
    terms: Sequence[PreferenceTerm], batch_size: int, *, processes: int = 1
) -> list[PreferenceBatch]:
    """Return batches of whole problems with `batch_size` pairs or more."""
    cut = cut_batches(terms, batch_size, micro_batch_tokens=MICRO_BATCH_TOKENS, processes=processes)
    return [
        PreferenceBatch(
            tuple(map(_micro_batch, parts)), sum(term.weight for part in parts for term in part)
        )
        for parts in cut
    ]


def micro_batch_loss(
    model: PreTrainedModel,
    part: PreferenceMicroBatch,
    settings: PreferenceSettings,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the weighted sum of a micro-batch's losses, a scalar."""
    import torch

    difference = _difference(model, part, dtype)
    reference, margin, weight = (
        torch.tensor(values, dtype=torch.float32, device=difference.device)
        for values in (part.reference, part.margin, part.weight)
    )  # (N,) each
    losses = step_apo_loss(difference, reference, margin, beta=settings.beta, alpha=settings.alpha)
    return (weight * losses).sum()


def _difference(
    model: PreTrainedModel, part: PreferenceMicroBatch, dtype: torch.dtype
) -> torch.Tensor:
    """Return log pi(a_w|s) - log pi(a_l|s) of a micro-batch's pairs, (N,)."""
    found = model(responses=part.responses, dtype=dtype)  # (responses,)
    return found[list(part.chosen)] - found[list(part.rejected)]


def _show(
    batches: Sequence[PreferenceBatch], model: PreTrainedModel, dtype: torch.dtype
) -> list[float]:
    """Return the log ratio of the chosen side less that of the rejected, of `MEASURED` pairs."""
    import torch

    shown: list[float] = []
    model.eval()
    with torch.inference_mode():
        for part in (part for batch in batches for part in batch.micro_batches):
            if len(shown) >= MEASURED:
                break
            now = _difference(model, part, dtype).tolist()
            shown += [a - b for a, b in zip(now, part.reference, strict=True)]
    return shown


def _load(base: Path, dtype: torch.dtype, lora: LoRASettings | None) -> PreTrainedModel:
    """Load a policy that takes packed responses, adapted where `lora` says so."""
    model = load_policy_model(base, dtype=dtype)
    if lora is not None and lora.rank:
        from peft import get_peft_model

        model = get_peft_model(model, lora_config(lora, "CAUSAL_LM"))
        fused_lora.fuse(model)
    return model


def _responses(terms: Sequence[PreferenceTerm]) -> list[tuple[Ids, int]]:
    """Return the different sides of some pairs, with where each begins."""
    sides = (
        side
        for term in terms
        for side in ((term.chosen, term.chosen_start), (term.rejected, term.rejected_start))
    )
    return list(dict.fromkeys(sides))


def _micro_batch(terms: Sequence[PreferenceTerm]) -> PreferenceMicroBatch:
    sides = _responses(terms)
    place = {side: at for at, side in enumerate(sides)}
    return PreferenceMicroBatch(
        pack_responses([text for text, _ in sides], [start for _, start in sides]),
        tuple(place[term.chosen, term.chosen_start] for term in terms),
        tuple(place[term.rejected, term.rejected_start] for term in terms),
        tuple(term.margin for term in terms),
        tuple(term.reference for term in terms),
        tuple(term.weight for term in terms),
    )


def _require_pairs(rows: Sequence[PreferenceRow]) -> None:
    if not rows:
        raise BenchError(
            "there are no preference pairs to learn from: no tree has a right and a wrong step "
            "below one prefix; raise search.iterations, or search other problems"
        )


def _require_terms(
    terms: Sequence[object], drawn: Sequence[PreferenceRow], max_length: int
) -> None:
    if not terms:
        raise BenchError(
            f"each of the {len(drawn)} pairs has a side of more than {max_length} tokens; "
            "raise preference.max_length"
        )
