"""How much a proof may cost, and what it is spent on: CPU seconds, passed down and divided.

They are this thread's own. A wall clock would let a busy neighbour decide what is proved, and the
process's CPU time a policy that is asked meanwhile. The prover computes in one thread.
"""

from __future__ import annotations

import time
from collections import Counter


class Budget:
    """CPU seconds from now on."""

    def __init__(self, seconds: float, tried: Counter[str] | None = None) -> None:
        """Begin to count; what is tried is added to `tried`."""
        self._end = time.thread_time() + seconds
        self.tried = Counter() if tried is None else tried
        """How often each kind of attempt was made, in this budget and in all its parts."""

    @property
    def left(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self._end - time.thread_time())

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0.0

    def part(self, seconds: float, share: float = 1.0) -> Budget:
        """Return a budget of so many seconds, and of a share of what is left at most."""
        return Budget(min(seconds, self.left * share), self.tried)
