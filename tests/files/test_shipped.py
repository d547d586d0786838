"""What an installed package finds beside itself: what a checkout has, of the newest rounds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import published_checkpoints
from bench.files import shipped

ROOT = Path(__file__).resolve().parents[2]
SHARE = "share/rstar-bench"
CPL = Path("checkpoints") / "smollm2-135m-cpl"


@pytest.fixture(scope="module")
def declared() -> dict[Path, Path]:
    """By the files that the wheel brings, where it puts them, below the share folder."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {}
    for target, patterns in tables["tool"]["setuptools"]["data-files"].items():
        for pattern in patterns:
            files = list(ROOT.glob(pattern))
            assert files, f"{pattern} is nothing"
            for file in files:
                found[file] = Path(target).relative_to(SHARE) / file.name
    return found


def test_every_file_is_put_where_it_lies_in_a_checkout(declared: dict[Path, Path]) -> None:
    assert all(file.relative_to(ROOT) == target for file, target in declared.items())


def test_all_tasks_and_the_newest_round_of_each_recipe_are_brought(
    declared: dict[Path, Path],
) -> None:
    tasks = {file for file in (ROOT / "tasks").rglob("*yaml") if file.is_file()}
    assert tasks <= set(declared)
    newest: dict[Path, Path] = {}
    for kind in ("policy", "ppm"):
        for folder in published_checkpoints(kind).values():  # type: ignore[arg-type]
            newest[folder.parent.parent / kind] = folder
    assert len(newest) >= 6
    for folder in newest.values():
        kept = {file for file in folder.iterdir() if file.suffix in (".json", ".safetensors")}
        assert kept <= set(declared), f"{folder} is the newest round, and the wheel lacks it"
    figures = set((ROOT / "results" / "checkpoints").glob("*/*/figures.json"))
    assert figures <= set(declared)


def test_pages_that_llms_txt_leads_to_are_brought(declared: dict[Path, Path]) -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    files = set(declared)
    for package, patterns in tables["package-data"].items():
        files.update(*((ROOT / package).glob(pattern) for pattern in patterns))
    text = (ROOT / "bench" / "llms.txt").read_text()
    links = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)}
    brought = {each for each in links if (ROOT / "bench" / each).resolve() in files}
    assert links - brought == {"../tests/plugins/example/pyproject.toml"}


def test_a_checkout_is_found_where_it_is() -> None:
    assert shipped.is_checkout()
    assert shipped.find_shipped("results", "paper.json").is_file()


@pytest.mark.slow
@pytest.mark.network
def test_a_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """Built and installed as anybody would; what it needs is lent from this environment."""
    uv = shutil.which("uv")
    copy = tmp_path / "project"
    made = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "build", "dist", "*.egg-info")

    def left(folder: str, names: list[str]) -> set[str]:
        return made(folder, names) | ({"runs"} if Path(folder) == ROOT / "results" else set())

    shutil.copytree(ROOT, copy, ignore=left)
    build = [uv, "build", "--wheel"] if uv else [sys.executable, "-m", "pip", "wheel", "--no-deps"]
    out = ["--out-dir", str(tmp_path)] if uv else ["-w", str(tmp_path)]
    subprocess.run([*build, *out, str(copy)], check=True, capture_output=True, timeout=600)
    (wheel,) = tmp_path.glob("rstar_bench-*.whl")

    new = [uv, "venv", "-q"] if uv else [sys.executable, "-m", "venv"]
    subprocess.run([*new, str(tmp_path / "env")], check=True, timeout=300)
    python = tmp_path / "env" / "bin" / "python"
    install = (
        [uv, "pip", "install", "-q", "--python", str(python)]
        if uv
        else [*(str(python), "-m", "pip", "install", "-q")]
    )
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, timeout=300)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n")

    def run(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(tmp_path / "env" / "bin" / program), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("python", "-c", "import bench; print(bench.__file__)")
    assert where.startswith(str(tmp_path / "env"))
    assert "rStar-Math" in run("rstar-bench", "paper", "table5")
    assert "What Step-APO changed" in run(
        "rstar-train", "table", str(tmp_path / "env" / SHARE / "results" / CPL)
    )
    assert "Coverage of the pool" in run("rstar-train", "table")
    tasks = run("rstar-bench", "lm-eval", "ls", "tasks")
    assert "rstar_math500" in tasks
    found = "from bench.checkpoints.checkpoint import published_checkpoints as p; print(*p('ppm'))"
    assert "smollm2-dial-r4" in run("python", "-c", found)
