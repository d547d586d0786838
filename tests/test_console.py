"""Every command ends with a status that a script can read, and no traceback for what users do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.console import run_guarded
from bench.errors import BenchError

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
