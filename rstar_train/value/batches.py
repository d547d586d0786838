"""Which scored texts share a step of a PPM's training, and how a step is cut into lines.

A step takes whole problems until it holds enough rows, so that what shares a prefix is computed
together; it is cut between problems into lines of a bounded number of tokens, whose gradients add
up. Every text has a value to learn: by being preferred to another one, or a number of its own.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rstar_train.training.packing import Line, line, merged

LINE_TOKENS = 2048
"""Tokens of one pass, unless a single problem has more: about 2 GB of activations for 135M weights
in bf16, and enough rows for the matrix products to run at full speed."""

Ids = tuple[int, ...]


class ValueRow(Protocol):
    """What every row has."""

    @property
    def problem_id(self) -> str:
        """Rows of one problem share prefixes, and are trained on together."""


Row = TypeVar("Row", bound=ValueRow)


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


def whole_problems(rows: Sequence[Row], limit: int, seed: int) -> list[Row]:
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


def steps(terms: Sequence[Term], batch_size: int, *, processes: int = 1) -> list[Step]:
    """Cut terms, in their order, into steps of whole problems with `batch_size` terms or more.

    What is left at the end and too little joins the step before. With several processes each takes
    a step of its own, so a step has their share of the batch; and as they must all make the same
    number of passes, every step is cut into as many lines as the longest needs.
    """
    share = max(1, batch_size // processes)
    batches: list[list[list[Term]]] = [[]]
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
        lines = max(map(len, cut))
        cut = [_spread(batch, lines) for batch in batches]
    return [_step(lines) for lines in cut]


def _by_problem(terms: Sequence[Term]) -> list[list[Term]]:
    problems: dict[str, list[Term]] = {}
    for term in terms:
        problems.setdefault(term.problem_id, []).append(term)
    return list(problems.values())


def _cut(groups: Sequence[Sequence[Term]]) -> list[list[Term]]:
    lines: list[list[Term]] = []
    held = LINE_TOKENS
    for group in groups:
        size = len(merged(_texts(group)))
        if held + size > LINE_TOKENS:
            lines.append([])
            held = 0
        lines[-1] += group
        held += size
    return lines


def _spread(groups: Sequence[Sequence[Term]], lines: int) -> list[list[Term]]:
    """Share groups out over so many lines; one that gets none repeats a term of no weight."""
    shared: list[list[Term]] = [[] for _ in range(lines)]
    sizes = [0] * lines
    for group in sorted(groups, key=len, reverse=True):
        least = sizes.index(min(sizes))
        shared[least] += group
        sizes[least] += sum(len(text) for text in _texts(group))
    idle = dataclasses.replace(groups[0][0], weight=0.0)
    return [line or [idle] for line in shared]


def _step(lines: Sequence[Sequence[Term]]) -> Step:
    terms = [term for line in lines for term in line]
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
