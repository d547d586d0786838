"""Real clusters on this machine: what is lost of a node, of the command, and what is said.

`pytest -s` shows the wall times.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import published_checkpoints
from bench.runs.reader import load_run
from rstar_train.recipes.recipe import RECIPES

ROOT = Path(__file__).parents[2]
HAS_RAY = importlib.util.find_spec("ray") is not None
HAS_MODEL = importlib.util.find_spec("openvino_genai") and embedded.find_kept()
POLICY = "smollm2-dial-r4"

pytestmark = pytest.mark.skipif(not HAS_RAY, reason="needs ray: pip install 'rstar-bench[ray]'")
needs_model = pytest.mark.skipif(
    not (HAS_MODEL and POLICY in published_checkpoints("policy")),
    reason="needs openvino-genai, the embedded model and its published rounds",
)
WITH_MODEL = (
    *("--policy", POLICY, "--benchmark", "embedded-dial", "--limit", "8"),
    *("--search", "mcts", "--rollouts", "4", "--candidates", "3", "--ppm", POLICY),
)
WITHOUT = (
    *("--benchmark", "embedded-inequalities", "--limit", "12"),
    # Of which each is decided in a tenth of that, however busy the machine is.
    *("--search", "closers", "--cpu-seconds", "30"),
)


RECIPE = "smollm2-cpu"


def command(out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "bench.cli", "run", "--out", str(out), *more]


def run(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out, *more), cwd=ROOT, capture_output=True, text=True)


def count_records(out: Path) -> int:
    file = out / "records.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + 1200
    while not condition():
        assert process.poll() is None, f"ended before {what}: {process.communicate()}"
        assert time.monotonic() < deadline, f"no {what} in 20 minutes"
        time.sleep(0.1)


def content(out: Path) -> tuple[list[str], list[dict[str, Any]], str | None]:
    """Records, trees and summary of a run: what must not depend on where it was made."""
    records = sorted((out / "records.jsonl").read_text().splitlines())
    trees = [asdict(tree) for tree in load_run(out).trees()]
    summary = out / "summary.json"  # a round's search has none
    return records, trees, summary.read_text() if summary.exists() else None


@contextmanager
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes of one core each, on this machine."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        yield cluster
    finally:
        cluster.shutdown()


@pytest.mark.slow
@needs_model
def test_a_node_killed_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    alone = run(tmp_path / "alone", *WITH_MODEL)
    seconds_alone = time.monotonic() - started
    assert alone.returncode == 0, alone.stderr
    out = tmp_path / "ray"
    with two_nodes() as cluster:
        started = time.monotonic()
        more = ("--ray", cluster.address, "--actors", "2", "--concurrency", "2")
        with subprocess.Popen(
            command(out, *WITH_MODEL, *more),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as driver:
            wait_for(lambda: count_records(out) >= 3, driver, "three records")
            (second,) = cluster.worker_nodes
            cluster.remove_node(second, allow_graceful=False)
            before = count_records(out)
            printed, said = driver.communicate()
        seconds = time.monotonic() - started
    print(
        f"\none process {seconds_alone:.0f} s; two actors on two nodes, one killed after {before} "
        f"of 8 problems, {seconds:.0f} s"
    )
    assert driver.returncode == 0, said
    assert before < 8, "it was over before the node was killed"
    assert "actor 1 was lost" in said or "actor 2 was lost" in said, said
    assert "Traceback" not in said and "raylet" not in said + printed, said + printed
    assert content(out) == content(tmp_path / "alone")
    about = load_run(out).header["ray"]
    assert (about["actors"], about["nodes"], about["actor_cpus"]) == (2, 2, 1)


@pytest.mark.slow
@needs_model
@pytest.mark.usefixtures("own_cache")
def test_a_node_killed_while_a_round_searches_loses_nothing(tmp_path: Path) -> None:
    recipe = yaml.safe_load((RECIPES / f"{RECIPE}.yaml").read_text())
    # Of engines that generate the same on every node.
    searched = {**recipe["search"], "engine": "invariant"}
    recipe["search"], recipe["rounds"][0]["search"] = searched, {"policy": POLICY}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    file = Path("round-1", "search", "trees", "records.jsonl")

    def evolve(work: Path, *more: str) -> subprocess.Popen[str]:
        verb = [sys.executable, "-m", "rstar_train.cli", "evolve", "--tiny", "--rounds", "1"]
        where = ["--recipe", str(tmp_path / "recipe.yaml"), "--work", str(work)]
        return subprocess.Popen(
            [*verb, *where, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    alone = evolve(tmp_path / "alone")
    printed = alone.communicate()[0]
    assert alone.returncode == 0, printed
    work = tmp_path / "ray"
    with two_nodes() as cluster:
        train = evolve(work, "--ray", cluster.address, "--actors", "2")
        trees = (work / file).parent
        wait_for(lambda: count_records(trees) >= 3, train, "three records")
        (second,) = cluster.worker_nodes
        cluster.remove_node(second, allow_graceful=False)
        before = count_records(trees)
        said = train.communicate()[0]
    assert train.returncode == 0, said
    assert "was lost" in said and "Traceback" not in said, said
    whole = content((tmp_path / "alone" / file).parent)
    print(f"\none node of two killed after {before} of {len(whole[0])} trees")
    assert before < len(whole[0]), "it was over before the node was killed"
    assert content(trees) == whole


@pytest.mark.slow
def test_a_killed_command_leaves_no_cluster_and_goes_on_when_repeated(tmp_path: Path) -> None:
    alone = run(tmp_path / "alone", *WITHOUT)
    assert alone.returncode == 0, alone.stderr
    out = tmp_path / "ray"
    more = ("--ray", "--actors", "2", "--concurrency", "1")
    with subprocess.Popen(
        command(out, *WITHOUT, *more),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as driver:
        wait_for(lambda: count_records(out) >= 2, driver, "two records")
        family = psutil.Process(driver.pid).children(recursive=True)
        os.kill(driver.pid, signal.SIGKILL)
    before = count_records(out)
    # Ray's head and its monitor see it last, after a minute.
    _, alive = psutil.wait_procs(family, timeout=180)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    assert [each.pid for each in alive] == []
    again = run(out, *WITHOUT, *more)
    assert again.returncode == 0, again.stderr
    assert f"{before} of 12 problems were done before" in again.stderr
    assert content(out) == content(tmp_path / "alone")


@contextmanager
def begun_on_two_nodes(out: Path, problems: int) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """A cluster and a run on it, three of whose problems are solved."""
    with two_nodes() as cluster:
        more = ("--limit", str(problems), "--ray", cluster.address, "--concurrency", "1")
        with subprocess.Popen(
            command(out, *WITHOUT, *more),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as driver:
            wait_for(lambda: count_records(out) >= 3, driver, "three records")
            yield cluster, driver


def suspend_actors() -> list[psutil.Process]:
    found = [each for each in psutil.process_iter(["cmdline"]) if "ray::Actor" in str(each.info)]
    for each in found:
        each.suspend()
    return found


@pytest.mark.slow
def test_a_head_killed_in_mid_run_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with begun_on_two_nodes(out, 60) as (cluster, driver):
        suspended = suspend_actors()  # what they have in hand is not done before that is noticed
        try:
            cluster.remove_node(cluster.head_node, allow_graceful=False)
            _, said = driver.communicate(timeout=300)
        finally:
            for each in suspended:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
    assert suspended
    assert driver.returncode == 2, said
    assert "is gone. What was stored is intact" in said
    assert len(load_run(out).records) >= 3  # and is read


LEAVES = """
import asyncio, sys
from bench.cluster.driver import solve_on
from bench.cluster.settings import ClusterSettings
from bench.console import run_guarded
from bench.evaluation.spec import RunSpec, resolve
from bench.evaluation.work import SpecWork

async def work():
    spec = RunSpec(policy=None, benchmark="embedded-inequalities", search="closers")
    async with solve_on(ClusterSettings(address=sys.argv[1]))(SpecWork.of(resolve(spec), 1)):
        print("joined", flush=True)
        sys.stdin.readline()

sys.exit(run_guarded("tool", lambda: asyncio.run(work()) or 0))
"""


@pytest.mark.slow
def test_a_command_that_is_done_before_its_head_is_missed_ends_well() -> None:
    with two_nodes() as cluster:
        with subprocess.Popen(
            [sys.executable, "-c", LEAVES, cluster.address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as driver:
            assert driver.stdout is not None
            assert driver.stdout.readline() == "joined\n"
            cluster.remove_node(cluster.head_node, allow_graceful=False)
            _, said = driver.communicate("\n", timeout=300)
    assert driver.returncode == 0, said


@pytest.mark.slow
def test_what_a_cluster_has_no_room_for_is_said_at_once(tmp_path: Path) -> None:
    refused = run(tmp_path / "run", *WITHOUT, "--ray", "--actors", "2", "--actor-cpus", "10000")
    assert refused.returncode == 2
    assert "2 actors of 10000 cores were asked for" in refused.stderr
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert not (tmp_path / "run" / "run.json").exists()  # nothing is bound


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("nowhere", "'nowhere' is no address of a Ray cluster"),
        ("ray://127.0.0.1:1", "'ray://127.0.0.1:1' is no address of a Ray cluster"),
        ("127.0.0.1:99999", "no Ray cluster answers at 127.0.0.1:99999"),
    ],
)
def test_an_address_where_nobody_answers_is_said_at_once(
    tmp_path: Path, address: str, said: str
) -> None:
    refused = run(tmp_path / "run", *WITHOUT, "--ray", address)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1, refused.stderr
