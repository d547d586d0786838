"""The run store against a list of lines: whatever is begun, appended, killed, damaged and resumed.

Needs hypothesis, and is skipped without it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bench.errors import RunDirError
from bench.files.lines import encode
from bench.runs.reader import load_run
from bench.runs.record import Key, Record
from bench.runs.writer import RunDir
from bench.types import Outcome
from tests.faults.operations import KILLS, Injector
from tests.made_runs import make_record

INDICES = (0, 1, 2, 63, 64, 200)
"""Problems, in three shards."""
SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Stored:
    """A line of the records, as it was appended."""

    record: Record
    tree: Any
    line: bytes


class Store(RuleBasedStateMachine):
    """A run directory, and the lines that should be in it."""

    def __init__(self) -> None:
        super().__init__()
        where = SHARED if os.access(SHARED, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="rstar-store-", dir=where)) / "run"
        self.run: RunDir | None = None
        self.stored: list[Stored] = []
        self.broken: list[bytes] = []
        """Lines that were damaged and are not set aside yet."""
        self.aside: list[bytes] = []
        self.tail = False
        """Whether half a line is at the end."""
        self.whole_trees = True
        self.size, self.opened, self.attempt = 1, 0, 0
        self.attempts: dict[Key, int] = {}
        """The last of each key, whether or not its record came to be stored."""

    def teardown(self) -> None:
        if self.run is not None:
            self.run.close()
        shutil.rmtree(self.folder.parent)

    @property
    def latest(self) -> dict[Key, Stored]:
        return {each.record.key: each for each in self.stored}

    @property
    def done(self) -> set[Key]:
        return {
            key
            for key, each in self.latest.items()
            if not each.record.is_engine_error and len(each.record.samples) >= self.size
        }

    @precondition(lambda self: self.run is None)
    @rule()
    def resume(self) -> None:
        self.run = RunDir.open(
            self.folder,
            {"config": {"n": self.size}},
            grows=lambda stored: "" if stored["n"] <= self.size else None,
            is_whole=lambda record: len(record.samples) >= self.size,
        )
        self.run.note("sandbox", {"level": "none"})  # so that it is bound, as by a first note
        self.aside += self.broken
        self.broken, self.tail = [], False
        self.opened += 1
        assert self.run.done == self.done
        if self.aside:
            rejected = (self.folder / "records.rejected.jsonl").read_bytes().split(b"\n")
            assert all(line in rejected for line in self.aside), "a damaged line was dropped"

    @precondition(lambda self: self.run is not None)
    @rule(
        index=strategies.sampled_from(INDICES),
        fails=strategies.booleans(),
        reason=strategies.text(max_size=5),
    )
    def append(self, index: int, fails: bool, reason: str) -> None:
        new = self._make(index, fails, reason)
        assert self.run is not None
        self.run.append(new.record, new.tree, {"total": 1.0}, index)
        self.stored.append(new)

    @precondition(lambda self: self.run is not None)
    @rule(
        index=strategies.sampled_from(INDICES),
        at=strategies.integers(0, 12),
        kill=strategies.sampled_from(KILLS),
    )
    def kill(self, index: int, at: int, kill: Any) -> None:
        """The writer dies at some operation of an append, or right after it."""
        new = self._make(index, False, "killed")
        assert self.run is not None
        if not (pid := os.fork()):
            injector = Injector(self.folder, at, kill)
            injector.install()
            try:
                self.run.append(new.record, new.tree, {"total": 1.0}, index)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        self.close()
        data = self._records()
        self.tail = not data.endswith(b"\n") and bool(data)
        if data.endswith(new.line):
            self.stored.append(new)

    @precondition(lambda self: self.run is not None)
    @rule()
    def close(self) -> None:
        assert self.run is not None
        self.run.close()
        self.run = None

    @precondition(lambda self: self.run is not None and self.done == set(self.latest))
    @rule()
    def settle(self) -> None:
        assert self.run is not None
        grew = "growing" in self.run.header
        self.run.settle()
        if grew:
            latest = self.latest
            self.stored = [each for each in self.stored if latest[each.record.key] is each]

    @precondition(lambda self: self.run is None)
    @rule()
    def grow(self) -> None:
        """The next session asks for one sample more of each problem."""
        self.size += 1

    @precondition(lambda self: self.run is None and self._records())
    @rule(place=strategies.integers(0, 10**6), how=strategies.sampled_from(["nul", "cut", "more"]))
    def damage_a_line(self, place: int, how: str) -> None:
        data = self._records()
        place %= len(data)
        if how == "nul":
            damaged = data[:place] + b"\x00" + data[place + 1 :]
        elif how == "cut":
            damaged = data[:place]
        else:
            start = data.rfind(b"\n", 0, place) + 1
            damaged = data[:start] + b'{"half": \n' + data[start:]
        (self.folder / "records.jsonl").write_bytes(damaged)
        lines = damaged.split(b"\n")
        self.tail = bool(lines.pop())
        left = list(self.stored)
        self.stored, self.broken = [], []
        for line in lines:
            whole = next((each for each in left if each.line == line + b"\n"), None)
            if whole is None:
                self.broken.append(line)
            else:
                self.stored.append(whole)
                left.remove(whole)

    @precondition(lambda self: self.run is None and self.opened)
    @rule(
        name=strategies.sampled_from(["timings.jsonl", "trees/shard-0000.jsonl.gz"]),
        place=strategies.integers(0, 10**6),
        byte=strategies.integers(0, 255),
    )
    def damage_beside(self, name: str, place: int, byte: int) -> None:
        """A byte of a file that costs a number or a tree, never a record."""
        file = self.folder / name
        if not file.exists() or not (data := bytearray(file.read_bytes())):
            return
        data[place % len(data)] = byte
        file.write_bytes(data)
        self.whole_trees = self.whole_trees and name == "timings.jsonl"

    @invariant()
    def reading_tells_what_is_stored(self) -> None:
        if not self.opened:
            return
        if self.broken or self.tail:
            with pytest.raises(RunDirError, match=r"unreadable|half-written"):
                load_run(self.folder)
            return
        found = load_run(self.folder)
        latest = self.latest
        assert found.records == tuple(latest[key].record for key in sorted(latest))
        trees = {Key(each.problem_id, each.seed): each.tree for each in found.trees()}
        assert set(trees) <= set(latest)
        if self.whole_trees:
            assert set(trees) == set(latest)
            for key, each in latest.items():
                # A kill between a tree and its record leaves the tree of a later attempt.
                if each.record.executions == self.attempts[key]:
                    assert trees[key] == each.tree
                assert trees[key]["attempt"] >= each.record.executions

    def _make(self, index: int, fails: bool, reason: str) -> Stored:
        self.attempt += 1
        outcomes = [Outcome.CORRECT] * self.size
        error = f"EngineError: {reason}" if fails else None
        record = make_record(index, {"first": Outcome.CORRECT}, samples=outcomes, error=error)
        record = replace(record, executions=self.attempt)  # no two lines are equal
        self.attempts[record.key] = self.attempt
        tree = {"attempt": self.attempt, "text": reason}
        return Stored(record, tree, encode(record.to_json()))

    def _records(self) -> bytes:
        file = self.folder / "records.jsonl"
        return file.read_bytes() if file.exists() else b""


QUICKLY = settings(
    max_examples=10,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestStore = Store.TestCase
TestStore.settings = QUICKLY


@pytest.mark.slow
def test_the_store_follows_its_model_for_long() -> None:
    at_length = settings(QUICKLY, max_examples=500, stateful_step_count=30, derandomize=False)
    run_state_machine_as_test(Store, settings=at_length)
