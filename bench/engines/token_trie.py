"""Token sequences that share their prefixes: what tree attention computes, each token once.

A token is known by its index, in order of arrival, so a token's ancestors always have lower
indices than itself. Sharing is found by comparing tokens, never by cutting text: a tokenizer may
merge across the end of a step.
"""

from __future__ import annotations

from collections.abc import Sequence

Placed = tuple[list[int], int]
"""The tokens that a step is scored after, and the index of the one whose state is read."""


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

    def insert_paths(self, paths: Sequence[Sequence[Placed]]) -> tuple[list[list[int]], list[int]]:
        """Add what the steps of paths are scored after.

        Return the index of the token of each step's score, and how many tokens each path added.
        """
        ends, added = [], []
        for path in paths:
            before, found = len(self), []
            inserted, indices = None, []
            for ids, at in path:
                if ids is not inserted:  # one text for all steps, where each goes on from the last
                    inserted, indices = ids, self.insert(ids)
                found.append(indices[at])
            ends.append(found)
            added.append(len(self) - before)
        return ends, added
