"""The blocks of a KV cache: whose they are, and which tokens they hold.

A block holds a run of at most `BLOCK` tokens of a sequence. A full one is known by all tokens up to
its last, so sequences that begin alike share the blocks of their beginning; where they part in the
middle of a block, what they share of it is copied. Blocks that nobody uses are kept for as long as
there are others to be had; then the one that was let go first is taken.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.engines.memory import BLOCK


@dataclass(frozen=True, slots=True)
class _Held:
    """What a block holds."""

    before: bytes
    """Key of all tokens before the block."""
    tokens: tuple[int, ...]
    key: bytes | None
    """By which the block is found, where it is full."""


class BlockPool:
    """So many blocks, counted from 1."""

    def __init__(self, blocks: int, copy: Callable[[int, int], None]) -> None:
        """Hold nothing yet; `copy` copies a block's keys and values into another block."""
        self.copy = copy
        self._fresh = list(range(blocks, 0, -1))
        """Blocks that hold nothing of use."""
        self._users: dict[int, int] = {}
        """How many sequences use a block, of those that some do."""
        self._known: dict[bytes, int] = {}
        """Full blocks by their keys."""
        self._held: dict[int, _Held] = {}
        """What is held by each block that may be found."""
        self._after: dict[bytes, dict[int, None]] = {}
        """Blocks whose contents may be copied, by the key of what is before them."""
        self._kept: dict[int, None] = {}
        """Blocks that may be found and nobody uses, as they were let go."""

    def find(self, key: bytes) -> int | None:
        """Return the full block that is known by a key, which is used from now on."""
        block = self._known.get(key)
        if block is not None:
            self.share(block)
        return block

    def find_alike(self, before: bytes, tokens: Sequence[int]) -> tuple[int, int]:
        """Return how many tokens are known to go on behind a key, and a block that holds them."""
        return max(
            (
                (count_alike(self._held[block].tokens, tokens), block)
                for block in self._after.get(before, ())
            ),
            default=(0, 0),
        )

    def share(self, block: int) -> None:
        """Use a block once more."""
        self._users[block] = self._users.get(block, 0) + 1
        self._kept.pop(block, None)

    def take(self) -> int:
        """Return a block whose contents are free to be written over; it is used from now on.

        There must be one: who takes blocks has seen to it before that there is room.
        """
        if not self._fresh:
            self._forget(next(iter(self._kept)))
        block = self._fresh.pop()
        self._users[block] = 1
        return block

    def name(self, block: int, before: bytes, tokens: Sequence[int], key: bytes) -> None:
        """Let a full block in use be found by its key, unless another one is."""
        if block not in self._held and key not in self._known:
            self._known[key] = block
            self._held[block] = _Held(before, tuple(tokens), key)

    def let_copy(self, block: int, before: bytes, tokens: Sequence[int]) -> None:
        """Let a block in use be found by what it holds, which nobody writes over any more."""
        after = self._after.setdefault(before, {})
        held = tuple(tokens)
        if block not in self._held and all(self._held[each].tokens != held for each in after):
            self._held[block] = _Held(before, held, None)
        if block in self._held:
            after[block] = None

    def let_go(self, block: int) -> None:
        """Use a block no more."""
        self._users[block] -= 1
        if not self._users[block]:
            del self._users[block]
            if block in self._held:
                self._kept[block] = None
            else:
                self._fresh.append(block)

    def forget(self) -> None:
        """Keep nothing that nobody uses."""
        for block in [*self._kept]:
            self._forget(block)

    def _forget(self, block: int) -> None:
        held = self._held.pop(block)
        del self._kept[block]
        if held.key is not None:
            del self._known[held.key]
        after = self._after.get(held.before, {})
        after.pop(block, None)
        if not after:
            self._after.pop(held.before, None)
        self._fresh.append(block)


class BlockTable:
    """The blocks of one sequence, in order."""

    def __init__(self, pool: BlockPool, ids: Sequence[int] = ()) -> None:
        """Begin with what is known of a sequence's beginning."""
        self._pool = pool
        self._digest = hashlib.blake2b(digest_size=16)
        self._keys = [b""]
        """The key of what is before each block that was ever named, and before the next one."""
        self.blocks: list[int] = []
        self.known = 0
        """Tokens whose keys and values are there from the beginning."""
        for start in range(0, len(ids) - len(ids) % BLOCK, BLOCK):
            digest = self._digest.copy()
            digest.update(_pack(ids[start : start + BLOCK]))
            block = pool.find(digest.digest())
            if block is None:
                break
            self._digest = digest
            self._keys.append(digest.digest())
            self.blocks.append(block)
            self.known += BLOCK
        alike, block = pool.find_alike(self._keys[-1], ids[self.known : self.known + BLOCK])
        if alike:
            taken = pool.take()  # this may be the very block, if it was let go first
            if taken != block:
                pool.copy(block, taken)
            self.blocks.append(taken)
            self.known += alike

    def reserve(self, tokens: int) -> None:
        """Have blocks for so many tokens."""
        while len(self.blocks) * BLOCK < tokens:
            self.blocks.append(self._pool.take())

    def name(self, ids: Sequence[int]) -> None:
        """Let full blocks of these tokens be found, by whoever comes behind them in a pass."""
        while (end := len(self._keys) * BLOCK) <= len(ids):
            at, tokens = len(self._keys) - 1, ids[end - BLOCK : end]
            self._digest.update(_pack(tokens))
            self._pool.name(self.blocks[at], self._keys[at], tokens, self._digest.digest())
            self._keys.append(self._digest.digest())

    def fork(self) -> BlockTable:
        """Return a table that begins alike: it shares what is full, and copies the rest."""
        made = BlockTable(self._pool)
        made._digest, made._keys = self._digest.copy(), [*self._keys]
        made.blocks = self.blocks[: len(self._keys) - 1]
        for block in made.blocks:
            self._pool.share(block)
        for block in self.blocks[len(made.blocks) :]:
            made.blocks.append(self._pool.take())
            self._pool.copy(block, made.blocks[-1])
        return made

    def close(self, ids: Sequence[int] = ()) -> None:
        """Let the blocks go, in which these tokens were computed.

        The last ones are the first to be written over.
        """
        self.name(ids)
        for at, before in enumerate(self._keys):
            if tokens := ids[at * BLOCK : (at + 1) * BLOCK]:
                self._pool.let_copy(self.blocks[at], before, tokens)
        for block in reversed(self.blocks):
            self._pool.let_go(block)
        self.blocks = []


def _pack(ids: Sequence[int]) -> bytes:
    return array("q", ids).tobytes()


def count_alike(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences begin alike with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
