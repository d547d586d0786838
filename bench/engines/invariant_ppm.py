"""The process preference model, batch-invariant: passes serve all searches, scores stay the same.

Every row is computed by itself to the last bit (`bench.engines.paged_model`). So one pass takes
what several searches ask, what is known of a beginning is used again whoever computed it, and a
score depends on neither. A search's own scores are remembered until it is closed.

A PPM whose backbone was trained has passes of its own (`InvariantScorer`). Where only its head was
(`ppm.head_only`), its backbone is the policy's. Generating has left the keys and values of a
candidate, and its score costs one more row in a step of the policy's engine (`HeadScorer`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.checkpoint import ADAPTER
from bench.engines.base import PathScores, Precision
from bench.engines.block_pool import BlockPool, BlockTable
from bench.engines.invariant import InvariantEngine
from bench.engines.memory import give_back
from bench.engines.paged_model import PagedModel, Row, fastest_precision
from bench.engines.ppm import PPMScoring
from bench.engines.reading import Reading
from bench.engines.stepping import Text
from bench.engines.token_trie import Placed, TokenTrie
from bench.engines.turns import Turns
from bench.types import Problem

if TYPE_CHECKING:
    import torch

PASS_ROWS = 512
"""Rows of a pass."""
POOL_BLOCKS = 2_048
"""Blocks of keys and values that are kept: 1.5 GB of SmolLM2-135M, once they are all used."""


DTYPES: Mapping[Precision, str] = {"bf16": "bfloat16", "f32": "float32", "int8": "int8"}
"""What a run's record calls a precision."""


@dataclass(slots=True)
class _Scored:
    """What is scored of one search."""

    trie: TokenTrie = field(default_factory=TokenTrie)
    scores: dict[int, float] = field(default_factory=dict)
    """By the token, in the trie, whose state was read."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Paths of one search."""

    scored: _Scored
    place: Callable[[], Sequence[Sequence[Placed]]]
    """Tokenizes them, on the scorer's thread."""
    future: Future[PathScores]


@dataclass(frozen=True, slots=True)
class _Text:
    """Tokens of which some states are read."""

    ids: Sequence[int]
    read: Mapping[int, int]
    """The token in the search's trie, by its position."""
    scored: _Scored


class InvariantScorer:
    """Scores steps with a PPM under OpenVINO's runtime; it has one thread of its own."""

    def __init__(
        self,
        folder: Path,
        merged: Path,
        *,
        name: str,
        precision: Precision | None = None,
        pool_blocks: int = POOL_BLOCKS,
        turns: Turns | None = None,
    ) -> None:
        """Load the backbone out of an OpenVINO folder, head and conventions out of a merged one.

        Without a `precision`, the fastest is taken with which rows come out alike on this machine.
        `turns` are shared with other models on it. Raises CheckpointError, MissingExtraError,
        EngineError.
        """
        self.reading = Reading(merged, name)
        self._head = _read_head(merged / "model.safetensors", "score.weight")
        self.name = name
        self.aggregate: str = self.reading.aggregate
        load = partial(PagedModel, folder, blocks=pool_blocks + 1, speaks=False)
        self._model: PagedModel = load(precision=precision or fastest_precision())
        if precision is None and not self._model.treats_rows_alike():
            self._model = load(precision="f32")
        self.about: Mapping[str, Any] = {
            "engine": "invariant",
            "dtype": DTYPES[self._model.precision],
        }
        self._pool, self._room = BlockPool(pool_blocks, self._model.copy), pool_blocks
        self._turns = turns or Turns()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ppm")
        self._waiting: deque[_Asked] = deque()

    async def score(self, kept: _Scored, place: Callable[[], list[list[Placed]]]) -> PathScores:
        """Score paths of a search on the scorer's thread. Raises what that raises."""
        future: Future[PathScores] = Future()
        self._waiting.append(_Asked(kept, place, future))
        self._worker.submit(self._score_waiting)
        return await asyncio.wrap_future(future)

    def _score_waiting(self) -> None:
        """Score all that waits, in one turn on the processor."""
        if not self._waiting:
            return
        with self._turns:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
                self._score([each for each in taken if each.future.set_running_or_notify_cancel()])

    def _score(self, asked: Sequence[_Asked]) -> None:
        """Score what several searches ask; each is told what came of it."""
        placed = []
        for each in asked:
            try:
                paths = each.place()
                placed.append((each, *each.scored.trie.insert_paths(paths), paths))
            except BaseException as error:
                each.future.set_exception(error)
        try:
            self._compute(
                [
                    text
                    for each, ends, _, paths in placed
                    for text in _texts(each.scored, paths, ends)
                ]
            )
        except BaseException as error:
            self._pool.forget()  # blocks are named before they are computed
            for each, *_ in placed:
                each.future.set_exception(error)
            return
        for each, ends, added, _ in placed:
            values = [[each.scored.scores[index] for index in path] for path in ends]
            each.future.set_result(PathScores(values, sum(added), tuple(added)))

    def _compute(self, texts: Sequence[_Text]) -> None:
        """Compute the states that are to be read, in passes of `PASS_ROWS`."""
        import torch

        rows: list[Row] = []
        read: list[tuple[int, _Scored, int]] = []
        tables: list[tuple[BlockTable, Sequence[int]]] = []

        def make_passes() -> None:
            for start in range(0, len(rows), PASS_ROWS):
                due = [each for each in read if start <= each[0] < start + PASS_ROWS]
                wanted = [row - start for row, *_ in due]
                found = self._model.compute(rows[start : start + PASS_ROWS], read=wanted)
                values = _values(self.reading, self._head, torch.from_numpy(found.states))
                for (_, scored, index), value in zip(due, values, strict=True):
                    scored.scores[index] = value
            for table, ids in tables:
                table.close(ids)
            for done in (rows, read, tables):
                done.clear()

        try:
            for text in texts:
                if all(index in text.scored.scores for index in text.read.values()):
                    continue
                table = BlockTable(self._pool, text.ids)
                tables.append((table, text.ids))
                known = table.known
                table.reserve(len(text.ids))
                table.name(text.ids)  # those behind find them: they come later in the pass
                for at, token in enumerate(text.ids):
                    index = text.read.get(at)
                    is_read = index is not None and index not in text.scored.scores
                    if at >= known or is_read:
                        rows.append(Row(token, at, table.blocks))
                    if index is not None and is_read:
                        read.append((len(rows) - 1, text.scored, index))
                held = sum(len(each.blocks) for each, _ in tables)
                if len(rows) >= PASS_ROWS or 2 * held > self._room:
                    make_passes()
            make_passes()
        finally:
            for table, _ in tables:  # of a pass that failed: what is in them is nobody's
                table.close()

    def scoring(self, problem: Problem) -> PPMScoring[_Scored]:
        """Begin the scoring of one search."""
        return PPMScoring(self, problem, _Scored)

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a partial solution."""
        future: Future[PathScores] = Future()
        future.set_running_or_notify_cancel()
        asked = _Asked(_Scored(), lambda: self.reading.place(question, partial, paths), future)
        with self._turns:
            self._score([asked])
        return future.result().values

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        return self.reading.place(question, partial, paths)

    def close(self) -> None:
        """Stop the scoring thread and give its memory back."""
        while self._waiting:
            self._waiting.popleft().future.cancel()
        self._worker.shutdown(wait=True, cancel_futures=True)
        del self._model
        give_back()


class HeadScorer:
    """Scores steps with a head on the states of the policy, which its engine computes."""

    def __init__(
        self, folder: Path, tokenizer: Path, engine: InvariantEngine, *, name: str
    ) -> None:
        """Load a PPM's head and conventions out of an adapter's folder.

        The `engine` runs the policy that the head was fitted on. Raises CheckpointError,
        MissingExtraError.
        """
        self.reading = Reading(folder, name, tokenizer=tokenizer)
        self._head = _read_head(folder / ADAPTER, "base_model.model.score.weight")
        self.name = name
        self.aggregate: str = self.reading.aggregate
        self.about: Mapping[str, Any] = {
            "engine": "invariant",
            "dtype": DTYPES[engine.precision],
            "backbone": "the policy's",
        }
        self._engine = engine

    async def score(self, kept: _Scored, place: Callable[[], list[list[Placed]]]) -> PathScores:
        """Score paths of a search; a step that was not scored before counts as a token.

        Raises EngineError; what `place` raises is one, too.
        """
        import torch

        asked: list[_Text] = []
        ends: list[list[int]] = []
        added: list[int] = []

        def place_texts() -> list[Text]:
            paths = place()
            found, _ = kept.trie.insert_paths(paths)
            ends.extend(found)
            seen = set(kept.scores)
            for path in found:
                added.append(len({*path} - seen))
                seen |= {*path}
            for text in _texts(kept, paths, found):
                read = {at: each for at, each in text.read.items() if each not in kept.scores}
                if read:
                    asked.append(_Text(text.ids, read, kept))
            return [Text(text.ids, [*text.read]) for text in asked]

        states = await self._engine.read_states(place_texts)
        for text, of_text in zip(asked, states, strict=True):
            found = torch.stack([torch.from_numpy(each) for each in of_text])  # (places, hidden)
            values = _values(self.reading, self._head, found)
            kept.scores |= dict(zip(text.read.values(), values, strict=True))
        scores = [[kept.scores[index] for index in path] for path in ends]
        return PathScores(scores, sum(added), tuple(added))

    def scoring(self, problem: Problem) -> PPMScoring[_Scored]:
        """Begin the scoring of one search."""
        return PPMScoring(self, problem, _Scored)

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a partial solution."""
        asked = self.score(_Scored(), lambda: self.place(question, partial, paths))
        return asyncio.run(asked).values

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        return self.reading.place(question, partial, paths)

    def close(self) -> None:
        """Give nothing back: the engine is the policy's."""


def _read_head(file: Path, name: str) -> torch.Tensor:
    """Return a head's weights in fp32, shape (labels, hidden)."""
    from safetensors import safe_open

    with safe_open(str(file), "pt") as opened:
        head: torch.Tensor = opened.get_tensor(name).float()
    return head


def _values(reading: Reading, head: torch.Tensor, states: torch.Tensor) -> list[float]:
    """Return the values of states of shape (rows, hidden), each computed by itself."""
    # A product with a single column would take another kernel for a single row.
    raw = (states[:, None] * head).sum(dim=-1)  # (rows, labels)
    return reading.squash(raw).tolist()


def _texts(
    scored: _Scored, paths: Sequence[Sequence[Placed]], ends: Sequence[Sequence[int]]
) -> Iterator[_Text]:
    """Give every text of some paths once, with the states that are read of it."""
    for path, indices in zip(paths, ends, strict=True):
        read: dict[int, int] = {}
        for at, ((ids, place), index) in enumerate(zip(path, indices, strict=True)):
            read[place] = index
            if at + 1 == len(path) or path[at + 1][0] is not ids:
                yield _Text(ids, read, scored)
                read = {}
