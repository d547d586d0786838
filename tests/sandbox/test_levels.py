"""Which level is used, who decides, and what is told about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import SandboxError, UnknownNameError
from bench.sandbox import Level, Sandbox, SandboxConfig
from bench.sandbox.canaries import CANARIES, CanaryResult, find_escaped
from bench.sandbox.doctor import Examined, advice, strongest
from bench.sandbox.enclosure import Limits, enclose
from bench.sandbox.exposed import find_exposed
from bench.sandbox.inside import linux
from bench.sandbox.inside.zygote import readable
from bench.sandbox.levels import VARIABLE, Layers

WEAK = Layers()
BOUNDS = Limits(memory=1 << 30, output=1 << 16, timeout=5.0, processes=32)


async def test_the_level_that_is_named_is_used_and_told() -> None:
    async with Sandbox(SandboxConfig(level=Level.PROCESS)) as sandbox:
        assert sandbox.level is Level.PROCESS
        assert sandbox.about["level"] == "process"
        assert sandbox.about["canaries"] == len(CANARIES)


async def test_without_a_name_nothing_below_the_floor_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.sandbox.enclosure.LAYERS", dict.fromkeys(Level, WEAK))
    with pytest.raises(SandboxError, match="name a lower level: --sandbox seccomp or process"):
        await enclose(None, "", BOUNDS)


async def test_a_level_that_does_not_hold_is_refused_by_what_got_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.sandbox.enclosure.LAYERS", dict.fromkeys(Level, WEAK))
    with pytest.raises(SandboxError, match="full is not to be had.*a program could write a file"):
        await enclose(Level.FULL, "", BOUNDS)


def test_a_layer_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "MACHINE", "riscv64")
    with pytest.raises(linux.LayerError, match="riscv64"):
        linux.syscall("pivot_root", b".", b".")


def test_the_environment_names_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "no-namespaces")
    assert SandboxConfig().level is Level.NO_NAMESPACES
    monkeypatch.setenv(VARIABLE, "proces")
    with pytest.raises(UnknownNameError, match="did you mean 'process'"):
        SandboxConfig()


def test_a_level_promises_what_the_weaker_ones_promise() -> None:
    findings = [CanaryResult(canary, blocked=False) for canary in CANARIES]
    counts = [len(find_escaped(findings, level)) for level in Level]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(CANARIES)


def test_the_harness_is_not_among_what_is_exposed() -> None:
    files = find_exposed()
    root = Path(__file__).parents[2]
    paths = [p for library in files.libraries for p in readable(library, files.hidden)]
    for path in (*paths, *files.packages):
        assert not (root / "bench").is_relative_to(path)
        assert not path.endswith(("site-packages", "dist-packages"))


def test_what_is_hidden_in_a_directory_is_left_out(tmp_path: Path) -> None:
    for name in ("a/b", "a/hidden/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    paths = readable(str(tmp_path), (str(tmp_path / "a/hidden"),))
    assert sorted(paths) == [str(tmp_path / "a/b"), str(tmp_path / "d")]


def test_the_doctor_names_the_level_and_the_canaries(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert status == (0 if told["level"] else 1)
    assert set(told["levels"]) == set(Level)
    process = told["levels"]["process"]
    assert process["canaries"]["inherit the environment"] is True
    assert isinstance(process["uncapped"], str), "why no control group caps it, if so"


def test_the_doctor_says_how_to_raise_what_is_missing() -> None:
    examined = [
        Examined(Level.FULL, "unshare: Operation not permitted", ()),
        Examined(Level.NO_NAMESPACES, "landlock: not offered by this kernel", ()),
        Examined(Level.SECCOMP, "", ()),
    ]
    assert strongest(examined) is None
    text = " ".join(advice(examined))
    for word in ("apparmor_restrict_unprivileged_userns", "lsm=", "--sandbox LEVEL"):
        assert word in text


def test_the_doctor_says_where_programs_run_as_root() -> None:
    examined = [Examined(Level.FULL, "", (), uid=61200), Examined(Level.SECCOMP, "", (), uid=0)]
    assert any(line.startswith("At seccomp, programs run as root") for line in advice(examined))
    assert not list(advice(examined[:1]))
