"""Token sequences that share prefixes, on plain numbers."""

from __future__ import annotations

from bench.engines.token_trie import TokenTrie


def test_sequences_share_their_prefix_and_nothing_else() -> None:
    trie = TokenTrie()
    assert trie.insert([1, 2, 3]) == [0, 1, 2]
    assert trie.insert([1, 2, 9, 3]) == [0, 1, 3, 4]
    assert trie.tokens == [1, 2, 3, 9, 3]
    assert trie.depths == [0, 1, 2, 2, 3]
    assert len(trie) == 5


def test_a_sequence_that_is_known_adds_nothing() -> None:
    trie = TokenTrie()
    trie.insert([1, 2, 3])
    assert trie.insert([1, 2]) == [0, 1]
    assert trie.insert([]) == []
    assert len(trie) == 3


def test_sequences_may_differ_from_their_first_token_on() -> None:
    trie = TokenTrie()
    trie.insert([1, 2])
    assert trie.insert([2, 2]) == [2, 3]
    assert trie.lineage(3) == [2, 3]


def test_a_lineage_runs_from_the_first_token_to_the_token_itself() -> None:
    trie = TokenTrie()
    trie.insert([5, 6, 7])
    (*_, last) = trie.insert([5, 8, 9])
    assert trie.lineage(last) == [0, 3, 4]
    assert [trie.tokens[index] for index in trie.lineage(last)] == [5, 8, 9]
