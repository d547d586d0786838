"""One model computes on the CPU at a time: two thread pools on the same cores stall each other.

A matrix product ends at a barrier where every thread waits for the slowest. The policy and
the PPM have a pool of threads each, on the same cores: a thread that has lost its core holds up all
the others. On two cores both models together ran at a tenth of the speed they have in turn.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType


class Turns:
    """A lock that is handed on in the order in which it was asked for.

    A plain lock would be taken again at once by the engine that has just let go of it, and whoever
    waits would starve. Models that compute on one processor are given one and the same.
    """

    def __init__(self) -> None:
        """Start free."""
        self.seconds: dict[str, float] = defaultdict(float)
        """How long each thread has had the turn, by its name."""
        self._since = 0.0
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    def on(self, device: str) -> AbstractContextManager[None]:
        """Return what to wait for before computing on a torch device; a GPU needs no turn."""
        return self if device == "cpu" else nullcontext()

    def __enter__(self) -> None:
        """Wait for this thread's turn."""
        with self._guard:
            if not self._taken:
                self._taken = True
                self._since = time.perf_counter()
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        self._since = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hand the turn to whoever has waited longest."""
        self.seconds[threading.current_thread().name] += time.perf_counter() - self._since
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
