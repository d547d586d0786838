"""`verify-proof` on files that are no proof, or none of what they are said to prove."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main

CERTIFICATE: dict[str, Any] = {
    "format": "rstar-bench inequality 1",
    "statement": {
        "variables": ["a"],
        "assumptions": [[">=", "a", "0"]],
        "claims": [[">=", "a", "0"]],
    },
    "proofs": [
        [
            {"step": "clear", "radicals": [], "roots": [], "denominators": []},
            {"step": "orthant", "proof": {"by": "coefficients"}},
        ]
    ],
}
TRUE = json.dumps(CERTIFICATE)
CLAIM = '"claims": [[">=", "a", "0"]]'
FALSE_CLAIM = '"claims": [[">=", "a", "1"]]'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.json", b"", "is not JSON that can be read"),
        ("words.json", b"Proof. Obvious.", "is not JSON that can be read"),
        ("half.json", TRUE.encode()[:-9], "is not JSON that can be read"),
        ("bytes.json", bytes(range(256)), "is not JSON that can be read"),
        ("deep.json", b"[" * 100_000, "is not JSON that can be read: it is nested too deeply"),
        ("digits.json", b"1" * 9_000, "is not JSON that can be read"),
        ("empty.jsonl.gz", b"", "is not a whole gzip file"),
        ("plain.jsonl.gz", TRUE.encode(), "is not a whole gzip file"),
        ("half.jsonl.gz", gzip.compress(TRUE.encode())[:-9], "is not a whole gzip file"),
        ("deep.jsonl.gz", gzip.compress(b"[" * 100_000), "line 1: expected an object with id"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["verify-proof", str(file)]) == 2
    printed = capsys.readouterr()
    assert said in printed.err and str(file) in printed.err
    assert printed.err.count("\n") == 1 and len(printed.err) < 500 and not printed.out


@pytest.mark.parametrize("name", ["folder", "folder.jsonl.gz"])
def test_a_folder_is_no_certificate_and_no_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).mkdir()
    assert main(["verify-proof", str(tmp_path / name)]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("null", "certificate: found None, needed an object"),
        ("[]", "certificate: found [], needed an object"),
        ('"Proof."', "certificate: found 'Proof.', needed an object"),
        ("NaN", "found a float, which no certificate holds"),
        (TRUE.replace(' "proofs"', ' "seconds": NaN, "proofs"'), "found a float"),
        (TRUE.replace(CLAIM, FALSE_CLAIM), "claim 1, step 2 (orthant)"),
        (TRUE.replace(CLAIM, f"{CLAIM}, {FALSE_CLAIM}"), "claim 1, step 2 (orthant)"),
    ],
    ids=range(7),
)
def test_json_that_is_no_proof_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text)
    assert main(["verify-proof", str(file)]) == 1
    assert f"No proof: {said}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        TRUE,
        TRUE.replace(CLAIM, f"{FALSE_CLAIM}, {CLAIM}"),
        TRUE.replace(CLAIM, f'{CLAIM}, "name": "a >= 1"'),
    ],
    ids=["honest", "claims twice", "an unknown key"],
)
def test_what_is_said_to_be_proved_is_what_was_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text)
    assert main(["verify-proof", str(file), "--explain"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Proved: a >= 0 with a >= 0\n") and "a >= 1" not in printed
