"""A view of the machine with nothing in it: own processes, own network, own read-only root.

The keeper makes the pid namespace, since what it forks then lives there while it stays outside; the
zygote makes the others. Root mounts as root and then becomes a user that nobody else is, because a
user namespace made by root leaves the kernel's uid 0 in place; others get theirs from a user
namespace. Any step may be refused (containers, AppArmor): OSError says which.
"""

from __future__ import annotations

import os
import os.path
import socket
from pathlib import Path

from bench.sandbox.inside import linux
from bench.sandbox.inside.settings import Exposed

WORKING_DIRECTORY = "/empty"
"""Not /tmp: the packages may lie below that, with the project."""
_INNER_ID = 65534
_NAME = "sandbox"
"""Host name that programs see: the same everywhere, as results must be."""
_TMPFS = "size=1m,mode=755"
_REST = (
    linux.CLONE_NEWNS
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWCGROUP
)


def enter_pid_namespace() -> None:
    """Have this process's children, though not itself, live in a pid namespace of their own."""
    if os.geteuid() == 0:
        linux.unshare(linux.CLONE_NEWPID)
        return
    user, group = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_INNER_ID} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{_INNER_ID} {group} 1")


def enter_root(root: str, exposed: Exposed) -> None:
    """Make `root` an own, read-only root directory that holds what is exposed, and go there."""
    linux.unshare(_REST)
    socket.sethostname(_NAME)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("none", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, _TMPFS)
    for path in exposed.libraries:
        if os.path.islink(path):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(os.readlink(path), root + path)
        else:
            _bind(path, root)
    for path in exposed.hidden:
        linux.mount("none", root + path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, _TMPFS)
    for path in exposed.packages:
        _bind(path, root)
    os.makedirs(root + WORKING_DIRECTORY)
    os.chdir(root)
    linux.pivot_root(".", ".")  # the old root is now mounted over the new one
    linux.unmount(".")
    os.chdir(WORKING_DIRECTORY)
    linux.make_read_only("/")


def _bind(path: str, root: str) -> None:
    target = root + path
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    linux.mount(path, target, None, linux.MS_BIND | linux.MS_REC)
