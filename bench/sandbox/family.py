"""A keeper, its zygote and their nodes: started, ordered, watched, ended.

Invariants. A process that is neither the keeper's nor the zygote's is a node that an order made, or
is killed within seconds. A node works on an order before its deadline, or sleeps, or is killed. A
family that lost its keeper or zygote is lost as a whole; nothing is repaired.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from bench.errors import SandboxError
from bench.sandbox.decoding import Reply
from bench.sandbox.gate import Gate
from bench.sandbox.inside.settings import Settings
from bench.sandbox.nodes import End, Node, close_all, sender, socket_pair
from bench.sandbox.vitals import Handle, children, vitals
from bench.sandbox.wire import (
    ABOUT,
    DEATH,
    LENGTH,
    MAX_ERROR,
    READY,
    RESULT,
    Program,
    pack_order,
)

_LAUNCH = """
import socket, sys, types
for name, path in (("bench", sys.argv[1]), ("bench.sandbox", sys.argv[2])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from bench.sandbox.inside.keeper import main
main(*(socket.socket(fileno=int(fd)) for fd in sys.argv[3:]))
"""
"""Empty packages stand in for ours, so that what is inside loads nothing of what is outside."""

_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set of strings is part of what a program prints
    "OPENBLAS_NUM_THREADS": "1",  # a process with threads must not fork
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}
_START_SECONDS = 60.0
_GRACE_SECONDS = 2.0
"""How long an end that must come may take to be heard of."""
_WATCH_SECONDS = 1.0
_END_SECONDS = 30.0
"""How long a keeper may take to end hundreds of processes on a busy machine."""


class StartError(SandboxError):
    """No zygote came to be: a layer was refused, or the interpreter broke."""


class Family:
    """Use from one event loop; see `start`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, root: Node):
        """Take over what `start` started."""
        self.root = root
        self.uid = self.landlock = 0
        self.lost = False
        self.gate = Gate(-1)
        self._room = self._cpu = 0
        self._process = process
        self._control = control
        self._deaths = b""
        self._early: dict[int, int] = {}
        self._nodes: dict[int, Node] = {}
        self._trusted: set[int] = set()
        self._strangers: set[int] = set()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def keeper(self) -> int:
        """Its pid, which is that of a child of ours."""
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """Of the nodes that live, the zygote first."""
        return list(self._nodes)

    @classmethod
    async def start(cls, settings: Settings, *, cpu: int) -> Family:
        """Start a keeper and a zygote; wait until that is enclosed and warm. Raises StartError.

        `cpu` is the most seconds that any one node may compute.
        """
        control, theirs = socket.socketpair()
        orders, zygotes = socket_pair()
        package = Path(__file__).parent
        arguments = [package.parent, package, theirs.fileno(), zygotes.fileno()]
        with control, orders, theirs, zygotes, tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", "-B", "-c", _LAUNCH, *map(str, arguments)],
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[theirs.fileno(), zygotes.fileno()],
                start_new_session=True,
            )
            theirs.close()
            zygotes.close()
            packed = settings.pack()
            try:
                control.sendall(LENGTH.pack(len(packed)) + packed)
                async with asyncio.timeout(_START_SECONDS):
                    message, pid, fds = await _first_words(orders)
                    reason = await _reason(orders, message, log)
            except (OSError, TimeoutError) as e:
                message, reason, pid, fds = b"", _said(log) or str(e), None, []
            except BaseException:
                await _wait(process, kill=True)
                raise
            if reason:
                close_all(*fds)
                control.close()
                await _wait(process, kill=False)
                raise StartError(reason)
            room = RESULT.size + settings.output + MAX_ERROR
            root = Node(orders.dup())
            family = cls(process, control.dup(), root)
        family._room, family._cpu = room, cpu
        family.uid, family.landlock = ABOUT.unpack_from(message, len(READY))
        family._begin(pid, fds)
        return family

    def _begin(self, pid: int | None, fds: list[int]) -> None:
        self.root.born(pid)
        if pid is not None:
            self._nodes[pid] = self.root
        self._trusted = children(self.keeper)
        self.gate = Gate(fds[0] if fds else -1)
        self._control.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._control, self._hear_deaths)
        self._watcher = loop.create_task(self._watch())

    async def execute(
        self, parent: Node, programs: Sequence[Program], *, keep: bool, seconds: float
    ) -> tuple[Reply, Node | None]:
        """Fork a node from `parent`, run the programs in it, and return what it said of the last.

        The node itself is returned where it is to be kept and may be: it reported, and sleeps.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        ours, theirs = socket_pair()
        node = Node(ours, room=self._room, cpu=self._cpu, leaf=not keep, on_birth=self._admit)
        alarm = loop.call_later(seconds, node.settle, End.OVERDUE)
        parent.pins += 1
        kept = False
        try:
            reply = await self._judge(parent, node, theirs, programs, keep, start + seconds)
            kept = node.paused = keep and reply.exit_code == 0 and bool(reply.result)
        finally:
            alarm.cancel()
            parent.pins -= 1
            if not node.greeted and parent is not self.root:
                self.drop(parent)  # it was to fork, and did not, or not honestly
            if not kept:
                self.drop(node)
        return reply, node if kept else None

    async def _judge(
        self,
        parent: Node,
        node: Node,
        theirs: socket.socket,
        programs: Sequence[Program],
        keep: bool,
        deadline: float,
    ) -> Reply:
        loop = asyncio.get_running_loop()
        start = time.perf_counter()
        with theirs:
            if parent.pid is not None:
                self.gate.grant(parent.pid)
            try:
                await parent.send(pack_order(programs, keep=keep), theirs)
            except OSError:
                return Reply(None, b"", born=False, seconds=time.perf_counter() - start)
        outcome = await node.outcome
        code: int | None = 0
        if outcome is End.CLOSED:
            code = await _by(node.died, loop.time() + _GRACE_SECONDS) if node.pid else None
        elif isinstance(outcome, bytes):
            code = node.exit_code if not keep and node.pid is not None else 0
            if keep and not await self._asleep(node, deadline):
                outcome = End.OVERDUE
        if outcome is End.OVERDUE and node.pid is not None:
            self.drop(node)  # and when this returns, it is dead
            await _by(node.died, loop.time() + _GRACE_SECONDS)
        return Reply(
            code,
            outcome if isinstance(outcome, bytes) else b"",
            overdue=outcome is End.OVERDUE,
            malformed=outcome is End.MALFORMED,
            born=node.greeted or outcome is End.OVERDUE,
            seconds=time.perf_counter() - start,
        )

    async def _asleep(self, node: Node, deadline: float) -> bool:
        """Wait until a node that reported does nothing any more; note how large it is."""
        loop = asyncio.get_running_loop()
        while node.pid is not None and (seen := vitals(node.pid)) is not None:
            if seen.sleeping:
                node.memory = seen.memory
                break
            if loop.time() > deadline:
                return False
            await asyncio.sleep(0.001)
        return True

    def drop(self, node: Node) -> None:
        """End a node."""
        node.drop()
        if node.pid is not None:
            self.gate.forget(node.pid)

    async def stop(self) -> None:
        """End everything; return when it has ended."""
        self._lose()
        self._control.close()
        await _wait(self._process, kill=False)

    def _admit(self, node: Node) -> bool:
        """Enter a node that has said hello, unless its pid is that of another."""
        if node.pid is None:
            return _CREDENTIALS_UNKNOWN
        if node.pid in self._nodes:
            return False
        code = self._early.pop(node.pid, None)  # stale, unless the process is gone
        if node.gone and code is not None:
            node.bury(code)
        else:
            self._nodes[node.pid] = node
        return True

    def _hear_deaths(self) -> None:
        try:
            data = self._control.recv(1 << 12)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._deaths += data
        whole = len(self._deaths) // DEATH.size * DEATH.size
        for pid, code in DEATH.iter_unpack(self._deaths[:whole]):
            self._bury(pid, code)
        self._deaths = self._deaths[whole:]

    def _bury(self, pid: int, code: int) -> None:
        node = self._nodes.pop(pid, None)
        if node is None:
            self._early[pid] = code  # its hello is still to be read, or it was a stranger
            while len(self._early) > 1000:
                del self._early[next(iter(self._early))]
            return
        node.bury(code)
        self.gate.forget(pid)
        if node is self.root:
            self._lose()

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._control)
        self.gate.close()
        if self._watcher is not None:
            self._watcher.cancel()
        for node in (self.root, *self._nodes.values()):
            node.drop()
            node.bury(None)
        self._control.shutdown(socket.SHUT_RDWR)

    async def _watch(self) -> None:
        """Look for nodes that work while they claim to sleep, and for processes nobody ordered."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for node in list(self._nodes.values()):
                if node.paused and node.restless:
                    self.drop(node)
            seen = self._unknown()
            for pid in seen & self._strangers:
                handle = Handle(pid)
                if pid in self._unknown():  # the handle is of the one that was seen
                    handle.kill()
            self._strangers = seen

    def _unknown(self) -> set[int]:
        return children(self.keeper) - self._nodes.keys() - self._trusted


_CREDENTIALS_UNKNOWN = not hasattr(socket, "SO_PASSCRED")
"""Whether a node without a pid is one to work with, as this system never tells."""


async def _by(future: asyncio.Future[int | None], deadline: float) -> int | None:
    """Return a future's result, or `None` when it has none by then."""
    try:
        async with asyncio.timeout_at(deadline):
            return await asyncio.shield(future)
    except TimeoutError:
        return None


async def _first_words(orders: socket.socket) -> tuple[bytes, int | None, list[int]]:
    """Receive what the zygote says first: the words, its pid, the descriptors with them."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(orders, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(orders)
    room = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4)
    message, ancillary, _, _ = orders.recvmsg(len(READY) + ABOUT.size, room)
    rights = [data for _, kind, data in ancillary if kind == socket.SCM_RIGHTS]
    fds = [int.from_bytes(data[:4], sys.byteorder) for data in rights]
    return message, sender(ancillary), fds


async def _reason(orders: socket.socket, message: bytes, log: IO[bytes]) -> str:
    """Return why nothing is ready; empty when it is."""
    if message.startswith(READY):
        return ""
    loop = asyncio.get_running_loop()
    rest = message[1:]
    while chunk := await loop.sock_recv(orders, 1 << 12):
        rest += chunk
    return rest[LENGTH.size :].decode("utf-8", "replace") or _said(log) or "it said nothing"


def _said(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace").strip()


async def _wait(process: subprocess.Popen[bytes], *, kill: bool) -> None:
    """Wait for a keeper whose socket is closed to end everything, and then itself."""
    if kill:
        process.terminate()  # which it hears as the end of the supervisor
    try:
        await asyncio.to_thread(process.wait, _END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)
