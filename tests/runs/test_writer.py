"""A run survives kill -9, says what is damaged and mends it, and never mixes two configurations."""

from __future__ import annotations

import getpass
import gzip
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import RunDirError
from bench.runs.header import config_digest, git_state, make_header
from bench.runs.reader import load_run
from bench.runs.record import Key, Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome

ROOT = Path(__file__).parents[2]
CONFIG = {"policy": "scripted", "search": {"name": "mcts", "rollouts": 8}, "seed": 0}


def header(config: Mapping[str, Any] = CONFIG) -> dict[str, Any]:
    return {"command": ["rstar-bench", "run", "--out", "a b"], "config": config}


def record(problem: str, outcome: Outcome = Outcome.CORRECT, error: str | None = None) -> Record:
    return Record(
        problem_id=problem,
        seed=0,
        benchmark="pool",
        gold="42",
        search="mcts",
        samples=(Sample("42", outcome, 0.5, (0.25, 0.5), 100, "é\u2028\ud800"),),
        selected={"mcts": Selected("42", outcome, 0)},
        tokens=Tokens(10, 100, 30),
        executions=2,
        error=error,
    )


def fill(run: RunDir, *problems: str) -> None:
    for problem in problems:
        index = int(problem.removeprefix("p"))
        run.append(record(problem), {"root": problem}, {"total": 1.5}, index)


def ids(run: RunDir) -> list[str]:
    return [r.problem_id for r in run.records()]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    with RunDir.open(tmp_path / "new" / "run", header()) as run:
        fill(run, "p1", "p0")
        run.write_summary({"accuracy": 0.5})
    loaded = load_run(tmp_path / "new" / "run")
    assert loaded.records == (record("p0"), record("p1"))
    assert [t.tree for t in loaded.trees()] == [{"root": "p0"}, {"root": "p1"}]
    assert loaded.seconds == {Key("p0", 0): {"total": 1.5}, Key("p1", 0): {"total": 1.5}}
    assert loaded.header["config_digest"] == config_digest(CONFIG)
    assert json.loads((loaded.path / "summary.json").read_text()) == {"accuracy": 0.5}


def test_a_resumed_run_knows_what_is_done_and_says_that_it_was_resumed(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, {**header(), "created": "monday"}) as run:
        fill(run, "p0", "p1")
    with RunDir.open(tmp_path, {**header(), "created": "tuesday"}) as run:
        assert run.done == {("p0", 0), ("p1", 0)}
        fill(run, "p2")
        assert Key("p2", 0) in run.done
    stored = load_run(tmp_path).header
    assert (stored["created"], stored["resumed"]) == ("monday", [{"created": "tuesday"}])


def test_an_engine_error_is_run_again_and_the_new_record_counts(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()) as run:
        run.append(record("p0", Outcome.ENGINE_ERROR, "out of memory"), {}, {}, 0)
        fill(run, "p1")
        assert run.done == {("p1", 0)}
    with RunDir.open(tmp_path, header()) as run:
        assert run.done == {("p1", 0)}
        fill(run, "p0")
        assert run.records() == (record("p0"), record("p1"))
        assert [t.tree for t in run.trees()] == [{"root": "p0"}, {"root": "p1"}]


def test_trees_go_to_the_shard_of_their_problem(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p63", "p64", "p200")
        assert sorted(p.name for p in (tmp_path / "trees").iterdir()) == [
            *("shard-0000.jsonl.gz", "shard-0001.jsonl.gz", "shard-0003.jsonl.gz")
        ]
        assert [t.problem_id for t in run.trees()] == ["p0", "p63", "p64", "p200"]


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[2])))
from test_writer import header, record
from bench.runs.writer import RunDir
run = RunDir.open(Path(sys.argv[1]), header())
print("open", flush=True)
for i in range(int(sys.argv[3])):
    if (f"p{i}", 0) not in run.done:
        tree = {"root": f"p{i}", "text": [str(i * j) for j in range(3000)]}
        run.append(record(f"p{i}"), tree, {"total": 1.0}, i)
"""


def start_writer(path: Path, problems: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent), str(problems)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True) if file.exists() else []


def test_a_run_killed_again_and_again_ends_with_the_records_of_an_unbroken_one(
    tmp_path: Path,
) -> None:
    problems, kills = 300, 0
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    with start_writer(unbroken, problems) as writer:
        writer.communicate()
        assert writer.returncode == 0
    for target in (20, 90, 170, 240):
        with start_writer(broken, problems) as writer:
            while len(lines(broken / "records.jsonl")) < target and writer.poll() is None:
                time.sleep(0.002)
            kills += writer.poll() is None
            writer.send_signal(signal.SIGKILL)
    assert kills >= 1, "the writer was faster than the test: nothing was interrupted"
    with start_writer(broken, problems) as writer:
        writer.communicate()
        assert writer.returncode == 0
    written = [sorted(lines(path / "records.jsonl")) for path in (unbroken, broken)]
    assert written[0] == written[1]
    assert len(written[0]) == problems
    trees = [[(t.problem_id, t.tree) for t in load_run(p).trees()] for p in (unbroken, broken)]
    assert trees[0] == trees[1]
    for shard in (broken / "trees").iterdir():
        gzip.decompress(shard.read_bytes())  # mended for every reader, not only ours


def test_what_was_appended_before_kill_9_is_all_there(tmp_path: Path) -> None:
    with start_writer(tmp_path, 100_000) as writer:
        while len(lines(tmp_path / "records.jsonl")) < 30:
            time.sleep(0.005)
        writer.send_signal(signal.SIGKILL)
    whole = sum(line.endswith(b"\n") for line in lines(tmp_path / "records.jsonl"))
    with RunDir.open(tmp_path, header()) as run:
        assert len(run.done) == len(run.records()) == whole >= 30
        assert {t.problem_id for t in run.trees()} == {r.problem_id for r in run.records()}
        assert set(load_run(tmp_path).seconds) >= run.done


@pytest.mark.parametrize("kept", [0, 1, 200, -1])
def test_a_half_written_last_line_is_cut_off(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p1", "p2")
    file = tmp_path / "records.jsonl"
    last = lines(file)[-1]
    file.write_bytes(b"".join(lines(file)[:-1]) + last[:kept])
    if kept:
        with pytest.raises(RunDirError, match=r"records.jsonl, line 3 is half-written. .*cut off"):
            load_run(tmp_path)
    with RunDir.open(tmp_path, header()) as run:
        assert run.done == {("p0", 0), ("p1", 0)}
        assert (f"{file}: cut off line 3" in caplog.text) == (kept != 0)
        fill(run, "p2")
        assert ids(run) == ["p0", "p1", "p2"]
    assert len(lines(file)) == 3


def test_an_unreadable_line_in_the_middle_is_set_aside_and_its_problem_is_run_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p1", "p2", "p3")
    file = tmp_path / "records.jsonl"
    good = lines(file)
    bad = [b'{"problem_id":"p1","see\x00\xff\n', good[2].replace(b'"seed":0', b'"seed":null')]
    file.write_bytes(good[0] + bad[0] + bad[1] + good[3])
    with pytest.raises(RunDirError, match=r"records.jsonl, line 2 is unreadable .*") as caught:
        load_run(tmp_path)
    assert "rstar-bench run --out 'a b'" in str(caught.value)
    assert "moved to records.rejected.jsonl and its problem is run again" in str(caught.value)
    assert lines(file)[1] == bad[0], "reading alone must not touch a run"
    with RunDir.open(tmp_path, header()) as run:
        assert run.done == {("p0", 0), ("p3", 0)}
        assert f"{file}, line 2 is unreadable" in caplog.text
        assert f"{file}, line 3 is unreadable ('seed' is of type NoneType" in caplog.text
        fill(run, "p1", "p2")
        assert ids(run) == ["p0", "p1", "p2", "p3"]
    assert lines(tmp_path / "records.rejected.jsonl") == bad


def test_a_damaged_timing_costs_no_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p1", "p2")
    file = tmp_path / "timings.jsonl"
    good = lines(file)
    file.write_bytes(good[0] + b"{}\n" + good[2][:9])
    assert set(load_run(tmp_path).seconds) == {("p0", 0)}
    with RunDir.open(tmp_path, header()) as run:
        assert len(run.done) == 3
        fill(run, "p4")
    assert set(load_run(tmp_path).seconds) == {("p0", 0), ("p4", 0)}
    assert f"{file}, line 2 is unreadable" in caplog.text


def shard_of(path: Path) -> Path:
    return path / "trees" / "shard-0000.jsonl.gz"


@pytest.mark.parametrize("lost", [1, 9, 40])
def test_a_truncated_last_tree_loses_only_itself(tmp_path: Path, lost: int) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p1")
    shard = shard_of(tmp_path)
    os.truncate(shard, shard.stat().st_size - lost)
    assert [t.problem_id for t in load_run(tmp_path).trees()] == ["p0"]
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p2")
        assert [t.problem_id for t in run.trees()] == ["p0", "p2"]
    assert len(gzip.decompress(shard.read_bytes()).splitlines()) == 2


def test_damage_inside_a_shard_hides_no_later_tree(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0")
        start = shard_of(tmp_path).stat().st_size
        fill(run, "p1", "p2")
    data = bytearray(shard_of(tmp_path).read_bytes())
    data[start + 15 : start + 25] = bytes(10)
    shard_of(tmp_path).write_bytes(data)
    assert [t.problem_id for t in load_run(tmp_path).trees()] == ["p0", "p2"]
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p3")
        assert [t.problem_id for t in run.trees()] == ["p0", "p2", "p3"]


def test_a_tree_without_a_record_is_not_shown(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0", "p1")
    file = tmp_path / "records.jsonl"
    file.write_bytes(lines(file)[0])
    assert [t.problem_id for t in load_run(tmp_path).trees()] == ["p0"]


def test_another_configuration_is_refused_with_each_difference(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0")
    other = {"policy": "scripted", "search": {"name": "mcts", "rollouts": 16}, "ppm": "round-1"}
    with pytest.raises(RunDirError) as caught:
        RunDir.open(tmp_path, header(other))
    assert str(caught.value).splitlines() == [
        f"{tmp_path} holds a run of another configuration:",
        '  ppm: the run has nothing, this command asks for "round-1"',
        "  search.rollouts: the run has 8, this command asks for 16",
        "  seed: the run has 0, this command asks for nothing",
        "Choose another directory (--out; in training --work), move this one away, or repeat "
        "the same command to resume that run: "
        "rstar-bench run --out 'a b'",
    ]


def test_the_order_of_keys_and_tuples_do_not_make_another_configuration(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header({"a": (1, 2), "b": {"c": 1, "d": 2}})) as run:
        fill(run, "p0")
    RunDir.open(tmp_path, header({"b": {"d": 2, "c": 1}, "a": [1, 2]})).close()


def test_two_writers_are_refused_and_a_closed_one_lets_the_next_in(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header()):
        with pytest.raises(RunDirError, match=rf"by another process \(pid {os.getpid()}\)"):
            RunDir.open(tmp_path, header())
    RunDir.open(tmp_path, header()).close()


def test_a_writer_in_another_process_is_refused_until_it_dies(tmp_path: Path) -> None:
    with start_writer(tmp_path, 100_000) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(RunDirError, match=rf"\(pid {writer.pid}\)"):
            RunDir.open(tmp_path, header())
        writer.send_signal(signal.SIGKILL)
    RunDir.open(tmp_path, header()).close()


ORPHAN = """
import os, sys, time
from pathlib import Path
from bench.runs.writer import RunDir
run = RunDir.open(Path(sys.argv[1]), {"config": {}})
if os.fork() == 0:
    print(os.getpid(), flush=True)
    run.close()
    os.close(1)
time.sleep(60)
"""


def test_a_worker_that_outlives_a_killed_run_does_not_keep_it_locked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            with pytest.raises(RunDirError, match="by another process"):
                RunDir.open(tmp_path, {"config": {}})
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            RunDir.open(tmp_path, {"config": {}}).close()
        finally:
            os.kill(child, signal.SIGKILL)
            parent.kill()


@pytest.mark.parametrize("name", ["", "nowhere", "file"])
def test_a_path_that_is_no_run_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(RunDirError, match=f"{name} is not a run directory"):
        load_run(tmp_path / name)


def test_a_folder_with_other_things_in_it_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RunDirError, match=r"not empty \(thesis.tex\)"):
        RunDir.open(tmp_path, header())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunDirError, match="cannot write the run directory .*thesis.tex"):
        RunDir.open(tmp_path / "thesis.tex", header())


def test_a_run_killed_before_its_header_was_written_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text("1\n")
    (tmp_path / "run.json.new").write_text('{"sch')
    with RunDir.open(tmp_path, header()) as run:
        fill(run, "p0")
        assert ids(run) == ["p0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1, "conf', "run.json is damaged"),
        ("[]", "run.json is damaged"),
        ('{"schema": 1, "config": {}}', "is damaged .*config_digest"),
        ('{"schema": 9, "config": {}, "config_digest": ""}', "schema version 9, .* Upgrade"),
        ('{"schema": 1, "config": {"n": 1}, "config_digest": "sha256:0"}', "was edited"),
    ],
)
def test_a_bad_header_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunDirError, match=message):
        load_run(tmp_path)
    with pytest.raises(RunDirError, match=message):
        RunDir.open(tmp_path, header())


def test_a_number_that_json_does_not_have_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    with RunDir.open(tmp_path, header()) as run:
        with pytest.raises(RunDirError, match="cannot store problem 'p0'"):
            run.append(record("p0"), {"q": float("nan")}, {"total": 1.0}, 0)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["run.lock"]


def test_the_header_tells_what_ran_and_nothing_about_whose_machine_it_was() -> None:
    program = str(Path.home() / "venv" / "bin" / "rstar-bench")
    made = make_header(CONFIG, [program, "run", "--out", "/some/dir"])
    assert made["command"] == ["rstar-bench", "run", "--out", "/some/dir"]
    assert made["packages"]["sympy"] == "1.14.0"
    assert made["python"] == platform.python_version()
    assert made["cpu"]["cores"] >= 1
    words = json.dumps(made).replace("/some/dir", "").split('"')
    assert platform.node() not in words
    assert getpass.getuser() not in words
    assert not [w for w in words if w.startswith("/") or str(Path.home()) in w]


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, env=clean)


def test_the_commit_is_recorded_with_whether_the_code_differs_from_it(tmp_path: Path) -> None:
    package = tmp_path / "bench"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert git_state(package) is None, "not in git"
    git(tmp_path, "init", "-q")
    assert git_state(package) is None, "in git, but not tracked: an installed copy"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    state = git_state(package)
    assert state is not None
    assert (len(state["commit"]), state["dirty"]) == (40, False)
    (tmp_path / "notes.txt").write_text("a result, not code")
    assert git_state(package) == state
    (package / "new.py").write_text("x = 1")
    assert git_state(package) == {**state, "dirty": True}
