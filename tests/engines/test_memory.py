"""What memory there is, what a request takes of a cache, and how the want of it is told apart."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from bench.engines import memory
from bench.engines.memory import Demand, count_blocks, ran_out, read_free, report_death, unmap_pages


@pytest.mark.parametrize(
    ("prompt", "candidates", "new", "blocks"),
    [
        (64, 1, 32, 2 + 1),  # the prompt fills its blocks
        (64, 4, 32, 2 + 4),
        (65, 4, 31, 2 + 4),  # what is left of the prompt is copied for each
        (65, 4, 32, 2 + 4 * 2),
        (1, 1, 1, 1),
    ],
)
def test_candidates_share_the_full_blocks_of_their_prompt_alone(
    prompt: int, candidates: int, new: int, blocks: int
) -> None:
    assert count_blocks(prompt, candidates, new) == blocks
    assert Demand(9, candidates, new).count_blocks(prompt) == blocks


def test_what_is_free_is_the_less_of_what_machine_and_container_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert read_free() == 4000 << 10  # no control group says anything
    (tmp_path / "memory.max").write_text("max\n")
    assert read_free() == 4000 << 10
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    (tmp_path / "memory.stat").write_text("anon 1500000\ninactive_file 500000\n")
    assert read_free() == 1_500_000
    meminfo.unlink()
    assert read_free() == 1_500_000
    (tmp_path / "memory.max").unlink()
    assert read_free() is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError("std::bad_alloc"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("Requested KV-cache size is larger than available memory size"), True),
        (RuntimeError("the shapes do not match"), False),
        (ValueError("seed"), False),
    ],
)
def test_want_of_memory_is_told_from_other_failures(error: Exception, expected: bool) -> None:
    assert ran_out(error) is expected


def test_a_death_says_of_what_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "read_free", lambda: 3 << 29)
    starved = str(report_death("the engine of x", MemoryError("std::bad_alloc")))
    assert "the engine of x ran out of memory (std::bad_alloc, 1.5 GiB are free)" in starved
    assert "smaller --concurrency" in starved
    other = str(report_death("the engine of x", KeyError("token")))
    assert "died: KeyError: 'token'" in other
    assert "repeat the command to go on" in other and "--concurrency" not in other


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel lists no mappings")
def test_a_files_pages_can_be_let_go_of_and_are_there_when_read_again(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"abcd" * (1 << 20))

    def count_mapped() -> int:
        found = Path("/proc/self/smaps").read_text().split(str(file))[1]
        return int(found.split("Rss:")[1].split()[0])

    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as held:
        assert bytes(held).count(b"d") == 1 << 20  # reads all of it
        assert count_mapped() > 4000
        unmap_pages(file)
        assert count_mapped() < 100
        assert held[:4] == b"abcd"
