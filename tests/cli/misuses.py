"""Mistakes that people make with both programs, each played for real.

`python -m tests.cli.misuses [WORD...]` plays those of `misuses.txt` that hold all the words, and
prints how each ended. Every one is a process in a session of its own, with a deadline, in a folder
of prepared files. It has to end by itself, with a status other than 0, no traceback, and a message
of a few lines. Most are forked from one process that has imported the programs, which costs a
twentieth of starting an interpreter; those on closed or full streams are started anew.

A line of the file is what a person would type, but for `[N]` before it, the status that it must
have where that is not 2, and for `$RUN`, a greedy run of two problems, of which a later option
replaces its part.
"""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cli.misuse_files import prepare

ROOT = Path(__file__).parents[2]
SECONDS = 900.0
"""Of a misuse, on a machine that has other things to do; a quiet one needs two at most."""
CPU_SECONDS = 30
"""Of each of its processes, however busy the machine is."""
LINES = 12
LETTERS = 3000
"""Of a message at most."""

MODULES = {"rstar-bench": "bench.cli", "rstar-train": "rstar_train.cli"}
PRELOADED = (
    *MODULES.values(),
    *("bench.evaluation.harness", "bench.reports.render", "bench.reports.headroom"),
    *("bench.checkers.panel", "bench.search.official.replay", "bench.sandbox.cases"),
    *("bench.inequalities.texts.reading", "rstar_train.recipes.tiny"),
)
"""Imported before anything is played, as every command would import some of it."""

RUN = "--benchmark embedded-grade-school --limit 2 --policy smollm2 --search greedy --out o"


@dataclass(frozen=True, slots=True)
class Misuse:
    """A command, and how it is to end."""

    program: str
    words: tuple[str, ...]
    status: int = 2
    variables: tuple[str, ...] = ()
    """Of the environment, as `NAME=VALUE`."""
    stream: str = ""
    """Where the shell sends a stream; nothing: all are well."""

    @property
    def command(self) -> str:
        """What a person would have typed."""
        parts = (*self.variables, self.program, shlex.join(self.words), self.stream)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a misuse ended."""

    status: int | None
    """None: it had to be killed."""
    seconds: float
    """Of a processor, its children's too; of the clock where it was killed."""
    said: str
    """On standard error."""
    printed: str

    def fault(self, misuse: Misuse) -> str:
        """Return what is wrong with it; nothing where all is right."""
        if self.status is None:
            return f"hangs: killed after {self.seconds:.0f} s"
        if "Traceback" in self.said + self.printed:
            return "traceback"
        if self.status != misuse.status:
            return f"status {self.status}, not {misuse.status}"
        if self.status and not (self.said + self.printed).strip():
            return "says nothing"
        if self.said.count("\n") > LINES or len(self.said) > LETTERS:
            return f"says {self.said.count(chr(10))} lines, {len(self.said)} letters"
        return ""


def misuses(first: str) -> Iterator[Misuse]:
    """Yield every misuse; `first` is the id of a problem of the prepared run."""
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines():
        words = shlex.split(line.replace("$FIRST", first).replace("$RUN", RUN))
        status = int(words.pop(0)[1:-1]) if words[0].startswith("[") else 2
        variables = tuple(itertools.takewhile(lambda word: "=" in word, words))
        program, *words = words[len(variables) :]
        stream = words.pop() if words and words[-1].startswith(("<", ">")) else ""
        yield Misuse(program, tuple(_override(words)), status, variables, stream)


def _override(words: list[str]) -> list[str]:
    """Let the last of two equal options count alone, as argparse does, and read better."""
    kept: list[str] = []
    for at, word in enumerate(words):
        again = word.startswith("--") and word in words[at + 1 :] and word != "--convention"
        value_again = at and words[at - 1].startswith("--") and words[at - 1] in words[at:]
        if not again and not value_again:
            kept.append(word)
    return kept


@dataclass(slots=True)
class Player:
    """Plays one misuse at a time, in a folder of its own."""

    folder: Path
    misuse: Misuse | None = None
    child: int = 0
    started: float = 0.0

    def start(self, misuse: Misuse) -> None:
        """Let a misuse begin."""
        self.misuse, self.started = misuse, time.monotonic()
        self.child = (_start_anew if misuse.stream else _fork)(misuse, self.folder)

    def ended(self) -> Ending | None:
        """Return how it ended; None where it goes on, for which it has so much time."""
        done, how, used = os.wait4(self.child, os.WNOHANG)
        if not done:
            if time.monotonic() < self.started + SECONDS:
                return None
            os.killpg(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        status = os.waitstatus_to_exitcode(how) if done else None
        seconds = used.ru_utime + used.ru_stime if done else SECONDS
        said, printed = (
            (self.folder / name).read_text(errors="replace") for name in (".said", ".printed")
        )
        return Ending(status, seconds, said, printed)


def _fork(misuse: Misuse, folder: Path) -> int:
    main = importlib.import_module(MODULES[misuse.program]).main
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        os.environ.update(_read_variables(misuse))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, ".printed"), (2, ".said")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = [misuse.program, *misuse.words]
        status = _status_of(lambda: main(list(misuse.words)))
    finally:
        os._exit(status)


def _read_variables(misuse: Misuse) -> dict[str, str]:
    pairs = (each.partition("=") for each in misuse.variables)
    return {name: value for name, _, value in pairs}


def _status_of(command: Callable[[], int]) -> int:
    """Do what an interpreter does at its end: with an exit, and with an error nobody caught."""
    import traceback

    status = 1
    try:
        status = command()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120
    return status


def _start_anew(misuse: Misuse, folder: Path) -> int:
    python, module = shlex.quote(sys.executable), MODULES[misuse.program]
    command = f"{python} -m {module} {shlex.join(misuse.words)}"
    streams = f"2>.said >.printed {misuse.stream}"
    process = subprocess.Popen(
        ["sh", "-c", f"ulimit -t {CPU_SECONDS}; exec {command} {streams}"],
        cwd=folder,
        env={**os.environ, **_read_variables(misuse), "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    process.returncode = 0  # it is waited for by its number
    return process.pid


def play_all(wanted: Sequence[str]) -> Iterator[tuple[Misuse, Ending]]:
    """Play the misuses that hold all the wanted words, as many at a time as there are cores."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="misuses-") as made:
        first = prepare(Path(made) / "files")
        todo = (m for m in misuses(first) if all(word in m.command for word in wanted))
        _warm_up()
        idle = [Player(Path(made) / f"{number}") for number in range(os.cpu_count() or 1)]
        for player in idle:
            shutil.copytree(Path(made) / "files", player.folder, symlinks=True)
        yield from _play(todo, idle)


def _play(todo: Iterator[Misuse], idle: list[Player]) -> Iterator[tuple[Misuse, Ending]]:
    busy: list[Player] = []
    while True:
        while idle and (misuse := next(todo, None)) is not None:
            idle[-1].start(misuse)
            busy.append(idle.pop())
        if not busy:
            return
        time.sleep(0.01)
        for player in list(busy):
            if (ending := player.ended()) is not None:
                assert player.misuse is not None
                yield player.misuse, ending
                busy.remove(player)
                idle.append(player)


def _warm_up() -> None:
    """Import what commands share, and read what the knobs say of themselves, once for all."""
    for module in PRELOADED:
        importlib.import_module(module)
    main = importlib.import_module(MODULES["rstar-bench"]).main
    for verb in ("run", "compare", "exec"):
        with suppress(SystemExit), redirect_stdout(io.StringIO()):
            main([verb, "--help"])


def main(wanted: list[str]) -> int:
    """Print a line for each misuse, and how many went wrong; return whether any did."""
    os.nice(19 - os.nice(0))
    count, faults, seconds = 0, [], 0.0
    for misuse, ending in play_all(wanted):
        fault = ending.fault(misuse)
        lines = (ending.said.strip() or ending.printed.strip()).splitlines() or [""]
        shown = ascii(lines[-1])[1:-1][:110]
        print(f"{'!!' if fault else 'ok'} {ending.seconds:5.1f} s  {misuse.command[-110:]}")
        print(f"             {fault + ': ' if fault else ''}{shown}", flush=True)
        count, seconds = count + 1, max(seconds, ending.seconds)
        if fault:
            faults.append({"command": misuse.command, "fault": fault, "said": ending.said[-4000:]})
    print(f"{count} misuses, {len(faults)} of them with a fault; the slowest took {seconds:.1f} s")
    for each in faults:
        print(json.dumps(each))
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
