"""vLLM out of an environment of its own: a real `vllm serve`, and programs of ours beside it.

vLLM's packages and the project's do not fit into one environment. `RSTAR_BENCH_VLLM` names that of
vLLM, which `.ci/vllm-environment` makes. Its speed is measured there, and its tests run there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.speed.served import HOST, TOLD, Served, serve

ENVIRONMENT = os.environ.get("RSTAR_BENCH_VLLM", "")
UNNAMED = "RSTAR_BENCH_VLLM names no environment with vLLM"
_PROJECT = Path(__file__).resolve().parents[2]
_SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "HF_HUB_OFFLINE": "1",
}


def require_environment() -> Path:
    """Return the environment's folder. Raises BenchError: none is named."""
    if not ENVIRONMENT:
        raise BenchError(f"{UNNAMED}; .ci/vllm-environment .venv-vllm makes one")
    return Path(ENVIRONMENT).resolve()


def environment() -> Mapping[str, str]:
    """Return the variables of a program there."""
    return {**os.environ, **_SETTINGS, "PYTHONPATH": str(_PROJECT)}


def run_there(arguments: Sequence[str]) -> str:
    """Run a Python program with the environment's packages; return what it prints.

    Raises BenchError: it fails.
    """
    python = require_environment() / "bin" / "python"
    done = subprocess.run(
        [str(python), *arguments], env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        last = done.stderr.strip()[-TOLD:]
        raise BenchError(f"{python.name} ended with {done.returncode} there: {last}")
    return done.stdout


@contextmanager
def serve_model(
    model: Path, folder: Path, arguments: Sequence[str], is_ready: Callable[[str], bool]
) -> Iterator[Served]:
    """Serve a model on a free port until the end; `folder` is for the log.

    `is_ready` is asked with the URL, which ends in /v1. Raises BenchError: it does not start.
    """
    vllm = require_environment() / "bin" / "vllm"
    command = [
        *(str(vllm), "serve", str(model), "--host", HOST, "--enforce-eager"),
        *("--max-model-len", "2048", *arguments),
    ]
    with serve(command, environment(), folder, is_ready) as server:
        yield server
