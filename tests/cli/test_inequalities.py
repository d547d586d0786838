"""`prove` and `verify-proof` as a user types them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from bench.cli import main

NESBITT = "a/(b+c) + b/(c+a) + c/(a+b) >= 3/2 with a, b, c > 0"


def test_a_proof_is_stored_and_checked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proof.json"
    assert main(["prove", NESBITT, "--out", str(file)]) == 0
    assert "checked exactly" in capsys.readouterr().out
    assert main(["verify-proof", str(file)]) == 0
    assert "Proved: a/(b + c)" in capsys.readouterr().out


def test_a_proof_of_another_statement_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proof.json"
    assert main(["prove", NESBITT, "--out", str(file)]) == 0
    certificate = json.loads(file.read_text())
    certificate["statement"]["claims"][0][2] = "8/5"
    file.write_text(json.dumps(certificate))
    assert main(["verify-proof", str(file)]) == 1
    assert "No proof: claim 1, step 2 (orthant)" in capsys.readouterr().out


def test_a_false_statement_is_refuted_at_a_rational_point(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["prove", "a + b >= 2", "--assume", "a, b > 0", "--assume", "a*b = 1/4"]) == 1
    assert "it is not true that a + b >= 2" in capsys.readouterr().out


def test_an_absent_package_is_named_with_what_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.inequalities.packages.PACKAGES", {"no_such_module": "python-flint"})
    assert main(["prove", NESBITT]) == 2
    assert "pip install 'rstar-bench[inequalities]'" in capsys.readouterr().err
    run = ["run", "--benchmark", "embedded-inequalities", "--search", "closers", "--limit", "1"]
    assert main([*run, "--out", "unused"]) == 2
    assert "the search 'closers' needs the package 'python-flint'" in capsys.readouterr().err


def test_an_open_statement_is_called_open(capsys: pytest.CaptureFixture[str]) -> None:
    five = "a^4*b^2 + a^2*b^4 + 1 > 3*a^2*b^2 - 1/10^9 for real a, b"
    main(["prove", five, "--seconds", "0.2"])
    assert "s): neither a proof nor a counterexample was found" in capsys.readouterr().out


CASES = [
    {"id": "true", "statement": NESBITT},
    {"id": "../false", "statement": "a + b >= 3", "assume": ["a, b > 0", "a*b = 1"]},
    {"id": "open", "statement": "a^4*b^2 + a^2*b^4 + 1 > 3*a^2*b^2 - 1/10^9 for real a, b"},
    {"id": "functions", "statement": "sin(a) <= 1"},
    {"id": "nothing"},
]


def test_every_case_has_a_verdict_and_a_repeated_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, out, proofs = tmp_path / "cases.jsonl", tmp_path / "out.jsonl", tmp_path / "proofs"
    cases.write_text("".join(json.dumps(case) + "\n" for case in CASES))
    command = ["prove", "--cases", str(cases), "--out", str(out), "--seconds", "0.3"]
    command += ["--certificates", str(proofs), "--jobs", "1"]
    assert main(command) == 0
    told = capsys.readouterr().out
    rows = {row["id"]: row for row in map(json.loads, out.read_text().splitlines())}
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    assert verdicts.pop("open") in ("open", "proved")
    assert verdicts == {
        "true": "proved",
        "../false": "refuted",
        "functions": "unsupported",
        "nothing": "unsupported",
    }
    assert "5 statements: " in told and "1 refuted, 2 unsupported" in told
    assert rows["true"]["certificate"] == str(proofs / "true.json")
    assert main(["verify-proof", rows["true"]["certificate"]]) == 0
    a, b = rows["../false"]["counterexample"].values()
    assert Fraction(a) * Fraction(b) == 1 and Fraction(a) + Fraction(b) < 3
    assert "no 'statement'" in rows["nothing"]["reason"]

    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:3]) + lines[3][:10])  # what a kill leaves
    assert main(command) == 0
    assert "3 of 5 were decided before" in capsys.readouterr().err
    assert sorted(json.loads(line)["id"] for line in out.read_bytes().splitlines()) == sorted(rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prove"], "prove needs a STATEMENT, or --cases"),
        (["prove", "--cases", "nowhere.jsonl"], "--cases goes with --out"),
        (["prove", "--cases", "nowhere.jsonl", "--out", "x"], "cannot read the cases nowhere"),
        (["prove", "(a + b >= 1"], "is never closed"),
        (["prove", "foo(a) >= 1 with a > 0"], "unknown function 'foo'"),
        (["verify-proof", "nowhere.json"], "there is no file nowhere.json"),
    ],
)
def test_what_is_mistyped_is_said_in_a_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_holds_no_json_is_said_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proof.json"
    file.write_text("{")
    assert main(["verify-proof", str(file)]) == 2
    assert "is not JSON" in capsys.readouterr().err
