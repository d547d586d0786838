"""The process preference model at inference: siblings scored together, their prefix computed once.

A PPM is a sequence-classification checkpoint with one label, and a `ppm.json` that says how it was
trained: the prompt template, where a step ends, and the squashing. Here the branches to be scored
(the candidates of an expansion, or whole sampled solutions) are packed behind their common prefix
in one row: a branch sees the prefix and itself, never its siblings, by way of the attention mask,
with positions as if it came directly after the prefix. The result equals scoring each branch
alone, up to rounding.

One row is one forward pass, whatever else waits: rows of other searches would be padded to a
common length, which rounds differently, and a search must not depend on its neighbours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from bench.engines.base import PathScores, StepScores
from bench.errors import CheckpointError, EngineError, MissingExtraError
from bench.prompts import template
from bench.types import Problem

if TYPE_CHECKING:
    import torch

Squash = Literal["tanh", "tanh_fifth"]
"""tanh(raw), the paper's; or tanh(raw / 5), the official code's at inference."""


@dataclass(frozen=True, slots=True)
class PPMConfig:
    """What `ppm.json` holds: how raw scores are made and read."""

    template: str
    """Name of the prompt template."""
    template_digest: str
    squash: Squash = "tanh"
    step_end: str = "end of the step's last tag; the output block belongs to the step"

    def save(self, folder: Path) -> None:
        """Write `ppm.json`."""
        (folder / "ppm.json").write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> PPMConfig:
        """Read `ppm.json`. Raises CheckpointError: it is missing, or its template has changed."""
        try:
            config = cls(**json.loads((folder / "ppm.json").read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{folder} has no readable ppm.json: {error}") from error
        if config.squash not in get_args(Squash):
            raise CheckpointError(
                f"{folder}/ppm.json: unknown squash {config.squash!r}; known: "
                f"{', '.join(get_args(Squash))}"
            )
        digest = template(config.template).digest
        if digest != config.template_digest:
            raise CheckpointError(
                f"{folder} was trained on another version of the prompt template "
                f"{config.template!r} ({config.template_digest}, here {digest}); train it again"
            )
        return config


@dataclass(frozen=True, slots=True)
class PackedRow:
    """Token ids of a prefix, of the branches that continue it, and where values are read."""

    prefix: list[int]
    branches: list[list[int]]
    ends: list[list[int]]
    """For each branch, the offsets within it at which a value is read."""

    @property
    def tokens(self) -> int:
        """Tokens that go through the model."""
        return len(self.prefix) + sum(len(branch) for branch in self.branches)


def pack(prefix: list[int], rows: Sequence[list[int]], ends: Sequence[Sequence[int]]) -> PackedRow:
    """Pack token rows that all continue `prefix`; `ends` are positions within the rows.

    Tokens may merge across the boundary of the prefix, so what the rows share is found by comparing
    tokens; every row keeps at least the token of its first end.
    """
    limit = min([len(prefix), *(row_ends[0] for row_ends in ends)])
    shared = next((i for i in range(limit) if len({row[i] for row in rows}) > 1), limit)
    return PackedRow(
        rows[0][:shared],
        [row[shared:] for row in rows],
        [[end - shared for end in row_ends] for row_ends in ends],
    )


class PPMScorer:
    """Scores steps with a PPM on transformers, on one thread of its own."""

    def __init__(self, folder: Path, *, name: str) -> None:
        """Load a merged PPM folder. Raises CheckpointError, MissingExtraError."""
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("scoring with a PPM", "transformers", "cpu") from error
        self.config = PPMConfig.load(folder)
        self.name = name
        self._template = template(self.config.template)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        # bf16 halves the time on CPUs that have it; the head computes in fp32, as in training.
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.bfloat16)
        self._backbone = model.eval().model
        self._head = model.score.float()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ppm")

    async def score(self, problem: Problem, partial: str, steps: Sequence[str]) -> StepScores:
        """Score each of the sibling `steps` that continue `partial`. Raises EngineError."""
        scores = await self.score_paths(problem, partial, [[step] for step in steps])
        return StepScores([value for (value,) in scores.values], scores.tokens)

    async def score_paths(
        self, problem: Problem, partial: str, paths: Sequence[Sequence[str]]
    ) -> PathScores:
        """Score every step of several trajectories that continue `partial`. Raises EngineError."""
        if not paths:
            return PathScores([], 0)
        row = self.packed(self._template.render(problem.question, partial), paths)
        loop = asyncio.get_running_loop()
        try:
            values = await loop.run_in_executor(self._worker, self.values, row)
        except RuntimeError as error:
            raise EngineError(f"the PPM {self.name} failed on {problem.id}: {error}") from error
        return PathScores(values, row.tokens)

    def close(self) -> None:
        """Stop the scoring thread."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def packed(self, prompt: str, paths: Sequence[Sequence[str]]) -> PackedRow:
        """Return the trajectories that continue a rendered prompt as one row, an end a step."""
        rows, ends = [], []
        for path in paths:
            text, row_ends = prompt, []
            for step in path:
                text += step
                row_ends.append(len(self._ids(text)) - 1)
            rows.append(self._ids(text))
            ends.append(row_ends)
        return pack(self._ids(prompt), rows, ends)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def values(self, row: PackedRow) -> list[list[float]]:
        """Return the squashed value at every end of every branch, in one forward pass."""
        import torch

        with torch.inference_mode():
            ids, positions, mask, ends = _tensors(row)
            hidden = self._backbone(
                input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False
            ).last_hidden_state[0]
            raw = self._head(hidden[ends].float()).squeeze(-1)
            scale = 5.0 if self.config.squash == "tanh_fifth" else 1.0
            flat = iter(torch.tanh(raw / scale).tolist())
        return [[next(flat) for _ in row_ends] for row_ends in row.ends]


def _tensors(
    row: PackedRow,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Return ids (1, L), positions (1, L), mask (1, 1, L, L) or None if causal, and ends (E,)."""
    import torch

    shared = len(row.prefix)
    ids, positions = list(row.prefix), list(range(shared))
    ends: list[int] = []
    allowed = torch.zeros(row.tokens, row.tokens, dtype=torch.bool)
    allowed[:, :shared] = True
    for branch, offsets in zip(row.branches, row.ends, strict=True):
        start = len(ids)
        allowed[start : start + len(branch), start : start + len(branch)] = True
        ends.extend(start + offset for offset in offsets)
        ids.extend(branch)
        positions.extend(range(shared, shared + len(branch)))
    mask = allowed.tril()[None, None] if len(row.branches) > 1 else None
    return torch.tensor([ids]), torch.tensor([positions]), mask, torch.tensor(ends)
