"""The HTML itself: nothing a model wrote can end its element, and nothing runs but our program."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.page.document import Written, escape_json, write_document

HOSTILE = (
    "</script><script>alert(1)</script><!--<script>\u2028 & \ud800 <img src=x onerror=alert(1)>"
)


class Elements(HTMLParser):
    """Every element with its attributes and its text, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        self.inside = True

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def written(folder: Path, details: list[dict[str, Any]], **options: Any) -> Written:
    data = {"runs": {"problems": [{"id": HOSTILE}]}}
    return write_document(HOSTILE, data, details, folder / "page.html", **options)


def test_hostile_texts_stay_data(tmp_path: Path) -> None:
    page = written(tmp_path, [{"text": HOSTILE}]).files[0].read_text()
    elements = Elements(page)
    scripts = elements.of("script")
    assert [attributes.get("type") for attributes, _ in scripts] == [
        "application/json",
        "text/plain",
        "text/plain",
        None,
    ]
    assert json.loads(scripts[0][1])["runs"]["problems"][0]["id"] == HOSTILE
    assert json.loads(gzip.decompress(b64decode(scripts[1][1]))) == {"text": HOSTILE}
    assert elements.of("img") == []
    assert not any(name.startswith("on") for _, given, _ in elements.found for name in given)


def test_only_the_program_and_the_style_of_the_page_may_run(tmp_path: Path) -> None:
    elements = Elements(written(tmp_path, []).files[0].read_text())
    policy = next(
        given["content"] or ""
        for given, _ in elements.of("meta")
        if given.get("http-equiv") == "Content-Security-Policy"
    )
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        code = elements.of(tag)[-1][1]
        digest = b64encode(sha256(code.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_names_no_address(tmp_path: Path) -> None:
    elements = Elements(written(tmp_path, []).files[0].read_text())
    given = [each for _, each, _ in elements.found]
    addresses = [value for each in given for k, value in each.items() if k in ("src", "href")]
    assert addresses == ["data:,"]


def test_what_is_too_much_for_a_file_goes_to_files_beside_it(tmp_path: Path) -> None:
    details = [{"at": at} for at in range(5)]
    found = written(tmp_path, details, most=100)
    assert [path.name for path in found.files] == ["page.html", "page-2.html", "page-3.html"]
    assert found.size == sum(path.stat().st_size for path in found.files)
    held = []
    for here, path in enumerate(found.files):
        scripts = Elements(path.read_text()).of("script")
        parts = json.loads(scripts[0][1])["parts"]
        assert parts["files"] == [each.name for each in found.files]
        assert parts["here"] == here
        ids = [int((given["id"] or "").removeprefix("detail-")) for given, _ in scripts[1:-2]]
        assert all(at < parts["ends"][here] for at in ids)
        held += ids
    assert held == list(range(5))


def test_the_same_data_are_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    pages = [written(tmp_path / each, [{"x": 1}]).files[0].read_bytes() for each in "ab"]
    assert pages[0] == pages[1]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write .*page.html: .*; name another --out"):
        written(tmp_path / "file", [])


def test_json_in_an_element_reads_back() -> None:
    assert re.search("[<>&]", escape_json({HOSTILE: HOSTILE})) is None
    assert json.loads(escape_json({HOSTILE: HOSTILE})) == {HOSTILE: HOSTILE}
