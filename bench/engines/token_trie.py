"""Token sequences that share their prefixes: what tree attention computes, each token once.

A token is known by its index, in order of arrival, so a token's ancestors always have lower
indices than itself. Sharing is found by comparing tokens, never by cutting text: a tokenizer may
merge across the end of a step.
"""

from __future__ import annotations

from collections.abc import Sequence


class TokenTrie:
    """A growing set of token sequences, stored as a tree."""

    def __init__(self) -> None:
        """Start empty."""
        self.tokens: list[int] = []
        self.depths: list[int] = []
        """Position of each token in its sequence, from 0."""
        self._parents: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        """Return the number of distinct tokens."""
        return len(self.tokens)

    def insert(self, row: Sequence[int]) -> list[int]:
        """Add a sequence; return the indices of its tokens, old and new."""
        indices: list[int] = []
        parent = -1
        for depth, token in enumerate(row):
            index = self._children.setdefault((parent, token), len(self.tokens))
            if index == len(self.tokens):
                self.tokens.append(token)
                self.depths.append(depth)
                self._parents.append(parent)
            indices.append(index)
            parent = index
        return indices

    def lineage(self, index: int) -> list[int]:
        """Return a token's ancestors and itself, first to last."""
        line = []
        while index >= 0:
            line.append(index)
            index = self._parents[index]
        return line[::-1]
