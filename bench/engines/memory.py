"""Memory: what is free, what an engine is asked for at most, and which errors say that it ran out.

The program itself is meant here; what models' programs may take is the sandbox's business.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DeadEngineError

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
BLOCK = 32
"""Tokens of one block of a KV cache; what is left of a sequence's last one is its own."""
PROMPT_TOKENS = 768
"""What a prompt is reckoned at where it is not known yet; those of a search grow with its steps."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a run asks of an engine at most."""

    requests: int
    """At a time: one for each problem that is searched."""
    candidates: int
    """Of one request."""
    new_tokens: int
    """Of one candidate."""

    def count_blocks(self, prompt_tokens: int = PROMPT_TOKENS) -> int:
        """Return the blocks of cache that one request takes."""
        return count_blocks(prompt_tokens, self.candidates, self.new_tokens)


def count_blocks(prompt_tokens: int, candidates: int, new_tokens: int) -> int:
    """Return the blocks of cache that a request takes when every candidate goes on to its limit.

    Candidates share the full blocks of their prompt, and nothing else.
    """
    shared, rest = divmod(prompt_tokens, BLOCK)
    return shared + candidates * -(-(rest + new_tokens) // BLOCK)


def read_free() -> int | None:
    """Return the bytes that may still be taken without driving others out; None: nobody says.

    The smaller of what the machine has and what the control group of this process is left.
    """
    found = [free for free in (_free_of_machine(), _free_of_group()) if free is not None]
    return min(found, default=None)


def _free_of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


def _free_of_group() -> int | None:
    """Return what a limit of a container leaves; pages that only cache a file are as good as free.

    A container's own group is the root of what it sees.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        limit = int((CGROUP / "memory.max").read_text())  # "max" where there is none
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
        return max(0, limit - used + cached)
    return None


_SIGNS = (
    "bad_alloc",
    "bad allocation",
    "not enough memory",
    "out of memory",
    "larger than available memory",
    "cannot allocate memory",
    "can't allocate memory",
)
"""How the libraries below us say that memory ran out: C++, torch, CUDA, OpenVINO, the C library."""


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there was no memory."""
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return any(sign in said for sign in _SIGNS)


def report_death(what: str, error: BaseException) -> DeadEngineError:
    """Return the error to end a run with, once an engine or a scorer is gone."""
    free = read_free()
    left = f", {in_gib(free)} are free" if free is not None else ""
    why = f"ran out of memory ({_said(error)}{left})" if ran_out(error) else f"died: {_said(error)}"
    return DeadEngineError(
        f"{what} {why}. What is recorded is kept; repeat the command to go on"
        + (", with a smaller --concurrency, or fewer candidates" if ran_out(error) else "")
    )


def _said(error: BaseException) -> str:
    """Return an error's first line, with its kind where that says more."""
    first = str(error).strip().split("\n", 1)[0]
    return first if isinstance(error, MemoryError) and first else f"{type(error).__name__}: {first}"


def in_gib(size: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / (1 << 30):.1f} GiB"


def give_back() -> None:
    """Collect what is not in use any more, and return it to the machine."""
    gc.collect()
    return_freed()


def return_freed() -> None:
    """Return to the machine what was freed: the C library keeps it for itself, in pieces."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def unmap_pages(file: Path) -> None:
    """Let go of a file's pages that were only read once; whoever reads one again finds it there.

    What a mapping has read counts as this process's until somebody else needs the memory.
    """
    with contextlib.suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None, use_errno=True).madvise
        for line in Path("/proc/self/maps").read_text().splitlines():
            fields = line.split(maxsplit=5)
            if fields[5:] == [str(file.resolve())] and "w" not in fields[1]:
                start, end = (int(each, 16) for each in fields[0].split("-"))
                advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def keep_for_ever(thing: object) -> None:
    """Never free an object: one whose destructor would end the process, say."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
