"""The blocks of a cache: known beginnings are shared, and nobody loses what is in use."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bench.engines.block_pool import BlockPool, BlockTable
from bench.engines.memory import BLOCK


class Cache:
    """Which tokens each block holds, and the pool that gives them away."""

    def __init__(self, blocks: int) -> None:
        self.contents: dict[int, list[int]] = {}
        self.pool = BlockPool(blocks, self.copy)

    def copy(self, block: int, to: int) -> None:
        assert block != to
        self.contents[to] = [*self.contents[block]]

    def begin(self, ids: list[int]) -> BlockTable:
        """Begin a sequence; what is said to be known is there."""
        table = BlockTable(self.pool, ids)
        assert self.read(table)[: table.known] == ids[: table.known]
        return table

    def read(self, table: BlockTable) -> list[int]:
        return [token for block in table.blocks for token in self.contents[block]]

    def compute(self, table: BlockTable, ids: list[int], known: int = 0) -> None:
        """Compute the tokens of a sequence from `known` on."""
        table.reserve(len(ids))
        for at in range(known, len(ids)):
            held = self.contents.setdefault(table.blocks[at // BLOCK], [])
            held[at % BLOCK :] = [ids[at]]
        table.name(ids)

    def go_through(self, ids: list[int]) -> int:
        """Compute a sequence and let it go; return how many tokens were known."""
        table = self.begin(ids)
        self.compute(table, ids, table.known)
        table.close(ids)
        return table.known


def test_a_sequence_finds_what_is_known_of_its_beginning_to_the_token() -> None:
    cache = Cache(8)
    ids = list(range(2 * BLOCK + 5))
    assert cache.go_through(ids) == 0
    assert cache.go_through([*ids, 7, 8]) == len(ids)
    assert cache.go_through([*ids[: BLOCK + 9], 500, 501]) == BLOCK + 9
    assert cache.go_through([*ids[:3], 500]) == 3


def test_full_blocks_are_shared_and_a_part_of_one_is_copied() -> None:
    cache = Cache(8)
    ids = list(range(2 * BLOCK + 5))
    first = cache.begin(ids)
    cache.compute(first, ids)
    assert first.blocks == [1, 2, 3]  # 0 is not the pool's to give
    second = cache.begin(ids)
    assert second.blocks == first.blocks[:2]  # the third is still written to
    first.close(ids)
    third = cache.begin(ids)
    assert third.blocks[:2] == second.blocks
    assert third.known == len(ids)


def test_equal_tokens_behind_another_beginning_are_another_block() -> None:
    cache = Cache(8)
    cache.go_through([1] * BLOCK + [2] * BLOCK)
    assert cache.go_through([2] * BLOCK) == 0


def test_a_fork_shares_what_is_full_and_copies_the_rest() -> None:
    cache = Cache(8)
    ids = list(range(BLOCK + 3))
    table = cache.begin(ids)
    cache.compute(table, ids)
    fork = table.fork()
    assert fork.blocks[0] == table.blocks[0]
    assert fork.blocks[1] != table.blocks[1]
    assert cache.read(fork) == ids
    cache.compute(fork, [*ids, 7], len(ids))
    assert cache.read(table) == ids


def test_what_was_let_go_first_is_written_over_first_and_beginnings_last() -> None:
    cache = Cache(4)
    for beginning in (1, 2):
        cache.go_through([beginning] * 2 * BLOCK)
    held = cache.begin([3] * BLOCK)
    cache.compute(held, [3] * BLOCK)
    assert BlockTable(cache.pool, [1] * 2 * BLOCK).known == BLOCK
    assert BlockTable(cache.pool, [2] * 2 * BLOCK).known == 2 * BLOCK


def test_a_block_that_must_be_written_over_may_be_the_one_that_is_copied() -> None:
    cache = Cache(1)
    cache.go_through([1, 2, 3])
    assert cache.go_through([1, 2, 9]) == 2
    assert cache.go_through([1, 2, 3]) == 2


def test_what_is_forgotten_is_not_found() -> None:
    cache = Cache(4)
    cache.go_through([1] * (BLOCK + 2))
    cache.pool.forget()
    assert cache.go_through([1] * (BLOCK + 2)) == 0


@given(st.integers(0, 2**32))
def test_what_is_found_is_right_and_nobody_loses_what_is_in_use(seed: int) -> None:
    draw = random.Random(seed)
    cache = Cache(24)
    held: list[tuple[BlockTable, list[int]]] = []
    for _ in range(80):
        if held and (draw.random() < 0.5 or sum(len(each.blocks) for each, _ in held) > 16):
            table, ids = held.pop(draw.randrange(len(held)))
            table.close(ids)
            continue
        ids = [draw.randrange(2)] * draw.randrange(1, BLOCK + 2)
        ids += [draw.randrange(2)] * draw.randrange(2 * BLOCK)
        table = cache.begin(ids)
        cache.compute(table, ids, table.known)
        if draw.random() < 0.3 and len(held) < 5:
            fork = table.fork()
            held.append((fork, [*ids]))
        held.append((table, ids))
        for other, its in held:
            assert cache.read(other)[: len(its)] == its
