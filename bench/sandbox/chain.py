"""A chain of programs from the root to one node, and what follows from it alone.

The key of a chain names the state that its programs leave: equal chains, equal keys, whatever
search, problem or sandbox they come from. Chance is seeded with it, so a node that is made again is
the node that was.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from bench.sandbox.execution import Execution, Status
from bench.sandbox.wire import Program

MAX_BYTES = 1 << 20
"""Bytes of program text, ancestors included: models write hundreds, not millions."""
_HEAVY = re.compile(r"\b(?:scipy|lambdify)\b")
"""Programs that import scipy, which sympy's lambdify does by itself."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The programs of a lineage, and the key after each."""

    programs: tuple[Program, ...]
    keys: tuple[bytes, ...]
    heavy: bool
    """Whether scipy is named; a zygote that has it is then the root."""

    @classmethod
    def of(cls, codes: tuple[str, ...]) -> Self:
        """Compute the keys. Raises UnicodeEncodeError when a program is not text."""
        programs, keys, key = [], [], b""
        for code in codes:
            key = hashlib.sha256(key + hashlib.sha256(code.encode()).digest()).digest()
            keys.append(key)
            programs.append(Program(int.from_bytes(key[:8]), code))
        heavy = any(_HEAVY.search(code) for code in codes)
        if heavy:  # elsewhere, so not the same nodes; the seeds are the same
            keys = [b"heavy" + key for key in keys]
        return cls(tuple(programs), tuple(keys), heavy)

    @property
    def key(self) -> bytes:
        """That of the whole chain."""
        return self.keys[-1] if self.keys else b""

    @property
    def parent(self) -> Chain:
        """The chain without its last program; a node of the same zygote."""
        return Chain(self.programs[:-1], self.keys[:-1], self.heavy)


def explain_refusal(code: str, parent: Execution | None) -> str:
    """Why a program is not even started; empty when it may."""
    if parent is not None and parent.status is Status.REFUSED:
        return parent.error  # why the first of a chain was not run, not one more layer of it
    if parent is not None and not parent.ok:
        return f"an ancestor ended with {parent.status}: {parent.error}"
    codes = (code,) if parent is None else (*parent.chain, code)
    try:
        size = sum(len(each.encode()) for each in codes)
    except UnicodeEncodeError as e:
        return f"not UTF-8 text: {e.reason}"
    return f"{size} bytes of program; at most {MAX_BYTES}" if size > MAX_BYTES else ""
