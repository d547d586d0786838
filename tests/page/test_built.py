"""The built program: made of the sources as they are, and unable to make markup of a text."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

import bench.page

PAGE = Path(bench.page.__file__).parent
WEB, BUILT = PAGE / "web", PAGE / "built"


def test_it_was_built_from_these_sources() -> None:
    told = dict(
        reversed(line.split("  ")) for line in (BUILT / "sources.sha256").read_text().splitlines()
    )
    names = ["build.mjs", "package-lock.json"]
    names += sorted(f"src/{path.name}" for path in (WEB / "src").iterdir())
    found = {name: sha256((WEB / name).read_bytes()).hexdigest() for name in names}
    assert found == told, "bench/page/web has changed: run make page"


@pytest.mark.parametrize(
    "way",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"],
)
def test_it_has_no_way_from_text_to_markup(way: str) -> None:
    assert way not in (BUILT / "page.js").read_text()


def test_it_cannot_end_the_element_that_it_stands_in() -> None:
    assert "</script" not in (BUILT / "page.js").read_text().lower()
    assert "</style" not in (BUILT / "page.css").read_text().lower()


def test_the_licence_of_everything_bundled_is_kept() -> None:
    licences = (BUILT / "LICENCES.txt").read_text()
    for name in ("temml", "d3-hierarchy", "d3-scale", "d3-shape"):
        assert f"\n{name} " in licences
    assert "MIT License" in licences
    assert "</" not in licences  # a page holds them in an element


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_what_the_program_computes_passes_its_own_tests() -> None:
    done = subprocess.run(
        ["node", "--test", "test/"], cwd=WEB, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:]
