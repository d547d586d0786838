"""Questions that are of no benchmark: those of a task of lm-eval, or of whoever asks a server."""

from __future__ import annotations

from bench.files.digests import short_digest


def name_question(text: str) -> str:
    """Return the id of a question: equal texts have equal ids, and so equal searches."""
    return f"text-{short_digest(text.encode())}"
