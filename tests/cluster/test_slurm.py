"""The Slurm example is a script that bash can read, and calls what there is."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

FILE = Path(__file__).parents[2] / "bench" / "cluster" / "slurm.sbatch"


def test_the_script_is_one_that_bash_reads_and_its_settings_come_first() -> None:
    subprocess.run(["bash", "-n", str(FILE)], check=True)
    lines = FILE.read_text().splitlines()
    settings = [at for at, line in enumerate(lines) if line.startswith("#SBATCH")]
    commands = [at for at, line in enumerate(lines) if line and not line.startswith("#")]
    assert settings and settings[-1] < commands[0]  # Slurm reads none behind a command


def test_the_script_starts_ray_on_every_node_and_one_run_that_joins_it(tmp_path: Path) -> None:
    """With programs that only say how they were called, in place of Slurm's and Ray's."""
    called = tmp_path / "called"
    for name, said in {
        "srun": "",
        "scontrol": "echo node1; echo node2; echo node3",
        "ray": "",
        "python": "echo 96",
    }.items():
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/bash\necho "{name} $*" >> "{called}"\n{said}\n')
        program.chmod(0o755)
    srun = tmp_path / ".venv" / "bin" / "srun"
    srun.write_text(srun.read_text() + '[[ "$*" == *hostname* ]] && echo 10.0.0.1 fe80::1 || :\n')
    subprocess.run(
        ["bash", str(FILE), "--benchmark", "math500"],
        check=True,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "SLURM_SUBMIT_DIR": str(tmp_path),
            "SLURM_JOB_NODELIST": "node[1-3]",
            "SLURM_JOB_NUM_NODES": "3",
            "SLURM_CPUS_PER_TASK": "32",
            "SLURM_GPUS_ON_NODE": "4",
        },
    )
    deadline = time.monotonic() + 30
    calls: list[str] = []
    while len(calls) < 4 and time.monotonic() < deadline:  # some are made in the background
        calls = [line for line in called.read_text().splitlines() if line.startswith("srun")]
        time.sleep(0.05)
    (head,) = [each for each in calls if "ray start --head" in each]
    (others,) = [each for each in calls if "ray start --address" in each]
    (run,) = [each for each in calls if "rstar-bench run" in each]
    assert "--node-ip-address=10.0.0.1" in head and "--num-gpus=4" in head
    assert "--nodes=2" in others and "--exclude=node1" in others and "10.0.0.1:6379" in others
    assert run.endswith("rstar-bench run --ray auto --benchmark math500")
