"""A server of somebody else's, in a process of its own: started, waited for, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

HOST = "127.0.0.1"
READY_SECONDS = 1800
"""On cores that are busy with something else; on two quiet ones vLLM is ready after 45."""
TOLD = 3000
"""Characters of a log that are told."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    url: str
    """Ends in /v1."""
    process: subprocess.Popen[bytes]


@contextmanager
def serve(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    is_ready: Callable[[str], bool],
) -> Iterator[Served]:
    """Run a command that serves on a free port, its option `--port`, until the end.

    `folder` is for the log; `is_ready` is asked with the URL, which ends in /v1. Raises BenchError:
    it does not start.
    """
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env={**environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    name = Path(command[0]).name
    try:
        deadline = time.monotonic() + READY_SECONDS
        url = f"http://{HOST}:{port}/v1"
        while not is_ready(url):
            if process.poll() is not None:
                raise BenchError(f"{name} ended: {(folder / 'log').read_text()[-TOLD:]}")
            if time.monotonic() > deadline:
                raise BenchError(f"{name} was not ready within {READY_SECONDS} seconds")
            time.sleep(1)
        yield Served(url, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
