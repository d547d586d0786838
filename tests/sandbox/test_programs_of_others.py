"""Eighty hostile programs that others wrote, by `exec --cases`, at the levels that runs use.

They lie beside the checkout, in `../shared/hostile`, and are no part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli import main
from bench.sandbox import Level, Status
from tests.sandbox.attack import ANY, ENDED

PROGRAMS = Path(__file__).resolve().parents[3] / "shared" / "hostile"
SECONDS = "2"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Held:
    """How a program may end, and what it then has printed."""

    ends: Sequence[Status]
    prints: str = ""
    """A pattern that is to be found in it."""


LISTED = {
    "06 initial stack": "the path of this installation",
    "06 argv of the launch": "the path of this installation",
    "17 what a path tells": "whether a path exists; at full, in a root of its own",
    "18 O_PATH and what follows": "at full, that root, which holds the way to the libraries",
}
"""Who gets what it wants, which the threat model says may be had."""

DEAD = (Status.TIMEOUT, Status.CRASHED)
NOT_KEPT = Held(DEAD)
ORPHAN = Held((Status.REFUSED,))
EXPECTED = {
    # Channels between programs that are not of one chain.
    "01a setfl write": Held((Status.ERROR,)),
    "01b setfl read by a stranger": Held((Status.OK,), "^clean"),
    "02a futex wait on a file page": Held((Status.OK,), r"'not woken', 1\)"),
    "02b futex wake": Held((Status.OK, Status.TIMEOUT)),
    "03a futex wait on warm heap": Held((Status.OK,), r"'not woken', 1\)"),
    "03b futex wake on warm heap": Held((Status.OK, Status.TIMEOUT)),
    "30a sends a word by descriptor flags": Held((Status.ERROR, Status.TIMEOUT)),
    "30b a stranger reads it": Held((Status.OK, Status.TIMEOUT)),
    "20 pids count the forks": Held((Status.OK,), "^0 "),
    # Channels between siblings, by what their parent left open.
    "04a sibling reads": Held((Status.OK,), "^read"),
    "04b sibling sees the offset": Held((Status.OK,), "^clean 0"),
    "05a reads": Held((Status.OK,), "^read"),
    # A report is no pause: who forges one is not kept, and has no children.
    "09p forges, sleeps, then spins": NOT_KEPT,
    "09c its child": ORPHAN,
    "10p answers for its children": NOT_KEPT,
    "10c a child": ORPHAN,
    "11p uses the grant": NOT_KEPT,
    "11c": ORPHAN,
    "15a gc.freeze spins": NOT_KEPT,
    "15c child of 15a": ORPHAN,
    "26 memory after the report": NOT_KEPT,
    "26c": ORPHAN,
    "27 sleeps and works a little": NOT_KEPT,
    "27c": ORPHAN,
    "31p forger, spins after 1.2 s of sleep, no child": NOT_KEPT,
    "31c late child": ORPHAN,
    # Memory that is kept for children: 2,400 MiB, of which not all may be.
    **{f"16c{n}": Held((Status.OK,), "^50000000") for n in range(6)},
    # The kernel.
    "07 odd system calls, real arguments": Held((Status.OK,), "^all refused"),
    "12 SIGXCPU as a timer": Held((Status.OK, Status.TIMEOUT), "^$|handler ran \\[\\]"),
    "18 O_PATH and what follows": Held((Status.OK,), r"^(?!.*'(?:passwd|shadow)'\))"),
    "25 clone flood": Held((Status.OK, Status.TIMEOUT)),
    "25 gate flood": Held((Status.OK, Status.TIMEOUT)),
    **{f"25 beside {n}": Held((Status.OK,), f"^{n}$") for n in range(5)},
    # Faults of the interpreter that it makes itself.
    "14b ctypes callback recursion": Held((*ENDED, *DEAD)),
    "14d free a live object": Held((*ENDED, *DEAD)),
    "14e PyThreadState": Held(DEAD),
    "15b os.write takes all": Held(DEAD),
    "33 fault address": Held((*ENDED, *DEAD)),
    "28 last": Held((Status.OK, Status.TIMEOUT), "^45$|^$"),
    "39 print none": Held((Status.OK,), "^$"),
}


@pytest.mark.parametrize("level", [Level.FULL, Level.NO_NAMESPACES])
def test_no_program_gets_what_is_not_listed(
    level: Level, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(PROGRAMS.glob("programs_*.jsonl"))
    if not files:
        pytest.skip("no programs of others: ../shared/hostile does not exist")
    rows: dict[str, dict[str, str]] = {}
    for file in files:
        out = tmp_path / file.name
        command = ["exec", "--cases", str(file), "--out", str(out), "--sandbox", level]
        status = main([*command, "--timeout", SECONDS, "--workers", "4"])
        told = capsys.readouterr().err
        if "is not to be had" in told:
            pytest.skip(told)
        assert status == 0, told
        rows.update((row["id"], row) for row in map(json.loads, out.read_text().splitlines()))
    assert len(rows) == 80
    through = {name for name, row in rows.items() if "REACHED" in row["stdout"]}
    assert through <= LISTED.keys()
    assert EXPECTED.keys() <= rows.keys()
    for name, row in rows.items():
        held = EXPECTED.get(name, Held(ANY))
        assert row["status"] in held.ends, row
        assert re.search(held.prints, row["stdout"]), row
