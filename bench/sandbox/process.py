"""Runs untrusted Python in killable processes: `await sandbox.run(code, parent=node)`.

Each run is a fresh process forked from a warm interpreter. It re-runs the ancestors of the program,
then the program, under a wall-clock deadline and limits on CPU, memory, output, descriptors and
file sizes, with an empty environment, and is killed with all its descendants. Whatever the program
does becomes a `Status`; `SandboxError` means that the sandbox itself could not work.

Not covered at this level, `process`: the program runs as the user who started the harness, so it
can read that user's files, delete them, use the network, and signal that user's processes, this one
included; root's processes are not counted either. Do not run a model that you distrust on a machine
that you care about. Results repeat, since hashing, `random`, `numpy.random` and sympy are seeded by
the chain of programs, except where a program asks the clock, `os.urandom` or an unseeded
`numpy.random.default_rng()`.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.errors import SandboxError
from bench.sandbox.decoding import decode
from bench.sandbox.execution import Execution, Status
from bench.sandbox.worker import Worker

_MAX_CHAIN = 1 << 20
"""Bytes of program text, ancestors included: models write hundreds, not millions."""
_REPEATABLE = (Status.OK, Status.ERROR, Status.OUTPUT_LIMIT)


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """What a program may use, and how many run at once."""

    timeout: float = 5.0
    """Seconds of wall clock for one program; re-running its ancestors is given time of its own."""
    memory: int = 1024
    """MiB of address space beyond the warm interpreter's."""
    output: int = 65536
    """Bytes that a program may print."""
    workers: int = 2
    """Programs that run at the same time; about 120 MiB each for the warm interpreter."""
    cache: int = 1024
    """Results kept for programs asked again with the same ancestors; 0 keeps none."""


class Sandbox:
    """A pool of warm interpreters. Enter it, and run programs, in one event loop."""

    level = "process"
    """The isolation that results were obtained under; stored with every run."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        """Nothing starts before the sandbox is entered."""
        self.config = config or SandboxConfig()
        if self.config.workers < 1:
            raise SandboxError(f"workers={self.config.workers}; a sandbox needs at least 1")
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        self._workers: set[Worker] = set()
        # A slot is an idle worker, or None where one was lost: the next user starts another.
        self._slots: asyncio.LifoQueue[Worker | None] = asyncio.LifoQueue()
        self._seen: OrderedDict[tuple[str, ...], Execution] = OrderedDict()

    async def __aenter__(self) -> Self:
        """Start the interpreters, all at once: one or two seconds."""
        self._directory = tempfile.TemporaryDirectory(
            prefix="rstar-sandbox-", ignore_cleanup_errors=True
        )
        started = await asyncio.gather(
            *(self._start() for _ in range(self.config.workers)), return_exceptions=True
        )
        for result in started:
            if isinstance(result, BaseException):
                await self.__aexit__()
                raise result
            self._slots.put_nowait(result)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every interpreter and whatever still runs in it."""
        directory, self._directory = self._directory, None
        await asyncio.gather(*(worker.stop() for worker in tuple(self._workers)))
        self._workers.clear()
        if directory is not None:
            directory.cleanup()

    async def run(self, code: str, *, parent: Execution | None = None) -> Execution:
        """Run a program as the continuation of `parent`; never raises for what the program does."""
        lineage = () if parent is None else parent.lineage
        chain = (*(node.code for node in lineage), code)
        refusal = _refusal(chain, parent)
        if refusal:
            return Execution(Status.REFUSED, "", refusal, 0.0, code, parent)
        if (seen := self._seen.get(chain)) is not None:
            self._seen.move_to_end(chain)
            return replace(seen, parent=parent)
        # The deadline is the program's own. Ancestors get twice what they took, as the machine may
        # be busier now; what they took is their own claim, hence the cap.
        timeout = self.config.timeout
        replay = sum(2 * min(node.seconds, timeout) for node in lineage)
        async with self._worker() as worker:
            reply = await worker.execute(chain, seconds=timeout + replay)
        execution = decode(reply, code=code, parent=parent, timeout=timeout)
        if execution.status in _REPEATABLE and self.config.cache > 0:
            self._seen[chain] = execution
            if len(self._seen) > self.config.cache:
                self._seen.popitem(last=False)
        return execution

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[Worker]:
        """Borrow an idle interpreter, waiting for one if need be."""
        if self._directory is None:
            raise SandboxError("the sandbox is not open; use it as `async with Sandbox() as s:`")
        worker = await self._slots.get()
        try:
            if worker is None or worker.lost:
                await self._end(worker)
                worker = None
                worker = await self._start()
            yield worker
        finally:
            if worker is not None and worker.lost:
                await self._end(worker)
                worker = None
            self._slots.put_nowait(worker)

    async def _start(self) -> Worker:
        if self._directory is None:
            raise SandboxError("the sandbox was closed while a program was waiting")
        worker = await Worker.start(
            Path(self._directory.name) / str(next(self._numbers)),
            memory=self.config.memory << 20,
            output=self.config.output,
        )
        self._workers.add(worker)
        if self._directory is None:  # closed in the meantime
            await self._end(worker)
            raise SandboxError("the sandbox was closed while a program was waiting")
        return worker

    async def _end(self, worker: Worker | None) -> None:
        if worker is not None:
            self._workers.discard(worker)
            await worker.stop()


def _refusal(chain: tuple[str, ...], parent: Execution | None) -> str:
    """Why a program is not even started; empty when it may."""
    if parent is not None and not parent.ok:
        return f"the parent ended with {parent.status}: {parent.error}"
    try:
        size = sum(len(code.encode()) for code in chain)
    except UnicodeEncodeError as e:
        return f"not UTF-8 text: {e.reason}"
    return f"{size} bytes of program; at most {_MAX_CHAIN}" if size > _MAX_CHAIN else ""
