"""One zygote as the supervisor sees it: started, asked, stopped; one program at a time.

The zygote gets an environment with four settings and no variable of ours, an empty directory, one
socket, and a session of its own. A zygote that dies or stops answering is given up, not repaired:
`lost` says so, and the pool starts another. What it does not do: queue, cache, or judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.errors import SandboxError
from bench.sandbox.decoding import Reply
from bench.sandbox.preload import PRELOAD
from bench.sandbox.wire import KILL, LENGTH, READY, REPLY, REQUEST, RUN, join

_LAUNCH = """
import sys, types
for name, path in (("bench", sys.argv[1]), ("bench.sandbox", sys.argv[2])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from bench.sandbox.zygote import Settings, main
control, supervisor, directory, site, memory, output = sys.argv[3:]
main(Settings(int(control), int(supervisor), directory, site, int(memory), int(output)))
"""
"""Empty packages stand in for ours, so that the zygote loads four files and no `__init__`."""

_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set of strings is part of what a program prints
    "OPENBLAS_NUM_THREADS": "1",  # a process with threads must not fork
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}
_START_SECONDS = 60.0
_GRACE_SECONDS = 2.0
"""How long a zygote may take to report a child that it was told to kill, or to end itself."""


class Worker:
    """A running zygote. Use from one event loop; never from two tasks at once."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take over a zygote that is ready; see `start`."""
        self._given_up = False
        self._process = process
        self._reader = reader
        self._writer = writer

    @property
    def lost(self) -> bool:
        """Whether the zygote died, even while idle, or is out of step."""
        return self._given_up or self._reader.at_eof()

    @classmethod
    async def start(cls, directory: Path, *, memory: int, output: int) -> Worker:
        """Start a zygote and wait until it is warm."""
        directory.mkdir(mode=0o700, parents=True)  # the last zygote to end removed the parent
        ours, theirs = socket.socketpair()
        package = Path(__file__).parent
        arguments = [package.parent, package, theirs.fileno(), os.getpid(), directory]
        with theirs, tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", "-B", "-c", _LAUNCH]
                + [str(argument) for argument in (*arguments, _site(), memory, output)],
                env=_ENVIRONMENT,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            worker = cls(process, *await asyncio.open_unix_connection(sock=ours))
            worker._writer.write(LENGTH.pack(len(PRELOAD)) + PRELOAD.encode())
            try:
                async with asyncio.timeout(_START_SECONDS):
                    await worker._reader.readexactly(len(READY))
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as e:
                await worker.stop()
                log.seek(0)
                words = log.read().decode("utf-8", "replace").strip() or "it said nothing"
                raise SandboxError(f"the sandbox's interpreter did not start: {words}") from e
            except BaseException:
                await worker.stop()
                raise
        return worker

    async def execute(self, chain: Sequence[str], *, seconds: float) -> Reply:
        """Run the last program of the chain after the others; kill it after `seconds`."""
        programs = join(chain)
        start = time.perf_counter()
        request = REQUEST.pack(math.ceil(seconds) + 1, len(programs))
        self._writer.write(RUN + request + programs)
        reply = asyncio.ensure_future(self._receive())
        try:
            overdue = not (await asyncio.wait({reply}, timeout=seconds))[0]
            if overdue:
                self._writer.write(KILL)
                await asyncio.wait({reply}, timeout=_GRACE_SECONDS)
            code, result = reply.result()
        except (OSError, EOFError, asyncio.InvalidStateError):
            self._given_up = True
            code, result = None, b""
        except asyncio.CancelledError:
            self._given_up = True  # its program runs on until the pool stops the zygote
            raise
        finally:
            reply.cancel()
        return Reply(code, result, overdue, time.perf_counter() - start)

    async def stop(self) -> None:
        """Close the socket, which ends the zygote and all its descendants; wait for it."""
        self._given_up = True
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        try:
            await asyncio.to_thread(self._process.wait, _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def _receive(self) -> tuple[int | None, bytes]:
        code, size = REPLY.unpack(await self._reader.readexactly(REPLY.size))
        return code, await self._reader.readexactly(size)


def _site() -> str:
    """The directories that hold sympy and numpy, found without importing them."""
    found = [importlib.util.find_spec(name) for name in ("sympy", "numpy", "mpmath")]
    origins = [spec.origin for spec in found if spec is not None and spec.origin is not None]
    return os.pathsep.join(dict.fromkeys(str(Path(origin).parents[1]) for origin in origins))
