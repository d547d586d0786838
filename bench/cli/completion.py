"""`completion`: a shell completes commands, options and names."""

from __future__ import annotations

import argparse
import os
from typing import Any

from bench.cli.parser import Parser

PROGRAMS = ("rstar-bench", "rstar-train")
SHELLS = ("bash", "zsh", "fish")


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "completion",
        help="print what a shell needs to complete commands, options and names",
        description="Print code for a shell, which then completes commands, options, and names of "
        "benchmarks, policies and searches. For bash and zsh, in the file that it reads at its "
        'start: eval "$(rstar-bench completion bash)". For fish: rstar-bench completion fish | '
        "source.",
    )
    command.add_argument("shell", choices=SHELLS)
    command.set_defaults(run=_print_code)


def _print_code(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(list(PROGRAMS), shell=arguments.shell))
    return 0


def answer_shell(parser: Parser) -> None:
    """Print completions and exit, where a shell asks for them; else do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        Parser.refuses_unknown = False
        parser.add_what_was_put_off(os.environ.get("COMP_LINE", "").split())
        argcomplete.autocomplete(parser)
