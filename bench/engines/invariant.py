"""The batch-invariant engine: a text depends on its request alone, and what is known is used again.

Every row of a step is computed by itself to the last bit (`bench.engines.paged_model`), so neither
company nor history changes a text: keys and values that generation left are those that a prompt
would leave. They are kept (`bench.engines.block_pool`), and a child costs its own tokens.

A step takes one token of every sequence that generates, with guesses of those that follow
(`bench.engines.drafting`), and of prompts as many as there is room for beside them. States that a
head scores (`bench.engines.invariant_ppm`) come out of the same steps. Each candidate draws from a
generator of its own, seeded by the request and its number: how many are asked for changes none.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain, islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.engines.base import STOP_WINDOW, Completion, Finish, Precision, Request, derive_seed
from bench.engines.block_pool import BlockPool, BlockTable, count_alike
from bench.engines.determinism import is_kept, probe
from bench.engines.drafting import MOST, Drafter, price
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
    drafted: list[int] = field(default_factory=list)
    """Tokens that are guessed to come next, in the step that is under way."""
    numbers: list[float] = field(default_factory=list)
    """Drawn already, for the tokens that come next."""
    logprobs: list[float] = field(default_factory=list)
    places: Sequence[int] = ()
    """Of the tokens whose states are read."""
    states: dict[int, Any] = field(default_factory=dict)
    """Those that were, by their place: shape (hidden,) each."""

    @property
    def generated(self) -> list[int]:
        return self.ids[self.pending.prompt_tokens :]

    def list_numbers(self) -> list[float]:
        """Return the numbers by which the next token, and those guessed behind it, are drawn."""
        while len(self.numbers) <= len(self.drafted):
            self.numbers.append(self.draw.random())
        return self.numbers[: 1 + len(self.drafted)]

    def add(self, token: int, logprob: float | None) -> bool:
        """Append a token that was drawn; return whether it is the one that was guessed there."""
        self.ids.append(token)
        del self.numbers[0]
        if logprob is not None:
            self.logprobs.append(logprob)
        place = len(self.ids) - 1 - self.computed
        return self.drafted[place : place + 1] == [token]

    def list_new(self) -> range:
        """Return after each token of this step how many were generated until then."""
        return range(self.computed - self.pending.prompt_tokens + 1, len(self.generated) + 1)

    def cut(self, end: int) -> None:
        """Drop what was generated after so many tokens."""
        del self.ids[self.pending.prompt_tokens + end :]
        del self.logprobs[end:]

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
        self.guessed = self.guessed_right = 0
        """Tokens that were computed before they were drawn, and those of them that then were."""
        self.looks_up = self.guesses = True
        """Whether beginnings that are known are taken, and tokens guessed. Without the one a prompt
        is computed whole, without the other each token takes a step, which is for measuring what
        that costs: no text depends on either."""
        self._drafter = Drafter()
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
        """Take no beginning for known any more, and guess from nothing. Nothing may run."""
        self._blocks.forget()
        self._drafter = Drafter()

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
        self._drafter.learn(pending.ids, table.known, written=False)

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
        spoken, read = list[int](), list[int]()
        ready: list[_Sequence] = []
        left = PASS_ROWS - len(self._running)
        for sequence in self._running:
            lacking = sequence.list_lacking()
            part = lacking[: 1 + max(left, 0)]
            left -= len(part) - 1
            taken.append(part)
            if len(part) == len(lacking):
                ready.append(sequence)
        if not taken:
            return
        speaking = [sequence for sequence in ready if not sequence.places]
        with self.spending("guessing"):
            self._guess(speaking, sum(map(len, taken)), left)
        for sequence, part in zip(self._running, taken, strict=True):
            tokens = [*sequence.ids, *sequence.drafted]
            last = part[-1] + len(sequence.drafted)
            sequence.table.reserve(last + 1)
            blocks = sequence.table.blocks
            for at in [*part, *range(part[-1] + 1, last + 1)]:
                if at in sequence.places:
                    read.append(len(rows))
                rows.append(Row(tokens[at], at, blocks))
            if part[-1] + 1 == len(sequence.ids) and not sequence.places:
                spoken += range(len(rows) - 1 - len(sequence.drafted), len(rows))
        with self.spending("computing"):
            computed = self._model.compute(rows, spoken, read)
        self.steps, self.rows = self.steps + 1, self.rows + len(rows)
        states = iter(computed.states.copy())
        for sequence, part in zip(self._running, taken, strict=True):
            # And not before: what failed is not to be found again.
            sequence.computed = max(sequence.computed, part[-1] + 1)
            sequence.table.name(sequence.ids[: sequence.computed])
            sequence.states |= {at: next(states) for at in part if at in sequence.places}
        if speaking:
            with self.spending("drawing"):
                self._draw(computed.logits, speaking)
        for sequence in ready:
            if sequence.places:
                self._deliver(sequence)

    def _guess(self, speaking: Sequence[_Sequence], rows: int, left: int) -> None:
        """Guess how those go on that have begun to speak, in a step of so many `rows` without it.

        At most `left` tokens in all, and none behind which no token could be drawn any more.
        """
        for sequence in speaking:
            sequence.drafted = []
            room = sequence.pending.request.max_tokens - len(sequence.generated) - 1
            if self.guesses and sequence.generated and min(room, left) > 0:
                sequence.drafted = self._drafter.guess(
                    sequence.ids, most=min(MOST, room, left), least=price(len(speaking), rows)
                )
                left -= len(sequence.drafted)
                self.guessed += len(sequence.drafted)

    def _draw(self, logits: Any, ready: Sequence[_Sequence]) -> None:
        """Draw the next tokens of each sequence from its logits, of shape (rows, vocabulary).

        A sequence has a row for its next token, and one behind each that was guessed.
        """
        import torch

        scores = torch.from_numpy(logits)
        firsts = [0, *accumulate(1 + len(sequence.drafted) for sequence in ready)]
        forked = [
            (row, each)
            for row, sequence in zip(firsts, ready, strict=False)
            for each in self._fan_out(sequence)
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
        """Answer for those that have come to their ends, and drop what they have behind them."""
        ways = [(each, end) for each in sequences for end in each.list_new()]
        tails = self._tokenizer.batch_decode(
            [each.generated[:end][-STOP_WINDOW:] for each, end in ways]
        )
        ended = set[_Sequence]()
        for (sequence, end), tail in zip(ways, tails, strict=True):
            if sequence in ended:
                continue
            request, token = sequence.pending.request, sequence.generated[end - 1]
            stops = token in self._ends or request.find_end(tail) is not None
            if stops or end >= request.max_tokens:
                sequence.cut(end)
                ended.add(sequence)
        for sequence in sequences:
            self._drafter.learn(sequence.ids, sequence.computed, written=True)
            self.guessed_right += len(sequence.ids) - 1 - sequence.computed
            sequence.computed = len(sequence.ids) - 1
            if sequence in ended:
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
    """Append tokens to each sequence, drawn from its rows of logits, which are written over.

    A row counts as long as all before it drew what was guessed.
    """
    from bench.engines.drawing import draw_tokens, read_logprobs

    if not sequences:
        return
    numbers = [sequence.list_numbers() for sequence in sequences]
    temperatures = [
        sequence.pending.request.temperature
        for sequence, own in zip(sequences, numbers, strict=True)
        for _ in own
    ]
    tells = any(sequence.pending.request.logprobs for sequence in sequences)
    before = scores.clone() if tells else scores
    tokens = draw_tokens(scores, temperatures, [*chain.from_iterable(numbers)])
    logprobs = read_logprobs(before, tokens) if tells else [None] * len(tokens)
    drawn = zip(tokens, logprobs, strict=True)
    for sequence, own in zip(sequences, numbers, strict=True):
        goes_on = True
        for token, logprob in islice(drawn, len(own)):
            goes_on = goes_on and sequence.add(token, logprob)


def _count_apart(texts: Sequence[Sequence[int]]) -> int:
    """Return the blocks that texts take which share those of what all of them begin with."""
    if not texts:
        return 0
    shared = min(count_alike(texts[0], text) for text in texts) // BLOCK
    return shared + sum(-(-len(text) // BLOCK) - shared for text in texts)
