"""How a reward model is asked and read, whichever engine computes it.

An engine makes the raw numbers of a head for tokens (`SCORERS` in `bench.engines.opening`). Which
tokens a step is scored after, at which of them its score stands, and what is made of the raw
numbers there is the same on every engine, and is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.ppm_config import Aggregate, PPMConfig
from bench.checkpoints.reward import RewardContract, find_reading
from bench.engines.rewards import place_steps
from bench.engines.token_trie import Placed
from bench.errors import MissingExtraError
from bench.prompts import template

if TYPE_CHECKING:
    import torch


class Reading:
    """Places steps as a reward model was trained on them, and makes values of its raw numbers."""

    def __init__(self, folder: Path, name: str, *, tokenizer: Path | None = None) -> None:
        """Read what a folder says, and its tokenizer, unless that is in another one.

        Raises CheckpointError, MissingExtraError.
        """
        try:
            import torch  # noqa: F401  # of a head's numbers, values are made with it
            from transformers import AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("scoring with a PPM", "transformers", "cpu") from error
        self.contract: PPMConfig | RewardContract = find_reading(folder, name)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(tokenizer or folder)

    @property
    def aggregate(self) -> Aggregate:
        """How the scores of a path become one number, unless the user chooses another way."""
        return self.contract.aggregate

    def ids(self, text: str) -> list[int]:
        """Return a text's tokens; none is added."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def place(
        self, question: str, partial: str, paths: Sequence[Sequence[str]]
    ) -> list[list[Placed]]:
        """Return what every step of every path is scored after, and where its score is."""
        if isinstance(self.contract, RewardContract):
            return [
                place_steps(self.contract, self.tokenizer, question, partial, path)
                for path in paths
            ]
        prompt = template(self.contract.template).render(question, partial)
        return [self.place_behind(prompt, path) for path in paths]

    def place_behind(self, prompt: str, path: Sequence[str]) -> list[Placed]:
        """Return the same for a path that continues a prompt of ours."""
        text, ends = prompt, []
        for step in path:
            text += step
            ends.append(len(self.ids(text)) - 1)
        ids = self.ids(text)
        return [(ids, end) for end in ends]

    def squash(self, raw: torch.Tensor) -> torch.Tensor:
        """Make values in [-1, 1], of shape (T,), of a head's raw numbers of shape (T, labels).

        The labels are one, or two: of a wrong step, and of a right one.
        """
        contract = self.contract
        if isinstance(contract, PPMConfig):
            biased = raw[:, 0] + (contract.bias or 0.0)
            return (biased / (5.0 if contract.squash == "tanh_fifth" else 1.0)).tanh()
        match contract.squash:
            case "softmax":
                return 2 * raw.softmax(dim=-1)[:, 1] - 1
            case "sigmoid":
                return 2 * raw[:, 0].sigmoid() - 1
            case "tanh":
                return raw[:, 0].tanh()
