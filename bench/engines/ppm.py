"""The process preference model at inference: within a search, no token is computed twice.

A PPM is a sequence-classification checkpoint with one label, and a `ppm.json` that says how it was
trained: the prompt template, where a step ends, and the squashing. Published reward models are read
by their contract (`bench.checkpoints.reward`). A search's scored text is a
tree of tokens. One forward pass computes the tokens that are new, all branches in one row: each
token sees its own ancestors, by way of the attention mask and of the keys and values kept from
earlier passes, and has the position it would have in its own text. The result equals scoring each
trajectory alone, up to rounding.

What is kept belongs to one search and is dropped with it, and one pass serves one search: rounding
depends on what else is in a batch and on what is computed anew, and a search must depend on
neither its neighbours nor on what memory had room for.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.reward import find_reading
from bench.engines.base import PathScores
from bench.engines.memory import give_back, ran_out, report_death, return_freed
from bench.engines.rewards import Placed, Read, load_reward, place_steps
from bench.engines.token_trie import TokenTrie
from bench.engines.turns import Turns
from bench.errors import EngineError, MissingExtraError
from bench.prompts import template
from bench.types import Problem

if TYPE_CHECKING:
    import torch

KEPT_TOKENS = 4096
"""Tokens of one search whose keys and values are kept (SmolLM2-135M: 23 KB each). A search that has
more begins anew, at a moment that depends on itself alone."""

PASS_TOKENS = 512
"""New tokens of one pass. Attention is computed for every pair of a pass's tokens and what they
look back on, related or not, so a pass over eight whole solutions is mostly wasted."""

Values = tuple[list[list[float]], list[int]]
"""A value for every step of every path, and the tokens that each path added."""


class PPMScorer:
    """Scores steps with a PPM, or a published reward model, on transformers.

    It has one thread of its own.
    """

    def __init__(self, folder: Path, *, name: str, turns: Turns | None = None) -> None:
        """Load a merged PPM folder; `turns` are shared with other models on this processor.

        Raises CheckpointError, MissingExtraError.
        """
        try:
            import torch
            from transformers import AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("scoring with a PPM", "transformers", "cpu") from error
        self.reading = find_reading(folder, name)
        self.name = name
        self.aggregate = self.reading.aggregate
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        # bf16 halves the time on CPUs that have it; the head computes in fp32, as in training.
        if isinstance(self.reading, PPMConfig):
            backbone, self.read = _load_ppm(folder, self.reading)
        else:
            backbone, self.read = load_reward(folder, self.reading, self._tokenizer)
        self.backbone: Any = backbone.eval().to(self.device)
        self._turns = turns or Turns()
        give_back()  # the weights were read in a wider type
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ppm")
        self._waiting: deque[tuple[Future[Values], Callable[[], Values]]] = deque()

    async def run(self, pass_: Callable[[], Values]) -> Values:
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
                future, pass_ = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(pass_())
                except BaseException as error:  # whoever awaits it is told
                    future.set_exception(error)

    def scoring(self, problem: Problem) -> PPMScoring:
        """Begin the scoring of one search."""
        return PPMScoring(self, problem)

    def values(self, prompt: str, paths: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a prompt of ours."""
        with self._turns.on(self.device):
            return ScoredTree(self).values([self._place_behind(prompt, path) for path in paths])[0]

    def values_of(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Return the value of every step of trajectories that continue a partial solution."""
        with self._turns.on(self.device):
            return ScoredTree(self).values(self.place(question, partial, paths))[0]

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        if not isinstance(self.reading, PPMConfig):
            return [
                place_steps(self.reading, self._tokenizer, question, partial, path)
                for path in paths
            ]
        prompt = template(self.reading.template).render(question, partial)
        return [self._place_behind(prompt, path) for path in paths]

    def _place_behind(self, prompt: str, path: Sequence[str]) -> list[Placed]:
        text, ends = prompt, []
        for step in path:
            text += step
            ends.append(len(self.ids(text)) - 1)
        ids = self.ids(text)
        return [(ids, end) for end in ends]

    def close(self) -> None:
        """Stop the scoring thread and give its memory back."""
        while self._waiting:
            self._waiting.popleft()[0].cancel()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self.backbone = None
        give_back()

    def ids(self, text: str) -> list[int]:
        """Return a text's tokens; none is added."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _load_ppm(folder: Path, config: PPMConfig) -> tuple[Any, Read]:
    """Load a PPM of ours in bf16; return its backbone, and what reads its states."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.bfloat16)
    head = model.score.float()
    scale = 5.0 if config.squash == "tanh_fifth" else 1.0

    def read(hidden: torch.Tensor) -> torch.Tensor:
        raw = head.to(hidden.device)(hidden.float()).squeeze(-1) + (config.bias or 0.0)  # (T,)
        return torch.tanh(raw / scale)

    return model.base_model, read


class PPMScoring:
    """The scoring of one search: what it has scored once is not computed again."""

    def __init__(self, scorer: PPMScorer, problem: Problem) -> None:
        """Begin with nothing scored."""
        self._scorer, self._problem = scorer, problem
        self._tree = ScoredTree(scorer)

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        """Score every step of trajectories that continue `partial`.

        Raises EngineError; DeadEngineError: there is no memory for it.
        """
        if not paths:
            return PathScores([], 0)
        question = self._problem.question

        # All of it, tokenizing included, belongs to one turn on the processor: a generation step
        # holds the interpreter's lock, and every line here would wait for one to end.
        def make() -> Values:
            return self._tree.values(self._scorer.place(question, partial, paths))

        try:
            values, tokens = await self._scorer.run(make)
        except (RuntimeError, MemoryError) as error:
            if ran_out(error):
                raise report_death(f"the PPM {self._scorer.name}", error) from error
            raise EngineError(
                f"the PPM {self._scorer.name} failed on {self._problem.id}: {error}"
            ) from error
        return PathScores(values, sum(tokens), tuple(tokens))

    def close(self) -> None:
        """Forget what was kept."""
        self._tree = ScoredTree(self._scorer)
        return_freed()


class ScoredTree:
    """The tokens of one search with, for each, its key and value in every layer, and its score."""

    def __init__(self, scorer: PPMScorer) -> None:
        """Start empty."""
        self._scorer = scorer
        self._begin()

    def _begin(self) -> None:
        self._trie = TokenTrie()
        self._scores: list[float] = []
        self._starts: list[int] = []
        """First token of each pass; the pass's keys and values are in `_blocks`."""
        self._blocks: list[torch.Tensor] = []
        """One tensor a pass, of shape (2, layers, heads, tokens, width)."""

    def values(self, paths: Sequence[Sequence[Placed]]) -> Values:
        """Return a value for every step of every path, and the tokens that each path added."""
        if len(self._trie) > KEPT_TOKENS:
            self._begin()
        ends = []
        sizes = [len(self._trie)]
        for path in paths:
            found, inserted, indices = [], None, []
            for ids, at in path:
                if ids is not inserted:  # one text for all steps, where each goes on from the last
                    inserted, indices = ids, self._trie.insert(ids)
                found.append(indices[at])
            ends.append(found)
            sizes.append(len(self._trie))
        for known in range(len(self._scores), len(self._trie), PASS_TOKENS):
            self._compute(known, min(known + PASS_TOKENS, len(self._trie)))
        added = [after - before for before, after in pairwise(sizes)]
        return [[self._scores[i] for i in row] for row in ends], added

    def _compute(self, known: int, end: int) -> None:
        """Pass the tokens from index `known` to before `end` through the model.

        T new tokens attend to themselves and to C tokens of earlier passes; L layers, G heads of
        keys and values of width D.
        """
        import torch
        from transformers import DynamicCache

        new = range(known, end)
        lines = [self._trie.lineage(index) for index in new]
        context = sorted({index for line in lines for index in line if index < known})
        column = {index: at for at, index in enumerate((*context, *new))}
        allowed = torch.zeros(len(new), len(column), dtype=torch.bool)  # (T, C + T)
        for row, line in enumerate(lines):
            allowed[row, [column[index] for index in line]] = True
        device = self._scorer.device
        with torch.inference_mode():
            cache = DynamicCache()
            if context:
                for layer, (keys, values) in enumerate(self._kept(context).transpose(0, 1)):
                    cache.update(keys[None], values[None], layer)  # each (1, G, C, D)
            hidden = self._scorer.backbone(
                input_ids=torch.tensor([self._trie.tokens[known:end]], device=device),
                position_ids=torch.tensor([self._trie.depths[known:end]], device=device),
                attention_mask=allowed[None, None].to(device),
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state[0]  # (T, hidden size)
            self._scores += self._scorer.read(hidden).tolist()
            self._starts.append(known)
            self._blocks.append(
                torch.stack(  # (2, L, G, T, D)
                    [
                        torch.stack([layer.keys[0, :, len(context) :] for layer in cache.layers]),
                        torch.stack([layer.values[0, :, len(context) :] for layer in cache.layers]),
                    ]
                )
            )

    def _kept(self, indices: Sequence[int]) -> torch.Tensor:
        """Return the keys and values of some tokens, in order: (2, layers, heads, n, width)."""
        import torch

        picked: dict[int, list[int]] = {}
        for index in indices:
            block = bisect_right(self._starts, index) - 1
            picked.setdefault(block, []).append(index - self._starts[block])
        return torch.cat(
            [
                self._blocks[block].index_select(3, torch.tensor(at, device=self._scorer.device))
                for block, at in picked.items()
            ],
            dim=3,
        )
