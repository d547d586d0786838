"""Ray: a cluster joined or started, actors placed in it, and what they solve brought here.

The only module that knows Ray. It joins and leaves a cluster within one run, and leaves nothing
behind: actors end with the process that started them, even by kill -9, and so does a cluster that
was started here.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from bench.cluster.actor import Actor, Ready, Refused, Surroundings
from bench.cluster.crew import Crew, LostWorkerError
from bench.cluster.placing import Node, Placement, place_actors
from bench.cluster.settings import LOCAL, ClusterSettings
from bench.console import skip_end_of_interpreter
from bench.errors import BenchError, ClusterError, MissingExtraError
from bench.evaluation.filling import fill_run
from bench.evaluation.harness import Harness
from bench.evaluation.runner import OnDone, Solved, Solver
from bench.evaluation.spec import RunSpec, resolve
from bench.evaluation.work import Solving, SpecWork, Work
from bench.runs.reader import Run
from bench.sandbox import Level
from bench.search import Trace
from bench.types import Problem

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
_PLACE_SECONDS = 1
"""Of one wait for a placement group; a run that ends meanwhile waits for its end."""
_MISSED = 3
"""Times in a row that the head does not answer before it is taken for gone."""
_SETTINGS = b"\x04"
"""Type of the frame that any server of HTTP/2, as Ray's head is one, sends first."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + bytes(5)
"""What a client of HTTP/2 begins with: its preface, and settings that change none."""
_REASON = 160
"""Characters of a reason that are told."""
STOP_SECONDS = 20.0
"""An actor that takes longer to stop its parts is killed."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Variables that keep Ray from sending statistics and from writing on the command's terminal."""


async def run_on_cluster(
    spec: RunSpec,
    out: Path,
    settings: ClusterSettings,
    *,
    concurrency: int | None = None,
    level: Level | None = None,
    base_url: str | None = None,
    ppm_url: str | None = None,
    on_start: Callable[[int, int], None] | None = None,
    on_done: OnDone | None = None,
) -> Run:
    """Fill the run directory `out`, as `Harness.run` does, by the actors of a cluster.

    `concurrency` is how many problems each actor has at a time. Raises BenchError.
    """
    resolved = resolve(spec)
    work = SpecWork.of(resolved, concurrency)
    harness = functools.partial(Harness, level=level, base_url=base_url, ppm_url=ppm_url)
    solve = solve_on(settings, harness)
    return await fill_run(resolved, out, lambda: solve(work), on_start=on_start, on_done=on_done)


def solve_on(settings: ClusterSettings, make_harness: Callable[[], Harness] = Harness) -> Solving:
    """Return what starts a work in the actors of a cluster, and stops them at the end."""

    @asynccontextmanager
    async def solve(work: Work) -> AsyncIterator[Solver]:
        with _joined(settings) as ray:
            placement = place_actors(_list_nodes(ray), settings)
            head = _Head(ray.get_runtime_context().gcs_address)
            office = _Office(ray, settings, placement, work, make_harness, head)
            places = len(placement.nodes)
            async with Crew(work, office.hire, places, tries=settings.actor_tries) as crew:
                log.info("%d actors of %s", places, placement.share)
                about = {
                    "version": ray.__version__,
                    "actors": places,
                    "nodes": len(set(placement.nodes)),
                    "actor_cpus": placement.share.cpus,
                    "actor_gpus": placement.share.gpus,
                }
                watching = asyncio.create_task(head.watch(crew))
                try:
                    yield Solver(crew.solve, {**office.notes, "ray": about}, crew.slots)
                finally:
                    watching.cancel()

    return solve


@contextmanager
def _joined(settings: ClusterSettings) -> Iterator[Any]:
    """Join a cluster, or start one here; leave it at the end. Raises BenchError."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("--ray", "ray", "ray") from error
    _check_address(settings.address)
    options: dict[str, Any] = {"include_dashboard": False} if settings.address == LOCAL else {}
    if not settings.ray_logs:
        # What nodes publish as errors, with the last of their logs, a thread prints that no option
        # stops. Of a lost node its actors tell.
        ray._private.worker.print_to_stdstream = _drop
    with _own_signals():
        try:
            ray.init(
                address=settings.address,
                log_to_driver=settings.ray_logs,
                logging_level=logging.INFO if settings.ray_logs else logging.CRITICAL,
                **options,
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise ClusterError(
                f"cannot join the Ray cluster {settings.address!r}: {_first_line(error)}. Start "
                "one with `ray start --head`, give its address (--ray HOST:PORT), or leave the "
                "address out to start one on this machine"
            ) from error
    head = ray.get_runtime_context().gcs_address
    try:
        yield ray
    finally:
        if _answers(head):
            with _own_signals():
                ray.shutdown()
        else:
            # It would wait for the head, then end the process by force. Without it Ray's threads
            # crash when the interpreter ends.
            atexit.unregister(ray.shutdown)
            skip_end_of_interpreter()


def _check_address(address: str) -> None:
    """Raise ClusterError where nobody answers: Ray itself would try for minutes."""
    if address in (LOCAL, "auto"):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not host or not port.isdigit():
        raise ClusterError(
            f"{address!r} is no address of a Ray cluster; give HOST:PORT as `ray start --head` "
            "prints it, `auto` on a node of the cluster, or none to start one on this machine"
        )
    advice = "Start one with `ray start --head`, or give the address that it printed"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as opened:
            opened.sendall(_GREETING)
            answer = opened.recv(9)
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster answers at {address}: {error}. {advice}") from error
    if answer[3:4] != _SETTINGS and not os.environ.get("RAY_USE_TLS"):
        raise ClusterError(f"what answers at {address} is no Ray cluster. {advice}")


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what SIGTERM and SIGINT do here: Ray puts handlers of its own in their place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _list_nodes(ray: Any) -> list[Node]:
    found = [
        Node(
            each["NodeID"],
            int(each["Resources"].get("CPU", 0)),
            int(each["Resources"].get("GPU", 0)),
        )
        for each in ray.nodes()
        if each["Alive"]
    ]
    return sorted(found, key=lambda node: node.id)


@dataclass(slots=True)
class _Head:
    """The cluster's head, without which nothing can be placed, ended or told."""

    address: str

    async def answers(self) -> bool:
        """Whether it does; asked before Ray is, which holds everything up until it does."""
        return await asyncio.to_thread(_answers, self.address)

    async def watch(self, crew: Crew) -> None:
        """End the crew where the head is gone: Ray would end the process a minute later."""
        missed = 0
        while missed < _MISSED:
            await asyncio.sleep(CONNECT_SECONDS)
            missed = 0 if await self.answers() else missed + 1
        await crew.end(ClusterError(self._tell_gone()))

    async def require(self) -> None:
        """Raise BenchError where it is gone: no place of the cluster can be filled then."""
        for missed in range(_MISSED):
            if await self.answers():
                return
            if missed + 1 < _MISSED:
                await asyncio.sleep(CONNECT_SECONDS)
        raise BenchError(self._tell_gone())

    def _tell_gone(self) -> str:
        return (
            f"the head of the Ray cluster at {self.address} is gone. What was stored is intact: "
            "start the cluster anew, and repeat the command to go on"
        )


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


@dataclass(slots=True)
class _Office:
    """Starts actors, each in a placement group of its own."""

    ray: Any
    settings: ClusterSettings
    placement: Placement
    work: Work
    make_harness: Callable[[], Harness]
    head: _Head
    notes: dict[str, Any] = field(default_factory=dict)
    """What the first actor that was ready says of its parts."""

    async def hire(self, place: int) -> RayWorker:
        """Start an actor for a place, on its node where that has room: a crew's `Hire`."""
        ray, share = self.ray, self.placement.share
        from ray.util.placement_group import placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        await self.head.require()
        # The group may go elsewhere than to the node that was meant: that may be gone.
        group = placement_group(
            [{"CPU": share.cpus} | ({"GPU": share.gpus} if share.gpus else {})],
            strategy="STRICT_PACK",
            _soft_target_node_id=self._living(self.placement.nodes[place]),
        )
        seconds = self.settings.actor_seconds
        try:
            is_placed = await _wait_for_place(group, seconds)
        except Exception as error:  # of Ray's, and of no kind of its own
            raise ClusterError(f"the cluster went away: {_tell_reason(error)}") from error
        if not is_placed:
            ray.util.remove_placement_group(group)
            raise ClusterError(
                f"the cluster found no room for an actor of {share} within {seconds:g} s: others "
                "use it, or a node is gone. Ask for fewer or smaller actors (--actors, "
                "--actor-cpus, --actor-gpus), or wait"
            )
        options = {
            "num_cpus": share.cpus,
            "num_gpus": share.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "enable_task_events": False,  # a million of them would fill the head node
            "scheduling_strategy": PlacementGroupSchedulingStrategy(group, 0),
        }
        handle = (
            ray.remote(Actor)
            .options(**options)
            .remote(self.work, self.make_harness, Surroundings())
        )
        worker = RayWorker(ray, handle, group, self.head, f"actor {place + 1}")
        try:
            ready = await worker.call("start")
        except LostWorkerError:
            await worker.stop()
            raise
        assert isinstance(ready, Ready)
        worker.slots = ready.slots
        self.notes = self.notes or dict(ready.notes)
        return worker

    def _living(self, node: str) -> str | None:
        return node if any(each.id == node for each in _list_nodes(self.ray)) else None


@dataclass(slots=True, eq=False)
class RayWorker:
    """An actor, as a crew's worker."""

    ray: Any
    handle: Any
    group: Any
    head: _Head
    name: str
    slots: int = 0

    async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
        """Have the actor solve a problem. Raises LostWorkerError, BenchError."""
        solved = await self.call("solve", problem, begun)
        assert isinstance(solved, Solved)
        return solved

    async def call(self, method: str, *arguments: object) -> Ready | Solved:
        """Call a method of the actor. Raises LostWorkerError, BenchError."""
        errors = self.ray.exceptions
        try:
            answer = await getattr(self.handle, method).remote(*arguments)
        except errors.RayTaskError:
            raise  # a fault of ours, with the traceback that it had there
        except errors.RayError as error:
            raise LostWorkerError(_tell_reason(error)) from error
        if isinstance(answer, Refused):
            if answer.is_dead:
                raise LostWorkerError(answer.message)
            raise BenchError(f"{self.name}: {answer.message}")
        found: Ready | Solved = answer
        return found

    async def stop(self) -> None:
        """End the actor and free its place, whether it still lives or not."""
        if not await self.head.answers():
            return  # its actors end by themselves, and Ray would wait for the head
        with suppress(TimeoutError, self.ray.exceptions.RayError):
            await asyncio.wait_for(self._ask_to_stop(), STOP_SECONDS)
        with suppress(Exception):  # it is gone, or its node is
            self.ray.kill(self.handle)
            self.ray.util.remove_placement_group(self.group)

    async def _ask_to_stop(self) -> None:
        await self.handle.stop.remote()


async def _wait_for_place(group: Any, seconds: float) -> bool:
    """Wait for the room of a placement group; return whether it was found in time."""
    deadline = time.monotonic() + seconds
    while True:
        waiting = asyncio.ensure_future(asyncio.to_thread(group.wait, _PLACE_SECONDS))
        try:
            is_placed = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # A thread that still waits when Ray is left never ends, nor does the program then.
            await asyncio.wait([waiting])
            raise
        if is_placed or time.monotonic() > deadline:
            return bool(is_placed)


def _drop(*arguments: object, **named: object) -> None:
    """Take what was to be printed."""


def _tell_reason(error: BaseException) -> str:
    """Return the line of a Ray error that says why: its first says that something was lost."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("The ") or "Error:" in line]
    # Ray goes on with advice; who wants it has its logs.
    return shorten((telling or lines or [type(error).__name__])[-1], _REASON, placeholder=" ...")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
