"""The peak of a command's memory is that of all its processes; and a demonstration stays small."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import published_checkpoints
from bench.errors import BenchError
from bench.speed.memory import measure_peak

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the kernel tells no set sizes"
)

HOLDING = "held = bytearray(b'x') * {mib} * (1 << 20); import time; time.sleep(0.8)"
"""A program that holds so many MiB for a while."""


async def test_the_peak_is_that_of_a_command_and_of_what_it_starts() -> None:
    child = HOLDING.format(mib=60)
    parent = (
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        f"{HOLDING.format(mib=30)}; child.wait()"
    )
    peak = await measure_peak((sys.executable, "-c", parent))
    assert 90 < peak.total / (1 << 20) < 150
    assert 30 < peak.main / (1 << 20) < 60
    assert peak.processes == 2


async def test_a_command_that_fails_is_told_with_its_last_word() -> None:
    with pytest.raises(BenchError, match="ended with 1: ValueError: so"):
        await measure_peak((sys.executable, "-c", "raise ValueError('so')"))


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("openvino_genai") is None or not published_checkpoints("ppm"),
    reason="OpenVINO or a published PPM is not there",
)
async def test_a_demonstration_of_eight_problems_holds_less_than_four_gigabytes(
    tmp_path: Path,
) -> None:
    command = (sys.executable, "-m", "bench.cli", "demo", "--limit", "8", "--out", str(tmp_path))
    peak = await measure_peak(command)
    assert peak.total < 4e9
