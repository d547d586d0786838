"""`prove` and `verify-proof` as a user types them."""

from __future__ import annotations

import json
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


def test_an_open_statement_is_called_open(capsys: pytest.CaptureFixture[str]) -> None:
    five = "a^4*b^2 + a^2*b^4 + 1 > 3*a^2*b^2 - 1/10^9 for real a, b"
    main(["prove", five, "--seconds", "0.2"])
    assert "Open: neither a proof nor a counterexample" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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
