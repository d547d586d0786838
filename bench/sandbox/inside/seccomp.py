"""Which system calls a node may make: a list, and a filter for the kernel made from it.

Two filters are installed, and the stricter verdict counts. The policy allows what a computation
needs and nothing that reaches another process, a network, or a file for writing. The gate hands
every fork that the policy lets pass to the supervisor, who lets it happen only if he ordered it.
Numbers are of x86-64 and aarch64; another machine has no seccomp layer. libseccomp would bring a
shared library that is not everywhere, for a list that fits on a page.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct

from bench.sandbox.inside import linux

ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # Memory and files that are open already.
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "close_range": (436, 436),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "readv": (19, 65),
    "writev": (20, 66),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "brk": (12, 214),
    # Looking at the file system, which the other layers have made small.
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    # Orders and reports.
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "sendto": (44, 206),
    # Waiting and time.
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "sched_yield": (24, 124),
    # The process itself.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getgroups": (115, 158),
    "getpgrp": (111, None),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "getcpu": (309, 168),
    "sched_getaffinity": (204, 123),
    "uname": (63, 160),
    "getrandom": (318, 278),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "wait4": (61, 260),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""Allowed whatever their arguments: numbers on x86-64 and on aarch64, None where there is none."""

CHECKED: dict[str, tuple[int, int]] = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "openat": (257, 56),
    "mmap": (9, 222),
    "madvise": (28, 233),
    "futex": (202, 98),
    "fcntl": (72, 25),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
}
"""Allowed for some arguments only; see `policy`."""

NAMELESS: dict[str, tuple[int, int]] = {
    "getpid": (39, 172),
    "gettid": (186, 178),
}
"""Answered with 0: a pid counts the forks of strangers, and differs from run to run."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | 0o20000000  # TMPFILE
_SHARED_ANONYMOUS = 0x21
_FUTEX_PRIVATE = 128
_FCNTL_COMMANDS = (0, 1, 2, 3, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. Never F_SETOWN: signals; never F_SETFL:
whoever shares the open file would see it."""
_ADVICE = (0, 1, 2, 3, 4, 8, 14, 15)
"""NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, FREE, HUGEPAGE, NOHUGEPAGE. Never what reaches
pages that others share: PAGEOUT, REMOVE, MERGEABLE, HWPOISON."""

_AUDIT_ARCH = {linux.X86_64: 0xC000003E, linux.AARCH64: 0xC00000B7}
_X32_BIT = 0x40000000
_ALLOW, _KILL, _NOTIFY, _ERROR = 0x7FFF0000, 0x80000000, 0x7FC00000, 0x00050000
_LOAD, _AND, _JUMP_IF, _JUMP_IF_ANY, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32

_INSTRUCTION = struct.Struct("=HBBI")
Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""


def policy(machine: str) -> list[Instruction]:
    """Return the filter that allows the list above, checks arguments, and refuses the rest."""
    column = (linux.X86_64, linux.AARCH64).index(machine)
    program = _preamble(machine)
    for name, rule in _RULES.items():
        program += [(_JUMP_IF, 0, len(rule), CHECKED[name][column]), *rule]
    for numbers in ALLOWED.values():
        number = numbers[column]
        if number is not None:
            program += [(_JUMP_IF, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for numbers in NAMELESS.values():
        program += [(_JUMP_IF, 0, 1, numbers[column]), _refusal(0)]
    return [*program, _refusal(errno.EPERM)]


def gate(machine: str) -> list[Instruction]:
    """Return the filter that asks the supervisor about every fork."""
    number = CHECKED["clone"][(linux.X86_64, linux.AARCH64).index(machine)]
    question = [(_JUMP_IF, 0, 1, number), (_RETURN, 0, 0, _NOTIFY), (_RETURN, 0, 0, _ALLOW)]
    return [*_preamble(machine), *question]


def install_gate() -> int:
    """Install the gate; return the descriptor on which the supervisor is asked."""
    program = _packed(gate(_machine()))
    try:  # A signal must not interrupt the question: the fork would fail. Linux 5.19.
        return _install(program, _NEW_LISTENER | _WAIT_KILLABLE)
    except OSError as e:
        if e.errno != errno.EINVAL:
            raise
        return _install(program, _NEW_LISTENER)


def packed_policy() -> bytes:
    """Return this machine's policy as the kernel reads it. Raises LayerError if there is none."""
    return _packed(policy(_machine()))


def install_policy(packed: bytes) -> None:
    """Install the policy, for this process and all that it forks, for ever."""
    _install(packed, 0)


def _packed(program: list[Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


def _install(packed: bytes, flags: int) -> int:
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    header = struct.pack("@HP", len(packed) // _INSTRUCTION.size, ctypes.addressof(buffer))
    return linux.syscall("seccomp", _SET_MODE_FILTER, flags, header)


def _machine() -> str:
    if not linux.AVAILABLE or linux.MACHINE not in _AUDIT_ARCH:
        raise linux.LayerError(f"seccomp: no table of system calls for {linux.MACHINE}")
    return linux.MACHINE


def _preamble(machine: str) -> list[Instruction]:
    """Kill who calls by another machine's numbers, x32's included; then load the number."""
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL),
    ]


def _refusal(error: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | error)


def _low(argument: int) -> Instruction:
    """Load the low half of an argument; both machines are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)


def _high(argument: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument + 4)


def _exactly(argument: int, value: int) -> list[Instruction]:
    """Refuse with EPERM unless a 64-bit argument has this value."""
    refusal = _refusal(errno.EPERM)
    low = [_low(argument), (_JUMP_IF, 1, 0, value), refusal]
    return [*low, _high(argument), (_JUMP_IF, 1, 0, 0), refusal]


def _one_of(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    tests = [(_JUMP_IF, len(values) - i, 0, value) for i, value in enumerate(values)]
    return [_low(argument), *tests, _refusal(errno.EPERM)]


_ALLOWED_THEN: Instruction = (_RETURN, 0, 0, _ALLOW)
_RULES: dict[str, list[Instruction]] = {
    # No thread, no namespace, no shared memory: the fork of a node, or nothing.
    "clone": [*_exactly(0, linux.FORK_FLAGS), *_exactly(1, 0), _ALLOWED_THEN],
    # Its arguments lie in memory, where no filter sees them; libc then falls back to clone.
    "clone3": [_refusal(errno.ENOSYS)],
    "openat": [
        _low(2),
        (_JUMP_IF_ANY, 0, 1, _WRITING),
        _refusal(errno.EACCES),
        _ALLOWED_THEN,
    ],
    # Memory that a fork would share lets siblings talk.
    "mmap": [
        _low(3),
        (_AND, 0, 0, _SHARED_ANONYMOUS),
        (_JUMP_IF, 0, 1, _SHARED_ANONYMOUS),
        _refusal(errno.EPERM),
        _ALLOWED_THEN,
    ],
    "madvise": [*_one_of(2, _ADVICE), _ALLOWED_THEN],
    # A futex that is not private is one for all who map its page, as of a library's file.
    "futex": [
        _low(1),
        (_JUMP_IF_ANY, 1, 0, _FUTEX_PRIVATE),
        _refusal(errno.EPERM),
        _ALLOWED_THEN,
    ],
    "fcntl": [*_one_of(1, _FCNTL_COMMANDS), _ALLOWED_THEN],
    # A node asks to die with the keeper, nothing else.
    "prctl": [
        *_exactly(0, linux.PR_SET_PDEATHSIG),
        *_exactly(1, signal.SIGKILL),
        _ALLOWED_THEN,
    ],
    # Its own limits, to read. One that it lowers could have the kernel kill it, and a kill that
    # nobody here ordered is the machine's fault.
    "prlimit64": [*_exactly(0, 0), *_exactly(2, 0), _ALLOWED_THEN],
}
