"""The text format: what a step's text means, and what a policy is shown."""

from __future__ import annotations

import pytest

from bench.errors import UnknownNameError
from bench.prompts import (
    FEW_SHOT,
    OFFICIAL,
    START,
    StepKind,
    code_of,
    kind_of,
    output_block,
    template,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\nx = 1\n<end_of_step>", StepKind.STEP),
        ("\nprint(x)\n<end_of_code>", StepKind.CODE_END),
        ("<answer>\\boxed{1}<end_of_answer>", StepKind.ANSWER),
        ("\nx = ", StepKind.CUT),
        ("", StepKind.CUT),
    ],
)
def test_the_last_tag_says_what_comes_next(text: str, kind: StepKind) -> None:
    assert kind_of(text) is kind


def test_code_is_the_text_without_its_tags() -> None:
    assert code_of("<code>\n# Step 1\nx = 1\n<end_of_step>") == "# Step 1\nx = 1"


def test_an_answer_block_holds_no_code() -> None:
    assert code_of("<answer>print(1)<end_of_answer>") == ""


def test_output_is_cut_to_the_official_executors_1024_characters() -> None:
    assert output_block("x" * 5000) == f"\n<output>{'x' * 1024}<end_of_output>\n"


def test_memory_addresses_do_not_reach_the_model() -> None:
    printed = "<function f at 0x7f3a5c0de1f0> mask 0xff"
    assert output_block(printed) == "\n<output><function f at 0x0> mask 0xff<end_of_output>\n"


def test_the_official_prompt_is_the_published_template() -> None:
    assert OFFICIAL.render("Q?", START) == (
        "<|user|>:\nQ?\n"
        "<|assistant|>: Let's think step by step and solve the problem with code.<code>"
    )


def test_the_few_shot_demonstrations_are_in_the_tag_format_and_their_code_is_right() -> None:
    shown = FEW_SHOT.preamble.split("Question: ")[1:]
    assert len(shown) >= 2
    for demonstration in shown:
        program = START + demonstration.split(START)[1]
        namespace: dict[str, object] = {}
        printed: list[object] = []
        namespace["print"] = printed.append
        for step in program.split("<end_of_code>")[0].split("<end_of_step>"):
            exec(code_of(step), namespace)  # our own text, not a model's
        output = program.split("<output>")[1].split("<end_of_output>")[0]
        assert [str(value) for value in printed] == [output]
        assert f"\\boxed{{{output}}}" in program


def test_a_change_of_format_changes_the_digest() -> None:
    assert OFFICIAL.digest != FEW_SHOT.digest


def test_an_unknown_template_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rstar'"):
        template("rstarr")
