"""A run whose policy or PPM is served, and whose server is killed: nothing of it is lost.

Both servers are processes of their own, as they are in earnest; what they answer is scripted.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.ppm_config import PPMConfig
from bench.engines.http_client import Patience
from bench.engines.server import ServerEngine
from bench.engines.server_pooling import ServerPool
from bench.errors import DeadEngineError
from bench.evaluation.harness import Harness
from bench.evaluation.spec import RunSpec
from bench.prompts import OFFICIAL
from bench.runs.reader import load_run
from bench.runs.record import Record
from bench.search import MCTS
from tests import tiny
from tests.engines.misbehaving import Behaviour, serve
from tests.faults.jobs import write

pytest.importorskip("httpx")
pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)

PROBLEMS = 6
QUICK = Patience(tries=4, first_wait=0.01, longest_wait=0.05, answer=10.0)
_SPAWN = multiprocessing.get_context("spawn")


def write_by_seed(prompt: str, seed: int) -> str:
    """One step that prints, then an answer; the seed chooses which."""
    return write(prompt.rpartition("<code>")[2], seed % 3)


def number_tokens(ids: list[int]) -> list[list[float]]:
    """A number for every token, which depends on all up to it."""
    return [[math.sin(sum(ids[: at + 1]))] for at in range(len(ids))]


def serve_policy(told: Connection) -> None:
    _serve(Behaviour(write=write_by_seed), told)


def serve_ppm(told: Connection) -> None:
    _serve(Behaviour(pool=number_tokens, models=("ppm",)), told)


def _serve(behaviour: Behaviour, told: Connection) -> None:
    with serve(behaviour) as url:
        told.send(url)
        told.recv()  # until whoever asked is gone


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a run, and their processes by what they serve."""

    policy: str
    ppm: str
    processes: dict[str, BaseProcess]


@contextmanager
def started() -> Iterator[Servers]:
    urls, processes, ends = {}, {}, []
    serving: dict[str, Callable[[Connection], None]] = {"policy": serve_policy, "ppm": serve_ppm}
    try:
        for role, target in serving.items():
            here, there = _SPAWN.Pipe()
            ends.append(here)
            process = _SPAWN.Process(target=target, args=(there,), daemon=True)
            process.start()
            there.close()
            processes[role] = process
            urls[role] = here.recv()
        yield Servers(urls["policy"], urls["ppm"], dict(processes))
    finally:
        for process in processes.values():
            process.kill()
            process.join()


@pytest.fixture(scope="module")
def ppm(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("of") / "ppm"
    tiny.ppm(folder, tokenizer_folder)
    PPMConfig(OFFICIAL.name, OFFICIAL.digest).save(folder)
    return folder


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for asking in (ServerEngine, ServerPool):
        monkeypatch.setitem(asking.__init__.__kwdefaults__, "patience", QUICK)


async def run(
    ppm: Path, out: Path, servers: Servers, on_done: Callable[[Record], None] | None = None
) -> None:
    spec = RunSpec(
        "embedded-grade-school",
        "m",
        "mcts",
        MCTS(rollouts=2, candidates=2),
        ppm=str(ppm),
        engine="server",
        ppm_engine="server",
        limit=PROBLEMS,
    )
    async with Harness(base_url=servers.policy, ppm_url=servers.ppm) as harness:
        await harness.run(spec, out, concurrency=2, on_done=on_done)


def contents(out: Path) -> tuple[list[str], list[dict[str, Any]]]:
    lines = sorted((out / "records.jsonl").read_text().splitlines())
    return lines, [asdict(tree) for tree in load_run(out).trees()]


@pytest.mark.parametrize("dies", ["policy", "ppm"])
def test_a_run_whose_server_is_killed_is_finished_by_its_command(
    dies: str, ppm: Path, tmp_path: Path
) -> None:
    with started() as servers:
        asyncio.run(run(ppm, tmp_path / "unbroken", servers))
    wanted = contents(tmp_path / "unbroken")
    assert len({line for line in wanted[0]}) == PROBLEMS
    assert all(len(tree["tree"]["nodes"]) > 3 for tree in wanted[1])

    with started() as servers, pytest.raises(DeadEngineError, match="is kept; start the server"):
        asyncio.run(
            run(
                ppm,
                tmp_path / "killed",
                servers,
                on_done=lambda record: servers.processes[dies].kill(),
            )
        )
    kept = (tmp_path / "killed" / "records.jsonl").read_text().splitlines()
    assert 1 <= len(kept) < PROBLEMS and set(kept) <= set(wanted[0])

    with started() as servers:
        asyncio.run(run(ppm, tmp_path / "killed", servers))
    assert contents(tmp_path / "killed") == wanted
