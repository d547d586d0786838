"""Which scored texts share an optimizer step, and how its batch is cut into packed sequences.

A batch takes whole problems until it has `batch_size` loss terms, so that shared prefixes are
computed once. It is cut, between problems, into micro-batches: packed sequences of at most
`MICRO_BATCH_TOKENS` tokens, whose gradients are accumulated. Every text has a value to learn: by
being preferred to another one, or a number of its own.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rstar_train.training.packing import PackedSequence, merge_prefixes, pack

MICRO_BATCH_TOKENS = 2048
"""Tokens of a micro-batch at most, unless a single problem has more: about 2 GB of activations for
135M weights in bf16, and enough rows for the matrix products to run at full speed."""

Ids = tuple[int, ...]


class ValueRow(Protocol):
    """What every row has."""

    @property
    def problem_id(self) -> str:
        """Rows of one problem share prefixes, and are trained on together."""


Row = TypeVar("Row", bound=ValueRow)


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


def draw_whole_problems(rows: Sequence[Row], limit: int, seed: int) -> list[Row]:
    """Return at most `limit` rows (0: all), problem by problem in the seed's order, the last cut.

    Rows that share a prefix cost little more together than one of them alone.
    """
    problems: dict[str, list[Row]] = {}
    for row in rows:
        problems.setdefault(row.problem_id, []).append(row)
    order = list(problems.values())
    random.Random(seed).shuffle(order)
    drawn = [row for problem in order for row in problem]
    return drawn[:limit] if limit else drawn


def make_batches(terms: Sequence[LossTerm], batch_size: int, *, processes: int = 1) -> list[Batch]:
    """Cut terms, in their order, into batches of whole problems with `batch_size` terms or more.

    What is left at the end and too little joins the batch before. With several processes each takes
    a batch of its own, so a batch has their share of the terms; and as they must all make the same
    number of passes, every batch is cut into as many micro-batches as the longest needs.
    """
    share = max(1, batch_size // processes)
    batches: list[list[list[LossTerm]]] = [[]]
    held = 0
    for group in _by_problem(terms):
        if held >= share:
            batches.append([])
            held = 0
        batches[-1].append(group)
        held += len(group)
    if len(batches) > 1 and held < share / 2:
        rest = batches.pop()
        batches[-1] += rest
    batches = [batch for batch in batches if batch]
    cut = [_cut(batch) for batch in batches]
    if processes > 1:
        passes = max(map(len, cut))
        cut = [_share_out(batch, passes) for batch in batches]
    return [_batch(parts) for parts in cut]


def _by_problem(terms: Sequence[LossTerm]) -> list[list[LossTerm]]:
    problems: dict[str, list[LossTerm]] = {}
    for term in terms:
        problems.setdefault(term.problem_id, []).append(term)
    return list(problems.values())


def _cut(groups: Sequence[Sequence[LossTerm]]) -> list[list[LossTerm]]:
    """Cut a batch between problems into the terms of its micro-batches."""
    parts: list[list[LossTerm]] = []
    held = MICRO_BATCH_TOKENS
    for group in groups:
        size = len(merge_prefixes(_texts(group)))
        if held + size > MICRO_BATCH_TOKENS:
            parts.append([])
            held = 0
        parts[-1] += group
        held += size
    return parts


def _share_out(groups: Sequence[Sequence[LossTerm]], passes: int) -> list[list[LossTerm]]:
    """Share problems out over so many passes; one that gets none repeats a term of no weight."""
    shared: list[list[LossTerm]] = [[] for _ in range(passes)]
    sizes = [0] * passes
    for group in sorted(groups, key=len, reverse=True):
        least = sizes.index(min(sizes))
        shared[least] += group
        sizes[least] += sum(len(text) for text in _texts(group))
    idle = dataclasses.replace(groups[0][0], weight=0.0)
    return [part or [idle] for part in shared]


def _batch(parts: Sequence[Sequence[LossTerm]]) -> Batch:
    terms = [term for part in parts for term in part]
    return Batch(
        tuple(map(_micro_batch, parts)),
        sum(term.weight for term in terms),
        sum(len(term.text) + len(term.other or ()) for term in terms),
    )


def _texts(terms: Sequence[LossTerm]) -> list[Ids]:
    both = (text for term in terms for text in (term.text, term.other) if text is not None)
    return list(dict.fromkeys(both))


def _micro_batch(terms: Sequence[LossTerm]) -> MicroBatch:
    texts = _texts(terms)
    place = {text: at for at, text in enumerate(texts)}
    return MicroBatch(
        pack(merge_prefixes(texts)),
        tuple(place[term.text] for term in terms),
        tuple(place[term.other or term.text] for term in terms),
        tuple(term.other is not None for term in terms),
        tuple(term.target for term in terms),
        tuple(term.weight for term in terms),
    )
