"""A reward model behind vLLM's pooling, in this process or on a server: what both have in common.

vLLM makes the raw numbers of a classifier's head, of every token of a text or of its last one
alone; where steps end and what is made of the numbers is read here (`bench.engines.reading`). Each
text is a request of its own, so the requests of all searches are batched continuously. A text whose
one new score stands at its end asks for that alone, where the engine can: then what its prefix
shares with earlier texts comes out of vLLM's cache. Scores of all tokens cannot be had so, because
a cache of keys and values holds no states; one whole text is then computed.

Values that a search has are kept until it ends. Its tokens are counted as on transformers, each
once, whatever vLLM found in its cache: so a budget means the same on every engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.reward import RewardContract, find_reading, read_architecture
from bench.engines.base import PathScores
from bench.engines.own_loop import OwnLoop
from bench.engines.reading import Reading
from bench.engines.rewards import classes_of, words_of
from bench.engines.token_trie import TokenTrie
from bench.errors import CheckpointError, EngineError
from bench.types import Problem

START_SECONDS = 1800
"""How long what computes may take to load; a large model compiles for minutes."""
_CLASSIFIER = "ForSequenceClassification"
_PROCESS_REWARD = "Qwen2ForProcessRewardModel"
"""The one architecture with a head of two layers that vLLM has."""


class Pool(Protocol):
    """Makes a head's raw numbers of texts. It lives on one event loop."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What computes, and in what."""
        ...

    async def open(self) -> None:
        """Load or connect. Raises EngineError."""
        ...

    async def compute(self, ids: list[int], *, last: bool, order: int) -> list[list[float]]:
        """Return the numbers of each token of a text; or of the last one, if `last` lets it.

        `order` is that of the search which asks. Raises EngineError, DeadEngineError.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


def pooling_overrides(folder: Path, name: str) -> dict[str, Any]:
    """Return what of a reward model's `config.json` is to be read otherwise for vLLM to pool it.

    Raises CheckpointError: vLLM has no head as it has.
    """
    contract = find_reading(folder, name)
    architectures, _ = read_architecture(folder)
    architecture = architectures[0] if architectures else ""
    refusal = (
        f"vLLM cannot score with the reward model {name!r}: {{}}. Leave --ppm-engine out: "
        "transformers can"
    )
    if isinstance(contract, RewardContract):
        if contract.head == "value":
            raise CheckpointError(refusal.format("its scores come of a v_head, which vLLM has not"))
        if contract.head == "vocabulary":
            if not architecture.endswith("ForCausalLM"):
                raise CheckpointError(
                    refusal.format(f"its words' logits are read of {architecture or 'no model'}")
                )
            tokenizer = Reading(folder, name).tokenizer
            return {
                "architectures": [architecture.removesuffix("ForCausalLM") + _CLASSIFIER],
                "classifier_from_token": tokenizer.convert_ids_to_tokens(
                    words_of(contract, tokenizer)
                ),
                "method": "no_post_processing",
            }
        if contract.head == "classes" and architecture == _PROCESS_REWARD:
            return {}
    if not architecture.endswith(_CLASSIFIER):
        raise CheckpointError(
            refusal.format(f"its architecture {architecture or '(none is told)'} is no classifier")
        )
    return {}


class PoolingScorer:
    """Scores steps with a reward model whose raw numbers a pool makes, on a loop of its own."""

    def __init__(self, folder: Path, pool: Pool, *, name: str) -> None:
        """Open the pool. Raises CheckpointError, EngineError, MissingExtraError."""
        self.reading = Reading(folder, name)
        self.name = name
        self.aggregate: str = self.reading.aggregate
        self._pool = pool
        self._columns = _columns_of(self.reading.contract)
        self._searches = 0
        self._closed = False
        self._running: set[asyncio.Task[PathScores]] = set()
        self._loop = OwnLoop("ppm-pool")
        try:
            self._loop.submit(pool.open()).result(START_SECONDS)
        except TimeoutError as error:  # its thread hangs and ends with this process
            raise EngineError(
                f"the PPM {name} was not loaded within {START_SECONDS} seconds"
            ) from error
        except BaseException:
            self._loop.stop()
            raise

    @property
    def about(self) -> Mapping[str, Any]:
        """What computes its scores, and in what, for the run's record."""
        return self._pool.about

    def scoring(self, problem: Problem) -> PooledScoring:
        """Begin the scoring of one search."""
        self._searches += 1
        return PooledScoring(self, problem, self._searches - 1)

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of paths that continue `partial`, waiting for them.

        Raises EngineError.
        """
        problem = Problem(id="", question=question, answer="", benchmark="")
        scoring = self.scoring(problem)
        return self._loop.submit(self._run(scoring, partial, paths)).result().values

    async def run(self, scoring: PooledScoring, partial: str, paths: Paths) -> PathScores:
        """Score paths on the scorer's loop. Raises EngineError, DeadEngineError."""
        if self._closed:
            raise EngineError(f"the PPM {self.name} was closed; it scores nothing any more")
        return await asyncio.wrap_future(self._loop.submit(self._run(scoring, partial, paths)))

    def close(self) -> None:
        """Give back what the pool holds; what is being scored ends with an EngineError."""
        if self._closed:
            return
        self._closed = True
        self._loop.submit(self._end()).result(timeout=60)
        self._loop.stop()

    # On the scorer's own loop, from here on.

    async def _run(self, scoring: PooledScoring, partial: str, paths: Paths) -> PathScores:
        task = asyncio.current_task()
        assert task is not None, "submitted to the loop"
        self._running.add(task)
        try:
            return await scoring.compute(partial, paths)
        except asyncio.CancelledError as error:
            if not self._closed:
                raise  # the search has given up
            raise EngineError(f"the PPM {self.name} was closed before it answered") from error
        finally:
            self._running.discard(task)

    async def pool(self, ids: list[int], *, last: bool, order: int) -> list[float]:
        """Return the values of a text's tokens, or of the last one alone. Raises EngineError."""
        import torch

        rows = await self._pool.compute(ids, last=last, order=order)
        raw = torch.tensor(rows)  # (T, labels)
        if len(rows) not in ((1, len(ids)) if last else (len(ids),)):
            raise EngineError(
                f"the PPM {self.name}: scores of {len(rows)} tokens came, and {len(ids)} were "
                "asked for"
            )
        if raw.ndim != 2 or raw.shape[1] <= max(self._columns) or not raw.isfinite().all():
            raise EngineError(
                f"the PPM {self.name}: a token came without the {max(self._columns) + 1} finite "
                "numbers that it is scored by"
            )
        return list(self.reading.squash(raw[:, self._columns]).tolist())

    async def _end(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._pool.close()


Paths = Sequence[Sequence[str]]


def _columns_of(contract: PPMConfig | RewardContract) -> list[int]:
    """Return which of a head's numbers are read: one, or those of a wrong and of a right step."""
    if isinstance(contract, PPMConfig):
        return [0]
    match contract.head:
        case "classes":
            return classes_of(contract)
        case "vocabulary":
            return [0, 1]  # made so by `pooling_overrides`
        case _:
            return [0]


class PooledScoring:
    """The scoring of one search, which keeps the values that it has."""

    def __init__(self, scorer: PoolingScorer, problem: Problem, order: int) -> None:
        """Begin with nothing scored; `order` tells searches apart."""
        self._scorer, self._problem, self._order = scorer, problem, order
        self._forget()

    def _forget(self) -> None:
        self._trie = TokenTrie()
        self._values: dict[int, float] = {}
        """By the index of a token."""

    async def score(self, partial: str, paths: Paths) -> PathScores:
        """Score every step of paths that continue `partial`.

        Raises EngineError, DeadEngineError.
        """
        if not paths:
            return PathScores([], 0)
        return await self._scorer.run(self, partial, paths)

    async def compute(self, partial: str, paths: Paths) -> PathScores:
        """Do so, on the scorer's loop."""
        placed = self._scorer.reading.place(self._problem.question, partial, paths)
        ends, added = self._trie.insert_paths(placed)
        wanted = {index for path in ends for index in path} - self._values.keys()
        texts = self._cover(wanted)
        asked = [asyncio.ensure_future(self._ask(*text)) for text in texts]
        try:
            answers = await asyncio.gather(*asked)
        finally:
            for request in asked:  # where one failed, the others are of no use
                request.cancel()
        for (line, _), found in zip(texts, answers, strict=True):  # not as they happened to come
            for index, value in zip(line[-len(found) :], found, strict=True):
                self._values.setdefault(index, value)
        values = [[self._values[index] for index in path] for path in ends]
        return PathScores(values, sum(added), tuple(added))

    def _cover(self, wanted: set[int]) -> list[tuple[list[int], bool]]:
        """Return the fewest texts that hold all wanted tokens, and whether the last one will do.

        A text is the indices of its tokens. It is none of those that another goes on from.
        """
        lines = {index: self._trie.lineage(index) for index in sorted(wanted)}
        inner = {index for line in lines.values() for index in line[:-1]}
        texts, held = [], set[int]()
        for end, line in lines.items():
            if end in inner:
                continue
            news = wanted.intersection(line) - held
            held |= news
            texts.append((line, news == {end}))
        return texts

    async def _ask(self, line: list[int], last: bool) -> list[float]:
        ids = [self._trie.tokens[index] for index in line]
        return await self._scorer.pool(ids, last=last, order=self._order)

    def close(self) -> None:
        """Forget what was kept."""
        self._forget()
