r"""The text format of CPL (arXiv 2409.08642): a plan, step by step, then one solution.

    <question>...</question>
    <plan>
    <step>Plan 1: ...</step>
    <step>Plan 2: ...</step>
    </plan>
    <solution>
    ... The final answer is \boxed{...}.
    </solution>

Every search supplies `<plan>` (`START_OF_PLAN`). What a policy writes next is an action: a step of
the plan, or all the rest from `</plan>` on. An action begins with the line break before it, so that
texts are joined as they were written. A solution is text with its answer in a box, or a program: it
then begins with `<code>`, and the last line that it prints is the answer. Nothing here runs code.

A model that was not trained on the tags reads and writes the words of CPL's first round instead:

    Plans:
    Plan 1: ...<endstep>
    Detailed Implementation:
    ...<endsolution>

Only a prompt and a completion on their way are in words: trees and rows hold the tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.prompts import tags
from bench.prompts.steps import code_of
from bench.prompts.templates import Template

START_OF_PLAN = "<plan>"
END_OF_PLAN = "</plan>"
STEP_OF_PLAN = "<step>"
END_OF_STEP = "</step>"
SOLUTION = "<solution>"
END_OF_SOLUTION = "</solution>"

ACTION_STOPS = (END_OF_STEP, END_OF_SOLUTION)
"""Where an action ends."""
WHOLE_STOPS = (END_OF_SOLUTION,)
"""Where a plan and its solution end that are written at once."""

Solutions = Literal["code", "text"]
"""What solutions are: programs that are run, or text with its answer in a box."""

_TAGS = (START_OF_PLAN, END_OF_PLAN, STEP_OF_PLAN, END_OF_STEP, SOLUTION, END_OF_SOLUTION)
_STEP = re.compile(r"\s*<step>\s*Plan (\d+):(.*)</step>", re.DOTALL)
_SOLUTION = re.compile(r"\s*</plan>\s*<solution>(.*)</solution>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step of a plan."""

    content: str
    """Without its tags and its number."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The plan's end and the solution."""

    body: str
    """What stands between the tags."""

    @property
    def program(self) -> str | None:
        """The Python of a solution that is a program; None for one that is text."""
        body = self.body.strip()
        return code_of(body) if body.startswith(tags.CODE) else None


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is no action."""

    reason: str
    broke_off: bool = False
    """Whether it ends with no tag: the token limit, or the model stopped by itself."""


Action = PlanStep | Solution | Malformed


def read_action(text: str, number: int) -> Action:
    """Return what an action is that is number `number` of its solution, the first being 1."""
    if text.endswith(END_OF_STEP):
        return _read_step(text, number)
    if text.endswith(END_OF_SOLUTION):
        return _read_solution(text)
    return Malformed(f"it ends with neither {END_OF_STEP} nor {END_OF_SOLUTION}", broke_off=True)


def _read_step(text: str, number: int) -> Action:
    match = _STEP.fullmatch(text)
    if match is None or any(tag in match[2] for tag in _TAGS):
        return Malformed(f"it does not read <step>Plan {number}: ...</step>")
    if match[1] != str(number):
        return Malformed(f"it says that it is step {match[1]} of the plan, and is step {number}")
    content = match[2].strip()
    return PlanStep(content) if content else Malformed(f"step {number} of the plan is empty")


def _read_solution(text: str) -> Action:
    match = _SOLUTION.fullmatch(text)
    if match is None or any(tag in match[1] for tag in _TAGS):
        return Malformed("it does not read </plan> <solution> ... </solution>")
    return Solution(match[1]) if match[1].strip() else Malformed("the solution is empty")


def split_actions(text: str) -> list[str]:
    """Cut what follows `<plan>` behind each step of the plan.

    What follows the last step is always a part of its own: empty, it says that the text broke off
    between two actions.
    """
    plan, end, solution = text.partition(END_OF_PLAN)
    *steps, last = plan.split(END_OF_STEP)
    return [*(step + END_OF_STEP for step in steps), last + end + solution]


def without_output(text: str) -> str:
    """Return an action as the policy wrote it: without the output that a program's run added."""
    written, end, _ = text.rpartition(END_OF_SOLUTION)
    return written + end if end else text


PLANS = Template(
    name="plans",
    preamble="",
    before_question="<question>",
    after_question="</question>\n",
    temperature=0.7,  # CPL's code, in both rounds
    format="plans",
)

_WORDS = {
    f"{END_OF_PLAN}\n{SOLUTION}": "Detailed Implementation:",
    START_OF_PLAN: "Plans:",
    STEP_OF_PLAN: "",
    END_OF_STEP: "<endstep>",
    END_OF_SOLUTION: "<endsolution>",
}
_STEP_IN_WORDS = re.compile(r"^Plan (\d+):(.*?)<endstep>", re.DOTALL | re.MULTILINE)
_SOLUTION_IN_WORDS = re.compile(r"^Detailed Implementation:", re.MULTILINE)


def put_in_words(text: str) -> str:
    """Return a partial solution as an untrained model reads it."""
    for tag, words in _WORDS.items():
        text = text.replace(tag, words)
    return text


def put_in_tags(text: str) -> str:
    """Return what an untrained model wrote in tags; what is malformed stays so."""
    plan, *solution = _SOLUTION_IN_WORDS.split(text, maxsplit=1)
    plan = _STEP_IN_WORDS.sub(rf"{STEP_OF_PLAN}Plan \1:\2{END_OF_STEP}", plan)
    text = f"{END_OF_PLAN}\n{SOLUTION}".join((plan, *solution))
    for tag in ACTION_STOPS:
        text = text.replace(_WORDS[tag], tag)
    return text


@dataclass(frozen=True, slots=True)
class WordedTemplate(Template):
    """The template of a model that was not trained on the tags of plans."""

    def render(self, question: str, partial: str = "") -> str:
        """Return the prompt for a question, continued by the solution so far."""
        return Template.render(self, question, put_in_words(partial))

    def list_stops(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the words that stand for these tags, and what else ends a text."""
        return Template.list_stops(self, [_WORDS.get(tag, tag) for tag in wanted])

    def read(self, text: str, *, stopped: bool) -> str:
        """Return what a model wrote in tags; `stopped` says that a stop string ended it."""
        return put_in_tags(Template.read(self, text, stopped=stopped))


def _demonstration(question: str, plan: Sequence[str], solution: str) -> str:
    """Write one worked example."""
    steps = "".join(
        f"\n{STEP_OF_PLAN}Plan {number}: {step}{END_OF_STEP}"
        for number, step in enumerate(plan, start=1)
    )
    whole = f"{START_OF_PLAN}{steps}\n{END_OF_PLAN}\n{SOLUTION}\n{solution}\n{END_OF_SOLUTION}"
    return f"Question: {question}\n{put_in_words(whole)}\n\n"


_READING = (
    "Mara reads 12 pages of a book on each of 5 days. The book has 90 pages. How many are left?",
    [
        "Find out how many pages were read in all, day by day.",
        "Take these away from the pages of the book.",
    ],
)
_BRACKETS = (
    "Work out 40 - 2 * (9 + 6).",
    [
        "The bracket comes first.",
        "Multiply what the bracket gives by its factor, before anything is subtracted.",
        "Subtract the product.",
    ],
)
_SHOWN: Mapping[Solutions, tuple[str, str]] = {
    "code": (
        f"{tags.CODE}\nread = 12 * 5\nleft = 90 - read\nprint(left)",
        f"{tags.CODE}\nbracket = 9 + 6\nproduct = 2 * bracket\nprint(40 - product)",
    ),
    "text": (
        r"In 5 days 12 * 5 = 60 pages were read. 90 - 60 = 30. The final answer is \boxed{30}.",
        "The bracket is 9 + 6 = 15. The product is 2 * 15 = 30. Then 40 - 30 = 10. "
        r"The final answer is \boxed{10}.",
    ),
}
_FORMS: Mapping[Solutions, str] = {"code": "a short Python program", "text": "a short solution"}


def _show_plans(solutions: Solutions) -> Template:
    """Return the few-shot template of one kind of solutions."""
    reading, brackets = _SHOWN[solutions]
    return WordedTemplate(
        name=f"plans-{solutions}-few-shot",
        preamble=(
            f"First plan how to solve each question, then write {_FORMS[solutions]}.\n\n"
            + _demonstration(*_READING, reading)
            + _demonstration(*_BRACKETS, brackets)
        ),
        before_question="Question: ",
        after_question="\n",
        temperature=PLANS.temperature,
        # Untrained, the model goes on to a question of its own.
        aliases={"\n\nQuestion:": ""},
        format="plans",
    )


FEW_SHOT_PLANS: Mapping[Solutions, Template] = {
    solutions: _show_plans(solutions) for solutions in ("code", "text")
}
"""What an untrained model is shown, by what its solutions are to be."""
