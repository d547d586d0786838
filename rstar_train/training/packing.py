"""Packed sequences: a shared prefix is computed once, and nothing is padded to the longest text.

The texts of a problem share their prompt and their first steps, so they form a tree of tokens. The
trees of a batch are laid end to end, depth first. In depth-first order the ancestors of `BLOCK`
consecutive tokens are one path plus the block itself. A block therefore attends to
K = depth + `BLOCK` keys, and the cost of T tokens is O(T x depth), not O(T^2).
`rstar_train.training.tree_attention` does the arithmetic; nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.engines.token_trie import TokenTrie

BLOCK = 64
"""Queries of one attention block: small ones waste fewer masked scores, large ones fewer calls."""
LENGTH_BUCKET = 128
"""Tokens of which a packed sequence's length is a multiple, so that it comes in a few shapes.

On a CPU, torch and oneDNN compile and keep kernels for every new shape, about 9 MB a length.
Buffers of ever new sizes also leave holes in the heap that the next ones do not fit. With rows
padded to their batch's longest, memory grew by 0.4 GB in 40 optimizer steps of a two-layer model,
and to 13 GB in a whole run. With multiples of 64 it stayed where it was after the first few steps.
"""
DEPTH_BUCKET = 64
"""Keys of which a block's number is a multiple, for the same reason."""


@dataclass(frozen=True, slots=True)
class TokenTree:
    """Token sequences end to end, depth first, with or without their shared prefixes merged."""

    tokens: Sequence[int]
    parents: Sequence[int]
    """Index of the token before each, -1 for a first token."""
    depths: Sequence[int]
    """Position of each token in its own sequence, from 0."""
    ends: Sequence[int]
    """Index of the last token of each sequence, in the order in which they were given."""

    def __len__(self) -> int:
        """Return the number of tokens to compute."""
        return len(self.tokens)


def merge_prefixes(rows: Sequence[Sequence[int]]) -> TokenTree:
    """Merge the shared prefixes of token sequences. Raises ValueError: one is empty."""
    _no_empty(rows)
    trie = TokenTrie()
    parents: list[int] = []
    ends = [0] * len(rows)
    # In lexical order, what shares a prefix comes together, so indices are depth first.
    for at in sorted(range(len(rows)), key=lambda at: tuple(rows[at])):
        path = trie.insert(rows[at])
        before = [-1, *path]
        for index in range(len(parents), len(trie)):
            parents.append(before[trie.depths[index]])
        ends[at] = path[-1]
    return TokenTree(trie.tokens, parents, trie.depths, ends)


def chain_sequences(rows: Sequence[Sequence[int]]) -> TokenTree:
    """Lay token sequences end to end, each for itself. Raises ValueError: one is empty."""
    _no_empty(rows)
    tokens: list[int] = []
    parents: list[int] = []
    depths: list[int] = []
    ends = []
    for row in rows:
        start = len(tokens)
        tokens += row
        parents += [-1, *range(start, start + len(row) - 1)]
        depths += range(len(row))
        ends.append(len(tokens) - 1)
    return TokenTree(tokens, parents, depths, ends)


def _no_empty(rows: Sequence[Sequence[int]]) -> None:
    if not all(len(row) for row in rows):
        raise ValueError("an empty token sequence has no last token")


@dataclass(frozen=True, slots=True)
class PackedSequence:
    """A tree padded to whole blocks, with the index tables of its attention."""

    tokens: npt.NDArray[np.int64]
    """Shape (T,), T a multiple of `BLOCK`; padding at the end is token 0."""
    depths: npt.NDArray[np.int64]
    """Positions for the rotary embedding, shape (T,)."""
    keys: npt.NDArray[np.int64]
    """Shape (T / BLOCK, K): which tokens a block's keys are; unused ones are 0, and masked."""
    mask: npt.NDArray[np.bool_]
    """Shape (T / BLOCK, BLOCK, K): which of them each query sees, itself and its ancestors."""
    ends: npt.NDArray[np.int64]
    """Index of the last token of each sequence, in the order in which they were given."""
    used: int
    """Tokens before the padding."""


def pack(tree: TokenTree) -> PackedSequence:
    """Return a tree with what each of its tokens attends to, block by block."""
    padding = -len(tree) % LENGTH_BUCKET
    # A padded token sees itself, so no softmax is empty.
    parents = [*tree.parents, *[-1] * padding]
    keys, mask = _attention(parents)
    return PackedSequence(
        np.array([*tree.tokens, *[0] * padding]),
        np.array([*tree.depths, *[0] * padding]),
        keys,
        mask,
        np.array(tree.ends),
        len(tree),
    )


def _attention(parents: Sequence[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return `keys` (N, K) and `mask` (N, B, K) of T = N B tokens, each given by its parent."""
    blocks = []  # N lists of at most K token indices: the path above a block, then the block
    for first in range(0, len(parents), BLOCK):
        above = []
        index = parents[first]
        while index >= 0:
            above.append(index)
            index = parents[index]
        blocks.append([*reversed(above), *range(first, first + BLOCK)])
    width = max(map(len, blocks))
    width += -width % DEPTH_BUCKET
    keys = np.zeros((len(blocks), width), dtype=np.int64)  # (N, K)
    mask = np.zeros((len(blocks), BLOCK, width), dtype=np.bool_)  # (N, B, K)
    for at, block in enumerate(blocks):
        keys[at, : len(block)] = block
        column = {index: place for place, index in enumerate(block)}
        first = at * BLOCK
        for row, index in enumerate(range(first, first + BLOCK)):
            parent = parents[index]
            if parent >= first:
                mask[at, row] = mask[at, parent - first]  # (K,)
            elif parent >= 0:
                # Above the block is one path: what the parent sees is its beginning.
                mask[at, row, : column[parent] + 1] = True
            mask[at, row, column[index]] = True
    return keys, mask
