"""Guesses of the next tokens, from what was read before, which a batch-invariant engine checks.

A step reads all weights, however few its rows are, so some rows more cost next to nothing. Where
rows do not depend on their company, a guessed token can be computed beside the one before it, and
the token that is drawn is the very one that would have been drawn a step later. A right guess saves
that step, and a wrong one only its row: no text depends on what is guessed, nor on the history that
the guesses come from. (Speculative decoding, arXiv 2211.17192, is exact in distribution; this is
exact in each text.)

The guess is what came most often behind the same last tokens, in anything that the engine has read
or written. It is kept in tables of one size: where two beginnings fall on one place, guesses become
worse, and nothing else. How sure a guess is is not what its counts say, but how often guesses with
such counts were right: every token that is written is guessed first.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

LENGTHS = (8, 5, 3, 2)
"""How many last tokens are looked at, each in turn, to guess the next one."""
PLACES = 1 << 19
"""Of the tables; 4 MB in all."""
MOST = 8
"""Tokens that are guessed at once."""
ROWS_OF_A_STEP = 12
"""A step costs as much as so many rows, before it has its first one: it reads the weights."""
_LARGE = 250
_GRADES = 20
"""Of how sure counts look."""


class Drafter:
    """What came behind what."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._tokens = array("i", bytes(4 * PLACES))
        self._right = array("H", bytes(2 * PLACES))
        self._seen = array("H", bytes(2 * PLACES))
        self._guessed = [2.0] * _GRADES
        self._hits = [1.0 + grade / _GRADES for grade in range(_GRADES)]
        """Of the guesses of each grade, those that were right; what it begins with counts for 2."""

    def learn(self, ids: Sequence[int], start: int, *, written: bool) -> None:
        """Note the tokens from `start` on, each with what is before it.

        Those of a prompt, which nobody had to guess, do not tell how good guesses are.
        """
        for at in range(max(start, LENGTHS[-1]), len(ids)):
            places = _find_places(ids[max(0, at - LENGTHS[0]) : at])
            if written:
                grade, guess = self._likeliest(places)
                self._guessed[grade] += 1
                self._hits[grade] += guess == ids[at]
            for place in places:
                self._note(place, ids[at])

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
            grade, token = self._likeliest(_find_places(tail))
            chance *= self._hits[grade] / self._guessed[grade] if grade else 0.0
            if chance <= least:
                break
            found.append(token)
            tail = [*tail[1 - LENGTHS[0] :], token]
        return found

    def _likeliest(self, places: Sequence[int]) -> tuple[int, int]:
        """Return what most surely comes next, behind the grade of its counts (0: not known)."""
        best, token = 0.0, 0
        for place in places:
            share = self._right[place] / (self._seen[place] + 1)
            if share > best:
                best, token = share, self._tokens[place]
        return int(best * _GRADES), token


def _find_places(tail: Sequence[int]) -> list[int]:
    """Return the places in the tables of the last tokens of a tail, the longest run first."""
    return [
        hash(tuple(tail[len(tail) - length :])) % PLACES
        for length in LENGTHS
        if length <= len(tail)
    ]


def price(tokens: int, rows: int) -> float:
    """Return the chance above which a guess gains, in a step of so many tokens and rows."""
    return tokens / (ROWS_OF_A_STEP + rows)
