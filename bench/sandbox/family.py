"""A keeper, its zygote and their nodes: started, ordered, watched, ended.

Invariants. (1) Below the keeper live only the zygote and the nodes that an order created; any other
process is killed within about two seconds. (2) A node runs an order before its deadline, or is
paused, or is killed. (3) If keeper or zygote dies, the whole family ends; nothing is restarted.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence

from bench.sandbox.decoding import Reply
from bench.sandbox.gate import ForkGate
from bench.sandbox.inside.settings import Settings
from bench.sandbox.launch import Launched, launch, wait
from bench.sandbox.nodes import End, LiveNode, socket_pair
from bench.sandbox.vitals import Handle, children, vitals
from bench.sandbox.wire import DEATH, MAX_ERROR, RESULT, Program, pack_order

_GRACE_SECONDS = 2.0
"""How long an end that must come may take to be heard of."""
_WATCH_SECONDS = 1.0


class SandboxFamily:
    """Use from one event loop; see `start`."""

    def __init__(self, launched: Launched, *, room: int, cpu: int) -> None:
        """Take over what was launched; `room` and `cpu` are as in `Node`."""
        self.uid, self.landlock = launched.uid, launched.landlock
        self.lost = False
        self.root = LiveNode(launched.orders)
        self.root.born(launched.zygote)
        self.gate = ForkGate(launched.gate)
        self._room, self._cpu = room, cpu
        self._process = launched.process
        self._control = launched.control
        self._control.setblocking(False)
        self._deaths = b""
        self._early: dict[int, int] = {}
        self._nodes: dict[int, LiveNode] = {}
        if launched.zygote is not None:
            self._nodes[launched.zygote] = self.root
        self._trusted = children(self.keeper)
        self._strangers: set[int] = set()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._control, self._hear_deaths)
        self._watcher = loop.create_task(self._watch())

    @property
    def keeper(self) -> int:
        """Its pid, which is that of a child of ours."""
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """Process ids of the living nodes, the zygote first."""
        return list(self._nodes)

    @classmethod
    async def start(cls, settings: Settings, *, cpu: int) -> SandboxFamily:
        """Start a keeper and a zygote; wait until that is enclosed and warm. Raises StartError.

        `cpu` is the most seconds that any one node may compute.
        """
        room = RESULT.size + settings.output + MAX_ERROR
        return cls(await launch(settings), room=room, cpu=cpu)

    async def execute(
        self, parent: LiveNode, programs: Sequence[Program], *, keep: bool, seconds: float
    ) -> tuple[Reply, LiveNode | None]:
        """Fork a node from `parent`, run the programs in it, and return what it said of the last.

        The node itself is returned where it is to be kept and may be: it reported, and sleeps.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        ours, theirs = socket_pair()
        node = LiveNode(ours, room=self._room, cpu=self._cpu, leaf=not keep, on_birth=self._admit)
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
        parent: LiveNode,
        node: LiveNode,
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

    async def _asleep(self, node: LiveNode, deadline: float) -> bool:
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

    def drop(self, node: LiveNode) -> None:
        """End a node."""
        node.drop()
        if node.pid is not None:
            self.gate.forget(node.pid)

    async def stop(self) -> None:
        """End everything; return when it has ended."""
        self._lose()
        self._control.close()
        await wait(self._process, kill=False)

    def _admit(self, node: LiveNode) -> bool:
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
