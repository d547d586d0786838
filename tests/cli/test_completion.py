"""A shell completes commands, options, and names: asked as bash asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench.cli
from bench.cli.completion import SHELLS


def complete(line: str, folder: Path) -> list[str]:
    """What the program suggests for a line, at whose end the cursor is."""
    program, *_ = line.split(maxsplit=1)
    module = {"rstar-bench": "bench.cli", "rstar-train": "rstar_train.cli"}[program]
    answer = folder / "answer"
    subprocess.run(
        [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())"],
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
            "COMP_TYPE": "9",
        },
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return [each.strip() for each in answer.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "suggested"),
    [
        ("rstar-bench comp", ["compare", "compare-runs", "completion", "compute-optimal"]),
        ("rstar-bench run --search gre", ["greedy"]),
        ("rstar-bench run --benchmark aime", ["aime1983_2023", "aime2024", "aime2025"]),
        ("rstar-bench run --benchmark gsm8k,pap", ["gsm8k,paper"]),
        ("rstar-bench run --engine openvino-c", ["openvino-cached"]),
        ("rstar-bench run --greedy", ["--greedy-first"]),
        ("rstar-bench benchmarks sh", ["show"]),
        ("rstar-train evolve --recipe cpl-s", ["cpl-smollm2"]),
        ("rstar-train evolve --recipe mine", ["mine.yaml"]),
        ("rstar-bench run --policy mine", ["mine.yaml"]),
        ("rstar-bench run --serch x --search gre", ["greedy"]),  # the line is not finished
        ("rstar-bench run --nothing", []),
    ],
)
def test_what_is_begun_is_completed(line: str, suggested: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    assert sorted(complete(line, tmp_path)) == suggested


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_told_of_both_programs(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.cli.main(["completion", shell]) == 0
    code = capsys.readouterr().out
    assert "rstar-bench" in code and "rstar-train" in code


def test_bash_takes_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    bench.cli.main(["completion", "bash"])
    asked = f"{capsys.readouterr().out}\ncomplete -p rstar-bench"
    told = subprocess.run([bash, "-c", asked], capture_output=True, text=True, check=True)
    assert "rstar-bench" in told.stdout
