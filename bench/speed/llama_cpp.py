"""llama.cpp's own server, which answers many requests at a time; it is to be built beforehand.

No package index has it with this processor's instructions. `RSTAR_BENCH_LLAMA_SERVER` names the
program `llama-server`, of a build with `-DGGML_NATIVE=ON`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.speed.served import HOST, Served, serve

LLAMA_CPP = "llama.cpp"
VARIABLE = "RSTAR_BENCH_LLAMA_SERVER"
SLOTS = 32
"""Sequences that are generated at a time."""
_TOKENS = 1024
"""Of a sequence, at most."""


@contextmanager
def serve_gguf(
    model: Path, folder: Path, name: str, is_ready: Callable[[str], bool]
) -> Iterator[Served]:
    """Serve a GGUF file under a name until the end; `folder` is for the log.

    Raises BenchError: no program is named, or it does not start.
    """
    program = os.environ.get(VARIABLE, "")
    if not program:
        raise BenchError(f"{VARIABLE} names no llama-server, built with -DGGML_NATIVE=ON")
    cores = str(os.cpu_count() or 1)
    command = [
        *(program, "--model", str(model), "--alias", name, "--host", HOST),
        *("--threads", cores, "--threads-batch", cores, "--parallel", str(SLOTS)),
        *("--ctx-size", str(SLOTS * _TOKENS)),
    ]
    with serve(command, os.environ, folder, is_ready) as server:
        yield server
