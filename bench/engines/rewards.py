"""Published reward models: a solution laid out as each was trained on it, and their heads.

What is made of a head's raw numbers is `bench.engines.reading`.

The steps of a search hold code and tags of ours. These models have seen neither, so that they are
given a step's text without tags, and what a program printed as a line of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.reward import RewardContract
from bench.console import expecting_other_heads
from bench.engines.token_trie import Placed
from bench.errors import CheckpointError
from bench.prompts import tags

if TYPE_CHECKING:
    import torch

RawHead = Callable[["torch.Tensor"], "torch.Tensor"]
"""Makes a head's raw numbers, of shape (T, labels), of hidden states of shape (T, hidden size). Two
labels are those of a wrong step and of a right one."""

_STEP_END = re.compile(
    "(?<=" + ")|(?<=".join([tags.END_OF_STEP, tags.END_OF_OUTPUT, tags.END_OF_ANSWER]) + ")"
)
_TAGS = (
    tags.CODE,
    tags.END_OF_STEP,
    tags.END_OF_CODE,
    tags.END_OF_OUTPUT,
    tags.ANSWER,
    tags.END_OF_ANSWER,
)


_HEADS = ("lm_head", "score", "v_head")
"""What of a checkpoint is no part of its backbone."""


def split_steps(text: str) -> list[str]:
    """Return the steps of a solution so far, without tags; those without a text are left out."""
    return [step for part in _STEP_END.split(text) if (step := strip_tags(part))]


def strip_tags(step: str) -> str:
    """Return a step without tags; what was printed is a line of its own."""
    for tag in _TAGS:
        step = step.replace(tag, "")
    return step.replace(tags.OUTPUT, "Output: ").strip()


def place_steps(
    contract: RewardContract, tokenizer: Any, question: str, before: str, path: Sequence[str]
) -> list[Placed]:
    """Return, for every step of a path behind a solution so far, what it is scored after and where.

    Raises CheckpointError: the tokenizer does not know the marker, or has no chat template.
    """
    known = split_steps(before)
    steps = [*known, *map(strip_tags, path)]
    if contract.layout in ("chat", "plain"):  # a model may have written the marker itself
        steps = [step.replace(contract.marker.strip(), "") for step in steps]
    place = {
        "chat": _place_in_chat,
        "turns": _place_in_turns,
        "plain": _place_in_text,
        "lines": _place_in_lines,
        "whole": _place_at_end,
    }[contract.layout]
    return place(contract, tokenizer, question, steps)[len(known) :]


def _place_in_chat(
    contract: RewardContract, tokenizer: Any, question: str, steps: Sequence[str]
) -> list[Placed]:
    answer = "".join(step + contract.marker for step in steps)
    ids = _chat(tokenizer, contract.system, [("user", question), ("assistant", answer)])
    mark = _one_token(tokenizer, contract.marker)
    places = [at for at, token in enumerate(ids) if token == mark]
    return [(ids[: at + 1], at) for at in places[-len(steps) :]]


def _place_in_turns(
    contract: RewardContract, tokenizer: Any, question: str, steps: Sequence[str]
) -> list[Placed]:
    good, placed, turns = str(contract.good), [], []
    mark = _last_token(tokenizer, good)
    for at, step in enumerate(steps):
        asked = step if at else f"{question}{contract.question_end}{step}"
        turns += [("user", asked), ("assistant", good)]
        ids = _chat(tokenizer, contract.system, turns)
        predicted = len(ids) - 1 - ids[::-1].index(mark)
        placed.append((ids[:predicted], predicted - 1))
    return placed


def _place_in_text(
    contract: RewardContract, tokenizer: Any, question: str, steps: Sequence[str]
) -> list[Placed]:
    mark = _last_token(tokenizer, contract.marker)
    text = question + contract.question_end + "\n".join(step + contract.marker for step in steps)
    ids = _encode(tokenizer, text, begins=contract.begins)
    places = [at for at, token in enumerate(ids) if token == mark]
    return [(ids[: at + 1], at) for at in places[-len(steps) :]]


def _place_in_lines(
    contract: RewardContract, tokenizer: Any, question: str, steps: Sequence[str]
) -> list[Placed]:
    mark = _last_token(tokenizer, contract.marker)
    ids = _encode(tokenizer, question + contract.question_end, begins=contract.begins)
    placed = []
    for step in steps:
        for line in step.split(contract.marker):  # an empty line is a mark alone, as published
            ids = [*ids, *_encode(tokenizer, line), mark]
        placed.append((ids, len(ids) - 1))
    return placed


def _place_at_end(
    contract: RewardContract, tokenizer: Any, question: str, steps: Sequence[str]
) -> list[Placed]:
    placed = []
    for at in range(1, len(steps) + 1):
        turns = [("user", question), ("assistant", "\n".join(steps[:at]))]
        ids = _chat(tokenizer, contract.system, turns)
        placed.append((ids, len(ids) - 1))
    return placed


def _chat(tokenizer: Any, system: str, turns: Sequence[tuple[str, str]]) -> list[int]:
    if not tokenizer.chat_template:
        raise CheckpointError(
            "the tokenizer of the reward model has no chat template, in which it is to be asked; "
            "copy it from where the weights are from"
        )
    spoken = [("system", system), *turns] if system else turns
    messages = [{"role": role, "content": content} for role, content in spoken]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
    return _encode(tokenizer, text)


def _encode(tokenizer: Any, text: str, *, begins: bool = False) -> list[int]:
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    first = tokenizer.bos_token_id
    return [first, *ids] if begins and first is not None else ids


def _last_token(tokenizer: Any, text: str) -> int:
    return _encode(tokenizer, text)[-1]


def _one_token(tokenizer: Any, marker: str) -> int:
    ids = _encode(tokenizer, marker)
    if len(ids) != 1:
        raise CheckpointError(
            f"the tokenizer of the reward model reads its marker {marker!r} as {len(ids)} tokens; "
            "it must be one: copy the tokenizer from where the weights are from"
        )
    return ids[0]


def load_reward(
    folder: Path, contract: RewardContract, tokenizer: Any, dtype: str = "bfloat16"
) -> tuple[Any, RawHead]:
    """Load a published reward model; return its backbone, computing in `dtype`, and its head.

    No code of the model's own is run. Raises CheckpointError: the folder has no such head.
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": getattr(torch, dtype), "trust_remote_code": False}
    if contract.head == "vocabulary":
        model = AutoModelForCausalLM.from_pretrained(folder, **options)
        words = words_of(contract, tokenizer)
        rows = model.get_output_embeddings().weight[words].detach().float()  # (2, hidden size)
        return model.base_model, _stack([(rows, None)])
    layers = _read_head(folder, "v_head.summary" if contract.head == "value" else "score")
    if contract.head == "classes":
        weight, bias = layers[-1]
        order = classes_of(contract)
        layers[-1] = (weight[order], None if bias is None else bias[order])
    with expecting_other_heads(left=_HEADS):
        return AutoModel.from_pretrained(folder, **options), _stack(layers)


def words_of(contract: RewardContract, tokenizer: Any) -> list[int]:
    """Return the tokens of a wrong step and of a right one, whose logits a vocabulary has."""
    return [_last_token(tokenizer, str(word)) for word in (contract.bad, contract.good)]


def classes_of(contract: RewardContract) -> list[int]:
    """Return the numbers of the labels of a wrong step and of a right one."""
    return [int(label) for label in (contract.bad, contract.good) if label is not None]


_Layer = tuple["torch.Tensor", "torch.Tensor | None"]
"""Weight (out, in) and bias (out,) of a linear layer."""


def _read_head(folder: Path, name: str) -> list[_Layer]:
    """Return the linear layers of a head; between two of them is a ReLU."""
    from safetensors import safe_open

    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            for key in opened.keys():  # noqa: SIM118  # it is no mapping
                if key.startswith(f"{name}."):
                    found[key.removeprefix(f"{name}.")] = opened.get_tensor(key).float()
    weights = sorted(key for key in found if key.endswith("weight"))
    if not weights:
        raise CheckpointError(
            f"{folder} holds no {name}.weight, which its reward.json says it scores by"
        )
    return [(found[key], found.get(key.removesuffix("weight") + "bias")) for key in weights]


def _stack(layers: Sequence[_Layer]) -> RawHead:
    def compute(hidden: torch.Tensor) -> torch.Tensor:
        import torch

        states = hidden.float()
        for at, (weight, bias) in enumerate(layers):
            states = states.relu() if at else states
            states = torch.nn.functional.linear(states, weight.to(states.device), _on(bias, states))
        return states

    return compute


def _on(bias: torch.Tensor | None, states: torch.Tensor) -> torch.Tensor | None:
    return None if bias is None else bias.to(states.device)
