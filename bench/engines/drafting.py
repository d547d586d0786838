"""Guesses of the next tokens, from what was read before: a batch-invariant engine checks them free.

A step reads all weights, however few its rows are, so some rows more cost next to nothing. Where
rows do not depend on their company, a guessed token can be computed beside the one before it, and
the token that is drawn is the very one that would have been drawn a step later. A right guess saves
that step, and a wrong one only its row: no text depends on what is guessed, nor on the history that
the guesses come from. (Speculative decoding, arXiv 2211.17192, is exact in distribution; this is
exact in each text.)

The guess is what came most often behind the same last tokens, in anything that the engine has read
or written. It is kept in tables of one size: where two beginnings fall on one place, guesses become
worse, and nothing else.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

LENGTHS = (8, 5, 3, 2)
"""Tokens that are looked at, by which a next one is known."""
PLACES = 1 << 19
"""Of beginnings; 4 MB."""
MOST = 8
"""Tokens that are guessed at once."""
ROWS_OF_A_STEP = 16
"""A step costs as much as so many rows, before it has its first one: it reads the weights."""
_LARGE = 250


class Drafter:
    """What came behind what."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._tokens = array("i", bytes(4 * PLACES))
        self._right = array("H", bytes(2 * PLACES))
        self._seen = array("H", bytes(2 * PLACES))

    def learn(self, ids: Sequence[int], start: int) -> None:
        """Note the tokens from `start` on, each with what is before it."""
        for at in range(max(start, LENGTHS[-1]), len(ids)):
            token = ids[at]
            for length in LENGTHS:
                if length <= at:
                    self._note(hash(tuple(ids[at - length : at])) % PLACES, token)

    def _note(self, place: int, token: int) -> None:
        seen, right = self._seen[place] + 1, self._right[place]
        if self._tokens[place] == token:
            right += 1
        elif 3 * right < seen:  # it is not what comes here any more
            self._tokens[place], seen, right = token, 1, 1
        if seen > _LARGE:
            seen, right = seen // 2, right // 2
        self._seen[place], self._right[place] = seen, right

    def guess(self, ids: Sequence[int], *, most: int, least: float) -> list[int]:
        """Return tokens that may come next, while it is likelier than `least` that all do."""
        tail, found, chance = list(ids[-LENGTHS[0] :]), list[int](), 1.0
        while len(found) < most:
            share, token = self._likeliest(tail)
            chance *= share
            if chance <= least:
                break
            found.append(token)
            tail.append(token)
        return found

    def _likeliest(self, tail: Sequence[int]) -> tuple[float, int]:
        """Return the token that most surely comes next, and how sure that is."""
        best, token = 0.0, 0
        for length in LENGTHS:
            if length <= len(tail):
                place = hash(tuple(tail[len(tail) - length :])) % PLACES
                share = self._right[place] / (self._seen[place] + 1)
                if share > best:
                    best, token = share, self._tokens[place]
        return best, token


def price(tokens: int, rows: int) -> float:
    """Return the chance above which a guess gains, in a step of so many tokens and rows."""
    return tokens / (ROWS_OF_A_STEP + rows)
