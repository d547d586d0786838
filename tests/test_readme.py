"""What the READMEs say runs, and what they print is what the stored figures say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.cli import main as rstar_bench
from bench.runs.proofs import SUFFIX, read_proofs
from rstar_train.cli import main

ROOT = Path(__file__).resolve().parents[1]
READMES = (
    "README.md",
    "bench/README.md",
    "rstar_train/README.md",
    "results/README.md",
    "results/proofs/README.md",
)
REASONS = ("gpu", "hub", "hours", "minutes", "a model of your own")
"""Why a block is not run here; the README says so in a comment above it."""
FENCE = re.compile(r"(?:<!-- not run: (.+?) -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
TABLE = re.compile(r"<!-- rstar-train (table.*?) -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL)
PROOF = re.compile(r"<!-- rstar-bench (verify-proof .*?) -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of a README."""

    file: str
    reason: str
    language: str
    text: str


BLOCKS = [
    Block(file, *match.groups(default=""))
    for file in (*READMES, "tasks/README.md")
    for match in FENCE.finditer((ROOT / file).read_text())
]
RUN = [block for block in BLOCKS if block.language == "bash" and not block.reason]


def test_every_block_says_its_language_and_why_it_is_not_run() -> None:
    assert [
        block for block in BLOCKS if block.language not in ("bash", "text", "bibtex", "python")
    ] == []
    assert {block.reason for block in BLOCKS if block.reason} <= set(REASONS)
    assert len(RUN) >= 5


@pytest.mark.usefixtures("embedded_gguf")
@pytest.mark.parametrize("block", RUN, ids=[f"{b.file}: {b.text.split()[1]}" for b in RUN])
def test_a_command_block_runs_word_for_word(block: Block, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=tmp_path,
        # As after `make setup`: no mirror is named, and no width of a terminal.
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    if "rstar-bench tree" in block.text:
        shown = done.stdout[done.stdout.index("chosen '") :]
        assert re.search(r"candidates, \d+ pruned, \d+ answers, 4 rollouts", shown)
        assert re.search(r"├── (\*| ) 0\.0  Q [+-]\d", shown)


@pytest.mark.parametrize("file", [*READMES, "bench/llms.txt"])
def test_links_lead_somewhere(file: str) -> None:
    page = (ROOT / file).read_text()
    for target in LINK.findall(page):
        if target.startswith("http"):
            continue
        path, _, heading = target.partition("#")
        linked = (ROOT / file).parent / path if path else ROOT / file
        assert linked.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert heading in {title.lower().replace(" ", "-") for title in titles}, target


def test_the_tables_of_results_are_those_of_the_stored_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    tables = TABLE.findall((ROOT / "results" / "README.md").read_text())
    assert len(tables) == 4
    for command, printed in tables:
        assert main(command.split()) == 0
        assert capsys.readouterr().out.strip() == printed


def test_the_rows_of_the_readme_are_among_those_of_results() -> None:
    stored = (ROOT / "results" / "README.md").read_text()
    section = (ROOT / "README.md").read_text().split("\n## Train\n")[1].split("\n## ")[0]
    rounds = [
        line.split(" | ") for line in section.splitlines() if re.match(r"\| (base|\d) ", line)
    ]
    assert len(rounds) == 5
    for cells in rounds:
        name, accuracy, gain, p = (cell.strip("| ") for cell in cells)
        assert f"| {name} | greedy | 504 | {accuracy} | {gain} | {p} |" in stored


def test_the_leaderboard_of_the_readme_is_the_stored_one() -> None:
    stored = (ROOT / "results/sweeps/embedded-gsm8k-math500/leaderboard.md").read_text()
    section = (ROOT / "README.md").read_text().split("\n## A leaderboard and a curve\n")[1]
    rows = re.findall(r"^\| \d+ \|.*$", section.split("\n## ")[0], re.MULTILINE)
    assert len(rows) == 8
    assert all(f"{row}\n" in stored for row in rows)


def test_every_room_is_in_the_readme() -> None:
    section = (ROOT / "README.md").read_text().split("\n## The house\n")[1].split("\n## ")[0]
    for room in sorted((ROOT / "bench").iterdir()):
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"  {room.name}/ " in section, room.name
    for room in sorted((ROOT / "rstar_train").iterdir()):
        if room.is_dir() and (room / "__init__.py").exists() and room.name != "launch":
            assert re.search(rf"\b{room.name}\b", section), room.name


@pytest.mark.parametrize(
    ("command", "shown"), PROOF.findall((ROOT / "results/proofs/README.md").read_text())
)
def test_a_proof_is_shown_as_its_command_tells_it(
    command: str, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert rstar_bench(command.split()) == 0
    _, told = capsys.readouterr().out.split("\n\n", 1)
    assert told.strip() == shown


def test_every_archive_is_counted_as_the_page_of_proofs_says() -> None:
    page = (ROOT / "results/proofs/README.md").read_text()
    counts = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    archives = (ROOT / "results/proofs").glob(f"*{SUFFIX}")
    assert {
        file.name.removesuffix(SUFFIX): str(len(list(read_proofs(file)))) for file in archives
    } == counts
