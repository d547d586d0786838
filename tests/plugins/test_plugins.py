"""Parts of installed packages: found by name, refused in a sentence, and never in the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from bench.plugins import PluginError, Registry, find_entries

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "example"


def install(project: Path, into: Path) -> Path:
    """Leave what an installer leaves of a project of one module: the module and its metadata."""
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    (module,) = project.glob("*.py")
    into.mkdir(exist_ok=True)
    shutil.copy(module, into)
    folder = into / f"{module.stem}-{declared['version']}.dist-info"
    folder.mkdir()
    about = f"Metadata-Version: 2.1\nName: {declared['name']}\nVersion: {declared['version']}\n"
    (folder / "METADATA").write_text(about)
    lines: list[str] = []
    for group, entries in declared["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return into


def make_project(folder: Path, source: str, entries: dict[str, str]) -> Path:
    """Write a project with one module and some searches."""
    folder.mkdir()
    (folder / "stranger.py").write_text(source)
    listed = "".join(f'{name} = "{value}"\n' for name, value in entries.items())
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "stranger"\nversion = "3"\n'
        f'[project.entry-points."rstar_bench.searches"]\n{listed}'
    )
    return folder


def rstar_bench(*paths: Path, arguments: tuple[str, ...], cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths)))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(EXAMPLE, tmp_path_factory.mktemp("site"))


# A part of each kind.


@pytest.mark.usefixtures("embedded_gguf")
def test_a_part_of_each_kind_is_used_by_its_name(installed: Path, tmp_path: Path) -> None:
    run = (
        *("run", "--benchmark", "toy", "--engine", "toy", "--search", "toy", "--tries", "3"),
        *("--policy", "smollm2", "--out", "run"),
    )
    status, out, error = rstar_bench(installed, arguments=run, cwd=tmp_path)
    assert status == 0, error
    assert "100.0" in out
    header = json.loads((tmp_path / "run" / "run.json").read_text())
    assert header["config"]["search"] == {"name": "toy", "tries": 3}
    assert header["plugins"] == dict.fromkeys(("benchmark", "engine", "search"), "rstar-toy 0.1")

    check = ("check", "--gold", "7", "--prediction", "8", "--checker", "toy")
    status, out, error = rstar_bench(installed, arguments=check, cwd=tmp_path)
    assert (status, "toy 1" in out) == (0, True), error
    export = ("export", "run", "--to", "toy", "--out", "exported")
    status, _, error = rstar_bench(installed, arguments=export, cwd=tmp_path)
    assert (status, (tmp_path / "exported" / "count.txt").read_text()) == (0, "1\n"), error


def test_the_knobs_of_a_packages_search_are_options(installed: Path, tmp_path: Path) -> None:
    status, out, error = rstar_bench(installed, arguments=("run", "--help"), cwd=tmp_path)
    assert status == 0, error
    assert "solutions that the toy search writes" in " ".join(out.split())


def test_help_imports_no_package(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", "raise SystemExit(9)\n", {"bad": "stranger:ENTRY"})
    site = install(project, tmp_path / "site")
    status, out, _ = rstar_bench(site, arguments=("--help",), cwd=tmp_path)
    assert (status, "run" in out) == (0, True)


@pytest.mark.slow
@pytest.mark.network
def test_the_example_is_installed_as_any_package(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    command = [*pip, "install", "--no-deps", "--target", str(tmp_path / "site"), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    names = ("checkers",)
    status, out, error = rstar_bench(tmp_path / "site", arguments=names, cwd=tmp_path)
    assert (status, "accepts everything" in out) == (0, True), error


CLASHING = """
from dataclasses import dataclass
from bench.search.registry import SEARCHES, SearchEntry
from bench.search.settings import SearchConfig

@dataclass(frozen=True, kw_only=True)
class Mine(SearchConfig):
    rollouts: int = 9

ENTRY = SearchEntry(SEARCHES["greedy"].function, Mine)
"""


# What is wrong with a package.


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("import nowhere", "stranger:ENTRY", "cannot be imported: ModuleNotFoundError: No module"),
        ("1 / 0", "stranger:ENTRY", "cannot be imported: ZeroDivisionError: division by zero."),
        ("raise SystemExit(9)", "stranger:ENTRY", "cannot be imported: SystemExit: 9."),
        (CLASHING, "stranger:ENTRY", "has a knob rollouts that is 9 unless told otherwise, and in"),
        ("", "stranger:ENTRY", "cannot be imported: AttributeError: module 'stranger' has no"),
        ("ENTRY = 3", "stranger:ENTRY", "is of the type int; a SearchEntry is expected"),
    ],
)
def test_a_part_that_cannot_be_used_is_refused_and_hinders_no_other(
    source: str, value: str, said: str, tmp_path: Path
) -> None:
    site = install(make_project(tmp_path / "p", source, {"bad": value}), tmp_path / "site")
    named = ("run", "--benchmark", "embedded-dial", "--search", "bad", "--out", "o")
    status, _, error = rstar_bench(site, arguments=named, cwd=tmp_path)
    (line,) = error.strip().splitlines()
    assert status == 2
    assert "the search 'bad' of the package stranger 3 (stranger:ENTRY)" in line and said in line

    status, out, error = rstar_bench(site, arguments=("run", "--help"), cwd=tmp_path)
    assert (status, error) == (0, "") and "--rollouts" in out
    assert "the search 'bad' of the package stranger 3" in " ".join(out.split())


def test_a_package_replaces_none_of_ours(tmp_path: Path) -> None:
    site = install(make_project(tmp_path / "p", "1 / 0", {"mcts": "stranger:X"}), tmp_path / "site")
    status, out, _ = rstar_bench(site, arguments=("run", "--help"), cwd=tmp_path)
    assert status == 0
    assert "has a name of ours; it is not used" in " ".join(out.split())


def test_a_program_adds_and_removes_parts_as_in_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry("searches", int, {"one": 1})
    registry["two"] = 2
    assert dict(registry) == {"one": 1, "two": 2} and len(registry) == 2
    del registry["two"]
    assert "two" not in registry and registry.origin("one") is None
    with pytest.raises(KeyError):
        registry["two"]


def test_a_part_that_failed_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("bad", "nowhere_at_all:X", "rstar_bench.numbers")
    find_entries.cache_clear()
    monkeypatch.setattr("bench.plugins.metadata.entry_points", lambda group: [entry])
    registry = Registry("numbers", int, {"one": 1})
    assert "bad" in registry and list(registry) == ["one"]
    assert len(registry.refused) == 1
    for _ in range(2):
        with pytest.raises(PluginError, match="the number 'bad' of the package unknown"):
            registry["bad"]
    find_entries.cache_clear()
