"""`exec`, `doctor`: programs in the sandbox, and how strong the sandbox is here."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from bench.cli.options import add_level, reader, sandbox_level
from bench.knobs import knobs_of

if TYPE_CHECKING:
    from bench.sandbox import Execution, SandboxConfig
    from bench.sandbox.doctor import Examined


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_exec(verbs)
    doctor = verbs.add_parser(
        "doctor",
        help="show how strongly programs are isolated here, and how to raise it",
        description="Attack the sandbox at every level of isolation; show what held.",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(run=_doctor)


def _add_exec(verbs: Any) -> None:
    run = verbs.add_parser(
        "exec",
        help="run one program, or a file of programs, in the sandbox",
        description="Run FILE.py and print what it prints; or run many, the rows of a JSONL file "
        "with `id`, `code` and perhaps the `parent` id of the row whose program they continue. The "
        "exit status is 0 when the program ended well, 1 when it did not. Control characters are "
        "printed as \\u001b; --json and --out have what was really printed.",
    )
    run.add_options = _add_exec_options
    run.set_defaults(run=_exec)


def _add_exec_options(run: argparse.ArgumentParser) -> None:
    from bench.sandbox import SandboxConfig

    run.add_argument("file", metavar="FILE.py", nargs="?", help="one program; - is standard input")
    run.add_argument("--cases", type=Path, metavar="FILE.jsonl", help="many programs; needs --out")
    run.add_argument("--out", type=Path, metavar="OUT.jsonl", help="a row for each case, in order")
    knobs = knobs_of(SandboxConfig)
    for name, words in _OF_EXEC.items():
        knob = knobs[name]
        run.add_argument(f"--{name}", type=reader(knob), default=knob.default, help=words)
    run.add_argument("--json", action="store_true", help="print the result as a JSON object")
    add_level(run)


_OF_EXEC = {
    "timeout": "seconds of CPU, and of sleep, a program [%(default)s]",
    "memory": "MiB a program [%(default)s]",
    "workers": "programs at once [%(default)s]",
}
"""Knobs of the sandbox that are options, and what they say."""


def _exec(arguments: argparse.Namespace) -> int:
    from bench.errors import BenchError
    from bench.sandbox import SandboxConfig

    if (arguments.file is None) == (arguments.cases is None):
        raise BenchError("give either one FILE.py, or --cases FILE.jsonl with --out OUT.jsonl")
    if (arguments.cases is None) != (arguments.out is None):
        raise BenchError("--cases FILE.jsonl and --out OUT.jsonl go together")
    config = SandboxConfig(
        timeout=arguments.timeout,
        memory=arguments.memory,
        workers=arguments.workers,
        level=sandbox_level(arguments),
    )
    if arguments.cases is not None:
        return asyncio.run(_run_cases(arguments.cases, arguments.out, config))
    execution, isolation = asyncio.run(_run_one(_read_program(arguments.file), config))
    if arguments.json:
        print(json.dumps({**_row(execution), "level": isolation["level"]}))
    else:
        sys.stdout.write(execution.stdout)
        sys.stdout.flush()
        ending = f"{execution.status}, {execution.error}" if execution.error else execution.status
        sys.stderr.write(
            f"{ending} ({execution.seconds:.3f} s, isolation {isolation['level']}, "
            f"{isolation['canaries_blocked']} of {isolation['canaries']} canaries blocked)\n"
        )
    return 0 if execution.ok else 1


async def _run_one(code: str, config: SandboxConfig) -> tuple[Execution, Mapping[str, object]]:
    from bench.sandbox import Sandbox

    async with Sandbox(config) as sandbox:
        return await sandbox.run(code, leaf=True), sandbox.about


async def _run_cases(source: Path, out: Path, config: SandboxConfig) -> int:
    from bench.files.atomic import append, replace
    from bench.files.lines import encode
    from bench.files.outputs import check_output
    from bench.sandbox import Sandbox
    from bench.sandbox.cases import parse, run

    cases = parse(_read(source), str(source))
    check_output(out, [source])
    counts: dict[str, int] = {}
    async with Sandbox(config) as sandbox:
        replace(out, b"")
        async for case, execution in run(sandbox, cases):
            append(out, encode({"id": case.id, **_row(execution)}))
            counts[execution.status] = counts.get(execution.status, 0) + 1
        level = sandbox.level
    told = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    print(f"{len(cases)} programs at isolation {level}: {told or 'none'}")
    return 0


def _row(execution: Execution) -> dict[str, object]:
    return {
        "status": str(execution.status),
        "stdout": execution.stdout,
        "error": execution.error,
        "seconds": round(execution.seconds, 6),
    }


def _read_program(name: str) -> str:
    from bench.errors import BenchError

    if name == "-" and cast(TextIO | None, sys.stdin) is None:
        raise BenchError("standard input is closed; give a FILE.py, or a program to read there")
    data = sys.stdin.buffer.read() if name == "-" else _read(Path(name))
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        where = "standard input" if name == "-" else name
        raise BenchError(f"{where} is not UTF-8 text: {e.reason} at byte {e.start}") from e


def _read(path: Path) -> bytes:
    from bench.errors import BenchError

    try:
        return path.read_bytes()
    except OSError as e:
        raise BenchError(f"cannot read {path}: {e.strerror}") from e


def _doctor(arguments: argparse.Namespace) -> int:
    from bench.sandbox.doctor import advice, examine, strongest

    examined = asyncio.run(examine())
    best = strongest(examined)
    if arguments.json:
        print(json.dumps(_told(examined, None if best is None else best.level)))
        return 0 if best else 1
    if best is not None:
        landlock = f", Landlock {best.landlock}" if best.landlock else ", without Landlock"
        print(f"isolation: {best.level}{landlock}; what a run uses if no level is named")
    else:
        print("isolation: not enough; a run refuses, unless a level is named")
    _print_matrix(examined)
    if best is not None and best.uncapped:
        print(
            "memory: each program has its limit, and what is kept is counted; nothing caps them "
            f"all together, as no control group can be made: {best.uncapped}"
        )
    elif best is not None:
        print("memory: a control group caps what all programs hold together")
    for each in examined:
        if each.fault:
            print(f"{each.level} is not to be had: {each.fault}")
    for line in advice(examined):
        print(f"to raise it: {line}")
    return 0 if best else 1


def _print_matrix(examined: list[Examined]) -> None:
    """One row per canary, one column per level that could be started."""
    from bench.sandbox.canaries import CANARIES

    started = [each for each in examined if each.findings]
    print(f"\n{'canary: a program tries to':36}" + "".join(f"{e.level:>15}" for e in started))
    for number, canary in enumerate(CANARIES):
        cells = []
        for each in started:
            finding = each.findings[number]
            cell = "blocked" if finding.blocked else "gets through"
            missed = finding.required(each.level) and not finding.blocked
            cells.append(f"{cell + '!' * missed:>15}")
        print(f"{canary.name:36}" + "".join(cells))
    print()


def _told(examined: list[Examined], level: str | None) -> dict[str, object]:
    return {
        "level": level,
        "levels": {
            each.level: {
                "offered": each.offered,
                "fault": each.fault,
                "landlock": each.landlock,
                "uncapped": each.uncapped,
                "canaries": {f.canary.name: f.blocked for f in each.findings},
            }
            for each in examined
        },
    }
