"""The system calls that Python does not offer: thin, checked, and by their kernel's names.

Foreign calls hold the interpreter's lock (`PyDLL`), as a fork must not find another thread in it.
On other systems the module loads and `AVAILABLE` is false.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

AVAILABLE = sys.platform == "linux"
MACHINE = platform.machine()
X86_64, AARCH64 = "x86_64", "aarch64"

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_SET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS, PR_SET_THP_DISABLE = 38, 40, 41

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_CLONE_PARENT, _CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x8000, 0x200000, 0x1000000
_SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_NUMBERS = {  # system calls that libc does not wrap everywhere, by machine
    X86_64: {"clone": 56, "pivot_root": 155, "seccomp": 317},
    AARCH64: {"clone": 220, "pivot_root": 41, "seccomp": 277},
}
_SHARED_NUMBERS = {  # the same on every machine
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}

FORK_FLAGS = _CLONE_PARENT | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | _SIGCHLD
"""The one way to fork that the seccomp policy knows: the child is the caller's sibling."""

_libc = ctypes.PyDLL(None, use_errno=True)


class LayerError(Exception):
    """A layer of isolation that this machine does not offer; the message says which and why."""


def syscall(name: str, *arguments: object) -> int:
    """Call the kernel; raises OSError with the call's name."""
    known = {**_NUMBERS.get(MACHINE, {}), **_SHARED_NUMBERS}
    if not AVAILABLE or name not in known:
        raise LayerError(f"{name}: unknown on {sys.platform} {MACHINE}")
    return _checked(_libc.syscall(ctypes.c_long(known[name]), *map(_word, arguments)), name)


def prctl(option: int, value: int) -> int:
    """Set an attribute of this process."""
    words = (ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    return _checked(_libc.prctl(option, *words), f"prctl {option}")


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones."""
    _checked(_libc.unshare(flags), f"unshare {flags:#x}")


def mount(
    source: str | None, target: str, kind: str | None, flags: int, data: str | None = None
) -> None:
    """Mount; a bind mount's options need `make_read_only` afterwards."""
    text = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    _checked(
        _libc.mount(text[0], text[1], text[2], ctypes.c_ulong(flags), text[3]), f"mount {target}"
    )


def unmount(target: str) -> None:
    """Detach a mount, and whatever is mounted below it."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def make_read_only(target: str) -> None:
    """Take writing, devices and set-user-id from a mount and from all below it (Linux 5.12).

    Options that are set already stay set, which an unprivileged remount would have to repeat.
    """
    attributes = (ctypes.c_uint64 * 4)(
        _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV, 0, 0, 0
    )
    path = os.fsencode(target)
    syscall("mount_setattr", _AT_FDCWD, path, _AT_RECURSIVE, ctypes.byref(attributes), 32)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root directory of this mount namespace, and put the old one at `old`."""
    syscall("pivot_root", os.fsencode(new), os.fsencode(old))


def drop_capabilities() -> None:
    """Give up every capability, for good once no new privileges can be gained."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def die_with_parent(signal: int, *, parent: int) -> None:
    """Have the kernel send `signal` to this process when the thread that started it ends.

    `parent` is the parent's pid as this process sees it: 0 when it is outside the pid namespace.
    """
    if not AVAILABLE:
        return
    prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # it died before the call
        os.kill(os.getpid(), signal)


class Fork:
    """Forks the calling process into a sibling: a child of the caller's own parent.

    So every node is a child of the keeper, which alone reaps it and learns how it ended, and the
    death of a node orphans nobody. Python's hooks around a fork are left out: they mend what other
    threads have left, of which there are none, run what a program has registered, and write to so
    much memory that they cost more than the fork. What the call needs is made before the policy
    forbids it.
    """

    def __init__(self) -> None:
        """Find where libc keeps this thread's id, which the kernel then updates in the child."""
        self._tid = ctypes.c_void_p()
        if AVAILABLE:
            prctl(PR_GET_TID_ADDRESS, ctypes.addressof(self._tid))
            none, flags = ctypes.c_void_p(), ctypes.c_ulong(FORK_FLAGS)
            # Where the child's tid goes: the fourth argument, but on aarch64 the fifth.
            places = (none, none, self._tid) if MACHINE == X86_64 else (none, none, none, self._tid)
            self._arguments = (ctypes.c_long(_NUMBERS[MACHINE]["clone"]), flags, *places)

    def __call__(self) -> int:
        """Return 0 in the child, its pid in the caller. Raises OSError when it is refused."""
        if not AVAILABLE:
            return os.fork()
        return _checked(_libc.syscall(*self._arguments), "clone")


def _word(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int, call: str) -> int:
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
    return result
