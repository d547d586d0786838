"""The journal of a run: when each stage began, how far it was, when it ended; for `status` only.

Nothing is decided by it: what is done is what the manifests say. A line that a kill cut in half is
passed over, and cut off before the next stage begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.files.atomic import append
from bench.files.lines import cut_half_line, encode, scan

NAME = "journal.jsonl"
"""In the work folder of a run."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment of one stage."""

    stage: str
    """Its folder below the work folder, e.g. `round-2/search`."""
    event: str
    """`begun`, `progress` or `ended`."""
    at: datetime
    done: int = 0
    total: int = 0


def append_entry(
    journal: Path | None, stage: str, event: str, *, done: int = 0, total: int = 0
) -> None:
    """Append an entry; without a journal, do nothing. Raises OSError."""
    if journal is not None:
        if event == "begun":  # else that line would follow half of another, and be lost with it
            cut_half_line(journal)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        row = {"stage": stage, "event": event, "at": at, "done": done, "total": total}
        append(journal, encode(row))


def append_progress(journal: Path, stage: str, done: int, total: int) -> None:
    """Append how far a stage is. Raises OSError."""
    append_entry(journal, stage, "progress", done=done, total=total)


def read_journal(journal: Path) -> Sequence[Entry]:
    """Return the entries of a journal, oldest first; none where there is no journal."""
    return [line.value for line in scan(journal, _entry).lines if line.value is not None]


def _entry(data: dict[str, str]) -> Entry:
    try:
        return Entry(
            str(data["stage"]),
            str(data["event"]),
            datetime.fromisoformat(data["at"]),
            int(data["done"]),
            int(data["total"]),
        )
    except KeyError as error:
        raise ValueError(f"no {error}") from error
