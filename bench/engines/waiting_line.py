"""The line of requests that an engine has no room for: the lowest order first, then first come.

Nobody passes the head of the line. One that needs more room than there is holds up those behind it,
smaller ones too: they would keep it waiting for as long as there are any.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingLine(Generic[T]):
    """Who waits, and how much room there is for those who are let in."""

    def __init__(self, room: int) -> None:
        """Start with nobody."""
        self._room = room
        self._heap: list[tuple[int, int, int, T]] = []
        """Order, place among all who ever came, size, who: places differ, so nobody is compared."""
        self._came = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._heap)

    def join(self, one: T, *, order: int, size: int) -> None:
        """Put somebody into the line."""
        heapq.heappush(self._heap, (order, self._came, size, one))
        self._came += 1

    def let_in(self, taken: int) -> T | None:
        """Take the head out of the line; None where nobody waits, or it has no room.

        Where nothing is taken there is room for anybody.
        """
        if not self._heap or (taken and taken + self._heap[0][2] > self._room):
            return None
        return heapq.heappop(self._heap)[-1]

    def send_away(self) -> Iterator[T]:
        """Take everybody out of the line, in its order."""
        while self._heap:
            yield heapq.heappop(self._heap)[-1]
