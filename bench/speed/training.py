"""The trainer: shared prefixes against each side of a pair by itself, packed SFT against TRL.

The trainer stands above the harness, which may not import it: it is run as the program it is, and
prints its figures as JSON lines.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys

from bench.errors import BenchError, MissingExtraError
from bench.speed.measure import Figure

MODULE = "rstar_train.speed"


async def training() -> list[Figure]:
    """Time forward and backward passes on the embedded model, in a process of their own.

    Raises MissingExtraError; BenchError: the program failed.
    """
    for package in ("torch", "peft", "trl"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("training", package, "train")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        last = err.decode(errors="replace").strip().rpartition("\n")[2]
        raise BenchError(f"{MODULE} ended with status {process.returncode}: {last}")
    lines = [line for line in out.decode().splitlines() if line.startswith("[")]
    return [Figure(name, value, unit) for name, value, unit in map(json.loads, lines)]
