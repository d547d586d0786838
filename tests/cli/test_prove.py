"""`prove` on ten statements of every kind of verdict, and on what cannot be read or written."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from bench.cli import main
from tests.cli.ten_statements import TEN


@pytest.mark.parametrize("name", TEN)
def test_a_statement_gets_its_verdict_its_sentence_and_its_exit_status(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = TEN[name]
    assert main(["prove", given.statement, "--seconds", "2"]) == given.status
    printed = capsys.readouterr()
    if given.status == 2:
        assert not printed.out
        assert re.match(f"rstar-bench: {given.said}", printed.err)
        assert printed.err.count("\n") == 1
    else:
        read, verdict, *tried = printed.out.splitlines()
        assert read.startswith("Read as: ") and re.match(given.said, verdict)
        assert len(tried) == (given.verdict == "open")
        for line in tried:
            assert re.fullmatch(r"Tried: [1-9]\d* [a-z ]+(, [1-9]\d* [a-z ]+)*\.", line)


DEEP = "(" * 10_000 + "a" + ")" * 10_000
BAD: dict[str, tuple[list[str], str]] = {
    "nothing": ([""], "the statement is empty"),
    "an assumption of nothing": (["a >= 1", "--assume", " "], "the statement is empty"),
    "open brackets": (["(a + b >= 1"], r"the bracket '\(' at .* is never closed"),
    "crossed brackets": (["(a + [b) >= 1]"], r"the bracket '\[' at .* is closed by '\)'"),
    "an unknown function": (["foo(a) >= 1"], "unknown function 'foo'"),
    "an unknown word": (["whatever >= 1"], "'whatever' is no known name"),
    "100 KB": (["a + " * 25_000 + "a >= 1"], "has 100006 characters and may have 20000"),
    "a long name": (["ab" * 9_000 + " >= 1"], "has 18000 letters and may have 100"),
    "a long number": (["9" * 9_000 + " >= a"], "has 9000 digits and may have 100"),
    "brackets": ([f"{DEEP[5_000:15_001]} >= 1"], "nested more than 100 deep"),
    "more brackets": ([f"{DEEP} >= 1"], "has 20006 characters"),
    "minuses": (["-" * 15_000 + "a >= 1"], "operations are nested more than 100 deep"),
    "roots": (["√" * 9_000 + "a >= 1"], "nested too deeply"),
    "an exponent": (["x^(10^9) >= 0"], "an exponent beyond 1000"),
    "a tower": (["2^(3^(4^5)) >= 0"], "an exponent beyond 1000"),
    "a tower to the left": (["((2^1000)^1000)^1000 >= 1"], "powers that come to a degree beyond"),
    "powers of sums": (["((((a+b)^99)^99)^99)^99 >= 0"], "powers that come to a degree beyond"),
    "a factor too many": (["x*" * 9_000 + "x >= 0"], "powers that come to a degree beyond"),
    "variables": (["+".join(f"x{i}" for i in range(3_000)) + ">= 0"], "has 3000 variables"),
    "a division by 0": (["a/0 >= 1"], "a division by 0"),
    "no relation": (["a + b"], "a relation .* is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_gets_one_sentence_and_soon(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, said = BAD[name]
    started = time.process_time()
    assert main(["prove", *arguments]) == 2
    assert time.process_time() - started < 2
    printed = capsys.readouterr()
    assert re.search(said, printed.err) and printed.err.count("\n") == 1
    assert len(printed.err) < 500 and not printed.out


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "1e999", "soon", ""])
def test_seconds_are_a_number_above_0(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["prove", "a >= 0 with a >= 0", "--seconds", given])
    assert stopped.value.code == 2
    assert f"argument --seconds: {given!r} is wrong; it must be" in capsys.readouterr().err


@pytest.mark.parametrize("statement", ["a^2 >= 10^400 with a >= 10^200", "(a+b+c+d+e)^1000 >= 0"])
def test_numbers_and_powers_that_are_too_large_for_the_prover_end_in_a_verdict(
    statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", statement, "--seconds", "1"]) in (0, 1)
    verdict = capsys.readouterr().out.splitlines()[1]
    assert verdict.startswith(("Proved (", "Open: the prover failed", "Open ("))


def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.md").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "cases.jsonl").touch()
    statement, cases = ["a >= 0 with a > 0"], ["--cases", str(tmp_path / "cases.jsonl")]
    below = str(tmp_path / "file" / "proof.md")
    for arguments, said in (
        ([*statement, "--out", str(tmp_path)], "it is a folder; name a file in it"),
        ([*statement, "--out", below], r"cannot write .*proof.md: .*; choose another place"),
        ([*statement, "--explain", str(tmp_path / "x.md")], "it is a folder"),
        ([*statement, "--explain", below], "cannot write"),
        ([*cases, "--out", str(tmp_path)], "it is a folder"),
        ([*cases, "--out", below], "cannot write"),
        ([*cases, "--out", str(tmp_path / "o"), "--certificates", below], "cannot write"),
        (["--cases", str(tmp_path), "--out", str(tmp_path / "o")], "cannot read the cases"),
    ):
        assert main(["prove", *arguments]) == 2
        printed = capsys.readouterr()
        assert re.search(said, printed.err) and printed.err.count("\n") == 1
        assert not printed.out
