"""Packed sequences: every token sees its own text up to itself, whatever is packed around it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from rstar_train.training.packing import (
    BLOCK,
    LENGTH_BUCKET,
    PackedSequence,
    TokenTree,
    chain_sequences,
    merge_prefixes,
    pack,
)


def seen(packed: PackedSequence, index: int) -> list[int]:
    """The tokens that the token at `index` attends to, in the order of their positions."""
    block, row = divmod(index, BLOCK)
    columns = packed.mask[block, row].nonzero()[0]
    indices = [int(packed.keys[block, column]) for column in columns]
    assert len(set(indices)) == len(indices)
    indices.sort(key=lambda at: int(packed.depths[at]))
    assert [int(packed.depths[at]) for at in indices] == list(range(len(indices)))
    return [int(packed.tokens[at]) for at in indices]


def random_rows(seed: int, count: int) -> list[list[int]]:
    """Texts that branch off one another at random places, some longer than a block."""
    rng = random.Random(seed)
    rows = [[rng.randrange(9) for _ in range(rng.randrange(1, 3 * BLOCK))]]
    while len(rows) < count:
        stem = rng.choice(rows)
        cut = rng.randrange(len(stem) + 1)
        rows.append([*stem[:cut], *(rng.randrange(9) for _ in range(rng.randrange(1, BLOCK)))])
    return rows


@pytest.mark.parametrize("lay_out", [merge_prefixes, chain_sequences])
@pytest.mark.parametrize("seed", range(5))
def test_the_last_token_of_a_text_sees_exactly_that_text(
    lay_out: Callable[[list[list[int]]], TokenTree], seed: int
) -> None:
    rows = random_rows(seed, 12)
    packed = pack(lay_out(rows))
    assert [seen(packed, int(end)) for end in packed.ends] == rows


def test_a_shared_prefix_is_there_once() -> None:
    rows = [[1, 2, 3], [1, 2, 4], [1, 2], [1, 2, 3]]
    assert len(merge_prefixes(rows)) == 4
    assert len(chain_sequences(rows)) == 11
    tree = merge_prefixes(rows)
    assert tree.ends[0] == tree.ends[3]
    assert [tree.tokens[end] for end in tree.ends] == [3, 4, 2, 3]


def test_tokens_are_depth_first() -> None:
    tree = merge_prefixes(random_rows(3, 20))
    for index, parent in enumerate(tree.parents):
        assert parent < index
        # Whatever lies between a token and its parent is below that parent.
        between = set(range(parent + 1, index))
        assert all(tree.parents[at] in between | {parent} for at in between)


def test_a_padded_token_sees_itself_alone() -> None:
    packed = pack(merge_prefixes([[5, 6, 7]]))
    assert (len(packed.tokens), packed.used) == (LENGTH_BUCKET, 3)
    for index in range(3, LENGTH_BUCKET):
        block, row = divmod(index, BLOCK)
        (column,) = packed.mask[block, row].nonzero()[0]
        assert packed.keys[block, column] == index


def test_packed_sequences_come_in_few_shapes() -> None:
    shapes = {pack(chain_sequences(random_rows(seed, 6))).keys.shape for seed in range(60)}
    lengths = {blocks for blocks, _ in shapes}
    assert all(blocks * BLOCK % LENGTH_BUCKET == 0 for blocks in lengths)
    assert len(shapes) < 20


def test_an_empty_text_is_refused() -> None:
    for lay_out in (merge_prefixes, chain_sequences):
        with pytest.raises(ValueError, match="no last token"):
            lay_out([[1], []])
