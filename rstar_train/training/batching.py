"""Which loss terms share an optimizer step, and how the step is cut into packed sequences.

A batch takes whole problems until it has `batch_size` terms, so that shared prefixes are computed
once. It is cut into micro-batches: packed sequences of a limited length, whose gradients are
accumulated. It is cut between problems, and within one that is larger by itself. What a term is
belongs to whoever trains: `rstar_train.value.batches` for scores, `rstar_train.policy.step_apo` for
log-probabilities.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from bench.engines.token_trie import TokenTrie
from rstar_train.training.packing import merge_prefixes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids = tuple[int, ...]


class ProblemRow(Protocol):
    """What every row has."""

    @property
    def problem_id(self) -> str:
        """Rows of one problem share prefixes, and are trained on together."""


class Term(ProblemRow, Protocol):
    """One term of a loss: a frozen dataclass with a field `weight`."""

    @property
    def weight(self) -> float:
        """How much the term counts."""

    @property
    def texts(self) -> tuple[Ids, ...]:
        """The whole texts that it compares, as tokens."""


Row = TypeVar("Row", bound=ProblemRow)
T = TypeVar("T", bound=Term)


class TokenizerCache:
    """Tokenizes whole texts, each once; None for one over the length limit."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        """Start with none."""
        self._tokenizer, self._max_length = tokenizer, max_length
        self._known: dict[str, Ids | None] = {}

    def __call__(self, text: str) -> Ids | None:
        """Return a text's tokens; none is appended."""
        if text not in self._known:
            ids = tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
            self._known[text] = ids if 0 < len(ids) <= self._max_length else None
        return self._known[text]


def count_shared(prompt: Sequence[int], whole: Sequence[int]) -> int:
    """Return how many tokens of a text are its prompt's.

    A token that straddles the prompt's end belongs to what follows.
    """
    same = 0
    while same < min(len(prompt), len(whole)) and prompt[same] == whole[same]:
        same += 1
    return same


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


def cut_batches(
    terms: Sequence[T], batch_size: int, *, micro_batch_tokens: int, processes: int = 1
) -> list[list[list[T]]]:
    """Cut terms, in their order, into batches of whole problems with `batch_size` terms or more.

    Returns for each batch the terms of its micro-batches, which have at most `micro_batch_tokens`
    tokens unless a single term has more. What is left at the end and too little joins the batch
    before. With several processes each takes a batch of its own, so a batch has their share of the
    terms; and as they must all make the same number of passes, every batch is cut into as many
    micro-batches as the longest needs.
    """
    share = max(1, batch_size // processes)
    batches: list[list[list[T]]] = [[]]
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
    batches = [
        [part for group in batch for part in _split(group, micro_batch_tokens)]
        for batch in batches
        if batch
    ]
    cut = [_cut(batch, micro_batch_tokens) for batch in batches]
    if processes > 1:
        passes = max(map(len, cut))
        cut = [_share_out(batch, passes) for batch in batches]
    return cut


def list_texts(terms: Iterable[Term]) -> list[Ids]:
    """Return the different texts of some terms, in their order."""
    return list(dict.fromkeys(text for term in terms for text in term.texts))


def _by_problem(terms: Sequence[T]) -> list[list[T]]:
    problems: dict[str, list[T]] = {}
    for term in terms:
        problems.setdefault(term.problem_id, []).append(term)
    return list(problems.values())


def _split(group: Sequence[T], most: int) -> list[list[T]]:
    """Split the terms of a problem where their texts have more tokens than that.

    Those that share a prefix stay together as far as can be; what parts share is computed in each.
    """
    if len(merge_prefixes(list_texts(group))) <= most:
        return [list(group)]
    parts: list[list[T]] = []
    trie = TokenTrie()
    for term in sorted(group, key=lambda term: term.texts):
        for text in term.texts:
            trie.insert(text)
        if not parts or len(trie) > most:
            parts.append([])
            trie = TokenTrie()
            for text in term.texts:
                trie.insert(text)
        parts[-1].append(term)
    return parts


def _cut(groups: Sequence[Sequence[T]], most: int) -> list[list[T]]:
    """Cut a batch between groups into the terms of its micro-batches."""
    parts: list[list[T]] = []
    held = most
    for group in groups:
        size = len(merge_prefixes(list_texts(group)))
        if held + size > most:
            parts.append([])
            held = 0
        parts[-1] += group
        held += size
    return parts


def _share_out(groups: Sequence[Sequence[T]], passes: int) -> list[list[T]]:
    """Share groups out over so many passes; one that gets none repeats a term of no weight."""
    shared: list[list[T]] = [[] for _ in range(passes)]
    sizes = [0] * passes
    for group in sorted(groups, key=len, reverse=True):
        least = sizes.index(min(sizes))
        shared[least] += group
        sizes[least] += sum(len(text) for text in list_texts(group))
    idle = dataclasses.replace(groups[0][0], weight=0.0)  # type: ignore[type-var]
    return [part or [idle] for part in shared]
