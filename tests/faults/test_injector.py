"""Jobs killed at every file operation, and broken in other ways, end as if nothing had happened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.injector import Count, Workplace, fail_everywhere, inject, kill_everywhere
from tests.faults.jobs import JOBS, Job
from tests.faults.operations import Fault

EVERY = 11
"""Of the cases of a job, one in so many is tried in each test run; all of them in the slow one."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(JOBS["run"], tmp_path_factory.mktemp("run"))


def test_a_run_killed_at_some_operations_ends_as_one_that_was_not(place: Workplace) -> None:
    count = Count("run")
    kill_everywhere(place, count, depth=1, every=EVERY)
    assert count.differences == []
    assert count.operations > 40
    assert count.kills >= count.operations // EVERY


def test_a_run_refused_at_some_operations_says_so_and_loses_nothing(place: Workplace) -> None:
    count = Count("run")
    fail_everywhere(place, count, every=EVERY)
    assert count.differences == []
    assert 0 < count.refused < count.faults


def test_archives_of_proofs_survive_every_kill() -> None:
    count = inject("collect-proofs", depth=1, every=3)
    assert count.differences == []
    assert count.operations > 10


def test_a_growth_killed_while_it_drops_lines_is_finished_by_the_next(tmp_path: Path) -> None:
    place = Workplace(JOBS["grow"], tmp_path)
    told, _ = place.fault_of({})
    at = next(
        number
        for number, each in enumerate(told.operations)
        if (each.name, each.file) == ("write", "run/records.jsonl.new")
    )
    assert place.begin({}, at, Fault.KILL_HALF).end == "killed"
    assert place.fault_of(place.snapshot())[1] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_every_operation_of_a_job_may_be_the_last_twice(name: str) -> None:
    count = inject(name, depth=2)
    assert count.differences == []
    # Each of those states was resumed, and killed in its turn.
    assert count.moments > count.states > 10


def write_carelessly(folder: Path) -> None:
    """As nobody should: half of it may be there, and a second time it is taken for whole."""
    file = folder / "result"
    if not file.exists():
        file.write_text("0123456789")


def read_result(folder: Path) -> str:
    return (folder / "result").read_text()


def test_the_injector_finds_a_file_that_is_half_written(tmp_path: Path) -> None:
    place, count = Workplace(Job(write_carelessly, read_result), tmp_path), Count("careless")
    kill_everywhere(place, count, depth=1)
    assert any("killed half-way write" in each for each in count.differences)
    assert any("killed after create" in each for each in count.differences)
    assert not any("killed after write" in each for each in count.differences)


def test_the_injector_finds_a_refusal_that_names_no_place(tmp_path: Path) -> None:
    place, count = Workplace(Job(write_carelessly, read_result), tmp_path), Count("careless")
    fail_everywhere(place, count)
    assert any(
        f"{Fault.FULL} at write" in each and "no sentence" in each for each in count.differences
    )


def truncate_and_spin(folder: Path) -> None:
    fd = os.open(folder / "result", os.O_WRONLY | os.O_CREAT)
    while os.write(fd, b"done") < 4:
        os.ftruncate(fd, 0)
    os.close(fd)


def test_what_is_written_in_part_is_told_to_who_writes(tmp_path: Path) -> None:
    place = Workplace(Job(truncate_and_spin, read_result), tmp_path)
    told = place.begin({}, 1, Fault.SHORT)
    assert [each.name for each in told.operations] == ["create", "write", "ftruncate", "write"]
    assert told.end == "refused"
