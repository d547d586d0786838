"""Every file operation of a job, killed before it, within it and after it, and resumed.

    python -m tests.faults.injector [JOB ...] [--depth 2]

A job is done once unbroken, and its operations are counted. Then a forked child does it again for
each operation and each kill, and dies there by SIGKILL. What it leaves is resumed, and read: it
must be what the unbroken job left, no problem that was stored may be searched again, and until it
is resumed a reader may only say that the run is damaged. Folders that a kill left before are not
resumed twice. The resume is broken in the same ways at each of *its* operations, to the depth asked
for; there the child is not killed, but copies the folder at every moment at which it could be: the
first kills show that this is what a kill leaves. Other faults (a full disk, a read-only one, a
denied or broken operation, a slow one) must end in one sentence of ours, or do no harm.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.runs.reader import load_run
from tests.faults import jobs
from tests.faults.children import PROGRAM, Told, Tree, do_in_child, snapshot
from tests.faults.jobs import JOBS, Job
from tests.faults.operations import KILLS, OTHERS, Fault, Operation

SHOWN = 20
"""Differences of a job that are printed."""
_PID = re.compile(rb"\d+")


@dataclass
class Count:
    """What was tried on one job, and what was found."""

    job: str
    operations: int = 0
    """Of the unbroken job."""
    kills: int = 0
    moments: int = 0
    """In resumes, at which a kill could have happened."""
    states: int = 0
    """Different folders that kills left; each was resumed."""
    faults: int = 0
    refused: int = 0
    """Faults that ended in a sentence; the others did no harm."""
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0
    by_operation: Counter[str] = field(default_factory=Counter)


class Workplace:
    """A folder in which one job is done, from whatever state, by children."""

    def __init__(self, job: Job, folder: Path) -> None:
        """Do the job once, unbroken."""
        self.job, self.folder = job, folder / "job"
        for _ in range(2):  # the first time keeps what the second and all others find
            self._restore({})
            jobs.searched.clear()
            with jobs.scripted_parts(), contextlib.redirect_stderr(io.StringIO()):
                job.work(self.folder)
        self.whole = self._read()
        self._searches = len(jobs.searched)
        jobs.searched.clear()

    def begin(self, tree: Tree, at: int | None = None, fault: Fault | None = None) -> Told:
        """Do the job from a state, in a child, with a fault at an operation."""
        self._restore(tree)
        return do_in_child(self.job, self.folder, at, fault)

    def fault_of(self, tree: Tree, *, moments: bool = False) -> tuple[Told, str]:
        """Resume from a state; return what the child told, and what is wrong, if anything.

        It tells of the folder at its `moments` where they are asked for.
        """
        self._restore(tree)
        damage = self._misread()
        kept = len(jobs.committed(self.folder))
        told = do_in_child(self.job, self.folder, moments=moments)
        if told.end != "done":
            return told, f"the resume {told.end}: {told.message}"
        if damage:
            return told, damage
        if len(told.searched) > self._searches - kept:
            return told, f"searched {len(told.searched)} although {kept} were stored"
        try:
            found = self._read()
        except Exception:  # whatever it is, it is a finding
            return told, f"cannot be read: {traceback.format_exc(limit=-3)}"
        left = [str(file) for file in self.folder.rglob("*.new")]
        if left:
            return told, f"left behind: {left}"
        return told, _find_difference(found, self.whole)

    def snapshot(self) -> Tree:
        """Return the folder's files."""
        return snapshot(self.folder)

    def _restore(self, tree: Tree) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, content in tree.items():
            path = self.folder / name
            if content is None:
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(content)

    def _read(self) -> Any:
        return json.loads(json.dumps(self.job.read(self.folder)))

    def _misread(self) -> str:
        """Say how reading what a kill left goes wrong; damage that is named is not wrong."""
        for header in self.folder.rglob("run.json"):
            try:
                list(load_run(header.parent).trees())
            except BenchError:
                continue
            except Exception:  # whatever it is, it is a finding
                return f"reading raised {traceback.format_exc(limit=-3)}"
        return ""


def _is_sentence(said: str, folder: Path) -> bool:
    """Whether a command ended in one line that says where something was refused."""
    last = said.strip().splitlines()[-1]
    return last.startswith(f"{PROGRAM}: ") and str(folder) in last and said.count(PROGRAM) == 1


def _key(tree: Tree) -> bytes:
    """Tell states apart; which process held the lock does not count."""
    hasher = hashlib.sha256()
    for name, content in tree.items():
        content = _PID.sub(b"0", content) if content and name.endswith(".lock") else content
        hasher.update(f"{name} {-1 if content is None else len(content)} ".encode())
        hasher.update(content or b"")
    return hasher.digest()


def _find_difference(found: Any, whole: Any, where: str = "") -> str:
    if found == whole:
        return ""
    if isinstance(found, dict) and isinstance(whole, dict) and found.keys() == whole.keys():
        return next(
            told
            for key in found
            if (told := _find_difference(found[key], whole[key], f"{where}/{key}"))
        )
    return f"differs at {where}: {str(found)[:300]} for {str(whole)[:300]}"


def kill_everywhere(place: Workplace, count: Count, *, depth: int, every: int = 1) -> None:
    """Kill the job at each operation, resume what is left, and break the resume, to a depth.

    `every` takes one case of so many, spread over all of them.
    """
    told, wrong = place.fault_of({}, moments=True)
    if wrong:
        count.differences.append(f"{count.job}: unbroken: {wrong}")
        return
    count.operations = len(told.operations)
    count.by_operation.update(each.name for each in told.operations)
    foreseen = {_key(tree) for _, _, tree in told.moments}
    seen: set[bytes] = set()
    level: list[tuple[str, Tree]] = []
    for case, (at, kill) in enumerate(_cases(told.operations, KILLS)):
        if case % every:
            continue
        here = f"{kill} {told.operations[at].name} {told.operations[at].file} ({at})"
        ended = place.begin({}, at, kill)
        count.kills += 1
        left = place.snapshot()
        if ended.end != "killed":
            count.differences.append(f"{count.job}: {here}: {ended.end}, not killed")
        elif (key := _key(left)) not in foreseen:
            count.differences.append(f"{count.job}: {here}: left what was not there before it")
        elif key not in seen:
            seen.add(key)
            level.append((here, left))
    for reached in range(1, depth + 1):
        level = _resume_all(place, count, level, seen, deeper=reached < depth, every=every)


def _resume_all(
    place: Workplace,
    count: Count,
    level: Sequence[tuple[str, Tree]],
    seen: set[bytes],
    *,
    deeper: bool,
    every: int,
) -> list[tuple[str, Tree]]:
    """Resume each of these folders; return those that a kill of a resume would leave."""
    following = []
    for history, tree in level:
        told, wrong = place.fault_of(tree, moments=deeper)
        count.states += 1
        count.moments += told.stops
        if wrong:
            count.differences.append(f"{count.job}: {history}: {wrong}")
            continue
        for case, (kill, at, left) in enumerate(told.moments):
            if case % every == 0 and (key := _key(left)) not in seen:
                seen.add(key)
                operation = told.operations[at]
                following.append((f"{history}; {kill} {operation.name} {operation.file}", left))
    return following


def fail_everywhere(place: Workplace, count: Count, *, every: int = 1) -> None:
    """Let each operation fail in each way that is no kill, and resume what is left."""
    told, _ = place.fault_of({})
    for case, (at, fault) in enumerate(_cases(told.operations, OTHERS)):
        if case % every:
            continue
        ended = place.begin({}, at, fault)
        count.faults += 1
        operation = told.operations[at]
        here = f"{count.job}: {fault} at {operation.name} {operation.file} ({at})"
        if ended.end == "refused":
            count.refused += 1
            if not _is_sentence(ended.message, place.folder):
                count.differences.append(f"{here}: no sentence: {ended.message!r}")
        elif ended.end != "done":
            count.differences.append(f"{here}: {ended.end}: {ended.message}")
        _, wrong = place.fault_of(place.snapshot())
        if wrong:
            count.differences.append(f"{here}: {wrong}")


def _cases(operations: Sequence[Operation], faults: Sequence[Fault]) -> Iterator[tuple[int, Fault]]:
    for at, operation in enumerate(operations):
        for fault in faults:
            if operation.meets(fault):
                yield at, fault


def inject(name: str, *, depth: int, every: int = 1) -> Count:
    """Break one job in every way; return what was tried and found."""
    started = time.perf_counter()
    count = Count(name)
    # In memory, where there is such a folder: no disk is tried, and no disk is worn.
    shared = Path("/dev/shm")
    where = str(shared) if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="rstar-faults-", dir=where) as folder:
        place = Workplace(JOBS[name], Path(folder))
        kill_everywhere(place, count, depth=depth, every=every)
        fail_everywhere(place, count, every=every)
    count.seconds = time.perf_counter() - started
    return count


def print_table(counts: Sequence[Count]) -> None:
    """Print what was tried and found, a job a line, then every difference."""
    print(
        f"{'job':16}{'operations':>12}{'kills':>8}{'moments':>9}{'states':>8}{'faults':>8}{'refused':>9}"
        f"{'differences':>13}{'seconds':>9}"
    )
    for each in counts:
        print(
            f"{each.job:16}{each.operations:12}{each.kills:8}{each.moments:9}{each.states:8}{each.faults:8}"
            f"{each.refused:9}{len(each.differences):13}{each.seconds:9.1f}"
        )
    for each in counts:
        told = ", ".join(f"{n} {name}" for name, n in sorted(each.by_operation.items()))
        print(f"{each.job}: {told}")
    for each in counts:
        for difference in each.differences[:SHOWN]:
            print(difference)


def main() -> int:
    """Break the jobs that are named, or all; return 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)}; none: all")
    parser.add_argument("--depth", type=int, default=2, help="kills in a row (default: 2)")
    parser.add_argument("--every", type=int, default=1, help="one case of so many (default: all)")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what a kill left is told at each resume, a thousand times
    counts = [inject(n, depth=given.depth, every=given.every) for n in given.jobs or JOBS]
    print_table(counts)
    return int(any(each.differences for each in counts))


if __name__ == "__main__":
    sys.exit(main())
