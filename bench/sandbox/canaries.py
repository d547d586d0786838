"""Attacks that are tried before a sandbox is used: what they achieve decides its level.

Each canary is a small hostile program that says so when it got through; where we can see that for
ourselves, we look. A layer that installs and does not hold, as in a container that pretends, is
found here and nowhere else. Passing proves no more than these attacks.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import SandboxError
from bench.sandbox.family import SandboxFamily
from bench.sandbox.levels import Level
from bench.sandbox.wire import RESULT, Program

_REACHED = b"got through"
_SECONDS = 10.0
_ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class Canary:
    """An attack."""

    name: str
    """What it tries."""
    weakest: Level
    """The weakest level at which it must fail."""
    code: str
    """Sets `reached`; an exception is a failure, too. Placeholders are filled from the bait."""


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What became of one canary."""

    canary: Canary
    blocked: bool

    def required(self, level: Level) -> bool:
        """Whether this level promises that the attack fails."""
        return _ORDER.index(level) <= _ORDER.index(self.canary.weakest)


CANARIES = (
    Canary(
        "inherit the environment",
        Level.PROCESS,
        "import os\nreached = bool(os.environ)",
    ),
    Canary(
        "write a file",
        Level.SECCOMP,
        "import os\nos.mkdir({folder!r} + '/canary')\nreached = True",
    ),
    Canary(
        "connect to a TCP port",
        Level.SECCOMP,
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\nreached = True",
    ),
    Canary(
        "connect to an abstract socket",
        Level.SECCOMP,
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0' + {abstract!r})\n"
        "reached = True",
    ),
    Canary(
        "fork",
        Level.SECCOMP,
        "import os\nif os.fork() == 0: os._exit(0)\nreached = True",
    ),
    Canary(
        "start a thread",
        Level.SECCOMP,
        "import _thread\n_thread.start_new_thread(int, ())\nreached = True",
    ),
    Canary(
        "signal the supervisor",
        Level.SECCOMP,
        "import os\nos.kill({supervisor}, 0)\nreached = True",
    ),
    Canary(
        "trace a process",
        Level.SECCOMP,
        "import ctypes\nreached = ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    ),
    Canary(
        "share memory with siblings",
        Level.SECCOMP,
        "import mmap\nreached = bool(mmap.mmap(-1, 4096))",
    ),
    Canary(
        "set a flag of an open file",
        Level.SECCOMP,
        "import fcntl\nfcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | 0o4000)\n"
        "reached = True",
    ),
    Canary(
        "wake a stranger by a futex",
        Level.SECCOMP,
        "import ctypes, os\nwords = (ctypes.c_int * 2)()\n"
        "number = 98 if os.uname().machine == 'aarch64' else 202\n"
        "reached = ctypes.CDLL(None).syscall(number, words, 1, 1, 0, 0, 0) >= 0",
    ),
    Canary(
        "count the processes of others",
        Level.SECCOMP,
        "import os\nreached = os.getpid() != 0",
    ),
    Canary(
        "see how much memory others use",
        Level.SECCOMP,
        "import ctypes, os\nnumber = 179 if os.uname().machine == 'aarch64' else 99\n"
        "reached = ctypes.CDLL(None).syscall(number, ctypes.create_string_buffer(128)) == 0",
    ),
    Canary(
        "lower a limit that ends it",
        Level.SECCOMP,
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9, 9))\nreached = True",
    ),
    Canary(
        "make a namespace",
        Level.SECCOMP,
        "import ctypes\nreached = ctypes.CDLL(None).unshare(0x10000000) == 0",
    ),
    Canary(
        "read a file of the user",
        Level.NO_NAMESPACES,
        "reached = open({folder!r} + '/secret').read() == {token!r}",
    ),
    Canary(
        "read the supervisor's environment",
        Level.NO_NAMESPACES,
        "reached = bool(open('/proc/{supervisor}/environ', 'rb').read())",
    ),
    Canary(
        "see whether a file exists",
        Level.FULL,
        "import os\nreached = os.path.exists({folder!r} + '/secret')",
    ),
    Canary(
        "see the machine's processes",
        Level.FULL,
        "import os\nreached = os.path.exists('/proc/{supervisor}')",
    ),
)


async def run_canaries(family: SandboxFamily) -> tuple[CanaryResult, ...]:
    """Try every canary in a family of its zygote; one after the other, a few milliseconds each.

    Raises SandboxError: the machine gave one of them no time.
    """
    found = []
    with _bait() as bait:
        for canary in CANARIES:
            code = canary.code.format(**bait)
            program = f"reached = False\ntry:\n    exec({code!r})\nexcept Exception: pass\n"
            program += f"if reached: print({_REACHED.decode()!r})"
            reply, _ = await family.execute(
                family.root, [Program(0, program)], keep=False, seconds=_SECONDS
            )
            if reply.starved:
                raise SandboxError(
                    "the machine is too busy to try the sandbox: an attack on it got no time. Let "
                    "less run beside it, and repeat the command"
                )
            # Silence counts as a success of the attack, but for a death on the spot.
            silent = len(reply.result) < RESULT.size and reply.exit_code in (0, None)
            blocked = not (silent or _REACHED in reply.result)
            found.append(
                CanaryResult(canary, blocked and not Path(bait["folder"], "canary").exists())
            )
    return tuple(found)


@contextmanager
def _bait() -> Iterator[dict[str, str]]:
    """Plant what the canaries try to reach: a file, a folder that all may write to, two sockets."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rstar-canary-"))
        token = secrets.token_hex()
        Path(folder, "secret").write_text(token)
        os.chmod(folder, 0o777)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = f"rstar-canary-{token}"
        if hasattr(socket, "SO_PASSCRED"):  # Linux, which alone has abstract sockets
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind("\0" + abstract)
            unix.listen()
        yield {
            "folder": folder,
            "token": token,
            "abstract": abstract,
            "port": str(listener.getsockname()[1]),
            "supervisor": str(os.getpid()),
        }


def find_escaped(findings: Iterable[CanaryResult], level: Level) -> list[str]:
    """Return the names of the attacks that succeeded though this level promises they fail."""
    return [f.canary.name for f in findings if f.required(level) and not f.blocked]
