"""Who searches now, who waits, and who is told to come again."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from statistics import fmean

from bench.serving.errors import RequestError

_LATELY = 16
"""Searches by whose seconds the next ones are guessed."""
_FIRST_GUESS = 10.0
_LONGEST = 3_600


class Gate:
    """Places for searches, and a queue before them; whoever enters must leave once."""

    def __init__(self, at_once: int, queue: int) -> None:
        """Have so many places, and let so many wait."""
        self._at_once, self._most = at_once, at_once + queue
        self._inside = 0
        self._seconds: deque[float] = deque([_FIRST_GUESS], maxlen=_LATELY)
        self.places = asyncio.Semaphore(at_once)
        """To be held while searching."""

    @property
    def running(self) -> int:
        """Searches under way."""
        return min(self._inside, self._at_once)

    @property
    def waiting(self) -> int:
        """Requests that wait for a place."""
        return self._inside - self.running

    def enter(self) -> None:
        """Take a place in the queue. Raises RequestError: it is full, and when to come again."""
        if self._inside >= self._most:
            wait = fmean(self._seconds) * (self.waiting + 1) / self._at_once
            raise RequestError(
                f"{self.running} searches are under way and {self.waiting} requests wait for "
                "theirs, which is all that this server takes; ask again later",
                status=429,
                kind="rate_limit_error",
                code="queue_full",
                headers={"Retry-After": str(min(_LONGEST, max(1, math.ceil(wait))))},
            )
        self._inside += 1

    def leave(self) -> None:
        """Give the place back."""
        self._inside -= 1

    def note_seconds(self, seconds: float) -> None:
        """Hear how long a search took."""
        self._seconds.append(seconds)
