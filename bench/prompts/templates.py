"""Prompt templates: the official one for trained models, a few-shot one for an untrained model.

A template turns a problem and a partial solution into the text that a policy continues. The
partial solution is concatenated directly and always starts with `<code>` (`START`), which every
search supplies, so that an untrained model and a trained one continue the same text; no chat
template is applied to either. The official inference wrapper adds a newline after the question
that the training template does not have; ours adds none, so training and inference agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import UnknownNameError
from bench.files.digests import short_digest
from bench.prompts import tags
from bench.prompts.steps import output_block

START = tags.CODE
"""The partial solution of every search's root."""


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

    def render(self, question: str, partial: str = "") -> str:
        """Return the prompt for a question, continued by the solution so far."""
        return f"{self.preamble}{self.before_question}{question}{self.after_question}{partial}"

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

TEMPLATES = {template.name: template for template in (OFFICIAL, FEW_SHOT)}


def template(name: str) -> Template:
    """Return a template by name. Raises UnknownNameError."""
    if name not in TEMPLATES:
        raise UnknownNameError("prompt template", name, TEMPLATES)
    return TEMPLATES[name]
