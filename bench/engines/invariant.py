"""The batch-invariant engine: a text depends on its request alone, and what is known is used again.

Every row of a step is computed by itself to the last bit (`bench.engines.paged_model`), so neither
company nor history changes a text: keys and values that generation left are those that a prompt
would leave. They are kept (`bench.engines.block_pool`), and a child costs its own tokens.

A step takes one token of every sequence that generates, and of prompts as many as there is room
for beside them. States that a head scores (`bench.engines.invariant_ppm`) come out of the same
steps. Each candidate draws from a generator of its own, seeded by the request and its number: how
many are asked for changes none of them.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.engines.base import STOP_WINDOW, Completion, Finish, Precision, Request, derive_seed
from bench.engines.block_pool import BlockPool, BlockTable, count_alike
from bench.engines.determinism import is_kept, probe
from bench.engines.memory import BLOCK, ran_out
from bench.engines.paged_model import PagedModel, Row, fastest_precision
from bench.engines.stepping import Pending, PlaceTexts, SteppingEngine, Text
from bench.engines.turns import Turns
from bench.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    import torch

PASS_ROWS = 256
"""Rows of a step, unless more sequences than that generate: of a long prompt so many tokens are
computed at a time, and nobody waits for the rest of it."""


_READING = Request("", n=0, seed=0, temperature=0.0, max_tokens=0, stop=(), order=-1)
"""Stands for the reading of texts, which goes before generating: searches wait for it, and it lets
their blocks go after a step or two."""


@dataclass(slots=True, eq=False)
class _Sequence:
    """One candidate; the first one is the prompt, too, for which the others wait.

    Or a text of which states are read.
    """

    pending: Pending
    index: int
    """Its number among the candidates, or texts."""
    ids: list[int]
    """The prompt and what was generated."""
    computed: int
    """Tokens whose keys and values are in the blocks."""
    table: BlockTable
    draw: random.Random
    logprobs: list[float] = field(default_factory=list)
    places: Sequence[int] = ()
    """Of the tokens whose states are read."""
    states: dict[int, Any] = field(default_factory=dict)
    """Those that were, by their place: shape (hidden,) each."""

    @property
    def generated(self) -> list[int]:
        return self.ids[self.pending.prompt_tokens :]

    def list_lacking(self) -> list[int]:
        """Return the places of the tokens that are to be computed; some were before."""
        again = [at for at in self.places if at < self.computed and at not in self.states]
        return [*again, *range(self.computed, len(self.ids))]


@dataclass(slots=True)
class _Answer:
    """What has come of a request so far."""

    results: list[Any]
    """A completion of each candidate, or states of each text, of shape (places, hidden)."""
    sequences: list[_Sequence] = field(default_factory=list)
    """Those that run."""


class InvariantEngine(SteppingEngine):
    """Generates on the CPU, under OpenVINO's runtime."""

    def __init__(
        self,
        folder: Path,
        tokenizer: Path,
        *,
        name: str,
        positions: int,
        pool_blocks: int,
        precision: Precision | None = None,
        max_sequences: int = 128,
        turns: Turns | None = None,
    ) -> None:
        """Load the model out of an OpenVINO folder, and its tokenizer out of a Hugging Face one.

        It has so many `positions`. Without a `precision`, the fastest is taken that keeps the
        promise on this machine, once `verify_determinism` has tried. `pool_blocks` are for what
        runs and for what is kept; `turns` are shared with other models on this processor. Raises
        MissingExtraError, EngineError.
        """
        super().__init__(name, blocks=pool_blocks, sequences=max_sequences, turns=turns)
        try:
            import torch  # noqa: F401  # tokens are drawn with it
            from transformers import AutoTokenizer, GenerationConfig
        except ImportError as error:
            raise MissingExtraError("the batch-invariant engine", "transformers", "cpu") from error
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(tokenizer)
            ends = GenerationConfig.from_pretrained(tokenizer).eos_token_id
        except (OSError, ValueError) as error:
            raise EngineError(f"transformers cannot load {tokenizer}: {error}") from error
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])
        self._positions = positions
        self._load = partial(PagedModel, folder, blocks=pool_blocks + 1)
        self._chooses = precision is None
        self._use(self._load(precision=precision or fastest_precision()))
        self._running: list[_Sequence] = []
        self.steps = self.rows = 0
        """Steps so far, and the rows that they computed."""
        self.reused_tokens = 0
        """Tokens of prompts that were known. A completion does not tell them: they are history's
        affair, and records must not be."""
        self.looks_up = True
        """Whether beginnings that are known are taken; without it a prompt is computed whole, which
        is for measuring what that costs."""
        self.determinism = "per request; not verified on this machine"
        self._start("invariant-engine")

    async def verify_determinism(self) -> None:
        """Compare requests alone with the same requests in a batch; record what was found.

        Where texts depended on their batch, and nobody has chosen the precision, products are
        computed in fp32 from then on.
        """
        found = await probe(self)
        why = "the fastest here" if self._chooses else "as asked for"
        tried = self._model.precision
        if self._chooses and not is_kept(found) and tried != "f32":
            self._use(self._load(precision="f32"))  # nothing runs: the probe has been answered
            found = await probe(self)
            why = f"in {tried} texts depended on their batch"
        self.determinism = f"{found}; products in {self._model.precision} ({why})"

    def _use(self, model: PagedModel) -> None:
        self._model = model
        self._blocks = BlockPool(self._pool, model.copy)

    @property
    def precision(self) -> Precision:
        """What products are computed in."""
        return self._model.precision

    async def read_states(self, texts: PlaceTexts) -> list[Any]:
        """Return the normed states at some places of texts, in fp32, (places, hidden) each.

        `texts` is called in the engine's thread. Raises EngineError, DeadEngineError.
        """
        found: list[Any] = await self._ask(_READING, texts)
        return found

    def forget(self) -> None:
        """Take no beginning for known any more. Nothing may run."""
        self._blocks.forget()

    # The engine's thread, from here on.

    def _read(self, pending: Pending) -> None:
        request = pending.request
        if pending.texts is not None:
            pending.ids = [text for text in pending.texts() if text.places]
            pending.prompt_tokens = max((len(text.ids) for text in pending.ids), default=0)
            return
        pending.ids = list(self._tokenizer(request.prompt, add_special_tokens=False)["input_ids"])
        pending.prompt_tokens = len(pending.ids)
        if not pending.ids:
            raise EngineError("the prompt is empty; give at least one token to go on from")
        if pending.prompt_tokens + request.max_tokens > self._positions:
            raise EngineError(
                f"a prompt of {pending.prompt_tokens} tokens and up to {request.max_tokens} more "
                f"are too many for {self.name}, which has {self._positions} positions"
            )

    def _count_blocks(self, pending: Pending) -> int:
        if pending.texts is None:
            return super()._count_blocks(pending)
        return _count_apart([text.ids for text in pending.ids])

    def _add(self, pending: Pending) -> None:
        """Begin with the prompt, as far as it is known; its last token is computed in any case."""
        if pending.texts is not None:
            self._add_texts(pending, pending.ids)
            return
        table = BlockTable(self._blocks, pending.ids[:-1] if self.looks_up else ())
        first = self._begin(pending, 0, pending.ids, table.known, table)
        pending.handle = _Answer([None] * pending.request.n, [first])
        self.reused_tokens += table.known

    def _add_texts(self, pending: Pending, texts: Sequence[Text]) -> None:
        if not texts:
            self._resolve(pending, [])
            return
        pending.handle = _Answer([None] * len(texts))
        for index, text in enumerate(texts):
            table = BlockTable(self._blocks, text.ids)
            begun = self._begin(pending, index, text.ids, table.known, table)
            begun.places = text.places
            pending.handle.sequences.append(begun)
            self.reused_tokens += table.known

    def _begin(
        self, pending: Pending, index: int, ids: Sequence[int], computed: int, table: BlockTable
    ) -> _Sequence:
        draw = random.Random(derive_seed(pending.request.seed, index))
        made = _Sequence(pending, index, list(ids), computed, table, draw)
        self._running.append(made)
        return made

    def _step(self, active: list[Pending]) -> None:
        for pending in active:
            if pending.future.cancelled():  # its search was given up
                self._stop(pending)
        try:
            with contextlib.ExitStack() as turn:
                with self.spending("others' turns"):
                    turn.enter_context(self._turns)
                self._advance()
        except RuntimeError as error:
            if ran_out(error):
                raise
            self._fail(active, EngineError(f"OpenVINO failed while generating: {error}"))
        active[:] = [pending for pending in active if pending.handle is not None]

    def _stop(self, pending: Pending) -> None:
        if pending.handle is not None:
            for sequence in pending.handle.sequences:
                self._leave(sequence)
            pending.handle = None

    def _leave(self, sequence: _Sequence) -> None:
        self._running.remove(sequence)
        sequence.table.close(sequence.ids[: sequence.computed])

    def _release(self) -> None:
        del self._model

    def _advance(self) -> None:
        """Compute what every sequence lacks, as much as fits.

        Where all is there, draw a token, or give the states that were read.
        """
        rows: list[Row] = []
        taken: list[list[int]] = []  # places of each sequence
        ready, spoken, read = [], [], []
        left = PASS_ROWS - len(self._running)
        for sequence in self._running:
            lacking = sequence.list_lacking()
            part = lacking[: 1 + max(left, 0)]
            left -= len(part) - 1
            sequence.table.reserve(part[-1] + 1)
            blocks = sequence.table.blocks
            for at in part:
                if at in sequence.places:
                    read.append(len(rows))
                rows.append(Row(sequence.ids[at], at, blocks))
            taken.append(part)
            if len(part) == len(lacking):
                ready.append(sequence)
                if not sequence.places:
                    spoken.append(len(rows) - 1)
        if not rows:
            return
        with self.spending("computing"):
            computed = self._model.compute(rows, spoken, read)
        self.steps, self.rows = self.steps + 1, self.rows + len(rows)
        states = iter(computed.states.copy())
        for sequence, part in zip(self._running, taken, strict=True):
            # And not before: what failed is not to be found again.
            sequence.computed = max(sequence.computed, part[-1] + 1)
            sequence.table.name(sequence.ids[: sequence.computed])
            sequence.states |= {at: next(states) for at in part if at in sequence.places}
        speaking = [sequence for sequence in ready if not sequence.places]
        if speaking:
            with self.spending("drawing"):
                self._draw(computed.logits, speaking)
        for sequence in ready:
            if sequence.places:
                self._deliver(sequence)

    def _draw(self, logits: Any, ready: Sequence[_Sequence]) -> None:
        """Draw the next token of each sequence from its logits, of shape (rows, vocabulary)."""
        import torch

        scores = torch.from_numpy(logits)
        forked = [
            (row, each) for row, sequence in enumerate(ready) for each in self._fan_out(sequence)
        ]
        others = scores[[row for row, _ in forked]]  # before the rows are written over
        _draw_each(scores, ready)
        _draw_each(others, [sequence for _, sequence in forked])
        self._deliver_ended([*ready, *(sequence for _, sequence in forked)])

    def _fan_out(self, sequence: _Sequence) -> Iterator[_Sequence]:
        """Give the other candidates of a request, when its prompt has just been computed."""
        pending = sequence.pending
        if sequence.computed > pending.prompt_tokens:
            return
        for index in range(1, pending.request.n):
            table = sequence.table.fork()
            made = self._begin(pending, index, sequence.ids, sequence.computed, table)
            pending.handle.sequences.append(made)
            yield made

    def _deliver_ended(self, sequences: Sequence[_Sequence]) -> None:
        tails = self._tokenizer.batch_decode([each.generated[-STOP_WINDOW:] for each in sequences])
        for sequence, tail in zip(sequences, tails, strict=True):
            request = sequence.pending.request
            ends = sequence.ids[-1] in self._ends or request.find_end(tail) is not None
            if ends or len(sequence.generated) >= request.max_tokens:
                self._deliver(sequence)

    def _deliver(self, sequence: _Sequence) -> None:
        """Answer the request of a sequence, if this was the last of its candidates."""
        self._leave(sequence)
        pending, answer = sequence.pending, sequence.pending.handle
        answer.sequences.remove(sequence)
        answer.results[sequence.index] = (
            [sequence.states[at] for at in sequence.places]
            if sequence.places
            else self._completion(sequence)
        )
        if not answer.sequences:
            pending.handle = None
            self._resolve(pending, answer.results)

    def _completion(self, sequence: _Sequence) -> Completion:
        request, ids = sequence.pending.request, sequence.generated
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        # A token may run past the stop string; the text ends with it.
        end = request.find_end(text)
        stopped = end is not None or ids[-1] in self._ends
        first = sequence.index == 0
        return Completion(
            text[:end],
            Finish.STOP if stopped else Finish.LENGTH,
            len(ids),
            prompt_tokens=sequence.pending.prompt_tokens if first else 0,
            logprob=fmean(sequence.logprobs) if request.logprobs else None,
        )


def _draw_each(scores: torch.Tensor, sequences: Sequence[_Sequence]) -> None:
    """Append a token to each sequence, drawn from its row of logits, which are written over."""
    from bench.engines.drawing import draw_tokens, read_logprobs

    if not sequences:
        return
    temperatures = [sequence.pending.request.temperature for sequence in sequences]
    tells = any(sequence.pending.request.logprobs for sequence in sequences)
    before = scores.clone() if tells else scores
    tokens = draw_tokens(scores, temperatures, [each.draw.random() for each in sequences])
    for sequence, token in zip(sequences, tokens, strict=True):
        sequence.ids.append(token)
    if tells:
        for sequence, logprob in zip(sequences, read_logprobs(before, tokens), strict=True):
            sequence.logprobs.append(logprob)


def _count_apart(texts: Sequence[Sequence[int]]) -> int:
    """Return the blocks that texts take which share those of what all of them begin with."""
    if not texts:
        return 0
    shared = min(count_alike(texts[0], text) for text in texts) // BLOCK
    return shared + sum(-(-len(text) // BLOCK) - shared for text in texts)
