"""The scored tokens of a search, and the passes that compute them: each token once.

A search's scored text is a tree of tokens. A pass computes those that are new, all branches in one
row: each token sees its own ancestors, by way of the attention mask and of the keys and values
kept from earlier passes, and has the position it would have in its own text. The result equals
scoring each trajectory alone, up to rounding. Chunks of several trees may share a pass, a row each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.engines.token_trie import Placed, TokenTrie

if TYPE_CHECKING:
    import torch

KEPT_TOKENS = 4096
"""Tokens of one search whose keys and values are kept (SmolLM2-135M: 23 KB each). A search that has
more begins anew, at a moment that depends on itself alone."""

PASS_TOKENS = 512
"""New tokens of one row of a pass. Attention is computed for every pair of a row's tokens and what
they look back on, related or not, so a row of eight whole solutions is mostly wasted."""

TOGETHER_TOKENS = 2048
"""New tokens, padding included, of one pass over several searches."""
FILLED = 0.5
"""Share of a row that is no padding, at least, in a pass over several searches."""

Values = tuple[list[list[float]], list[int]]
"""A value for every step of every path, and the tokens that each path added."""


@dataclass(frozen=True, slots=True)
class Network:
    """A model that computes tokens: its backbone, what makes values of its states, and where."""

    backbone: Any
    read: Callable[[torch.Tensor], torch.Tensor]
    """Makes values in [-1, 1], of shape (T,), of hidden states of shape (T, hidden size)."""
    device: str


class ScoredTree:
    """The tokens of one search with, for each, its key and value in every layer, and its score."""

    def __init__(self) -> None:
        """Start empty."""
        self._begin()

    def _begin(self) -> None:
        self.trie = TokenTrie()
        self._scores: list[float] = []
        self._starts: list[int] = []
        """First token of each pass; the pass's keys and values are in `_blocks`."""
        self._blocks: list[torch.Tensor] = []
        """One tensor a pass, of shape (2, layers, heads, tokens, width)."""

    def add(self, paths: Sequence[Sequence[Placed]]) -> Asked:
        """Add paths whose values are asked for; one that holds too much is begun anew first."""
        if len(self.trie) > KEPT_TOKENS:
            self._begin()
        return Asked(self, *self.trie.insert_paths(paths))

    def next_chunk(self) -> Chunk | None:
        """Return the next tokens to be computed, if any are left."""
        known = len(self._scores)
        end = min(known + PASS_TOKENS, len(self.trie))
        return Chunk(self, known, end) if known < end else None

    def score_at(self, index: int) -> float:
        """Return the score of a token that was computed."""
        return self._scores[index]

    def keep(self, scores: list[float], block: torch.Tensor) -> None:
        """Keep what a pass has computed of the next tokens."""
        self._starts.append(len(self._scores))
        self._scores += scores
        self._blocks.append(block)

    def kept(self, indices: Sequence[int], device: str) -> torch.Tensor:
        """Return the keys and values of some tokens, in order: (2, layers, heads, n, width)."""
        import torch

        picked: dict[int, list[int]] = {}
        for index in indices:
            block = bisect_right(self._starts, index) - 1
            picked.setdefault(block, []).append(index - self._starts[block])
        return torch.cat(
            [
                self._blocks[block].index_select(3, torch.tensor(at, device=device))
                for block, at in picked.items()
            ],
            dim=3,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Paths of a tree whose values are asked for."""

    tree: ScoredTree
    ends: list[list[int]]
    """Index of the token at which each step of each path is scored."""
    added: list[int]
    """Tokens that each path added."""

    def values(self) -> Values:
        """Return the values, once all of the tree is computed."""
        return [[self.tree.score_at(index) for index in path] for path in self.ends], self.added


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of a tree that are computed in one row, from index `known` to before `end`."""

    tree: ScoredTree
    known: int
    end: int

    @property
    def size(self) -> int:
        """Number of tokens."""
        return self.end - self.known

    @property
    def tokens(self) -> list[int]:
        """The tokens themselves."""
        return self.tree.trie.tokens[self.known : self.end]

    @property
    def positions(self) -> list[int]:
        """Position of each token in its own text."""
        return self.tree.trie.depths[self.known : self.end]


@dataclass(frozen=True, slots=True)
class _Row:
    """A chunk of T tokens, and the C earlier tokens of its tree that they look back on."""

    chunk: Chunk
    lines: list[list[int]]
    """Ancestors of each token, and itself."""
    context: list[int]


def compute(network: Network, chunks: Sequence[Chunk]) -> None:
    """Pass chunks of different trees through the model, a row each.

    Rows are padded to the longest chunk T and the longest context C; L layers, G heads of keys and
    values of width D. What pads sees itself alone and is seen by nobody.
    """
    import torch
    from transformers import DynamicCache

    rows = [_look_back(chunk) for chunk in chunks]
    new = max(chunk.size for chunk in chunks)
    context = max(len(row.context) for row in rows)
    device = network.device
    with torch.inference_mode():
        cache = DynamicCache()
        if context:
            kept = _gather(rows, context, device)  # (B, 2, L, G, C, D)
            for layer in range(kept.shape[2]):
                cache.update(kept[:, 0, layer], kept[:, 1, layer], layer)  # each (B, G, C, D)
        hidden = network.backbone(
            input_ids=_pad([each.tokens for each in chunks], new, device),
            position_ids=_pad([each.positions for each in chunks], new, device),
            attention_mask=_allow(rows, new, context)[:, None].to(device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state  # (B, T, hidden size)
        for at, chunk in enumerate(chunks):
            columns = slice(context, context + chunk.size)
            block = torch.stack(  # (2, L, G, T, D)
                [
                    torch.stack([layer.keys[at, :, columns] for layer in cache.layers]),
                    torch.stack([layer.values[at, :, columns] for layer in cache.layers]),
                ]
            )
            chunk.tree.keep(network.read(hidden[at, : chunk.size]).tolist(), block)


def _look_back(chunk: Chunk) -> _Row:
    lines = [chunk.tree.trie.lineage(index) for index in range(chunk.known, chunk.end)]
    context = sorted({index for line in lines for index in line if index < chunk.known})
    return _Row(chunk, lines, context)


def _gather(rows: Sequence[_Row], context: int, device: str) -> torch.Tensor:
    """Return the keys and values of all rows' contexts: (B, 2, L, G, C, D)."""
    import torch

    found = [row.chunk.tree.kept(row.context, device) if row.context else None for row in rows]
    shape = next(each for each in found if each is not None)
    whole = [shape[..., :0, :] if each is None else each for each in found]
    return torch.stack(
        [torch.nn.functional.pad(each, (0, 0, 0, context - each.shape[3])) for each in whole]
    )


def _pad(rows: Sequence[list[int]], length: int, device: str) -> torch.Tensor:
    import torch

    return torch.tensor([row + [0] * (length - len(row)) for row in rows], device=device)


def _allow(rows: Sequence[_Row], new: int, context: int) -> torch.Tensor:
    """Return which columns each token sees: (B, T, C + T)."""
    import torch

    allowed = torch.zeros(len(rows), new, context + new, dtype=torch.bool)
    for at, row in enumerate(rows):
        seen = {index: column for column, index in enumerate(row.context)}
        for column, index in enumerate(range(row.chunk.known, row.chunk.end)):
            seen[index] = context + column
        for token, line in enumerate(row.lines):
            allowed[at, token, [seen[index] for index in line]] = True
        for token in range(row.chunk.size, new):  # to see nothing would be no number at all
            allowed[at, token, context + token] = True
    return allowed


def share_passes(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Return chunks of different trees in groups that go through the model together."""
    groups: list[list[Chunk]] = []
    for chunk in sorted(chunks, key=lambda each: each.size, reverse=True):
        group = groups[-1] if groups else []
        longest = group[0].size if group else 0
        full = (len(group) + 1) * longest > TOGETHER_TOKENS
        if not group or full or chunk.size < FILLED * longest:
            groups.append([chunk])
        else:
            group.append(chunk)
    return groups
