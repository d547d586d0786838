"""Prompt templates: the official one for trained models, a few-shot one for an untrained model.

A template turns a problem and a partial solution into the text that a policy continues. The
partial solution is concatenated directly and always starts with `<code>` (`START`), which every
search supplies, so that an untrained model and a trained one continue the same text; no chat
template is applied to either. The official inference wrapper adds a newline after the question
that the training template does not have; ours adds none, so training and inference agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.files.digests import short_digest
from bench.prompts import tags
from bench.prompts.steps import output_block

START = tags.CODE
"""The partial solution at the root of every search over steps."""

Format = Literal["steps", "plans"]
"""What solutions consist of: code-augmented steps, or a plan and its solution
(`bench.prompts.plans`)."""


@dataclass(frozen=True, slots=True)
class Template:
    """A named prompt format. `preamble` comes before every problem and never changes."""

    name: str
    preamble: str
    before_question: str
    after_question: str
    temperature: float
    """What a model that reads this format is sampled at where a run does not say otherwise."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What a model that was never trained on the tags writes in their place, and the tag meant."""
    format: Format = "steps"

    def render(self, question: str, partial: str = "") -> str:
        """Return the prompt for a question, continued by the solution so far."""
        return f"{self.preamble}{self.before_question}{question}{self.after_question}{partial}"

    def list_stops(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return what ends a text of a model that is to end it with one of these tags."""
        return (*wanted, *self.aliases)

    def read(self, text: str, *, stopped: bool) -> str:
        """Return what a model wrote in the tags meant; `stopped` says that a stop string ended it.

        An alias that ended the text is replaced by the tag it stands for.
        """
        for alias, tag in self.aliases.items():
            if stopped and text.endswith(alias):
                return text.removesuffix(alias) + tag
        return text

    @property
    def digest(self) -> str:
        """First 16 hex digits of the format's SHA-256; stored beside every checkpoint and run."""
        return short_digest(self.render("\x00", "\x01").encode())


def _demonstration(question: str, steps: list[str], printed: str, answer: str) -> str:
    """Write one worked example in the tag format, as the few-shot template shows it."""
    program = f"{tags.END_OF_STEP}\n".join(f"\n{step}\n" for step in steps)
    return (
        f"Question: {question}\n{tags.CODE}{program}{tags.END_OF_CODE}{output_block(printed)}"
        f"{tags.ANSWER}The answer is \\boxed{{{answer}}}.{tags.END_OF_ANSWER}\n\n"
    )


OFFICIAL = Template(
    name="rstar",
    preamble="",
    before_question=f"{tags.USER}\n",
    after_question=f"\n{tags.ASSISTANT} Let's think step by step and solve the problem with code.",
    temperature=1.0,
)

FEW_SHOT = Template(
    name="few-shot",
    preamble=(
        "Solve each question with a short Python program, one step at a time.\n\n"
        + _demonstration(
            "A shelf holds 14 boxes with 6 jars each. 9 jars broke. How many jars are whole?",
            [
                "# Step 1: Count all jars\njars = 14 * 6",
                "# Step 2: Take away the broken jars\nwhole = jars - 9",
                "# Now print the final answer\nprint(whole)",
            ],
            "75",
            "75",
        )
        + _demonstration(
            "Work out 18 - (7 + 4) * 3.",
            [
                "# Step 1: Work out the bracket\na = 7 + 4",
                "# Step 2: Multiply, then subtract\nresult = 18 - a * 3",
                "# Now print the final answer\nprint(result)",
            ],
            "-15",
            "-15",
        )
    ),
    before_question="Question: ",
    after_question="\n",
    temperature=0.7,  # the official code's for its untrained first policy
    # Untrained, the model goes from its last print to a made-up output, or to a new question.
    aliases={
        tags.OUTPUT: tags.END_OF_CODE,
        "<end_ofanswer>": tags.END_OF_ANSWER,
        "\n\nQuestion:": "",
    },
)
