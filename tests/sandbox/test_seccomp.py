"""The policy as the kernel would judge it, for both machines: the filter is run here, in Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.sandbox.inside import linux
from bench.sandbox.inside.seccomp import ALLOWED, CHECKED, NAMELESS, gate, policy

ALLOW, KILL, NOTIFY, ERROR = 0x7FFF0000, 0x80000000, 0x7FC00000, 0x00050000
EPERM, EACCES, ENOSYS = ERROR | 1, ERROR | 13, ERROR | 38
ARCHITECTURE = {linux.X86_64: 0xC000003E, linux.AARCH64: 0xC00000B7}
HEADERS = {
    linux.X86_64: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    linux.AARCH64: Path("/usr/include/asm-generic/unistd.h"),
}
MACHINES = pytest.mark.parametrize("machine", [linux.X86_64, linux.AARCH64])


def judge(
    program: list[tuple[int, int, int, int]], architecture: int, number: int, *arguments: int
) -> int:
    """Run a filter on one system call; only the operations that ours use."""
    words = {0: number, 4: architecture}
    for index, argument in enumerate((*arguments, 0, 0, 0, 0, 0, 0)[:6]):
        words[16 + 8 * index] = argument & 0xFFFFFFFF
        words[20 + 8 * index] = argument >> 32 & 0xFFFFFFFF
    value, at = 0, 0
    while True:
        operation, yes, no, operand = program[at]
        at += 1
        if operation == 0x06:
            return operand
        if operation == 0x20:
            value = words[operand]
        elif operation == 0x54:
            value &= operand
        else:
            hit = {0x15: value == operand, 0x45: bool(value & operand), 0x35: value >= operand}
            at += yes if hit[operation] else no


def verdict(machine: str, name: str, *arguments: int) -> int:
    column = (linux.X86_64, linux.AARCH64).index(machine)
    number = {**ALLOWED, **CHECKED, **NAMELESS}[name][column]
    assert number is not None
    return judge(policy(machine), ARCHITECTURE[machine], number, *arguments)


@MACHINES
def test_the_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"no kernel headers for {machine} here")
    text = HEADERS[machine].read_text()
    found = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s", text)}
    column = (linux.X86_64, linux.AARCH64).index(machine)
    generic = {"newfstatat": "fstatat"} if machine == linux.AARCH64 else {}
    table = {**ALLOWED, **CHECKED, **NAMELESS}
    ours = {name: row[column] for name, row in table.items() if row[column] is not None}
    assert ours == {name: found[generic.get(name, name)] for name in ours}


@MACHINES
def test_what_is_not_listed_is_refused(machine: str) -> None:
    column = (linux.X86_64, linux.AARCH64).index(machine)
    known = {row[column] for table in (ALLOWED, CHECKED, NAMELESS) for row in table.values()}
    for number in range(600):
        if number not in known:
            assert judge(policy(machine), ARCHITECTURE[machine], number) == EPERM


@MACHINES
def test_what_is_listed_is_allowed(machine: str) -> None:
    assert verdict(machine, "read", 3, 0, 10) == ALLOW
    assert verdict(machine, "exit_group", 0) == ALLOW


@MACHINES
def test_the_one_fork_passes_and_no_other(machine: str) -> None:
    flags = linux.FORK_FLAGS
    assert verdict(machine, "clone", flags) == ALLOW
    threads, without_parent, namespace = flags | 0x10100, flags & ~0x8000, flags | 0x10000000
    for other in (threads, without_parent, namespace, flags | 1 << 32):
        assert verdict(machine, "clone", other) == EPERM
    assert verdict(machine, "clone", flags, 0x7000) == EPERM, "a stack of its own"
    assert verdict(machine, "clone3") == ENOSYS


@MACHINES
def test_files_are_opened_for_reading_only(machine: str) -> None:
    assert verdict(machine, "openat", 0, 0, 0o2000000) == ALLOW  # O_CLOEXEC
    for flags in (1, 2, 0o100, 0o1000, 0o2000, 0o20200000):
        assert verdict(machine, "openat", 0, 0, flags) == EACCES


@MACHINES
def test_memory_is_not_shared(machine: str) -> None:
    assert verdict(machine, "mmap", 0, 4096, 3, 0x22) == ALLOW
    assert verdict(machine, "mmap", 0, 4096, 1, 0x01) == ALLOW, "a library's file, to read"
    for flags in (0x21, 0x23):
        assert verdict(machine, "mmap", 0, 4096, 3, flags) == EPERM


@MACHINES
def test_advice_reaches_no_page_that_others_share(machine: str) -> None:
    assert verdict(machine, "madvise", 0, 4096, 4) == ALLOW  # MADV_DONTNEED
    for advice in (9, 12, 20, 21, 25, 100, 101):
        assert verdict(machine, "madvise", 0, 4096, advice) == EPERM


@MACHINES
def test_no_signal_by_the_back_door(machine: str) -> None:
    assert verdict(machine, "fcntl", 3, 3) == ALLOW
    for command in (8, 10, 15):  # F_SETOWN, F_SETSIG, F_SETOWN_EX
        assert verdict(machine, "fcntl", 3, command) == EPERM


@MACHINES
def test_no_flag_of_an_open_file_is_set(machine: str) -> None:
    assert verdict(machine, "fcntl", 0, 3) == ALLOW, "F_GETFL"
    assert verdict(machine, "fcntl", 0, 4, 0o4000) == EPERM, "F_SETFL"


@MACHINES
def test_a_futex_is_private(machine: str) -> None:
    for operation in (0, 1, 9, 10, 128 | 256):
        assert verdict(machine, "futex", 4096, operation | 128) == ALLOW
    for operation in (0, 1, 3, 5, 9, 10, 256):
        assert verdict(machine, "futex", 4096, operation) == EPERM


@MACHINES
def test_a_process_has_no_number(machine: str) -> None:
    assert verdict(machine, "getpid") == verdict(machine, "gettid") == ERROR | 0


@MACHINES
def test_limits_are_ones_own_to_read_and_attributes_are_one(machine: str) -> None:
    assert verdict(machine, "prlimit64", 0, 7) == ALLOW
    assert verdict(machine, "prlimit64", 0, 0, 0x7000) == EPERM, "a new limit"
    assert verdict(machine, "prlimit64", 0, 0, 0x7000 << 32) == EPERM, "a new limit"
    assert verdict(machine, "prlimit64", 1, 7) == EPERM
    assert verdict(machine, "prctl", 1, 9) == ALLOW
    assert verdict(machine, "prctl", 1, 0) == EPERM
    assert verdict(machine, "prctl", 22, 2) == EPERM


@MACHINES
def test_another_machines_numbers_are_death(machine: str) -> None:
    i386 = 0x40000003
    for program in (policy(machine), gate(machine)):
        assert judge(program, i386, 20) == KILL
        assert judge(program, ARCHITECTURE[machine], 0x40000000 | 39) == KILL


@MACHINES
def test_the_gate_asks_about_forks_alone(machine: str) -> None:
    column = (linux.X86_64, linux.AARCH64).index(machine)
    for name, row in {**ALLOWED, **CHECKED}.items():
        number = row[column]
        if number is not None:
            expected = NOTIFY if name == "clone" else ALLOW
            assert judge(gate(machine), ARCHITECTURE[machine], number) == expected
