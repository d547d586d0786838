"""The published layouts, and what the released code leaves behind, read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.prompts import OFFICIAL, START
from rstar_train.cli import main
from rstar_train.official.layouts import read_ppm, read_sft, write_ppm, write_sft
from rstar_train.rows.row import PairRow, SFTRow, read_rows, write_rows

SFT = {"query": "What is 1 + 2?", "response": "<code>\nprint(3)\n<end_of_code>"}
PPM = {
    "prompt": OFFICIAL.render("What is 1 + 2?", "<code>\na = 1\n<end_of_step>"),
    "pos": "\nprint(a + 2)",
    "neg": "\nprint(a)",
    "pos_count": 1,
    "neg_count": 4,
}
WHOLE = {
    "prompt": "<|user|>:\nWhat is 1 + 2?",
    "pos": "\n<|assistant|>: Let's think step by step and solve the problem with code.<code>3",
    "neg": "\n<|assistant|>: Let's think step by step and solve the problem with code.<code>4",
    "pos_count": 2,
    "neg_count": 2,
}


def saved(path: Path, content: Any, *, lines: bool = False) -> Path:
    rows = "".join(json.dumps(row) + "\n" for row in content) if lines else json.dumps(content)
    path.write_text(rows)
    return path


@pytest.mark.parametrize("lines", [True, False])
def test_a_solution_is_read_as_our_row(tmp_path: Path, lines: bool) -> None:
    (row,) = read_sft(saved(tmp_path / "sft.json", [SFT], lines=lines))
    assert row.prompt == OFFICIAL.render("What is 1 + 2?", START)
    assert row.prompt + row.completion == OFFICIAL.render("What is 1 + 2?", SFT["response"])


def test_a_query_that_is_a_rendered_prompt_is_read_likewise(tmp_path: Path) -> None:
    rendered = {**SFT, "query": OFFICIAL.render(SFT["query"])}
    (plain,) = read_sft(saved(tmp_path / "a.json", [SFT]))
    (found,) = read_sft(saved(tmp_path / "a.json", [rendered]))
    assert found == plain


def test_pairs_are_read_with_weights_and_kinds(tmp_path: Path) -> None:
    step, whole = read_ppm(saved(tmp_path / "ppm.json", [PPM, WHOLE]))
    assert (step.prompt, step.chosen, step.rejected) == (PPM["prompt"], PPM["pos"], PPM["neg"])
    assert (step.kind, step.weight, step.pos_count, step.neg_count) == ("step", 0.25, 1, 4)
    assert (whole.kind, whole.weight) == ("solution", 0.25)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    prompt = OFFICIAL.render("Q?", START)
    solutions = [SFTRow("p", prompt, "\nprint(1)\n", 1.0)]
    pairs = [PairRow("p", prompt, "a", "b", "step", 0.5, 1, 2)]
    write_sft(solutions, tmp_path / "sft.json")
    write_ppm(pairs, tmp_path / "ppm.json")
    assert json.loads((tmp_path / "sft.json").read_text()) == [
        {"query": "Q?", "response": "<code>\nprint(1)\n"}
    ]
    (pair,) = read_ppm(tmp_path / "ppm.json")
    assert (pair.prompt, pair.chosen, pair.rejected, pair.weight) == (prompt, "a", "b", 0.5)
    (solution,) = read_sft(tmp_path / "sft.json")
    assert (solution.prompt, solution.completion) == (prompt, "\nprint(1)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"query": 3, "response": ""}], "row 1: expected 'query' \\(str\\)"),
        ([SFT, 7], "row 2: expected an object; found 7"),
        ([SFT, {}], "row 2: expected 'query' \\(str\\), 'response' \\(str\\)"),
    ],
)
def test_a_row_of_another_layout_is_named(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_sft(saved(tmp_path / "sft.json", content))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[{]")
    with pytest.raises(DataError, match="a.json: not valid JSON"):
        read_sft(tmp_path / "a.json")
    with pytest.raises(DataError, match="cannot read"):
        read_sft(tmp_path / "b.json")
    with pytest.raises(DataError, match="line 1: pos_count and neg_count must be at least 1"):
        read_ppm(saved(tmp_path / "c.json", [{**PPM, "neg_count": 0}], lines=True))
    with pytest.raises(DataError, match="not in the template"):
        write_sft([SFTRow("p", "Question: x", "", 1.0)], tmp_path / "d.json")


def test_the_commands_read_and_write_the_layouts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sft = saved(tmp_path / "sft.json", [SFT])
    ppm = saved(tmp_path / "ppm.json", [PPM])
    rows = tmp_path / "rows"
    assert main(["import-official", "--sft", str(sft), "--out", str(rows)]) == 0
    assert main(["import-official", "--ppm", str(ppm), "--out", str(rows)]) == 0
    assert main(["export-official", "--rows", str(rows), "--out", str(tmp_path / "back")]) == 0
    assert json.loads((tmp_path / "back" / "rstar_sft.json").read_text()) == [SFT]
    assert json.loads((tmp_path / "back" / "rstar_ppm.json").read_text()) == [PPM]
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 solutions and 1 pairs")


def node(text: str, q: float, answer: str = "") -> dict[str, Any]:
    return {"text": text, "q_value": q, "value": q, "visit_count": 1, "final_answer": answer}


def test_result_files_become_rows_by_the_released_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = "<code>\n# A step that is long enough to differ\n<end_of_step>"
    tree = {
        "0": node("", 0.0),
        "0.1": node(right, 1.0),
        "0.1.1": node("<answer>3<end_of_answer>", 1.0, "3"),
        "0.2": node("<code>\nno\n<end_of_step>", -1.0),
        "0.2.1": node("<answer>4<end_of_answer>", -1.0, "4"),
        "0.2.2": node("<answer>5<end_of_answer>", -1.0, "5"),
    }
    line = {"question": "Q?", "answer": "3", "rstar": tree}
    results = saved(tmp_path / "results.jsonl", [line, line], lines=True)
    command = ["import-official", "--results", str(results), "--out", str(tmp_path / "rows")]
    assert main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["questions"], figures["trees"]) == (1, 2)
    solutions = read_rows(SFTRow, tmp_path / "rows" / "sft.jsonl")
    pairs = read_rows(PairRow, tmp_path / "rows" / "pairs.jsonl")
    # Two trees of one question: as released, an equal solution of each.
    assert len(solutions) == 2
    assert solutions[0].prompt + solutions[0].completion == OFFICIAL.render(
        "Q?", right + "<answer>3<end_of_answer>"
    )
    assert len(pairs) == 2
    assert (pairs[0].prompt, pairs[0].chosen, pairs[0].margin) == (OFFICIAL.render("Q?"), right, 2)


def test_a_damaged_result_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content, message in (("{", "not valid JSON"), ("[]", "expected an object"), ("{}", "tree")):
        (tmp_path / "r.jsonl").write_text(content + "\n")
        command = ["import-official", "--results", str(tmp_path / "r.jsonl")]
        assert main([*command, "--out", str(tmp_path / "rows")]) == 2
        error = capsys.readouterr().err
        assert "r.jsonl, line 1" in error
        assert message in error


def test_our_rows_keep_their_place_on_a_full_disk(tmp_path: Path) -> None:
    rows = [SFTRow("p", "a", "b", 1.0)]
    write_rows(rows, tmp_path / "sft.jsonl")
    (tmp_path / "sft.jsonl.new").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_rows(rows * 2, tmp_path / "sft.jsonl")
    assert read_rows(SFTRow, tmp_path / "sft.jsonl") == rows
