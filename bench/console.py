"""How a command of this project ends: an exit status, and at most one sentence for the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from bench.errors import BenchError


def guarded(program: str, command: Callable[[], int]) -> int:
    """Run a command; return its exit status, or the error's with a sentence on standard error."""
    try:
        status = command()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read the output, `head` say, has enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except BenchError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{program}: interrupted; repeat the command to go on where it was\n")
        return 130
