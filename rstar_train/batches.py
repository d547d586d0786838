"""Which scored texts share a step of a PPM's training, and how a step is cut into lines.

A step takes whole problems until it holds enough rows, so that what shares a prefix is computed
together; it is cut between problems into lines of a bounded number of tokens, whose gradients add
up. Every text has a value to learn: by being preferred to another one, or a number of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rstar_train.packing import Line, line, merged

LINE_TOKENS = 2048
"""Tokens of one pass, unless a single problem has more: about 2 GB of activations for 135M weights
in bf16, and enough rows for the matrix products to run at full speed."""

Row = TypeVar("Row")
Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Term:
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
class LossLine:
    """One pass: a line of tokens, and the loss's terms by sequence of that line."""

    line: Line
    text: tuple[int, ...]
    """Of each term: the place in `line.ends` of its text."""
    other: tuple[int, ...]
    """Of each term: the place of what it is preferred to, or its own place."""
    target: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimizer step learns from."""

    lines: tuple[LossLine, ...]
    weight: float
    """Of all terms together, by which their sum is divided."""
    plain_tokens: int
    """Tokens of the texts one by one, as without sharing."""


def draw_groups(
    rows: Sequence[Row], group_of: Callable[[Row], Hashable], limit: int, seed: int
) -> list[Row]:
    """Return at most `limit` rows (0: all), whole groups shuffled with the seed, the last one cut.

    Rows that share a prefix cost little more together than one of them alone.
    """
    groups: dict[Hashable, list[Row]] = {}
    for row in rows:
        groups.setdefault(group_of(row), []).append(row)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    drawn = [row for group in order for row in group]
    return drawn[:limit] if limit else drawn


def steps(terms: Sequence[Term], batch_size: int) -> list[Step]:
    """Cut terms, in their order, into steps of whole problems with `batch_size` terms or more.

    What is left at the end and too little joins the step before. The order of rows is the caller's.
    """
    problems: dict[str, list[Term]] = {}
    for term in terms:
        problems.setdefault(term.problem_id, []).append(term)
    batches: list[list[list[Term]]] = [[]]
    held = 0
    for group in problems.values():
        if held >= batch_size:
            batches.append([])
            held = 0
        batches[-1].append(group)
        held += len(group)
    if len(batches) > 1 and held < batch_size / 2:
        batches[-2] += batches.pop()
    return [_step(batch) for batch in batches if batch]


def _step(groups: Sequence[Sequence[Term]]) -> Step:
    lines: list[list[Term]] = []
    held = LINE_TOKENS
    for group in groups:
        size = len(merged(_texts(group)))
        if held + size > LINE_TOKENS:
            lines.append([])
            held = 0
        lines[-1] += group
        held += size
    terms = [term for group in groups for term in group]
    return Step(
        tuple(map(_loss_line, lines)),
        sum(term.weight for term in terms),
        sum(len(term.text) + len(term.other or ()) for term in terms),
    )


def _texts(terms: Sequence[Term]) -> list[Ids]:
    both = (text for term in terms for text in (term.text, term.other) if text is not None)
    return list(dict.fromkeys(both))


def _loss_line(terms: Sequence[Term]) -> LossLine:
    texts = _texts(terms)
    place = {text: at for at, text in enumerate(texts)}
    return LossLine(
        line(merged(texts)),
        tuple(place[term.text] for term in terms),
        tuple(place[term.other or term.text] for term in terms),
        tuple(term.target for term in terms),
        tuple(term.weight for term in terms),
    )
