"""Hostile programs, three tables of them, at every level that this machine offers, by two users.

Each level is one run of `rstar-bench exec --cases`, as a user would start it; afterwards no
process, file or mount of it is left. A machine that offers a level to root only, or to nobody only,
is tested at that; which ones were not to be had is told by what is skipped.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from bench.sandbox import Level, Status
from tests.sandbox import hostile, strangers, tampering
from tests.sandbox.attack import Attack

ATTACKS = hostile.ATTACKS + tampering.ATTACKS + strangers.ATTACKS
ROOT = Path(__file__).parents[2]
AS_NOBODY = Path(__file__).with_name("as_nobody.py")
USERS = ("root", "nobody") if os.getuid() == 0 else ("oneself",)
SETTINGS = [(user, level) for level in (Level.FULL, Level.NO_NAMESPACES) for user in USERS]
SETTINGS += [(USERS[0], level) for level in (Level.SECCOMP, Level.PROCESS)]
# Each takes some 20 seconds: the levels with most promises are tried each time, for one user each;
# the rest is slow.
SELDOM = SETTINGS[-2:]
if len(USERS) > 1:
    SELDOM += [(USERS[-1], Level.FULL), (USERS[0], Level.NO_NAMESPACES)]
MEMORY, TIMEOUT = "512", "1.0"


@dataclass(frozen=True)
class Outcome:
    """What became of the table at one level, for one user."""

    rows: dict[str, dict[str, str]]
    refusal: str
    left: list[str]
    """Processes, files and mounts that were not there before."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(each, marks=[pytest.mark.slow] if each in SELDOM else [], id="-".join(each))
        for each in SETTINGS
    ],
)
def tried(request: pytest.FixtureRequest) -> tuple[Level, Outcome]:
    user, level = request.param
    outcome = run_table(user, level)
    if outcome.refusal:
        pytest.skip(f"{level} is not to be had for {user}: {outcome.refusal}")
    return level, outcome


def run_table(user: str, level: Level) -> Outcome:
    with tempfile.TemporaryDirectory() as name, bait(Path(name)) as words:
        folder = Path(name)
        os.chmod(folder, 0o777)
        cases, out = folder / "cases.jsonl", folder / "out.jsonl"
        cases.write_text("".join(json.dumps(row) + "\n" for row in rows(level, words)))
        before = traces()
        command = [sys.executable, "-m", "bench.cli", "exec", "--cases", str(cases)]
        command += ["--out", str(out), "--sandbox", level, "--timeout", TIMEOUT]
        command += ["--memory", MEMORY, "--workers", "8"]
        if user == "nobody":
            command = [sys.executable, str(AS_NOBODY), *command]
        temporary = folder / "tmp"
        temporary.mkdir()
        temporary.chmod(0o777)
        environment = {"SECRET": "REACHED", "TMPDIR": str(temporary)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900
        )
        left = sorted(traces() - before)
        if done.returncode != 0:
            assert "is not to be had" in done.stderr, done.stderr
            return Outcome({}, done.stderr.strip(), left)
        left += [f"file {p}" for p in folder.rglob("*") if p.name not in KNOWN]
        assert (folder / "inner/secret").read_text() == "a secret"
        results = [json.loads(line) for line in out.read_text().splitlines()]
        return Outcome({row["id"]: row for row in results}, "", left)


KNOWN = {"cases.jsonl", "out.jsonl", "inner", "secret", "open", "tmp"}


class bait:  # noqa: N801 - reads as a verb
    """What the attacks aim at: a secret, a folder open to all, a listener, a process outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> dict[str, object]:
        inner = self.folder / "inner"
        inner.mkdir()
        (inner / "secret").write_text("a secret")
        (inner / "secret").chmod(0o666)
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o777)
        self.listener = socket.create_server(("127.0.0.1", 0))
        return {
            "secret": str(inner / "secret"),
            "folder": str(self.folder / "open"),
            "port": self.listener.getsockname()[1],
            "outsider": os.getpid(),
            "harness": str(ROOT),
        }

    def __exit__(self, *_: object) -> None:
        self.listener.close()


def rows(level: Level, words: dict[str, object]) -> Iterator[dict[str, object]]:
    for attack in ATTACKS:
        if runs_here(attack, level):
            row = {"id": attack.name, "code": attack.code.format(**words), "parent": attack.parent}
            yield row


def runs_here(attack: Attack, level: Level) -> bool:
    return attack.runs_at(level) and attack.machine in (None, platform.machine())


def traces() -> set[str]:
    """The processes of this project's sandboxes, and the machine's mounts."""
    found, ours = set(), str(ROOT / "bench" / "sandbox")
    for process in psutil.process_iter(["cmdline"]):
        if ours in (process.info["cmdline"] or ()):
            found.add(f"process {process.pid}")
    mounts = Path("/proc/mounts")
    if mounts.exists():
        found |= {f"mount {line}" for line in mounts.read_text().splitlines()}
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_is_contained(tried: tuple[Level, Outcome], attack: Attack) -> None:
    level, outcome = tried
    if not runs_here(attack, level):
        pytest.skip(f"not promised at {level} on {platform.machine()}")
    row = outcome.rows[attack.name]
    assert "REACHED" not in row["stdout"]
    late = row["status"] == Status.TIMEOUT and attack.prints is None
    assert late or row["status"] in attack.ends, row
    if attack.prints is not None:
        assert row["stdout"] == attack.prints


def test_leaves_nothing_behind(tried: tuple[Level, Outcome]) -> None:
    assert tried[1].left == []
