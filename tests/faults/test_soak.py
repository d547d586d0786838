"""A long run whose processes are killed at random keeps its records, and its memory stays flat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.soak import differences, soak

PROBLEMS = int(os.environ.get("RSTAR_BENCH_SOAK_PROBLEMS", "2000"))
GROWTH = 1.25
"""What memory may be of what it was after the first quarter, as caches fill."""


@pytest.mark.slow
def test_a_run_killed_at_random_equals_one_left_alone_and_stays_as_large(tmp_path: Path) -> None:
    alone = soak(PROBLEMS, tmp_path / "whole", kills=False)
    killed = soak(PROBLEMS, tmp_path / "broken", kills=True)
    assert differences(tmp_path / "whole", tmp_path / "broken") == []
    assert killed.kills["node"] > 0
    first, *others = [pss for _, pss in alone.pss]
    assert all(pss < GROWTH * first for pss in others), alone.pss
    # After a kill memory is small for a while, so there is no first value to compare with.
    assert all(pss < GROWTH * max(first, *others) for _, pss in killed.pss), killed.pss
