"""A process whose memory was laid on a file: it holds what it held, and forks share the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.sandbox.inside import heap

ROOT = Path(__file__).parents[2]
SMAPS = """\
55d000000000-55d000100000 rw-p 00000000 00:00 0                          [heap]
Size:               1024 kB
Anonymous:          1000 kB
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
Anonymous:           100 kB
7f1000000000-7f1000020000 r--p 00000000 08:01 12                         /lib/libx.so
Anonymous:           128 kB
7f2000000000-7f2000020000 r-xp 00000000 08:01 12                         /lib/libx.so
Anonymous:           128 kB
7ffd00000000-7ffd00020000 rw-p 00000000 00:00 0                          [stack]
Anonymous:           128 kB
"""
MOVES = """
import gc, os
from pathlib import Path
from bench.sandbox.inside import heap
held = {n: [str(n), float(n)] for n in range(100_000)}
smaps = os.open("/proc/self/smaps", os.O_RDONLY)
gc.freeze()
laid = heap.lay_on_file(smaps)
assert laid > 20 << 20, laid
assert "memfd:heap" in Path("/proc/self/maps").read_text()
assert all(held[n] == [str(n), float(n)] for n in held)
readable, writable = os.pipe()
if os.fork() == 0:
    held[7][0] = "changed"
    held.update((n, bytes(99)) for n in range(200_000, 300_000))
    os.write(writable, held[7][0].encode())
    os._exit(0)
assert os.wait()[1] == 0
assert os.read(readable, 99) == b"changed"
assert held[7][0] == "7" and len(held) == 100_000
held.clear()
gc.unfreeze()
gc.collect()
print("as it was")
"""


def test_areas_are_those_that_are_mostly_ones_own_but_for_code_and_stack() -> None:
    sizes = [(area.start, area.size) for area in heap.own(SMAPS.splitlines(keepends=True))]
    assert sizes == [(0x55D000000000, 1 << 20), (0x7F1000000000, 1 << 17)]


@pytest.mark.skipif(not heap.AVAILABLE, reason="this libc has no contexts")
def test_memory_on_a_file_is_what_it_was_and_forks_have_their_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MOVES], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.returncode) == ("as it was\n", 0), done.stderr


def test_new_objects_lie_side_by_side_once_gaps_are_filled() -> None:
    kept = heap.plug()
    fresh = [bytes(200 + n - n) for n in range(60)]
    addresses = sorted(map(id, fresh))
    assert addresses[-1] - addresses[0] < 4 * 16384
    assert kept
