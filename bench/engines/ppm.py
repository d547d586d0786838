"""The process preference model on transformers: within a search, no token is computed twice.

A PPM is a sequence-classification checkpoint with one label, and a `reward.json` that says how it
was trained: the prompt template, where a step ends, and the squashing. Published reward models are
read by their contract (`bench.checkpoints.reward`).

What is kept belongs to one search and is dropped with it, and one pass serves one search: rounding
depends on what else is in a batch and on what is computed anew, and a search must depend on
neither its neighbours nor on what memory had room for. Where the user asks for it, passes of
several searches are made as one: faster on hardware that is not filled by one, and said in the run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from bench.checkpoints.ppm_config import PPMConfig
from bench.engines.base import PathScores
from bench.engines.memory import give_back, ran_out, report_death, return_freed
from bench.engines.reading import Reading
from bench.engines.rewards import RawHead, load_reward
from bench.engines.scored_tree import Asked, Network, ScoredTree, Values, compute, share_passes
from bench.engines.token_trie import Placed
from bench.engines.turns import Turns
from bench.errors import EngineError, MissingExtraError
from bench.types import Problem

if TYPE_CHECKING:
    import torch

DTYPE = "bfloat16"
"""What a PPM computes in unless told otherwise. It halves the time on CPUs that have it; the head
computes in fp32, as in training."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Paths of a search that are to be scored."""

    tree: ScoredTree
    place: Callable[[], Sequence[Sequence[Placed]]]
    """Tokenizes them, on the scorer's thread."""


class PPMScorer:
    """Scores steps with a PPM, or a published reward model, on transformers.

    It has one thread of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        turns: Turns | None = None,
        dtype: str = DTYPE,
        batched: bool = False,
    ) -> None:
        """Load a merged PPM folder; `turns` are shared with other models on this processor.

        `dtype` is torch's name of what it computes in; `batched` lets passes of several searches be
        one. Raises CheckpointError, MissingExtraError.
        """
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("scoring with a PPM", "transformers", "cpu") from error
        self.reading = Reading(folder, name)
        self.name = name
        self.aggregate: str = self.reading.aggregate
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.about: Mapping[str, Any] = {
            "engine": "transformers",
            "dtype": dtype,
            "batched": batched,
        }
        contract = self.reading.contract
        if isinstance(contract, PPMConfig):
            backbone, head = _load_ppm(folder, dtype)
        else:
            backbone, head = load_reward(folder, contract, self.reading.tokenizer, dtype)
        self.backbone: Any = backbone.eval().to(self.device)
        self._head = head
        self._batched = batched
        self._turns = turns or Turns()
        give_back()  # the weights were read in a wider type
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ppm")
        self._waiting: deque[tuple[Future[Values], Pass]] = deque()

    async def run(self, pass_: Pass) -> Values:
        """Make one pass on the scorer's thread. Raises what it raises."""
        future: Future[Values] = Future()
        self._waiting.append((future, pass_))
        self._worker.submit(self._run_waiting)
        return await asyncio.wrap_future(future)

    def _run_waiting(self) -> None:
        """Make every pass that waits, in one turn.

        Handing the processor back after each would generate on with the few searches that wait
        for no score, one short step at a time, while the many stand still.
        """
        if not self._waiting:
            return
        with self._turns.on(self.device):
            while self._waiting:
                self._make(self._take())

    def _take(self) -> list[tuple[Future[Values], Pass]]:
        """Return the next pass that waits; where passes are batched, one of every search."""
        if not self._batched:
            return [self._waiting.popleft()]
        taken: dict[int, tuple[Future[Values], Pass]] = {}
        left = []
        while self._waiting:
            future, pass_ = self._waiting.popleft()
            if id(pass_.tree) in taken:
                left.append((future, pass_))
            else:
                taken[id(pass_.tree)] = future, pass_
        self._waiting.extendleft(reversed(left))
        return list(taken.values())

    def _make(self, passes: Sequence[tuple[Future[Values], Pass]]) -> None:
        """Make passes of different searches; whoever awaits one is told what came of it."""
        begun: list[tuple[Future[Values], Asked]] = []
        for future, pass_ in passes:
            if not future.set_running_or_notify_cancel():
                continue
            try:
                begun.append((future, pass_.tree.add(pass_.place())))
            except BaseException as error:
                future.set_exception(error)
        try:
            self._compute([asked.tree for _, asked in begun])
        except BaseException as error:
            for future, _ in begun:
                future.set_exception(error)
            return
        for future, asked in begun:
            future.set_result(asked.values())

    def _compute(self, trees: Sequence[ScoredTree]) -> None:
        """Compute what different trees lack."""
        network = Network(self.backbone, self._read, self.device)
        while chunks := [chunk for tree in trees if (chunk := tree.next_chunk()) is not None]:
            for group in share_passes(chunks):
                compute(network, group)

    def _read(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.reading.squash(self._head(hidden))

    async def score(self, kept: ScoredTree, place: Callable[[], list[list[Placed]]]) -> PathScores:
        """Score paths of a search on the scorer's thread. Raises what that raises."""
        values, tokens = await self.run(Pass(kept, place))
        return PathScores(values, sum(tokens), tuple(tokens))

    def scoring(self, problem: Problem) -> PPMScoring[ScoredTree]:
        """Begin the scoring of one search."""
        return PPMScoring(self, problem, ScoredTree)

    def values(self, prompt: str, paths: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a prompt of ours."""
        return self._values([self.reading.place_behind(prompt, path) for path in paths])

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a partial solution."""
        return self._values(self.place(question, partial, paths))

    def _values(self, paths: Sequence[Sequence[Placed]]) -> list[list[float]]:
        with self._turns.on(self.device):
            asked = ScoredTree().add(paths)
            self._compute([asked.tree])
            return asked.values()[0]

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        return self.reading.place(question, partial, paths)

    def close(self) -> None:
        """Stop the scoring thread and give its memory back."""
        while self._waiting:
            self._waiting.popleft()[0].cancel()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self.backbone = None
        give_back()

    def ids(self, text: str) -> list[int]:
        """Return a text's tokens; none is added."""
        return self.reading.ids(text)


def _load_ppm(folder: Path, dtype: str) -> tuple[Any, RawHead]:
    """Load a PPM of ours; return its backbone, computing in `dtype`, and its head in fp32."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=getattr(torch, dtype))
    head = model.score.float()

    def compute_raw(hidden: torch.Tensor) -> torch.Tensor:
        return head.to(hidden.device)(hidden.float())  # type: ignore[no-any-return]

    return model.base_model, compute_raw


Kept = TypeVar("Kept", contravariant=True)


class ScoresSearches(Protocol[Kept]):
    """A scorer that keeps something of each search."""

    name: str

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        ...

    async def score(self, kept: Kept, place: Callable[[], list[list[Placed]]]) -> PathScores:
        """Score paths of a search on the scorer's thread. Raises what that raises."""
        ...


class PPMScoring(Generic[Kept]):
    """The scoring of one search: what it has scored once is not computed again."""

    def __init__(
        self, scorer: ScoresSearches[Kept], problem: Problem, begin: Callable[[], Kept]
    ) -> None:
        """Begin with nothing scored."""
        self._scorer, self._problem, self._begin = scorer, problem, begin
        self._kept = begin()

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        """Score every step of trajectories that continue `partial`.

        Raises EngineError; DeadEngineError: there is no memory for it.
        """
        if not paths:
            return PathScores([], 0)
        scorer, problem = self._scorer, self._problem

        # All of it, tokenizing included, belongs to one turn on the processor: a generation step
        # holds the interpreter's lock, and every line here would wait for one to end.
        def place() -> list[list[Placed]]:
            return scorer.place(problem.question, partial, paths)

        try:
            return await scorer.score(self._kept, place)
        except (RuntimeError, MemoryError) as error:
            if ran_out(error):
                raise report_death(f"the PPM {scorer.name}", error) from error
            raise EngineError(f"the PPM {scorer.name} failed on {problem.id}: {error}") from error

    def close(self) -> None:
        """Forget what was kept."""
        self._kept = self._begin()
        return_freed()
