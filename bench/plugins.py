"""Registries of parts by name: our own, those of installed packages, those a program adds.

A package brings a part by an entry point, whose name is the part's and whose object is what our own
registry holds under a name:

    [project.entry-points."rstar_bench.searches"]
    mine = "my_package.search:ENTRY"

The groups are `rstar_bench.searches`, `.engines`, `.benchmarks`, `.checkers` and `.exporters`.
Nothing of a package is imported before one of its parts is asked for, or all are listed. A part
that cannot be imported is left out of lists, which tell of it, and refused where it is named. Ours
come first, and cannot be replaced by a package. A program may add to a registry as to a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any, Generic, TypeVar

from bench.errors import BenchError

T = TypeVar("T")

PREFIX = "rstar_bench"


_KINDS = {"searches": "search"}
"""What one part of a group is called, where that is not the group without its last letter."""


class PluginError(BenchError):
    """A part that an installed package brings, and that cannot be used."""


class Registry(MutableMapping[str, T], Generic[T]):
    """Parts of one kind by name."""

    def __init__(
        self,
        group: str,
        kind: type | None,
        own: Mapping[str, T],
        unfit: Callable[[T, Mapping[str, T]], str | None] | None = None,
    ) -> None:
        """Hold our own parts. `kind` is what a part must be an instance of; None: callable.

        `unfit` says what keeps a part of a package from standing beside those that are there, or
        None.
        """
        self.group = f"{PREFIX}.{group}"
        self._kind, self._parts, self._unfit = kind, dict(own), unfit
        self._own = frozenset(own)
        self._broken: dict[str, PluginError] = {}

    def __getitem__(self, name: str) -> T:
        """Return a part. Raises KeyError: there is none; PluginError: it cannot be used."""
        if name not in self._parts:
            if name in self._broken:
                raise self._broken[name]
            entry = find_entries(self.group)[name]
            try:
                self._parts[name] = self._load(entry)
            except PluginError as error:
                self._broken[name] = error
                raise
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a part, whether it can be used or not."""
        return name in self._parts or name in find_entries(self.group)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the parts that can be used, ours first."""
        for name, entry in find_entries(self.group).items():
            if name in self._own:
                said = f"{_say(entry)} has a name of ours; it is not used"
                self._broken[name] = PluginError(said)
            else:
                with suppress(PluginError):
                    self[name]
        return iter(list(self._parts))

    def __len__(self) -> int:
        """Return how many parts can be used."""
        return sum(1 for _ in self)

    @property
    def refused(self) -> list[str]:
        """What is wrong with the parts that cannot be used, a sentence for each."""
        len(self)
        return [str(error) for error in self._broken.values()]

    def __setitem__(self, name: str, part: T) -> None:
        """Add a part, for this process."""
        self._parts[name] = part

    def __delitem__(self, name: str) -> None:
        """Take a part away again, for this process."""
        del self._parts[name]

    def origin(self, name: str) -> str | None:
        """Return the package and version that a part came with; None for one of ours."""
        entry = find_entries(self.group).get(name)
        return None if entry is None or name in self._own else _package(entry)

    def _load(self, entry: metadata.EntryPoint) -> Any:
        try:
            part = entry.load()
        except (Exception, SystemExit) as error:  # whatever a stranger's module does
            raise PluginError(
                f"{_say(entry)} cannot be imported: {type(error).__name__}: "
                f"{' '.join(str(error).split())}. Mend it, or take it away with: pip uninstall "
                f"{_package(entry).partition(' ')[0]}"
            ) from error
        fits = callable(part) if self._kind is None else isinstance(part, self._kind)
        if not fits:
            wanted = "something to call" if self._kind is None else f"a {self._kind.__name__}"
            given = f"of the type {type(part).__name__}"
            raise PluginError(f"{_say(entry)} is {given}; {wanted} is expected")
        why = self._unfit(part, self._parts) if self._unfit else None
        if why is not None:
            raise PluginError(f"{_say(entry)} {why}")
        return part


@cache
def find_entries(group: str) -> Mapping[str, metadata.EntryPoint]:
    """Return the entry points of a group by name; of several of one name, the first found."""
    found: dict[str, metadata.EntryPoint] = {}
    for entry in metadata.entry_points(group=group):
        found.setdefault(entry.name, entry)
    return found


def _say(entry: metadata.EntryPoint) -> str:
    """Name a part in a sentence."""
    group = entry.group.removeprefix(f"{PREFIX}.")
    kind = _KINDS.get(group, group.removesuffix("s"))
    return f"the {kind} {entry.name!r} of the package {_package(entry)} ({entry.value})"


def _package(entry: metadata.EntryPoint) -> str:
    return "unknown" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
