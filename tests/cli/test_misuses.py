"""Two hundred mistakes and more with every verb: no traceback, no hang, never a status of 0."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.misuses import misuses

ROOT = Path(__file__).parents[2]


def play(*words: str) -> str:
    command = [sys.executable, "-m", "tests.cli.misuses", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_verb_is_misused() -> None:
    verbs = {(each.program, each.words[0]) for each in misuses("p") if each.words}
    listed = {
        (program, verb)
        for program, module in (("rstar-bench", "bench.cli"), ("rstar-train", "rstar_train.cli"))
        for verb in verbs_of(module)
    }
    assert listed <= verbs
    assert len(list(misuses("p"))) >= 200


def verbs_of(module: str) -> list[str]:
    shown = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    return re.findall(r"^    ([a-z][a-z-]*)(?:\s|$)", shown.stdout, re.MULTILINE)


def test_some_misuses_end_in_a_sentence() -> None:
    assert re.search(r"^[1-9]\d* misuses, 0 of them", play("rstar-bench", "headroom"), re.MULTILINE)


@pytest.mark.slow
def test_every_misuse_ends_in_a_sentence() -> None:
    assert re.search(r"^\d{3,} misuses, 0 of them with a fault", play(), re.MULTILINE)
