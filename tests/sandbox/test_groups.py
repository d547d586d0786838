"""Where a control group can be made that caps the memory of all programs: on a tree of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sandbox import groups
from bench.sandbox.groups import plan_group


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose groups are in a folder, with this process in /user/session."""
    mount = tmp_path / "groups"
    (mount / "user" / "session").mkdir(parents=True)
    mounts, membership = tmp_path / "mountinfo", tmp_path / "cgroup"
    mounts.write_text(
        "25 1 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        f"30 25 0:26 / {mount} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    )
    membership.write_text("4:memory:/\n0::/user/session\n")
    monkeypatch.setattr(groups, "_MOUNTS", mounts)
    monkeypatch.setattr(groups, "_MEMBERSHIP", membership)
    (mount / "cgroup.controllers").write_text("cpu memory pids\n")
    (mount / "user" / "cgroup.subtree_control").write_text("memory pids\n")
    (mount / "user" / "session" / "memory.max").write_text("max\n")
    return mount


def test_a_group_is_made_beside_ones_own_with_its_cap(tree: Path) -> None:
    group = plan_group(5 << 30)
    assert group.reason == ""
    assert group.path is not None and group.path.parent == tree / "user"
    path = Path(group.make())
    assert (path / "memory.max").read_text() == str(5 << 30)
    assert not group.is_joined()
    (path / "cgroup.procs").write_text("17\n")
    assert group.is_joined()


def test_two_sandboxes_have_two_groups(tree: Path) -> None:
    assert plan_group(1).path != plan_group(1).path


def test_a_cap_of_ones_own_is_left_alone(tree: Path) -> None:
    (tree / "user" / "session" / "memory.max").write_text("4294967296\n")
    assert plan_group(1).reason == "this process is in a group of 4294967296 bytes already"
    assert plan_group(1).make() == ""


def test_no_controller_is_enabled_that_is_not(tree: Path) -> None:
    (tree / "user" / "cgroup.subtree_control").write_text("pids\n")
    assert plan_group(1).reason == "memory is not handed down to this process"
    (tree / "cgroup.controllers").write_text("hugetlb\n")
    assert plan_group(1).reason == "memory is not a controller of version 2 here"


def test_a_machine_without_groups_says_so(tree: Path) -> None:
    groups._MOUNTS.write_text("25 1 0:23 / / rw - ext4 disk rw\n")
    assert plan_group(1).reason == "control groups of version 2 are not mounted"


def test_what_may_not_be_made_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "user/rstar-sandbox-" in plan_group(1).reason
    assert plan_group(1).reason.endswith("Permission denied")
