"""What a run is reckoned to take, when it is refused, and that only what is named stays loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import EMBEDDED, Checkpoint, find_checkpoint
from bench.engines.memory import BLOCK, Demand
from bench.engines.opening import ENGINES
from bench.engines.openvino import POOL_BLOCKS
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError
from bench.evaluation import harness as harness_module
from bench.evaluation import memory
from bench.evaluation.harness import Harness
from bench.evaluation.memory import Models, any_demand, demand_of, fit, needs_pool
from bench.evaluation.spec import RunSpec, resolve
from bench.search import MCTS, Sampling

GIB = 1 << 30
WIDE = Demand(requests=32, candidates=4, new_tokens=96)
BLOCK_BYTES = BLOCK * 2 * embedded.CACHED_VALUES


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.shutil, "which", lambda program: None)


def models(engine: str | None = "openvino", *, ppm: bool = True) -> Models:
    policy = find_checkpoint(EMBEDDED, "policy")
    # Its weights are the embedded model's: sizes are those of the policy.
    return Models(policy, engine, Checkpoint("ppm", "ppm", None, {}) if ppm else None)


def test_with_memory_to_spare_the_cache_is_what_is_of_use() -> None:
    many, few = fit(models(), WIDE, 64 * GIB), fit(models(), Demand(4, 1, 64), 64 * GIB)
    assert many is not None and few is not None
    assert many.pool_blocks == POOL_BLOCKS
    assert few.pool_blocks == needs_pool(Demand(4, 1, 64)) < POOL_BLOCKS
    assert many.parts["KV cache"] == POOL_BLOCKS * BLOCK_BYTES
    assert many.total == sum(many.parts.values()) < 3.5 * GIB


def test_a_head_on_the_policys_states_takes_no_weights_of_its_own() -> None:
    whole, head = (fit(replace(models(), is_head=each), WIDE, 64 * GIB) for each in (False, True))
    assert whole is not None and head is not None
    assert whole.parts.keys() - head.parts.keys() == {"PPM", "its searches"}


def test_where_memory_is_short_the_cache_shrinks_to_what_is_left() -> None:
    whole = fit(models(), WIDE, None)
    assert whole is not None
    less = fit(models(), WIDE, whole.total - 200 * BLOCK_BYTES)
    assert less is not None
    assert less.pool_blocks == POOL_BLOCKS - 200
    assert less.total == whole.total - 200 * BLOCK_BYTES


def test_a_run_that_cannot_fit_is_refused_with_the_concurrency_that_does() -> None:
    with pytest.raises(
        BenchError, match=r"with 32 problems .*--concurrency \d+ it fits"
    ) as refused:
        fit(models(), WIDE, 5 * GIB // 2)
    number = int(str(refused.value).split("--concurrency ")[1].split()[0])
    assert fit(models(), Demand(number, 4, 96), 5 * GIB // 2) is not None
    with pytest.raises(BenchError):
        fit(models(), Demand(number + 1, 4, 96), 5 * GIB // 2)


def test_a_machine_that_is_too_small_is_told_so() -> None:
    with pytest.raises(BenchError, match=r"0\.5 GiB are free\. Not even one at a time fits: "):
        fit(models(), WIDE, GIB // 2)


def test_a_request_of_many_takes_a_larger_cache_and_is_refused_by_a_small_machine() -> None:
    many = Demand(1, 512, 320)
    budget = fit(models(ppm=False), many, 64 * GIB)
    assert budget is not None and budget.pool_blocks == needs_pool(many) > POOL_BLOCKS
    with pytest.raises(BenchError, match="KV cache"):
        fit(models(ppm=False), Demand(1, 10**12, 320), 64 * GIB)


def test_a_cache_that_keeps_prefixes_is_large_whatever_runs() -> None:
    budget = fit(models("openvino-cached"), Demand(1, 1, 64), 64 * GIB)
    assert budget is not None
    assert budget.pool_blocks == ENGINES["openvino-cached"].pool_blocks


def test_the_user_says_how_large_a_cache_may_be_and_no_more_is_taken_than_is_of_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blocks(requests: int) -> int:
        budget = fit(models(ppm=False), Demand(requests, 4, 320), 64 * GIB)
        assert budget is not None and budget.pool_blocks is not None
        return budget.pool_blocks

    own = blocks(96)
    monkeypatch.setenv("RSTAR_BENCH_KV_GIB", "2")
    assert own == POOL_BLOCKS < blocks(96) <= 2 * GIB // BLOCK_BYTES
    assert blocks(1) < blocks(96)


@pytest.mark.parametrize("given", ["much", "0", "-1", "nan", "inf"])
def test_a_size_of_the_cache_that_is_none_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_KV_GIB", given)
    with pytest.raises(BenchError, match="RSTAR_BENCH_KV_GIB is .*expected GiB above 0"):
        fit(models(), WIDE, 64 * GIB)


def test_nothing_is_said_of_an_engine_that_keeps_its_own_books_nor_with_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fit(models("vllm"), WIDE, 1) is None
    monkeypatch.setattr(memory.shutil, "which", lambda program: "/usr/bin/nvidia-smi")
    assert fit(models(), WIDE, 1) is None


def test_a_demand_is_read_off_the_search() -> None:
    sampling = SamplingSettings(step_tokens=50, solution_tokens=300)
    spec = RunSpec("embedded-dial", EMBEDDED, "sample", Sampling(n=12), limit=2, sampling=sampling)
    assert demand_of(resolve(spec), 2) == Demand(2, 12, 300)
    tree = RunSpec("embedded-dial", None, "greedy", limit=2, sampling=sampling)
    assert demand_of(resolve(tree), 7) == Demand(7, 1, 300)
    assert memory._widest(MCTS(candidates=6)) == 6
    assert any_demand(sampling).new_tokens == 300


class Part:
    """An engine or a PPM that tells when it is closed."""

    determinism = "none"
    about: Mapping[str, str] = {}

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self._told = name, told
        told.append(f"open {name}")

    def close(self) -> None:
        self._told.append(f"close {self.name}")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened and closed, in order."""
    events: list[str] = []

    async def open_engine(policy: Checkpoint, name: str, *_: Any, **__: Any) -> Part:
        return Part(policy.name, events)

    async def start_sandbox(self: Harness) -> Any:
        return SimpleNamespace(about={})

    monkeypatch.setattr(harness_module, "open_engine", open_engine)
    monkeypatch.setattr(harness_module, "open_scorer", lambda ppm, *_: Part(ppm.name, events))
    monkeypatch.setattr(harness_module, "engine_for", lambda policy, name: name)
    monkeypatch.setattr(harness_module, "fit", lambda *_: None)
    monkeypatch.setattr(Harness, "start_sandbox", start_sandbox)
    return events


def checkpoint(name: str, folder: Path) -> Checkpoint:
    (folder / name).mkdir()
    (folder / name / "config.json").write_text(name)
    return Checkpoint(name, "policy", folder / name, {"template": "few-shot"})


async def test_what_a_run_does_not_name_is_closed_before_its_own_is_opened(
    told: list[str], tmp_path: Path
) -> None:
    one, other, ppm, other_ppm = (checkpoint(name, tmp_path) for name in ("a", "b", "p", "q"))
    runs = [(one, None), (one, ppm), (one, None), (one, ppm), (other, ppm), (other, other_ppm)]
    async with Harness() as harness:
        for policy, scorer in runs:
            await harness.start_parts(
                policy, scorer, engine="openvino", sampling=SamplingSettings()
            )
        assert told == ["open a", "open p", "close a", "open b", "close p", "open q"]
    assert sorted(told[6:]) == ["close b", "close q"]


async def test_an_engine_whose_cache_is_too_small_for_a_later_run_is_opened_anew(
    told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = checkpoint("a", tmp_path)
    monkeypatch.setattr(
        harness_module, "fit", lambda *_: SimpleNamespace(pool_blocks=needs_pool(WIDE))
    )
    async with Harness() as harness:
        for candidates in (4, 3, 400):
            await harness.start_parts(
                policy,
                None,
                engine="openvino",
                sampling=SamplingSettings(),
                demand=Demand(2, candidates, 96),
            )
        assert told == ["open a", "close a", "open a"]
