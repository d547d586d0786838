"""A finished run grows, by problems or by samples, into the one that had begun at that size."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bench.engines.base import Completion, PathScores
from bench.errors import BenchError, RunDirError
from bench.evaluation.harness import Harness, Started
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.runs.reader import Run, load_run
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Greedy, Sampling
from bench.types import Problem
from tests.scripted import ScriptedPolicy

in_one_loop = pytest.mark.asyncio(loop_scope="module")
SMALL = RunSpec("embedded-grade-school", "smollm2", "sample", Sampling(n=4), limit=2)


class Stopped(Exception):
    pass


class SeededPolicy(ScriptedPolicy):
    """Writes what depends on the seed of a request, and on how many it is asked for at once."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__({})
        self.asked, self._most = 0, most

    async def propose(
        self,
        problem: Problem,
        partial: str,
        *,
        n: int,
        seed: int,
        stop: Sequence[str],
        greedy: bool = False,
    ) -> list[Completion]:
        if "<end_of_output>" not in partial:
            if self._most is not None and self.asked >= self._most:
                raise Stopped
            self.asked += n
        drawn = f"{seed % 1000}{n}"

        def script(partial: str, index: int) -> str:
            if "<end_of_output>" in partial:
                return f"<answer>\\boxed{{{seed % 3}}}<end_of_answer>"
            return f"\nx = {drawn}{index}\n<end_of_step>\nprint(x)\n<end_of_code>"

        self._script = self._greedily = script
        return await super().propose(problem, partial, n=n, seed=seed, stop=stop, greedy=greedy)


class RememberingScorer:
    """Scores by all that it has read of a problem so far, and reads no step twice."""

    name = "remembering"
    aggregate = "last"

    def __init__(self) -> None:
        self._known: set[str] = set()

    def scoring(self, problem: Problem) -> RememberingScorer:
        return RememberingScorer()

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        values, costs = [], []
        for path in paths:
            new = {step for step in path if step not in self._known}
            self._known |= new
            costs.append(sum(map(len, new)))
            values.append([1 / (1 + len(self._known)) for _ in path])
        return PathScores(values, sum(costs), tuple(costs))

    def close(self) -> None:
        pass


class ScriptedHarness(Harness):
    """Runs any specification with the policy above."""

    def __init__(self, sandbox: Sandbox, policy: ScriptedPolicy) -> None:
        super().__init__()
        self._parts: dict[str, Any] = {"policy": policy, "sandbox": sandbox}

    async def start(self, resolved: Resolved, *_: object) -> Started:
        search = resolved.entry.bind(
            resolved.search_config, **self._parts, scorer=RememberingScorer()
        )
        return Started(search, {"engine": {"name": "scripted"}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(workers=1)) as started:
        yield started


async def fill(spec: RunSpec, out: Path, sandbox: Sandbox, policy: SeededPolicy) -> Run:
    return await ScriptedHarness(sandbox, policy).run(spec, out, concurrency=1)


def assert_same(one: Path, other: Path) -> None:
    """The same configuration, records and trees, byte for byte."""
    assert sorted_lines(one) == sorted_lines(other)
    first, second = load_run(one), load_run(other)
    assert first.header["config_digest"] == second.header["config_digest"]
    trees = [[json.dumps(each.tree) for each in run.trees()] for run in (first, second)]
    assert trees[0] == trees[1]


def sorted_lines(path: Path) -> list[bytes]:
    return sorted((path / "records.jsonl").read_bytes().splitlines())


@in_one_loop
async def test_a_run_grows_by_problems_and_leaves_its_records_untouched(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await fill(SMALL, tmp_path / "grown", sandbox, SeededPolicy())
    before = (tmp_path / "grown" / "records.jsonl").read_bytes()
    larger, policy = replace(SMALL, limit=5), SeededPolicy()
    await fill(larger, tmp_path / "grown", sandbox, policy)
    assert policy.asked == 3 * 4
    assert (tmp_path / "grown" / "records.jsonl").read_bytes().startswith(before)
    await fill(larger, tmp_path / "begun", sandbox, SeededPolicy())
    assert_same(tmp_path / "grown", tmp_path / "begun")
    with pytest.raises(RunDirError, match="benchmark.problems: the run has 5"):
        await fill(SMALL, tmp_path / "grown", sandbox, SeededPolicy())


@in_one_loop
@pytest.mark.parametrize(
    ("small", "large", "asked"),
    [
        (Sampling(n=4), Sampling(n=12, at_once=4), 8),
        (Sampling(n=4, at_once=2), Sampling(n=6, at_once=2), 2),
        (Sampling(n=4, greedy_first=True), Sampling(n=8, at_once=4, greedy_first=True), 4),
        (Sampling(n=2, tokens=100), Sampling(n=2, tokens=1000), None),
        (Sampling(n=2), Sampling(n=4, at_once=2, tokens=1000), None),
    ],
)
async def test_a_run_grows_by_samples_into_the_one_begun_with_as_many(
    sandbox: Sandbox, tmp_path: Path, small: Sampling, large: Sampling, asked: int | None
) -> None:
    spec = replace(SMALL, config=small)
    stored = await fill(spec, tmp_path / "grown", sandbox, SeededPolicy())
    policy, fresh = SeededPolicy(), SeededPolicy()
    larger = replace(SMALL, config=large, limit=3)
    grown = await fill(larger, tmp_path / "grown", sandbox, policy)
    await fill(larger, tmp_path / "begun", sandbox, fresh)
    assert_same(tmp_path / "grown", tmp_path / "begun")
    assert policy.asked < fresh.asked
    assert asked is None or policy.asked == 2 * asked + large.n
    for one, other in zip(stored.records, grown.records, strict=False):
        assert other.samples[: len(one.samples)] == one.samples
    assert "benchmark.problems" in grown.header["grown"][0]["differences"]


@in_one_loop
async def test_a_run_that_is_stopped_while_it_grows_goes_on(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await fill(SMALL, tmp_path / "grown", sandbox, SeededPolicy())
    larger = replace(SMALL, config=Sampling(n=12, at_once=4))
    with pytest.raises(ExceptionGroup):
        await fill(larger, tmp_path / "grown", sandbox, SeededPolicy(most=12))
    halfway = load_run(tmp_path / "grown")
    assert sorted(len(record.samples) for record in halfway.records) == [4, 12]
    policy = SeededPolicy()
    await fill(larger, tmp_path / "grown", sandbox, policy)
    assert policy.asked == 8
    await fill(larger, tmp_path / "begun", sandbox, SeededPolicy())
    assert_same(tmp_path / "grown", tmp_path / "begun")


@in_one_loop
async def test_what_cannot_grow_is_refused_with_the_reason(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await fill(SMALL, tmp_path / "sampled", sandbox, SeededPolicy())
    with pytest.raises(RunDirError, match="asked for 4 at once.*add .*--n 8 --at-once 4"):
        await fill(
            replace(SMALL, config=Sampling(n=6)), tmp_path / "sampled", sandbox, SeededPolicy()
        )
    with pytest.raises(RunDirError, match="holds more than is asked for"):
        fewer = replace(SMALL, config=Sampling(n=2, tokens=50))
        await fill(
            replace(SMALL, config=Sampling(n=4, tokens=90)), tmp_path / "t", sandbox, SeededPolicy()
        )
        await fill(fewer, tmp_path / "t", sandbox, SeededPolicy())
    tree = replace(SMALL, search="mcts", config=MCTS(rollouts=1, candidates=2), limit=1)
    await fill(tree, tmp_path / "tree", sandbox, SeededPolicy())
    with pytest.raises(
        RunDirError, match=r"search.rollouts(?s:.*)a tree of the search 'mcts' is not"
    ):
        more = replace(tree, config=MCTS(rollouts=2, candidates=2))
        await fill(more, tmp_path / "tree", sandbox, SeededPolicy())
    with pytest.raises(RunDirError) as caught:
        await fill(replace(SMALL, seed=1, limit=3), tmp_path / "sampled", sandbox, SeededPolicy())
    assert "cannot grow" not in str(caught.value)


def test_a_knob_that_is_not_set_binds_no_run() -> None:
    assert not {"at_once", "tokens", "greedy_first"} & resolve(SMALL).config["search"].keys()


def test_samples_are_a_whole_number_of_requests() -> None:
    with pytest.raises(BenchError, match="n=12 .* no whole number of requests of at_once=8"):
        Sampling(n=12, at_once=8)
    assert Sampling(n=4, at_once=8).asked == 4


@in_one_loop
async def test_a_start_that_fails_leaves_the_folder_to_the_right_command(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    class Broken(ScriptedHarness):
        async def start(self, resolved: Resolved, *_: object) -> Started:
            raise BenchError("the weights are damaged")

    wrong = replace(SMALL, search="greedy", config=Greedy())
    with pytest.raises(BenchError, match="the weights are damaged"):
        await Broken(sandbox, SeededPolicy()).run(wrong, tmp_path / "n")
    run = await fill(SMALL, tmp_path / "n", sandbox, SeededPolicy())
    assert len(run.records) == 2


@in_one_loop
async def test_of_a_run_that_is_finished_no_room_is_asked(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(SMALL, tmp_path / "a", sandbox, SeededPolicy())
    monkeypatch.setattr("bench.evaluation.room.MARGIN", 1 << 60)
    Harness.check({tmp_path / "a": SMALL})
    with pytest.raises(BenchError, match="the run needs at least"):
        Harness.check({tmp_path / "a": replace(SMALL, limit=3)})


def test_several_runs_are_looked_at_before_the_first_begins(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.json").write_text("{")
    good = replace(SMALL, search="greedy", config=None)
    with pytest.raises(RunDirError, match="run.json is damaged"):
        Harness.check({tmp_path / "a": good, tmp_path / "b": good})
    with pytest.raises(BenchError, match="unknown benchmark 'math50'"):
        Harness.check({tmp_path / "a": good, tmp_path / "c": replace(good, benchmark="math50")})
    assert not (tmp_path / "a").exists()
