"""`reward.json`: how a reward model is asked, and how its numbers are read.

Reward models differ in how a solution is put before them, in which token a score stands at, and in
what a score is. A contract says it once, in a `reward.json` beside the weights: one of ours names
its prompt template (`bench.checkpoints.ppm_config`), one of somebody else's a layout. Published
models without one are known by their architecture or their name. The conventions are those of each
model's own card and code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from bench.checkpoints.ppm_config import REWARD, Aggregate, PPMConfig, is_own
from bench.errors import CheckpointError
from bench.files.lines import decode
from bench.prompts import Format

Layout = Literal["chat", "turns", "plain", "lines", "whole"]
"""How question and steps become tokens:

chat    one turn of the assistant, the marker behind every step; scored at the marker
turns   a turn of the user for every step, answered by `good`; scored where that is predicted
plain   question and steps as one text, the marker behind every step; scored at its last token
lines   the same line by line, each tokenized by itself; a step is scored at its last line
whole   a chat, scored at its last token: a model of outcomes, asked after every step
"""
Head = Literal["score", "classes", "value", "vocabulary"]
"""What makes numbers of the last hidden state: the `score` of a classifier with one label, or with
a label for good and one for bad; the `v_head` of a value model; or the vocabulary's logits of two
words."""
Squash = Literal["softmax", "sigmoid", "tanh"]
"""How they become a value: 2p - 1 of the probability of good (softmax of two, sigmoid of one), or
the tanh."""


@dataclass(frozen=True, slots=True)
class RewardContract:
    """What the `reward.json` of a model of somebody else holds."""

    layout: Layout
    head: Head
    squash: Squash
    marker: str = ""
    """What stands behind a step."""
    system: str = ""
    """The system's turn of a chat; empty: none."""
    question_end: str = "\n"
    """What stands behind the question, in a plain text and before the first step of `turns`."""
    begins: bool = False
    """Whether a text begins with the tokenizer's own first token."""
    good: str | int | None = None
    """The word, or the number of the label, of a right step."""
    bad: str | int | None = None
    aggregate: Aggregate = "min"
    """How a solution's scores become one number, unless the user chooses another way."""

    @property
    def format(self) -> Format:
        """What it reads."""
        return "steps"


QWEN_MATH_PRM = RewardContract(
    "chat",
    "classes",
    "softmax",
    marker="<extra_0>",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
    good=1,
    bad=0,
    aggregate="product",
)
SKYWORK_PRM = RewardContract(
    "lines", "value", "sigmoid", marker="\n", begins=True, aggregate="mean"
)
MATH_SHEPHERD = RewardContract(
    "plain",
    "vocabulary",
    "softmax",
    marker=" ки",
    question_end=" ",
    begins=True,
    good="+",
    bad="-",
)
RLHFLOW_PRM = RewardContract(
    "turns", "vocabulary", "softmax", question_end=" ", good="+", bad="-", aggregate="mean"
)
OUTCOME = RewardContract("whole", "score", "sigmoid", aggregate="last")
"""A classifier with one label over a chat, trained on preferences or outcomes."""

_TWO: Mapping[Head, type] = {"classes": int, "vocabulary": str}
"""Heads that make two numbers, of a wrong step and of a right one, and what names them."""

BY_ARCHITECTURE: Mapping[str, RewardContract] = {
    "Qwen2ForProcessRewardModel": QWEN_MATH_PRM,
    "Qwen2ForPrmModel": SKYWORK_PRM,
}
"""By what `config.json` calls the model."""
BY_NAME: Mapping[str, RewardContract] = {
    "math-shepherd-mistral-7b-prm": MATH_SHEPHERD,
    "Llama3.1-8B-PRM-Deepseek-Data": RLHFLOW_PRM,
    "Llama3.1-8B-PRM-Mistral-Data": RLHFLOW_PRM,
}
"""By the last part of its name on the hub: these are language models by their architecture."""


def find_reading(folder: Path, name: str = "") -> PPMConfig | RewardContract:
    """Return how a reward model is read: by its `reward.json`, or by what it is.

    Raises CheckpointError: nothing of it says how, or what does is damaged.
    """
    if is_own(folder):
        return PPMConfig.load(folder)
    if (folder / REWARD).is_file():
        return read_contract(folder)
    architectures, labels = read_architecture(folder)
    for architecture in architectures:
        if architecture in BY_ARCHITECTURE:
            return BY_ARCHITECTURE[architecture]
        if architecture.endswith("ForSequenceClassification") and labels == 1:
            return OUTCOME
    for known in (name, folder.name):
        contract = BY_NAME.get(known.rpartition("/")[2].partition("@")[0])
        if contract is not None:
            return contract
    raise CheckpointError(
        f"{folder} does not say how its scores are read: no {REWARD}, and "
        f"{', '.join(architectures) or 'its architecture'} is not known here. Write a {REWARD} "
        f"beside its weights: layout ({', '.join(get_args(Layout))}), head "
        f"({', '.join(get_args(Head))}), squash ({', '.join(get_args(Squash))}), marker, good and "
        "bad; "
        "one in the layout of rStar-Math's code is converted by rstar-train import-official"
    )


def read_contract(folder: Path) -> RewardContract:
    """Read a `reward.json`. Raises CheckpointError."""
    file = folder / REWARD
    try:
        given = dict(decode(file.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    known = {field.name for field in fields(RewardContract)}
    if unknown := sorted(given.keys() - known):
        raise CheckpointError(
            f"{file}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}"
        )
    for key, choices in (
        ("layout", Layout),
        ("head", Head),
        ("squash", Squash),
        ("aggregate", Aggregate),
    ):
        if key in given or key != "aggregate":
            if given.get(key) not in get_args(choices):
                raise CheckpointError(
                    f"{file}: {key} is {given.get(key)!r}; expected one of "
                    f"{', '.join(get_args(choices))}"
                )
    for key in ("marker", "system", "question_end"):
        if not isinstance(given.get(key, ""), str):
            raise CheckpointError(f"{file}: {key} is {given[key]!r}; a text is expected")
    if not isinstance(given.get("begins", False), bool):
        raise CheckpointError(f"{file}: begins is {given['begins']!r}; true or false is expected")
    contract = RewardContract(**given)
    both, kind = (contract.good, contract.bad), _TWO.get(contract.head)
    if kind is not None and not all(type(each) is kind for each in both):
        raise CheckpointError(
            f"{file}: the head {contract.head!r} needs good and bad, the "
            + ("numbers of two labels" if contract.head == "classes" else "two words")
        )
    if (contract.squash == "softmax") != (kind is not None):
        raise CheckpointError(
            f"{file}: the head {contract.head!r} makes "
            + ("two numbers, which" if kind is not None else "one number, which")
            + f" {contract.squash} does not read; expected "
            + ("softmax" if kind is not None else "sigmoid or tanh")
        )
    if contract.layout == "turns" and not isinstance(contract.good, str):
        raise CheckpointError(f"{file}: the layout 'turns' needs good, a word that answers a step")
    if contract.layout in ("chat", "plain", "lines") and not contract.marker:
        raise CheckpointError(
            f"{file}: the layout {contract.layout!r} needs a marker, which stands behind each step"
        )
    return contract


def read_architecture(folder: Path) -> tuple[list[str], int]:
    """Return what `config.json` calls a model, and its number of labels, where it says so."""
    try:
        config: dict[str, Any] = dict(decode((folder / "config.json").read_bytes()))
        labels = config.get("num_labels", len(config.get("id2label") or ()))
        return [str(each) for each in config.get("architectures") or ()], int(labels)
    except (OSError, ValueError, TypeError):
        return [], 0
