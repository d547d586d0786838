"""A release is refused where its commit, its tag and its changelog do not agree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).resolve().parents[1]


def test_what_is_not_ready_is_refused_in_one_sentence(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    for name in (".ci/release", "bench/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    changes = tmp_path / "CHANGELOG.md"
    changes.write_text("## Unreleased\n")
    wheel = tmp_path / ".ci" / "wheel"
    wheel.write_text('#!/bin/sh\nmkdir "$1"; echo a wheel > "$1/a.whl"\n')
    wheel.chmod(0o755)
    (tmp_path / ".gitignore").write_text("dist\n")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        return subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)

    def commit() -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@x")
        run("git", *who, "add", "-A")
        run("git", *who, "commit", "-qm", "a change")

    run("git", "init", "-q")
    said = []
    for mend in (
        commit,
        lambda: changes.write_text(f"## {bench.__version__} - today\n"),
        commit,
        lambda: run("git", "tag", f"v{bench.__version__}"),
    ):
        done = run(".ci/release")
        assert (done.returncode, done.stdout) == (2, "")
        said.append(done.stderr)
        mend()
    assert [line.partition(";")[0] for line in said] == [
        "release: changes are not committed",
        f"release: CHANGELOG.md has no section '## {bench.__version__}'",
        "release: changes are not committed",
        f"release: the commit does not have the tag v{bench.__version__}",
    ]
    done = run(".ci/release")
    assert done.returncode == 0 and f"version {bench.__version__}" in done.stdout
    assert "a.whl" in (tmp_path / "dist" / "SHA256SUMS").read_text()
