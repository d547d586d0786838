"""The plan format: what ends an action, what is none, and the words of an untrained model."""

from __future__ import annotations

import pytest

from bench.engines.base import Completion, Finish
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.prompts import OFFICIAL, template
from bench.prompts.plans import (
    ACTION_STOPS,
    FEW_SHOT_PLANS,
    PLANS,
    START_OF_PLAN,
    WHOLE_STOPS,
    Action,
    Malformed,
    PlanStep,
    Solution,
    put_in_tags,
    put_in_words,
    read_action,
    split_actions,
    without_output,
)
from tests.engines.test_policy import ScriptedEngine
from tests.scripted import problem

FIRST = "\n<step>Plan 1: Add the two.</step>"
SECOND = "\n<step>Plan 2: Halve it.\nRound down.</step>"
LAST = "\n</plan>\n<solution>\nHalf of 8 is 4. The final answer is \\boxed{4}.\n</solution>"
WORDS = (
    "Plans:\nPlan 1: Add the two.<endstep>\nPlan 2: Halve it.\nRound down.<endstep>\n"
    "Detailed Implementation:\nHalf of 8 is 4. The final answer is \\boxed{4}.\n<endsolution>"
)


@pytest.mark.parametrize(
    ("text", "number", "action"),
    [
        (FIRST, 1, PlanStep("Add the two.")),
        (SECOND, 2, PlanStep("Halve it.\nRound down.")),
        (LAST, 3, Solution("\nHalf of 8 is 4. The final answer is \\boxed{4}.\n")),
        (LAST, 1, Solution("\nHalf of 8 is 4. The final answer is \\boxed{4}.\n")),
    ],
)
def test_an_action_is_a_step_of_the_plan_or_the_solution(
    text: str, number: int, action: Action
) -> None:
    assert read_action(text, number) == action


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SECOND, "it says that it is step 2 of the plan, and is step 1"),
        ("\nPlan 1: Add.</step>", "it does not read <step>Plan 1: ...</step>"),
        ("\n<step>Add.</step>", "it does not read <step>Plan 1: ...</step>"),
        ("\n<step>Plan 1: <solution>4</step>", "it does not read <step>Plan 1: ...</step>"),
        ("\n<step>Plan 1: </step>", "step 1 of the plan is empty"),
        ("\n<solution>4</solution>", "it does not read </plan> <solution> ... </solution>"),
        (FIRST + LAST, "it does not read </plan> <solution> ... </solution>"),
        ("\n</plan>\n<solution>\n</solution>", "the solution is empty"),
    ],
)
def test_what_ends_with_a_tag_and_is_no_action_says_why(text: str, reason: str) -> None:
    assert read_action(text, 1) == Malformed(reason)


@pytest.mark.parametrize("text", ["", "\n<step>Plan 1: Add", LAST[:-4]])
def test_what_ends_with_no_tag_broke_off(text: str) -> None:
    action = read_action(text, 1)
    assert isinstance(action, Malformed)
    assert action.broke_off


def test_a_solution_that_begins_with_code_is_a_program() -> None:
    text = "\n</plan>\n<solution>\n<code>\nx = 4\nprint(x)\n</solution>"
    action = read_action(text, 1)
    assert isinstance(action, Solution)
    assert action.program == "x = 4\nprint(x)"
    shown = f"{text}\n<output>4<end_of_output>\n"
    assert without_output(shown) == text == without_output(text)
    assert without_output(FIRST) == FIRST


def test_actions_put_together_and_cut_are_what_they_were() -> None:
    assert split_actions(FIRST + SECOND + LAST) == [FIRST, SECOND, LAST]
    assert split_actions(LAST) == [LAST]
    assert split_actions(FIRST + SECOND) == [FIRST, SECOND, ""]
    assert split_actions(FIRST + "\n<step>Plan 2: Ha") == [FIRST, "\n<step>Plan 2: Ha"]


def test_tags_and_words_say_the_same() -> None:
    tagged = START_OF_PLAN + FIRST + SECOND + LAST
    assert put_in_words(tagged) == WORDS
    assert START_OF_PLAN + put_in_tags(WORDS.removeprefix("Plans:")) == tagged


@pytest.mark.parametrize(
    ("words", "tagged"),
    [
        ("\nPlan 1: Add the two.<endstep>", FIRST),
        ("\nFirst, add.<endstep>", "\nFirst, add.</step>"),
        ("\nPlan 1: Ad", "\nPlan 1: Ad"),
        (
            "\nDetailed Implementation:\nPlan 1: 4<endsolution>",
            "\n</plan>\n<solution>\nPlan 1: 4</solution>",
        ),
        ("\n4<endsolution>", "\n4</solution>"),
    ],
)
def test_what_is_malformed_in_words_is_malformed_in_tags(words: str, tagged: str) -> None:
    assert put_in_tags(words) == tagged


def test_a_trained_model_reads_the_tags() -> None:
    assert PLANS.render("Q?", START_OF_PLAN + FIRST) == (
        "<question>Q?</question>\n<plan>\n<step>Plan 1: Add the two.</step>"
    )
    assert template("plans") is PLANS
    assert (PLANS.format, OFFICIAL.format) == ("plans", "steps")


@pytest.mark.parametrize(("solutions", "answers"), [("code", ["30", "10"]), ("text", ["30", "10"])])
def test_demonstrations_are_in_the_format_and_right(solutions: str, answers: list[str]) -> None:
    shown = template(f"plans-{solutions}-few-shot").preamble.split("Question: ")[1:]
    for demonstration, answer in zip(shown, answers, strict=True):
        tagged = START_OF_PLAN + put_in_tags(demonstration.partition("Plans:")[2].rstrip())
        *steps, last = split_actions(tagged.removeprefix(START_OF_PLAN))
        assert all(
            isinstance(read_action(text, number), PlanStep) for number, text in enumerate(steps, 1)
        )
        solution = read_action(last, len(steps) + 1)
        assert isinstance(solution, Solution)
        if solutions == "text":
            assert solution.program is None
            assert f"\\boxed{{{answer}}}" in solution.body
        else:
            printed: list[object] = []
            assert solution.program is not None
            exec(solution.program, {"print": printed.append})  # our own text, not a model's
            assert printed == [int(answer)]


async def test_an_untrained_model_is_asked_and_understood_in_words() -> None:
    worded = FEW_SHOT_PLANS["text"]
    engine = ScriptedEngine(Completion("\nPlan 2: Halve it.<endstep>", Finish.STOP, 4, 9))
    policy = ModelPolicy("p", engine, worded, SamplingSettings(step_tokens=10, solution_tokens=30))
    (completion,) = await policy.propose(
        problem(), START_OF_PLAN + FIRST, n=1, seed=0, stop=ACTION_STOPS
    )
    assert completion.text == "\n<step>Plan 2: Halve it.</step>"
    (request,) = engine.requests
    assert request.prompt.endswith("What is 1 + 2?\nPlans:\nPlan 1: Add the two.<endstep>")
    assert request.stop == ("<endstep>", "<endsolution>", "\n\nQuestion:")
    assert (request.max_tokens, request.temperature) == (30, 0.7)
    await policy.propose(problem(), START_OF_PLAN, n=1, seed=0, stop=WHOLE_STOPS)
    assert engine.requests[1].stop == ("<endsolution>", "\n\nQuestion:")
