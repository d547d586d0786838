"""Every command ends with a status that a script can read, and no traceback for what users do."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from bench.console import expecting_a_new_head, run_guarded
from bench.errors import BenchError
from tests.said import hearing_transformers

PRINTS = """
from bench.console import run_guarded
import sys

def command():
    for _ in range(100_000):
        print("a line")
    return 0

sys.exit(run_guarded("tool", command))
"""


def test_the_status_of_a_command_is_its_own() -> None:
    assert run_guarded("tool", lambda: 0) == 0
    assert run_guarded("tool", lambda: 1) == 1


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BenchError("no such file; give another"), 2, "tool: no such file; give another\n"),
        (KeyboardInterrupt(), 130, "\ntool: interrupted; repeat the command to go on where it"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise error

    assert run_guarded("tool", command) == status
    assert capsys.readouterr().err.startswith(said)


def test_a_reader_who_has_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


HEADS = """\x1b[1mLlamaForSequenceClassification LOAD REPORT\x1b[0m from: folder
Key            | Status     |
---------------+------------+-
lm_head.weight | \x1b[38;5;208mUNEXPECTED\x1b[0m |
score.weight   | \x1b[31mMISSING\x1b[0m    |

Notes:
- \x1b[31mMISSING:\x1b[0m\tthose params were newly initialized"""


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        (HEADS, False),
        (HEADS.replace("lm_head", "model.norm"), True),
        (HEADS.replace("lm_head", "layers.{0, 1}"), True),
        (HEADS.replace("UNEXPECTED", "MISMATCH"), True),
        ("the checkpoint is in an old format", True),
    ],
    ids=["heads", "another weight", "other layers", "another shape", "another warning"],
)
def test_only_a_report_of_nothing_but_heads_is_left_out(said: str, is_told: bool) -> None:
    with hearing_transformers() as heard:
        with expecting_a_new_head():
            logging.getLogger("transformers.modeling_utils").warning(said)
        assert heard == [said] * is_told
        logging.getLogger("transformers.modeling_utils").warning(HEADS)
        assert heard[-1] == HEADS  # where none is expected
