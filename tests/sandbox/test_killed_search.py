"""A search over fifty problems, killed with -9, leaves no process, no file and no mount."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
MOUNTS = Path("/proc/mounts")
ENOUGH = 30
"""Processes of the sandbox that live when the search is killed."""


def mounts() -> str:
    return MOUNTS.read_text() if MOUNTS.exists() else ""


def test_a_search_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    temporary.chmod(0o755)
    before = mounts()
    command = [sys.executable, "-m", "tests.sandbox.fifty_searches", str(tmp_path / "run")]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as searcher:
        below: list[psutil.Process] = []
        end = time.monotonic() + 60
        while len(below) < ENOUGH and time.monotonic() < end and searcher.poll() is None:
            time.sleep(0.05)
            below = psutil.Process(searcher.pid).children(recursive=True)
        searcher.kill()
        told = searcher.communicate()[1].decode()
    assert len(below) >= ENOUGH, told
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    assert list(temporary.iterdir()) == []
    assert mounts() == before
