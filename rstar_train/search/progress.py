"""How far a search of the pool is, told to the log and to whoever keeps a journal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.console import Pace

log = logging.getLogger(__name__)

Note = Callable[[str, int, int], None]
"""Called with the stage, the problems done, and how many there are."""

EVERY_SECONDS = 30.0
"""Between two lines."""


@dataclass(slots=True)
class SearchProgress:
    """Counts finished problems; tells the log and the note now and then."""

    label: str
    note: Note | None = None
    total: int = 0
    done: int = 0
    before: int = 0
    """Problems that an earlier session has done."""
    started: float = 0.0
    pace: Pace = field(default_factory=lambda: Pace(EVERY_SECONDS))

    def start(self, total: int, done: int) -> Callable[[object], None]:
        """Hear how many there are and how many were done before; return what counts one more."""
        self.total, self.done, self.before = total, done, done
        self.started = time.monotonic()
        self.pace = Pace(EVERY_SECONDS)
        self._tell()
        return self._tick

    def _tick(self, _: object) -> None:
        self.done += 1
        if not self.pace.is_due() and self.done < self.total:
            return
        seconds = time.monotonic() - self.started
        left = seconds / (self.done - self.before) * (self.total - self.done)
        log.info("%s: %d of %d problems, %.0f s left", self.label, self.done, self.total, left)
        self._tell()

    def _tell(self) -> None:
        if self.note is not None:
            self.note(self.label, self.done, self.total)
