"""The HTML of a page: data, program and styles in a file that asks for nothing else.

A model's text reaches the file only as JSON: in the list of problems with `<`, `>` and `&` escaped,
so that it cannot end its element, and in what a problem opens to as base64 of gzip. The page's
program makes text nodes of it. Should it ever not, the policy in the head lets no script and no
style run but the two whose digests it names, and no text become markup (Trusted Types).

What problems open to may be more than a file should hold: the rest goes to files beside it, each a
whole page with the same list, and the page goes from one to the other.
"""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import bench
from bench.errors import DataError
from bench.files.atomic import replace

MOST = 24 << 20
"""Bytes of what problems open to in one file."""
SCHEMA_VERSION = 1
_LEVEL = 6
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a page."""

    files: tuple[Path, ...]
    size: int
    """Bytes of all of them."""


def write_document(
    title: str,
    data: Mapping[str, Any],
    details: Iterable[Mapping[str, Any]],
    out: Path,
    *,
    most: int = MOST,
) -> Written:
    """Write the page to a file, and to as many beside it as its details need.

    Raises DataError: it cannot be written.
    """
    parts = _divide([_compress(detail) for detail in details], most)
    names = [out.name, *(f"{out.stem}-{at}{out.suffix}" for at in range(2, len(parts) + 1))]
    ends, total = [], 0
    for part in parts:
        total += len(part)
        ends.append(total)
    paths, size = [], 0
    for here, (name, part) in enumerate(zip(names, parts, strict=True)):
        told = _tell(title, data, {"files": names, "ends": ends, "here": here})
        content = _assemble(title, told, part, first=ends[here] - len(part))
        paths.append(out.with_name(name))
        size += len(content)
        try:
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            replace(paths[-1], content)
        except OSError as error:
            why = f"cannot write {paths[-1]}: {error.strerror}; name another --out"
            raise DataError(why) from error
    return Written(tuple(paths), size)


def render_document(
    title: str, data: Mapping[str, Any], details: Iterable[Mapping[str, Any]]
) -> bytes:
    """Return a page that holds all its details, for whoever keeps it nowhere."""
    whole = [_compress(detail) for detail in details]
    told = _tell(title, data, {"files": [""], "ends": [len(whole)], "here": 0})
    return _assemble(title, told, whole, first=0)


def escape_json(data: object) -> str:
    """Return JSON that can stand in an element of HTML; it reads back as the same data."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _tell(title: str, data: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    about = {"schema": SCHEMA_VERSION, "title": title, "version": bench.__version__}
    return {**about, "parts": parts, **data}


def _compress(detail: Mapping[str, Any]) -> str:
    text = json.dumps(detail, separators=(",", ":"), allow_nan=False).encode("ascii")
    # No time in it: the same runs give the same page.
    return b64encode(gzip.compress(text, _LEVEL, mtime=0)).decode("ascii")


def _divide(details: Sequence[str], most: int) -> list[list[str]]:
    """Return the details in parts, in order, each below `most` unless one alone is more."""
    parts: list[list[str]] = [[]]
    size = 0
    for detail in details:
        if parts[-1] and size + len(detail) > most:
            parts.append([])
            size = 0
        parts[-1].append(detail)
        size += len(detail)
    return parts


def _assemble(title: str, data: Mapping[str, Any], details: Sequence[str], *, first: int) -> bytes:
    built = files("bench.page") / "built"
    program = (built / "page.js").read_text(encoding="utf-8").strip()
    style = (built / "page.css").read_text(encoding="utf-8").strip()
    policy = (
        "default-src 'none'; "
        f"script-src {_digest(program)}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        "<noscript>This page shows its runs by a program of its own; let scripts run here."
        "</noscript>\n"
    )
    pieces = [head, f'<script type="application/json" id="data">{escape_json(data)}</script>\n']
    pieces += [
        f'<script type="text/plain" id="detail-{at}">{detail}</script>\n'
        for at, detail in enumerate(details, first)
    ]
    licences = (built / "LICENCES.txt").read_text(encoding="utf-8")
    pieces.append(f'<script type="text/plain" id="licences">{licences}</script>\n')
    pieces.append(f"<script>{program}</script>\n</body>\n</html>\n")
    # Half a surrogate pair can only stand in the title: all else is ASCII or our own.
    return "".join(pieces).encode("utf-8", "replace")


def _digest(text: str) -> str:
    """Return what a policy calls an inline script or style."""
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
