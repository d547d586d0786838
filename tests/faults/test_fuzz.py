"""Fuzz targets keep their promises on what they begin with and on what was found with them.

The fuzzing itself, ten minutes a target and one target a core, needs atheris (the extra `fuzz`)
and is a slow test.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.fuzz import TARGETS

ROOT = Path(__file__).parents[2]
SECONDS = 600


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_begins_with_inputs_that_keep_its_promises(name: str) -> None:
    target = importlib.import_module(f"tests.faults.fuzz.{name}")
    assert target.SEEDS
    for data in (*target.SEEDS, *target.FOUND, b""):
        target.try_input(data)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed; pip install 'rstar-bench[fuzz]'",
)
def test_ten_minutes_of_fuzzing_break_no_promise(tmp_path: Path) -> None:
    def fuzz(name: str) -> str:
        command = [sys.executable, "-m", "tests.faults.fuzz", name, "--seconds", str(SECONDS)]
        done = subprocess.run(
            [*command, "--corpus", str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True
        )
        return "" if done.returncode == 0 else f"{name}: {done.stderr[-3000:]}"

    with ThreadPoolExecutor(os.cpu_count()) as cores:  # a target takes one
        assert [said for said in cores.map(fuzz, TARGETS) if said] == []
