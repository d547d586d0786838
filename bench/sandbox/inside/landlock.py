"""Landlock: from here on, only these files can be read, none written, no TCP, no host's signals.

It works without any privilege, which makes it the layer that counts where namespaces are refused.
What it does not cover: whether a path exists, and file metadata. Newer kernels can restrict more;
each restriction is asked for where the kernel's version of the interface has it.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from bench.sandbox.inside import linux

_VERSION_ONLY = 1
_RULE_PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""All rights that a version handles; what is handled and not granted is refused."""
_ALL_FILE_RIGHTS = (1 << 16) - 1
_TCP_BIND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def version() -> int:
    """Return the kernel's version of the interface, 0 where there is none."""
    try:
        return linux.syscall("landlock_create_ruleset", None, 0, _VERSION_ONLY)
    except (OSError, linux.LayerError):
        return 0


def restrict(files: Iterable[str], listings: Iterable[str]) -> int:
    """Restrict this process for ever; return the version of the interface.

    Args:
        files: what may be read and listed, with everything below it.
        listings: directories that may be listed, with those below; their files stay unreadable.

    Raises LayerError where the kernel has no Landlock.
    """
    abi = version()
    if abi < 1:
        raise linux.LayerError("landlock: not offered by this kernel")
    attributes = struct.pack(
        "=QQQ",
        _FILE_RIGHTS.get(abi, _ALL_FILE_RIGHTS),
        _TCP_BIND_CONNECT,
        _ABSTRACT_SOCKETS_AND_SIGNALS,
    )
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = linux.syscall("landlock_create_ruleset", attributes, size, 0)
    try:
        for path in files:
            _grant(ruleset, path, READ_FILE | READ_DIR)
        for path in listings:
            _grant(ruleset, path, READ_DIR)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        linux.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _grant(ruleset: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd))
        linux.syscall("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)
