"""Runs untrusted Python, a live interpreter per node of a tree: `await s.run(code, parent=n)`.

A node is a process forked from its parent's, which is paused after its own program: a child starts
with all its ancestors left, and pays for its own program only. Nodes least used are ended and made
again when needed, with the same result: hashing, `random`, `numpy.random`, sympy and `os.urandom`
are functions of the chain of programs. What a program can do anyway to give another result, such as
ask the clock, is listed in bench/README.md, with all that is promised.

Whatever a program does becomes a `Status`; `SandboxError` means that the sandbox itself could not
work, as on a machine that leaves a program no time, or ends it for want of memory: it is run again,
and given up in the end, but never called too slow, or wrong (`bench.sandbox.deadlines`). How
strongly programs are enclosed is the `level`, found by attacking it (`bench.sandbox.levels`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from bench.errors import SandboxError
from bench.knobs import Positive, Range, Workers
from bench.machine import Event, count
from bench.sandbox.canaries import CanaryResult
from bench.sandbox.chain import Chain, explain_refusal
from bench.sandbox.deadlines import PATIENCE, name_clock
from bench.sandbox.decoding import Reply, decode
from bench.sandbox.enclosure import Enclosure, Limits, enclose
from bench.sandbox.execution import Execution, Status
from bench.sandbox.family import SandboxFamily
from bench.sandbox.groups import plan_group
from bench.sandbox.inside.preload import HEAVY_PRELOAD, PRELOAD
from bench.sandbox.levels import Level, read_level
from bench.sandbox.live import LiveNodes
from bench.sandbox.nodes import LiveNode
from bench.sandbox.shared import Shared

_REPEATABLE = (Status.OK, Status.ERROR, Status.OUTPUT_LIMIT)
_REPLAY_SLACK = 2.0
"""A replayed program may take this many times its budget: it kept it when it ran first."""
_INTERPRETERS = 512
"""MiB for two warm interpreters, and what they read of files."""
_ATTEMPTS = 3
"""How often a program is started that the machine gives no time, each with twice the patience, or
that is killed."""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """What a program may use, and how many run and live at once."""

    timeout: Positive = 5.0
    """Seconds of CPU for one program, and of sleep; replaying its ancestors has its own."""
    memory: Annotated[int, Range(16, sane=1 << 20)] = 1024
    """MiB of address space beyond the warm interpreter's."""
    output: int = 65536
    """Bytes that a program may print."""
    workers: Workers = 2
    """Programs that run at the same time."""
    cache: int = 1024
    """Results kept for programs asked again with the same ancestors; 0 keeps none."""
    live: int = 256
    """Nodes kept alive; 0 replays the ancestors each time."""
    live_memory: int = 2048
    """MiB that they may hold together, what they share counted once."""
    level: Level | None = field(default_factory=read_level)
    """The level of isolation to use; `None` is the strongest there is, down to `levels.FLOOR`."""


class Sandbox:
    """Zygotes and their trees of nodes. Enter it, and run programs, in one event loop."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        """Nothing starts before the sandbox is entered. Raises SandboxError for a bad setting."""
        self.config = config or SandboxConfig()
        if self.config.workers < 1:
            raise SandboxError(f"workers={self.config.workers}; a sandbox needs at least 1")
        if not self.config.timeout > 0:
            raise SandboxError(f"timeout={self.config.timeout}; a program needs some time")
        self._enclosure: Enclosure | None = None
        self._families: dict[bool, SandboxFamily] = {}
        self._starting: Shared[SandboxFamily] = Shared()
        self._running: Shared[Execution] = Shared()
        self._reviving: Shared[LiveNode | None] = Shared()
        self._slots = asyncio.Semaphore(self.config.workers)
        self._seen: OrderedDict[bytes, Execution] = OrderedDict()
        self._bound: OrderedDict[bytes, None] = OrderedDict()
        self.live = LiveNodes(
            nodes=self.config.live, memory=self.config.live_memory << 20, drop=self._drop
        )
        self.replays = 0
        """Chains that were run again because their node was gone."""

    async def __aenter__(self) -> Self:
        """Start a warm interpreter and attack it: one or two seconds. Raises SandboxError."""
        config = self.config
        bounds = Limits(
            memory=config.memory << 20,
            output=config.output,
            timeout=config.timeout,
            processes=config.live + config.workers,
            group=plan_group(self._most_memory() << 20),
        )
        self._enclosure, family = await enclose(config.level, PRELOAD, bounds)
        self._families[False] = family
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every interpreter and whatever still runs in it."""
        self._enclosure = None
        families = list(self._families.values())
        self._families.clear()
        self.live.clear()
        await asyncio.gather(*(family.stop() for family in families))

    def _most_memory(self) -> int:
        """MiB that are never needed, so that who needs more has escaped what is counted."""
        config = self.config
        # A node that forks is kept though it is over the limit, and its fork runs beside it.
        return config.live_memory + 2 * config.workers * config.memory + _INTERPRETERS

    @property
    def level(self) -> Level:
        """The isolation that programs run under; stored with every run."""
        return self._get_enclosure().level

    @property
    def findings(self) -> tuple[CanaryResult, ...]:
        """What the canary attacks achieved when the sandbox was entered."""
        return self._get_enclosure().findings

    @property
    def about(self) -> Mapping[str, object]:
        """What a run's header says of its sandbox."""
        blocked = sum(finding.blocked for finding in self.findings)
        return {
            "level": str(self.level),
            "canaries_blocked": blocked,
            "canaries": len(self.findings),
            "landlock": self._get_enclosure().landlock,
            "deadlines": name_clock(),
        }

    @property
    def families(self) -> tuple[SandboxFamily, ...]:
        """The zygotes that run, for who measures them."""
        return tuple(self._families.values())

    async def run(
        self, code: str, *, parent: Execution | None = None, leaf: bool = False
    ) -> Execution:
        """Run a program as the continuation of `parent`; never raises for what the program does.

        A `leaf` is not continued: its process ends with it. It may be continued all the same,
        which costs a replay.
        """
        self._get_enclosure()  # raises while the sandbox is closed
        if reason := explain_refusal(code, parent):
            return Execution(Status.REFUSED, "", reason, 0.0, code, parent)
        chain = Chain.of((code,) if parent is None else (*parent.chain, code))
        seen = self._seen.get(chain.key)
        if seen is None:
            seen = await self._running.once(chain.key, lambda: self._run(chain, parent, leaf))
        else:
            self._seen.move_to_end(chain.key)
        return replace(seen, parent=parent)

    async def _run(self, chain: Chain, parent: Execution | None, leaf: bool) -> Execution:
        """Run the last program of a chain on the node of the others."""
        async with self._slots:
            base = await self._node(chain.parent)
            reply, node = await self._execute(
                chain, base, keep=not leaf and self.config.live > 0, replay=False
            )
        execution = decode(
            reply, code=chain.programs[-1].code, parent=parent, timeout=self.config.timeout
        )
        if node is not None:
            self._settle(chain.key, reply, node, ok=execution.ok)
        if execution.status in _REPEATABLE and self.config.cache > 0:
            self._seen[chain.key] = replace(execution, parent=None)
            if len(self._seen) > self.config.cache:
                self._seen.popitem(last=False)
        return execution

    async def _node(self, chain: Chain) -> LiveNode | None:
        """Return the living node of a chain, made again if need be; `None` where there is none.

        That is so for the root, and for nodes that may not be kept.
        """
        if not chain.programs or not self.config.live or chain.key in self._bound:
            return None
        if (node := self.live.get(chain.key)) is not None:
            return node
        return await self._reviving.once(chain.key, lambda: self._revive(chain))

    async def _revive(self, chain: Chain) -> LiveNode | None:
        """Run a chain again, in the slot of who asked first, and keep its node."""
        reply, node = await self._execute(chain, None, keep=True, replay=True)
        return None if node is None else self._settle(chain.key, reply, node, ok=reply.ok)

    async def _execute(
        self, chain: Chain, base: LiveNode | None, *, keep: bool, replay: bool
    ) -> tuple[Reply, LiveNode | None]:
        """Run what is missing of a chain in one new process, forked where the least is missing."""
        family = await self._family(chain.heavy)
        attempt = 1
        while True:
            done = len(chain.programs) - 1
            # From here to the order nothing is awaited: the base cannot be evicted in between.
            if base is None or not base.alive:
                base, done = self._nearest(chain, family)
            missing = chain.programs[done:]
            replayed = len(missing) - (not replay)
            self.replays += replayed > 0
            seconds = self.config.timeout * (_REPLAY_SLACK * replayed + (not replay))
            patience = PATIENCE * 2 ** (attempt - 1)
            reply, node = await family.execute(
                base, missing, keep=keep, seconds=seconds, patience=patience
            )
            if reply.killed and self._enclosure is not None:
                count(Event.PROGRAM_KILLED)
                if attempt == _ATTEMPTS:
                    raise SandboxError(self._explain_kills())
                attempt, base = attempt + 1, None
                self.live.shed()
                family = await self._family(chain.heavy)
                continue
            if reply.starved and attempt < _ATTEMPTS:
                count(Event.PROGRAM_AGAIN)
                attempt, base = attempt + 1, None
                continue
            if reply.starved:
                count(Event.PROGRAM_LOST)
                raise SandboxError(
                    f"the machine is too busy: a program was started {_ATTEMPTS} times, and could "
                    f"not have {seconds:g} s for itself in {patience * seconds:.0f} s. Let less "
                    "run beside it; what failed for this is tried again when the run is resumed"
                )
            if reply.overdue:
                count(Event.STOPPED)
            if reply.born or family.lost:
                return reply, node
            if base is family.root:
                raise SandboxError(
                    "the system would not start another process for a program; lower the number of "
                    "live nodes or workers, or raise the limit on this user's processes"
                )
            self._drop(base)  # it died, or is not what it was: an older ancestor will do

    def _explain_kills(self) -> str:
        config = self.config
        return (
            f"a program was started {_ATTEMPTS} times, and each time it, or the interpreter that "
            "it was forked from, was killed from outside, as the kernel does when memory runs out. "
            f"Let less run beside it, or allow less: {config.memory} MiB for a program, "
            f"{config.workers} at once, {config.live_memory} MiB for those that are kept"
        )

    def _nearest(self, chain: Chain, family: SandboxFamily) -> tuple[LiveNode, int]:
        """Return the nearest living ancestor of a chain, and how many programs it has run."""
        for done in range(len(chain.programs) - 1, 0, -1):
            if (node := self.live.get(chain.keys[done - 1])) is not None:
                return node, done
        return family.root, 0

    def _settle(self, key: bytes, reply: Reply, node: LiveNode, *, ok: bool) -> LiveNode | None:
        """Keep a node that can be continued; end the others."""
        if ok and not reply.bound:
            self.live.put(key, node)
            return node if node.alive else None
        if ok:  # it holds open files: its children run its programs themselves
            self._bound[key] = None
            if len(self._bound) > 4096:
                self._bound.popitem(last=False)
        self._drop(node)
        return None

    def _drop(self, node: LiveNode) -> None:
        for family in self._families.values():
            family.gate.forget(node.pid or 0)
        node.drop()

    def _get_enclosure(self) -> Enclosure:
        if self._enclosure is None:
            raise SandboxError("the sandbox is not open; use it as `async with Sandbox() as s:`")
        return self._enclosure

    async def _family(self, heavy: bool) -> SandboxFamily:
        """Return the zygote of a kind; start it, or another in place of one that was lost."""
        family = self._families.get(heavy)
        if family is not None and not family.lost:
            return family
        return await self._starting.once(b"heavy" if heavy else b"", lambda: self._start(heavy))

    async def _start(self, heavy: bool) -> SandboxFamily:
        lost = self._families.pop(heavy, None)
        if lost is not None:
            await lost.stop()
        family = await self._get_enclosure().another(HEAVY_PRELOAD if heavy else PRELOAD)
        if self._enclosure is None:  # closed in the meantime
            await family.stop()
            raise SandboxError("the sandbox was closed while a program was waiting")
        self._families[heavy] = family
        return family
