"""What the supervisor fixes for the life of a keeper and its zygote."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Exposed:
    """The files that programs may read; everything else is hidden by namespaces or Landlock."""

    libraries: tuple[str, ...]
    """Directories with shared libraries and the standard library; links are kept as links."""
    hidden: tuple[str, ...]
    """Directories below those that must not show: installed packages, this project among them."""
    packages: tuple[str, ...]
    """The packages that programs may import, which may lie below a hidden directory."""
    search: tuple[str, ...]
    """Where those packages are installed: what `sys.path` gets."""


@dataclass(frozen=True)
class Settings:
    """What the supervisor tells the keeper and the zygote."""

    supervisor: int
    """Its pid."""
    user: int
    """The uid that programs get where root starts them; of no other sandbox, as the kernel counts
    processes by user."""
    directory: str
    """Empty; mount point of the programs' root, or else their working directory. The keeper
    removes it."""
    namespaces: bool
    landlock: bool
    seccomp: bool
    exposed: Exposed
    preload: str
    """The program that warms the zygote up."""
    memory: int
    """Bytes of address space that a program may add to the zygote's own."""
    output: int
    """Bytes that a program may print."""
    processes: int
    """How many may live at once, for users that nobody else shares."""
    group: str
    """Control group that caps the memory of all programs together; empty where there is none."""

    def pack(self) -> bytes:
        """Return what `unpack` reads."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Settings:
        """Return what was packed; by the supervisor, so JSON is as good as anything."""
        fields = json.loads(data)
        lists = {name: tuple(paths) for name, paths in fields.pop("exposed").items()}
        return cls(exposed=Exposed(**lists), **fields)
