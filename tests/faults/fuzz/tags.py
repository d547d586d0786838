"""The readers of what a policy writes: any text is a step of some kind, and loses tags alone."""

from __future__ import annotations

from bench.prompts import steps
from bench.prompts.plans import (
    Malformed,
    put_in_tags,
    put_in_words,
    read_action,
    split_actions,
    without_output,
)

SEEDS = (
    b"<code>\nx = 1\n<end_of_step>",
    b"\nprint(x)\n<end_of_code>\n<output>1\n<end_of_output>\n<answer>\\boxed{1}<end_of_answer>",
    b"y = 2 * x\n<output>",
    b"<step>Plan 1: add both numbers.</step>",
    b"<step>Plan 2: <step>again</step></step>",
    b"<step>Plan 1: a</step>\n</plan>\n<solution>\n<code>\nprint(1)\n<end_of_code></solution>",
    b"Plans:\nPlan 1: add<endstep>\nDetailed Implementation:\nx = 1<endsolution>",
    b"<object at 0x7f3b00aa> \xe2\x80\xa8 0xdeadbeef",
)
FOUND = (b"<output<output>>",)  # tags that appear where one is taken out; they stay, and do no harm
_TAGS = ("<code>", "<end_of_step>", "<end_of_code>", "<output>")


def _strip_tags(text: str) -> str:
    """Take tags out, and those that appear then."""
    before = ""
    while before != text:
        before = text
        for tag in _TAGS:
            text = text.replace(tag, "")
    return text.strip("\n")


def try_input(data: bytes) -> None:
    """Read a text in every way that a policy's is read."""
    text = data.decode("utf-8", "replace")
    kind = steps.kind_of(text)
    code = steps.code_of(text)
    if code and _strip_tags(code) != _strip_tags(text):
        raise AssertionError(f"the program of {text!r} is another: {code!r}")
    if kind is steps.StepKind.ANSWER and code:
        raise AssertionError(f"an answer has a program: {text!r}")
    shown = steps.output_block(text)
    if shown.count("<end_of_output>") - text.count("<end_of_output>") > 1:
        raise AssertionError(f"the output of {text!r} ends more than once: {shown!r}")
    actions = split_actions(text)
    if "".join(actions) != text:
        raise AssertionError(f"{text!r} was cut into {actions!r}")
    for number in (1, 2):
        action = read_action(text, number)
        if not isinstance(action, Malformed) and not str(action):
            raise AssertionError(f"{text!r} is read as nothing")
    if not text.startswith(without_output(text)):
        raise AssertionError(f"{text!r} lost more than its end")
    put_in_words(put_in_tags(text))
