"""Replay: recorded official searches grow again, and what differs is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench.cli
from bench.errors import DataError
from bench.sandbox import Sandbox
from bench.search.official.replay import MODES, Recording, read_recordings, replay

SHARED = Path(__file__).resolve().parents[4] / "shared" / "golden"


def recorded(mode: str) -> list[Recording]:
    file = SHARED / f"official_search_{mode}.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded official searches beside this checkout ({file.name})")
    return list(read_recordings(file))


def answered(text: str) -> list[str]:
    return [text, "<end_of_answer>"]


STEP = "<code>\n# One step\nx = 3\n"
CODE = STEP + "<end_of_step>"
BOX = "\n<answer>\\boxed{3}."

TINY: dict[str, Any] = {
    "id": "tiny",
    "mode": "test_ppm",
    "question": "How many?",
    "answer": "3",
    "config": {"candidates": 2, "rollouts": 1, "max_depth": 4, "errors_threshold": 1, "c": 2.0},
    "completions": {
        "": [[STEP, "<end_of_step>"], ["<code>\ny = 1 / 0\n", "<end_of_step>"]],
        CODE: [["\nprint(x)\n", "<end_of_code>"], answered(BOX), answered("no")],
    },
    "scores": {CODE: 0.5, f"{CODE}{BOX}<end_of_answer>": 0.25},
    "tree": {
        "0": {"text": "", "final_answer": "", "value": 0.25, "q_value": 0.25, "visit_count": 1},
        "0.1": {
            "text": CODE,
            "final_answer": "",
            "value": 0.5,
            "q_value": 0.375,
            "visit_count": 2,
        },
        "0.2": {
            "text": "<code>\ny = 1 / 0\n<end_of_step><end_of_code>\n"
            "<output>ZeroDivisionError: division by zero<end_of_output>",
            "final_answer": "Too many consecutive steps have code errors.",
            "value": -1.0,
            "q_value": -1.0,
            "visit_count": 1,
        },
        "0.1.1": {
            "text": f"{BOX}<end_of_answer>",
            "final_answer": "3",
            "value": 0.25,
            "q_value": 0.25,
            "visit_count": 1,
        },
    },
    "per_rollout": [{"rollout": 0, "answer": "3", "value": 0.25}],
}
"""A search worked out by hand from the rules: the only answer ends the only rollout."""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.jsonl"
    file.write_text(json.dumps(TINY) + "\n")
    return file


@pytest.mark.asyncio(loop_scope="package")
async def test_a_search_worked_out_by_hand_is_identical(sandbox: Sandbox, tiny: Path) -> None:
    (recording,) = read_recordings(tiny)
    assert await replay(recording, sandbox) == []


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("mode", MODES)
async def test_recorded_official_searches_are_identical(sandbox: Sandbox, mode: str) -> None:
    shortest = sorted(recorded(mode), key=lambda each: len(each.tree))[:4]
    for recording in shortest:
        assert await replay(recording, sandbox) == [], recording.id


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("mode", MODES)
async def test_all_recorded_official_searches_are_identical(sandbox: Sandbox, mode: str) -> None:
    for recording in recorded(mode):
        assert await replay(recording, sandbox) == [], recording.id


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("text", "another step"),
        ("final_answer", "7"),
        ("value", 0.26),
        ("q_value", 0.25 + 2e-9),
        ("visit_count", 2),
    ],
)
async def test_each_field_of_a_node_is_compared(
    sandbox: Sandbox, tiny: Path, field: str, wrong: object
) -> None:
    (recording,) = read_recordings(tiny)
    tree = {**recording.tree, "0.1.1": {**recording.tree["0.1.1"], field: wrong}}
    differences = await replay(replace(recording, tree=tree), sandbox)
    assert len(differences) == 1
    assert differences[0].startswith(f"node 0.1.1: {field} is ")


@pytest.mark.asyncio(loop_scope="package")
async def test_missing_and_surplus_nodes_and_rollouts_are_differences(
    sandbox: Sandbox, tiny: Path
) -> None:
    (recording,) = read_recordings(tiny)
    tree = {tag: node for tag, node in recording.tree.items() if tag != "0.2"}
    changed = replace(recording, tree={**tree, "0.3": recording.tree["0.2"]}, per_rollout=[])
    differences = await replay(changed, sandbox)
    assert [line.split(":")[0] for line in differences] == [
        "node 0.3 is missing",
        "node 0.2 is not in the recording",
        "per_rollout",
    ]


@pytest.mark.asyncio(loop_scope="package")
async def test_a_replay_that_leaves_the_recording_says_where(sandbox: Sandbox, tiny: Path) -> None:
    (recording,) = read_recordings(tiny)
    (difference,) = await replay(replace(recording, scores={}), sandbox)
    assert "scores a step that the recording does not" in difference
    assert "x = 3" in difference


def test_the_command_counts_and_exits_with_1_on_a_difference(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {**TINY, "id": "wrong", "tree": {**TINY["tree"], "0": {"text": "?"}}}
    with tiny.open("a") as file:
        file.write(json.dumps(wrong) + "\n")
    assert bench.cli.main(["replay", str(tiny), "--workers", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wrong: 1 differences"
    assert lines[1].strip() == "node 0: text is '', recorded '?'"
    assert lines[-1] == "identical 1 of 2"


def test_a_line_that_is_no_recording_is_refused_by_its_number(tiny: Path) -> None:
    with tiny.open("a") as file:
        file.write(json.dumps({**TINY, "mode": "tests"}) + "\n")
    with pytest.raises(DataError, match="line 2 is no recorded search .*unknown mode 'tests'"):
        list(read_recordings(tiny))
