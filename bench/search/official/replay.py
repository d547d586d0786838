"""Recorded official searches, grown again with the same completions and scores, and compared.

A recording holds what the policy returned for each partial solution, what the reward model said,
and the tree that the released code grew. Programs are executed anew, in the sandbox. A replay is
identical when every node, visit count, Q and outcome is; otherwise it says where it first differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.answers import canonicalize
from bench.checkpoints.ppm_config import LAST
from bench.engines.base import Completion, Finish, PathScores
from bench.errors import BenchError, DataError
from bench.files.lines import decode, number_lines
from bench.sandbox import Sandbox, Status
from bench.search.beam import Beam
from bench.search.mcts import MCTS
from bench.search.official.beam import official_beam
from bench.search.official.mcts import official_mcts
from bench.search.official.steps import UNFINISHED
from bench.search.official.trees import official_tags, official_tree
from bench.search.tree import Node, NodeKind, Trace
from bench.types import Problem

TOLERANCE = 1e-9
"""Largest difference of two Q: sums of the same numbers in another order may differ in the last
bits."""

MODES = ("train_ppm", "train_terminal", "test_ppm", "beam")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded search; also the policy and the scorer that say what was said then."""

    id: str
    mode: str
    question: str
    answer: str
    config: Mapping[str, Any]
    completions: Mapping[str, Sequence[tuple[str, str | None]]]
    """By partial solution: texts with the stop string that ended them."""
    scores: Mapping[str, float]
    """By partial solution, the step in question included."""
    tree: Mapping[str, Mapping[str, Any]]
    """By tag: the root is "0", its first child "0.1"."""
    per_rollout: Sequence[Mapping[str, Any]] | None
    solutions: Sequence[Mapping[str, Any]] | None

    @property
    def name(self) -> str:
        """Return what a policy or scorer is called."""
        return self.id

    @property
    def aggregate(self) -> str:
        """The released code's: the last score."""
        return LAST

    @property
    def problem(self) -> Problem:
        """Return the problem that was searched."""
        return Problem(self.id, self.question, self.answer, benchmark="recorded")

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
        """Return what was recorded. Raises Unrecorded."""
        if partial not in self.completions:
            raise Unrecorded(f"expands a node that the recording does not: {partial!r}")
        return [
            Completion(text + (tag or ""), Finish.STOP if tag else Finish.LENGTH, tokens=0)
            for text, tag in self.completions[partial]
        ]

    def scoring(self, problem: Problem) -> Recording:
        """Return itself: scores are looked up."""
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        """Return what was recorded. Raises Unrecorded."""
        values = []
        for path in paths:
            text = partial + "".join(path)
            if text not in self.scores:
                raise Unrecorded(f"scores a step that the recording does not: {text!r}")
            values.append([self.scores[text]])
        return PathScores(values, tokens=0)

    def close(self) -> None:
        """Give nothing back: recorded scores are kept for the next search."""


class Unrecorded(BenchError):
    """The replay came to where the recorded search never was."""

    @property
    def timed_out(self) -> bool:
        """Whether a program that ran out of time is on the way there."""
        return UNFINISHED[Status.TIMEOUT] in str(self)


def read_recordings(path: Path) -> Iterator[Recording]:
    """Yield the searches of a file. Raises DataError, naming the line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read recorded searches from {path}: {error.strerror}; name a JSONL file"
        ) from error
    for number, line in number_lines(data):
        try:
            yield _recording(decode(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path}, line {number} is no recorded search ({type(error).__name__}: {error}); "
                f"expected the fields of {Recording.__name__}, see `replay --help`"
            ) from error


def _recording(data: Mapping[str, Any]) -> Recording:
    if data["mode"] not in MODES:
        raise ValueError(f"unknown mode {data['mode']!r}; known: {', '.join(MODES)}")
    for needed in ("candidates", "rollouts", "max_depth", "errors_threshold", "c"):
        float(data["config"][needed])
    return Recording(
        id=data["id"],
        mode=data["mode"],
        question=data["question"],
        answer=data["answer"],
        config=data["config"],
        completions={
            partial: [(text, tag) for text, tag in said]
            for partial, said in data["completions"].items()
        },
        scores=data["scores"],
        tree={tag: node for tag, node in data["tree"].items()},
        per_rollout=data["per_rollout"] if data["mode"] == "test_ppm" else None,
        solutions=data["solutions"] if data["mode"] == "beam" else None,
    )


async def replay(recording: Recording, sandbox: Sandbox) -> list[str]:
    """Grow a recorded search again; return its differences, none when it is identical.

    Whether a program runs out of time is the machine's doing: such a search is grown once more.
    """
    differences, timed_out = await _compare(recording, sandbox)
    if differences and timed_out:
        differences, _ = await _compare(recording, sandbox)
    return differences


async def _compare(recording: Recording, sandbox: Sandbox) -> tuple[list[str], bool]:
    try:
        trace = await _grow(recording, sandbox)
    except Unrecorded as difference:
        return [f"the replay {difference}"], difference.timed_out
    differences = [
        *_tree_differences(recording, trace),
        *_list_differences("per_rollout", recording.per_rollout, _per_rollout(trace)),
        *_list_differences("solutions", recording.solutions, _solutions(trace)),
    ]
    return differences, any(node.status == Status.TIMEOUT for node in trace.nodes)


async def _grow(recording: Recording, sandbox: Sandbox) -> Trace:
    given = recording.config
    budget = {name: given[name] for name in ("candidates", "max_depth")}
    if recording.mode == "beam":
        beam = Beam(beam_width=given["beam_width"], **budget)
        return await official_beam(
            recording.problem, recording, sandbox, config=beam, seed=0, scorer=recording, start=""
        )

    async def reward(trace: Trace, end: Node) -> float:
        return 1.0 if canonicalize(end.answer or "") == canonicalize(recording.answer) else -1.0

    return await official_mcts(
        recording.problem,
        recording,
        sandbox,
        config=MCTS(rollouts=given["rollouts"], c=given["c"], **budget),
        seed=0,
        scorer=None if recording.mode == "train_terminal" else recording,
        reward=None if recording.mode == "test_ppm" else reward,
        errors_threshold=given["errors_threshold"],
        start="",
    )


def _tree_differences(recording: Recording, trace: Trace) -> Iterator[str]:
    ours = official_tree(trace)
    for tag, theirs in recording.tree.items():
        if tag not in ours:
            yield f"node {tag} is missing: recorded {theirs['text'][-120:]!r}"
            continue
        for field, recorded in theirs.items():
            found = ours[tag].get(field)
            if not _equal(recorded, found):
                yield f"node {tag}: {field} is {found!r}, recorded {recorded!r}"
    for tag in ours.keys() - recording.tree.keys():
        yield f"node {tag} is not in the recording: {ours[tag]['text'][-120:]!r}"


def _per_rollout(trace: Trace) -> list[dict[str, Any]]:
    """Return, for each rollout that ended in an answer, that answer and its value."""
    ends = [(at, trace.nodes[index]) for at, index in enumerate(trace.rollouts)]
    return [
        {"rollout": at, "answer": end.answer, "value": end.value}
        for at, end in ends
        if end.kind is NodeKind.ANSWER
    ]


def _solutions(trace: Trace) -> list[dict[str, Any]]:
    """Return the finished beams, best first."""
    tags = official_tags(trace)
    return [
        {
            "value": trace.nodes[index].value,
            "final_answer": trace.nodes[index].answer,
            "solution": trace.text(index),
            "tag": tags[index],
        }
        for index in trace.finished
    ]


def _list_differences(
    name: str, recorded: Sequence[Mapping[str, Any]] | None, found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if recorded is None:
        return
    if len(recorded) != len(found):
        yield f"{name}: {len(found)} entries, recorded {len(recorded)}"
    for at, (theirs, ours) in enumerate(zip(recorded, found, strict=False)):
        for field, value in theirs.items():
            if not _equal(value, ours.get(field)):
                yield f"{name}[{at}]: {field} is {ours.get(field)!r}, recorded {value!r}"


def _equal(recorded: object, found: object) -> bool:
    if isinstance(recorded, int | float) and isinstance(found, int | float):
        return math.isclose(recorded, found, rel_tol=0.0, abs_tol=TOLERANCE)
    return recorded == found
