"""The examples in docstrings give what they say, on the real small model."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

MODULES = ("bench.answers.checking", "bench.problems.groups", "bench.python.session")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(
    name: str, embedded_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")
    monkeypatch.chdir(tmp_path)  # one example writes a run
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0 and done.failed == 0


def test_every_example_is_tried() -> None:
    package = Path(__file__).resolve().parents[2] / "bench"
    holding = {
        ".".join(("bench", *path.relative_to(package).with_suffix("").parts))
        for path in package.rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    }
    assert holding == set(MODULES)
