"""Loss terms of scored texts, and the batches that `rstar_train.training.batching` cuts of them.

Every text has a value to learn: by being preferred to another one, or a number of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rstar_train.training.batching import Ids, cut_batches, list_texts
from rstar_train.training.packing import PackedSequence, merge_prefixes, pack

MICRO_BATCH_TOKENS = 2048
"""Tokens of a micro-batch at most, unless a single term has more: about 2 GB of activations for
135M weights in bf16, and enough rows for the matrix products to run at full speed."""


@dataclass(frozen=True, slots=True)
class LossTerm:
    """One term of a loss: a text and either another one or a number."""

    problem_id: str
    text: Ids
    """The whole text's tokens, prompt included; the value is read at the last one."""
    other: Ids | None
    """What `text` is preferred to; None where the value itself is to be learnt."""
    target: float
    """The value to learn where there is no other text."""
    weight: float

    @property
    def texts(self) -> tuple[Ids, ...]:
        """The text, and the other one where there is one."""
        return (self.text,) if self.other is None else (self.text, self.other)


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One pass: a packed sequence, and the loss terms that are read off it."""

    sequence: PackedSequence
    text: tuple[int, ...]
    """Place of each term's text in `sequence.ends`."""
    other: tuple[int, ...]
    """Place of the text that a term is preferred to, or its own place."""
    paired: tuple[bool, ...]
    """Whether a term has such a text."""
    target: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one optimizer step learns from."""

    micro_batches: tuple[MicroBatch, ...]
    weight: float
    """Weight of all terms together, by which their sum is divided."""
    plain_tokens: int
    """Tokens of the texts one by one, as without sharing."""


def make_batches(terms: Sequence[LossTerm], batch_size: int, *, processes: int = 1) -> list[Batch]:
    """Return batches of whole problems with `batch_size` terms or more.

    See `rstar_train.training.batching.cut_batches`.
    """
    cut = cut_batches(terms, batch_size, micro_batch_tokens=MICRO_BATCH_TOKENS, processes=processes)
    return [_batch(parts) for parts in cut]


def _batch(parts: Sequence[Sequence[LossTerm]]) -> Batch:
    terms = [term for part in parts for term in part]
    return Batch(
        tuple(map(_micro_batch, parts)),
        sum(term.weight for term in terms),
        sum(len(term.text) + len(term.other or ()) for term in terms),
    )


def _micro_batch(terms: Sequence[LossTerm]) -> MicroBatch:
    texts = list_texts(terms)
    place = {text: at for at, text in enumerate(texts)}
    return MicroBatch(
        pack(merge_prefixes(texts)),
        tuple(place[term.text] for term in terms),
        tuple(place[term.other or term.text] for term in terms),
        tuple(term.other is not None for term in terms),
        tuple(term.target for term in terms),
        tuple(term.weight for term in terms),
    )
