"""How far a search is, told to the log and the journal now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rstar_train.rounds.journal import note

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Between two lines."""


@dataclass(slots=True)
class SearchProgress:
    """Counts finished problems; tells the log and the journal now and then."""

    label: str
    journal: Path | None
    total: int = 0
    done: int = 0
    begun_at: int = 0
    began: float = 0.0
    said: float = 0.0

    def start(self, total: int, done: int) -> Callable[[object], None]:
        """Hear how many there are and how many were done before; return what counts one more."""
        self.total, self.done, self.begun_at = total, done, done
        self.began = self.said = time.monotonic()
        note(self.journal, self.label, "progress", done=done, total=total)
        return self._tick

    def _tick(self, _: object) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.said < EVERY_SECONDS and self.done < self.total:
            return
        self.said = now
        left = (now - self.began) / (self.done - self.begun_at) * (self.total - self.done)
        log.info("%s: %d of %d problems, %.0f s left", self.label, self.done, self.total, left)
        note(self.journal, self.label, "progress", done=self.done, total=self.total)
