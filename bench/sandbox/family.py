"""A keeper, its zygote and their nodes: started, ordered, watched, ended.

Invariants. (1) Below the keeper live only the zygote and the nodes that an order created; any other
process is killed within about two seconds, or once the orders are carried out of which it may be
one. (2) A node runs an order before its deadline, or is paused, or is killed. (3) If keeper or
zygote dies, the whole family ends; nothing is restarted.
"""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import time
from collections.abc import Sequence

from bench.sandbox.deadlines import LOOK_SECONDS, PATIENCE, Deadline, Stopwatch
from bench.sandbox.decoding import Reply
from bench.sandbox.gate import ForkGate
from bench.sandbox.inside.settings import Settings
from bench.sandbox.launch import Launched, launch, wait
from bench.sandbox.nodes import End, LiveNode, socket_pair
from bench.sandbox.vitals import Handle, children, holds_files, vitals
from bench.sandbox.wire import DEATH, MAX_ERROR, RESULT, Program, pack_order

_GRACE_SECONDS = 2.0
"""Of work or sleep, that a process may take to end, or to come to rest, once it must."""
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
        self._sealed = launched.gate >= 0
        self._room, self._cpu = room, cpu
        self._process = launched.process
        self._control = launched.control
        self._control.setblocking(False)
        self._deaths = b""
        self._early: dict[int, tuple[int, float]] = {}
        self._nodes: dict[int, LiveNode] = {}
        if launched.zygote is not None:
            self._nodes[launched.zygote] = self.root
        self._trusted = children(self.keeper)
        self._births: dict[LiveNode, float] = {}
        """When each node was ordered that has not said hello."""
        self._strangers: dict[int, float] = {}
        """When each process was first seen that is no node, or not yet."""
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
        self,
        parent: LiveNode,
        programs: Sequence[Program],
        *,
        keep: bool,
        seconds: float,
        patience: float = PATIENCE,
    ) -> tuple[Reply, LiveNode | None]:
        """Fork a node from `parent`, run the programs in it, and return what it said of the last.

        The node itself is returned where it is to be kept and may be: it reported, and sleeps.
        `seconds` and `patience` are as in `Stopwatch`.
        """
        ours, theirs = socket_pair()
        cpu = max(self._cpu, math.ceil(2 * seconds))
        node = LiveNode(ours, room=self._room, cpu=cpu, leaf=not keep, on_birth=self._admit)
        deadline = Deadline(node, parent, self.gate, seconds=seconds, patience=patience)
        self._births[node] = asyncio.get_running_loop().time()
        parent.pins += 1
        kept = False
        try:
            reply = await self._judge(parent, node, theirs, programs, keep, deadline)
            kept = node.paused = keep and reply.exit_code == 0 and bool(reply.result)
            node.base = parent
        finally:
            deadline.cancel()
            self._births.pop(node, None)
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
        deadline: Deadline,
    ) -> Reply:
        start = time.perf_counter()
        with theirs:
            if parent.pid is not None:
                self.gate.grant(parent.pid)
            try:
                await parent.send(pack_order(programs, keep=keep), theirs)
            except OSError:
                node.settle(End.CLOSED)
        outcome = await node.outcome
        code: int | None = 0
        if outcome is End.CLOSED and not node.greeted and parent is self.root:
            await _exit_code(parent)  # a death is told late; one that may not fork lives on
        if outcome is End.CLOSED:
            code = await _exit_code(node)
        elif isinstance(outcome, bytes):
            code = node.exit_code if not keep and node.pid is not None else 0
            if deadline.is_spent():
                outcome = End.OVERDUE
            elif keep:
                outcome = await _until_paused(node) or outcome
            if outcome is End.CLOSED:
                code = await _exit_code(node)
        if outcome in _OUT_OF_TIME and node.pid is not None:
            self.drop(node)  # and when this returns, it is dead
            await _exit_code(node)
        return Reply(
            code,
            outcome if isinstance(outcome, bytes) else b"",
            overdue=outcome is End.OVERDUE,
            starved=outcome is End.STARVED,
            malformed=outcome is End.MALFORMED,
            killed=outcome not in _ENDED_HERE and self._is_killed(code),
            holds_files=keep and node.pid is not None and node.alive and holds_files(node.pid),
            born=node.greeted or outcome in _OUT_OF_TIME,
            seconds=time.perf_counter() - start,
        )

    def _is_killed(self, code: int | None) -> bool:
        """Whether a node that ended so was ended by nobody here.

        Programs send no signals, and lower no limit for which the kernel would, where there is
        seccomp; where there is none, they may have done it themselves.
        """
        return self.lost if code is None else self._sealed and code == -signal.SIGKILL

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
        self._births.pop(node, None)
        if node.pid is None:
            return _CREDENTIALS_UNKNOWN
        if self.lost:  # who would have told of its death is gone
            node.bury(None)
            return True
        if node.pid in self._nodes:
            return False
        death = self._early.pop(node.pid, None)  # stale, unless the process is gone
        if node.gone and death is not None:
            node.bury(*death)
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
        for pid, code, spent in DEATH.iter_unpack(self._deaths[:whole]):
            self._bury(pid, code, spent)
        self._deaths = self._deaths[whole:]

    def _bury(self, pid: int, code: int, spent: float) -> None:
        node = self._nodes.pop(pid, None)
        if node is None:
            self._early[pid] = code, spent  # its hello is still to be read, or it was a stranger
            while len(self._early) > 1000:
                del self._early[next(iter(self._early))]
            return
        node.bury(code, spent)
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
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for node in list(self._nodes.values()):
                if node.paused and node.restless:
                    self.drop(node)
            now, oldest = loop.time(), min(self._births.values(), default=math.inf)
            seen = {pid: self._strangers.get(pid, now) for pid in self._unknown()}
            for pid in seen.keys() & self._strangers.keys():
                if seen[pid] > oldest:
                    continue  # it may be that node, which has not come to say hello
                handle = Handle(pid)
                if pid in self._unknown():  # the handle is of the one that was seen
                    handle.kill()
            self._strangers = seen

    def _unknown(self) -> set[int]:
        return children(self.keeper) - self._nodes.keys() - self._trusted


_CREDENTIALS_UNKNOWN = not hasattr(socket, "SO_PASSCRED")
"""Whether a node without a pid is one to work with, as this system never tells."""


_OUT_OF_TIME = (End.OVERDUE, End.STARVED)
_ENDED_HERE = (*_OUT_OF_TIME, End.MALFORMED)


async def _until_paused(node: LiveNode) -> End | None:
    """Wait until a node that reported waits for orders, and sleeps; note how large it is.

    Return why it is not to be kept, if it is not.
    """
    now = asyncio.get_running_loop().time
    watch = Stopwatch(_GRACE_SECONDS, PATIENCE, now())
    present = node.call()
    while not present.done():
        await asyncio.wait([present], timeout=LOOK_SECONDS)
        if present.done():
            break
        if (end := watch.look(node.pid, now(), newborn=False, held_up=False)) is not None:
            return end
    if (end := present.result()) is not None or node.pid is None:
        return end
    pause = 0.001
    while (seen := vitals(node.pid)) is not None and not seen.sleeping:
        if (end := watch.look(node.pid, now(), newborn=False, held_up=False)) is not None:
            return end
        await asyncio.sleep(pause)
        pause = min(2 * pause, LOOK_SECONDS)
    if seen is not None:
        node.rest(seen.memory)
    return None


async def _exit_code(node: LiveNode) -> int | None:
    """Wait until a process that must end has; `None` where it does not, or nobody knows how.

    The keeper may be late with the word, so its silence means nothing while the process is gone.
    """
    if node.pid is None:
        return None
    now = asyncio.get_running_loop().time
    watch = Stopwatch(_GRACE_SECONDS, PATIENCE, now())
    while not node.died.done():
        await asyncio.wait([node.died], timeout=LOOK_SECONDS)
        if watch.look(node.pid, now(), newborn=False, held_up=False) is not None:
            break
    return node.exit_code
