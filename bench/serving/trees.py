"""The trees of the last searches: a bounded number, in memory or as files of a folder.

A tree's id is a keyed digest of what decides its search, with a key that is drawn when the server
starts. Equal requests share one tree, and nobody finds a tree by its question: whoever has the id
was given it. So pages need no other key.
"""

from __future__ import annotations

import gzip
import hmac
import json
import logging
import re
import secrets
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import replace
from bench.page.asked import AskedSearch, render_search
from bench.search import Trace
from bench.search.registry import SEARCHES
from bench.serving.reading import SERVED, Asked
from bench.serving.searches import Found
from bench.types import Problem

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_SUFFIX = ".json.gz"
_PRIVATE = 0o700


class Trees:
    """Stored searches by id; the oldest are dropped."""

    def __init__(self, most: int, folder: Path | None = None) -> None:
        """Keep so many, as files where a folder is given. Raises BenchError: it cannot be one."""
        self._most, self._folder = most, folder
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        """By id, oldest first; empty texts where they are files."""
        if folder is not None:
            self._open(folder)

    def name(self, decides: str) -> str:
        """Return the id of the search that a text decides: 128 bits, as 22 letters."""
        digest = hmac.digest(self._key, decides.encode(), sha256)
        return urlsafe_b64encode(digest[:16]).decode().rstrip("=")

    def put(self, name: str, stored: bytes) -> bool:
        """Keep a search, and drop the oldest beyond the bound. Return whether it is kept."""
        if not self._most:
            return False
        if self._folder is not None:
            try:
                replace(self._file(name), stored)
            except OSError as error:
                log.warning("a tree is not kept: %s: %s", self._folder, error.strerror)
                return False
            stored = b""
        self._kept[name] = stored
        self._kept.move_to_end(name)
        self._drop()
        return True

    def get(self, name: str) -> bytes | None:
        """Return what is kept under an id."""
        if name not in self._kept:
            return None
        if self._folder is None:
            return self._kept[name]
        try:
            return self._file(name).read_bytes()
        except OSError:
            return None

    def _open(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            files = [file for file in folder.iterdir() if _id_of(file)]
            files.sort(key=lambda file: file.stat().st_mtime)
        except OSError as error:
            raise BenchError(f"cannot keep trees in {folder}: {error.strerror}") from error
        self._kept.update((_id_of(file), b"") for file in files)
        self._drop()

    def _drop(self) -> None:
        while len(self._kept) > self._most:
            name, _ = self._kept.popitem(last=False)
            if self._folder is not None:
                self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        assert self._folder is not None and _ID.fullmatch(name)
        return self._folder / f"{name}{_SUFFIX}"


def _id_of(file: Path) -> str:
    """Return the id of a stored tree; nothing for another file."""
    name = file.name.removesuffix(_SUFFIX)
    return name if name != file.name and _ID.fullmatch(name) else ""


def pack_search(asked: Asked, found: Found) -> bytes:
    """Return a search as it is kept, gzip over JSON: as much of it as the answer is chosen from."""
    resolved = asked.resolved
    assert resolved.policy is not None, "a search that is served asks a policy"
    stored = {
        "id": asked.problem.id,
        "question": asked.problem.question,
        "search": resolved.spec.search,
        "aggregate": resolved.aggregate,
        "selector": asked.selector,
        "policy": resolved.policy.name,
        "ppm": None if resolved.ppm is None else resolved.ppm.name,
        "trace": found.counted.to_json(),
    }
    return gzip.compress(json.dumps(stored).encode(), 6, mtime=0)


def draw_search(stored: bytes) -> bytes:
    """Return the page of a search that `pack_search` packed, as HTML."""
    data: Mapping[str, Any] = json.loads(gzip.decompress(stored))
    selectors = SEARCHES[data["search"]].choose_by(data["aggregate"])
    first = data["selector"]
    return render_search(
        AskedSearch(
            Problem(data["id"], data["question"], "", SERVED),
            Trace.from_json(data["trace"]),
            {first: selectors[first], **selectors},
            policy=data["policy"],
            ppm=data["ppm"],
        )
    )
