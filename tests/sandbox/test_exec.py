"""`rstar-bench exec`: one program, or many, told in order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import DataError
from bench.sandbox.cases import parse


def test_one_program_prints_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("print(6 * 7)")
    assert main(["exec", str(tmp_path / "a.py")]) == 0
    told = capsys.readouterr()
    assert told.out == "42\n"
    assert told.err.startswith("ok (")


def test_a_program_that_fails_is_told_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("print('before')\nwhile True: pass")
    assert main(["exec", str(tmp_path / "a.py"), "--timeout", "0.3", "--json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["error"]) == ("timeout", "stopped after 0.3 s")


def test_cases_are_told_in_their_order_whatever_they_continue(tmp_path: Path) -> None:
    rows = [
        {"id": "grandchild", "code": "print(x + y)", "parent": "child"},
        {"id": 1, "code": "x = 1", "note": "fields of others are let be"},
        {"id": "child", "code": "y = 10\nprint(x)", "parent": 1},
        {"id": "failed", "code": "1 / 0", "parent": 1},
        {"id": "orphan", "code": "print(1)", "parent": "failed"},
    ]
    cases, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["exec", "--cases", str(cases), "--out", str(out)]) == 0
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in results] == [row["id"] for row in rows]
    assert [row["stdout"] for row in results] == ["11\n", "", "1\n", "", ""]
    assert [row["status"] for row in results] == ["ok", "ok", "ok", "error", "refused"]


HOSTILE = "\x1b]0;pwned\x07\u202e"


def test_what_a_program_says_is_printed_made_visible_and_told_as_json_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text(f"print({HOSTILE!r})\nraise ValueError({HOSTILE!r})")
    assert main(["exec", str(tmp_path / "a.py")]) == 1
    out, err = capsys.readouterr()
    assert out == "\\u001b]0;pwned\\u0007\\u202e\n"
    assert "ValueError: \\u001b]0;pwned\\u0007\\u202e" in err
    assert not {*HOSTILE[:1], *HOSTILE[-2:]} & {*out, *err}
    assert main(["exec", str(tmp_path / "a.py"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["stdout"] == f"{HOSTILE}\n"


def test_line_ends_of_unicode_in_a_program_end_no_row() -> None:
    rows = [{"id": end, "code": f"x = '{end}'"} for end in ("\u2028", "\x85", "\x0c")]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    assert [case.code for case in parse(text.encode(), "cases.jsonl")] == [r["code"] for r in rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1 is no JSON"),
        ("[" * 100_000, "line 1 is no JSON: it is nested too deeply"),
        ("[]", "no JSON object"),
        ('{"id": 1}', "expected an id"),
        ('{"id": true, "code": ""}', "expected an id"),
        ('{"id": 1, "code": ""}\n\n{"id": 1, "code": ""}', "line 3: the id 1 is that of line 1"),
        ('{"id": 1, "code": "", "parent": 2}', "the parent 2 is the id of no row"),
        (
            '{"id": 1, "code": "", "parent": 2}\n{"id": 2, "code": "", "parent": 1}',
            "also a descendant",
        ),
        ('{"id": 1, "code": "", "parent": 1}', "also a descendant"),
    ],
)
def test_a_bad_row_is_named(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse(text.encode(), "cases.jsonl")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either"),
        (["a.py", "--cases", "c.jsonl", "--out", "o"], "give either"),
        (["--cases", "c.jsonl"], "go together"),
        (["missing.py"], "cannot read missing.py"),
        (["a.py", "--sandbox", "ful"], "did you mean 'full'"),
    ],
)
def test_a_bad_command_says_what_to_give(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").touch()
    assert main(["exec", *arguments]) == 2
    assert words in capsys.readouterr().err
