"""`rstar-bench serve` as a process, and what is asked of it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

SECONDS = 1800.0
"""Of anything, on a machine that has other things to do; a quiet one needs a few."""


def start(*options: str, stderr: int | None = None) -> subprocess.Popen[str]:
    """Start a command as from a terminal: with Ctrl-C, which a job in the background ignores."""
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from bench.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)


def read_url(process: subprocess.Popen[str]) -> str:
    """Wait until it serves; return its URL, which ends in /v1."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.match(r"serving at (http://127\.0\.0\.1:\d+/v1);", line)
    assert found is not None, line
    return found[1]


def messages(question: str) -> Any:
    return [{"role": "user", "content": question}]


def about(reply: Any) -> dict[str, Any]:
    """What a reply says of its search."""
    found: dict[str, Any] = reply.model_extra["rstar"]
    return found
