"""Greedy and n samples: programs run step by step, and their ends are told apart."""

from __future__ import annotations

import pytest

from bench.engines.base import Completion, Finish
from bench.sandbox import Sandbox
from bench.search import NodeKind, Sampling, greedy, list_finished, sample
from bench.search.sampling import MAX_OUTPUTS
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

pytestmark = pytest.mark.asyncio(loop_scope="package")


PROGRAM = "\nx = 1 + {}\n<end_of_step>\nprint(x)\n<end_of_code>"


def programs(partial: str, index: int) -> str:
    if "<end_of_output>" in partial:
        printed = partial.split("<output>")[1].split("<end_of_output>")[0]
        return f"<answer>It is \\boxed{{{printed}}}.<end_of_answer>"
    return PROGRAM.format(index)


async def test_greedy_writes_one_program_and_answers_from_its_output(sandbox: Sandbox) -> None:
    trace = await greedy(problem(), ScriptedPolicy(programs), sandbox, seed=0)
    assert [n.kind for n in trace.nodes[1:]] == [NodeKind.STEP, NodeKind.CODE_END, NodeKind.ANSWER]
    assert [f.answer for f in list_finished(trace)] == ["1"]
    assert trace.usage.executions == 2


async def test_samples_keep_their_order_and_their_own_answers(sandbox: Sandbox) -> None:
    trace = await sample(problem(), ScriptedPolicy(programs), sandbox, config=Sampling(n=4), seed=0)
    assert [f.answer for f in list_finished(trace)] == ["1", "2", "3", "4"]
    assert len(trace.rollouts) == 4


async def test_a_sample_that_fails_keeps_its_place_among_the_rollouts(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        if index == 1 and "<end_of_output>" not in partial:
            return "\nx = nothing\n<end_of_step>\nprint(x)\n<end_of_code>"
        return programs(partial, index)

    trace = await sample(problem(), ScriptedPolicy(script), sandbox, config=Sampling(n=3), seed=0)
    ends = [trace.nodes[index].kind for index in trace.rollouts]
    assert ends == [NodeKind.ANSWER, NodeKind.FAILED_CODE, NodeKind.ANSWER]
    assert [f.answer for f in list_finished(trace)] == ["1", "3"]


async def test_a_program_that_prints_nothing_has_no_output(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy({"<code>": ["\nx = 1\n<end_of_code>"]})
    trace = await greedy(problem(), policy, sandbox, seed=0)
    assert [n.kind for n in trace.nodes[1:]] == [NodeKind.NO_OUTPUT]


async def test_prints_of_early_steps_are_part_of_the_programs_output(sandbox: Sandbox) -> None:
    text = "\nprint('a')\n<end_of_step>\nprint('b')\n<end_of_code>"
    policy = ScriptedPolicy(lambda partial, index: "cut" if "<output>" in partial else text)
    trace = await greedy(problem(), policy, sandbox, seed=0)
    assert trace.nodes[2].text.endswith("<output>a\nb<end_of_output>\n")


async def test_every_step_of_every_finished_sample_is_scored(sandbox: Sandbox) -> None:
    scorer = ScriptedScorer({"boxed{2}": 0.9, "x = ": 0.5}, default=-0.5)
    trace = await sample(
        problem(), ScriptedPolicy(programs), sandbox, config=Sampling(n=2), seed=0, scorer=scorer
    )
    assert [f.step_scores for f in list_finished(trace)] == [(0.5, -0.5, -0.5), (0.5, -0.5, 0.9)]


@pytest.mark.parametrize(
    ("text", "finish", "kinds"),
    [
        ("\nx = 1\n<end_of_step>", Finish.LENGTH, [NodeKind.STEP, NodeKind.CUT]),
        ("\nx = 1\n<end_of_step>", Finish.STOP, [NodeKind.STEP, NodeKind.STOPPED]),
        ("\nx = 1", Finish.LENGTH, [NodeKind.CUT]),
        ("", Finish.STOP, [NodeKind.STOPPED]),
    ],
)
async def test_a_program_that_breaks_off_says_who_broke_it(
    sandbox: Sandbox, text: str, finish: Finish, kinds: list[NodeKind]
) -> None:
    class Breaking(ScriptedPolicy):
        async def propose(self, *args: object, **options: object) -> list[Completion]:
            return [Completion(text, finish, tokens=1)]

    trace = await greedy(problem(), Breaking({}), sandbox, seed=0)
    assert [node.kind for node in trace.nodes[1:]] == kinds
    assert trace.rollouts == [len(kinds)]
    assert trace.finished == []


async def test_a_step_that_asks_for_its_output_is_shown_it_and_the_program_goes_on(
    sandbox: Sandbox,
) -> None:
    script = {
        "<code>": ["\nx = 6 * 4\nprint(x, 1)\n<output>"],
        "<code>\nx = 6 * 4\nprint(x, 1)\n<output>24 1<end_of_output>\n": [
            "\ny = x * 1\n<end_of_step>\nprint(y)\n<end_of_code>"
        ],
    }

    def write(partial: str, index: int) -> str:
        return script.get(partial, ["<answer>\\boxed{24}<end_of_answer>"])[0]

    trace = await greedy(problem(), ScriptedPolicy(write), sandbox, seed=0)
    kinds = [NodeKind.STEP, NodeKind.STEP, NodeKind.CODE_END, NodeKind.ANSWER]
    assert [node.kind for node in trace.nodes[1:]] == kinds
    # What was shown on the way is not shown again at the end.
    assert trace.nodes[3].text.endswith("<output>24<end_of_output>\n")
    assert [f.answer for f in list_finished(trace)] == ["24"]


async def test_a_program_that_asks_for_outputs_without_end_is_given_up(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(lambda partial, index: "\nprint(1)\n<output>")
    trace = await greedy(problem(), policy, sandbox, seed=0)
    assert len(trace.nodes) == 2 + MAX_OUTPUTS
    assert trace.finished == []


async def test_the_greedy_solution_can_be_the_first_of_the_samples(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(programs, greedy=lambda partial, _: programs(partial, 7))
    config = Sampling(n=3, greedy_first=True)
    trace = await sample(problem(), policy, sandbox, config=config, seed=0)
    assert [f.answer for f in list_finished(trace)] == ["8", "1", "2"]
    alone = await sample(
        problem(), policy, sandbox, config=Sampling(n=1, greedy_first=True), seed=0
    )
    assert [f.answer for f in list_finished(alone)] == ["8"]
