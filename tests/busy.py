"""What makes a machine busy: processes that compute without an end, and one that takes its memory.

All are ended with the context, and with the process that started them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_ORPHANED = """
import ctypes, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL) if sys.platform == "linux" else None
"""
_SPIN = f"{_ORPHANED}while True: pass"
_TAKE_MEMORY = f"""{_ORPHANED}
import mmap, pathlib, random
def available():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) << 10
pathlib.Path("/proc/self/oom_score_adj").write_text("1000")  # if somebody has to go
taken = []
files = [p for p in pathlib.Path("/usr").rglob("*.so*") if p.is_file()]
while True:
    while available() > {{left}}:
        block = mmap.mmap(-1, 64 << 20)
        for page in range(0, 64 << 20, 4096):
            block[page] = 1
        taken.append(block)
    random.choice(files).read_bytes()
    if available() < {{left}} // 2 and taken:
        taken.pop().close()
"""
LEFT = 1 << 30
"""Bytes that are left to everybody else."""


@contextmanager
def busy_machine(*, spinning: int, memory: bool = False, left: int = LEFT) -> Iterator[None]:
    """Let so many processes compute beside what runs inside, and perhaps one hold the memory."""
    programs = [_SPIN] * spinning + [_TAKE_MEMORY.format(left=left)] * memory
    with ExitStack() as stack:
        for program in programs:
            process = subprocess.Popen([sys.executable, "-S", "-c", program])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield
