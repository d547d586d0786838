"""SIGTERM, to a command whose sandbox is running a program: everything ends with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def test_a_terminated_command_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "sleep.py").write_text("print('begun', flush=True)\nimport time\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "bench.cli", "exec", str(tmp_path / "sleep.py")]
    with subprocess.Popen(
        [*command, "--timeout", "900"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        running = psutil.Process(process.pid)
        deadline = time.monotonic() + 60
        while len(running.children(recursive=True)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        children = running.children(recursive=True)
        assert children
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said == "\nrstar-bench: terminated; repeat the command to go on where it was\n"
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
