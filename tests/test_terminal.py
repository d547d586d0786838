"""What a model says cannot move a cursor, hide or turn around: it is spelled out."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest

from bench.terminal import VisibleStream, one_line, visible, write_as_is


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;pwned\x07\x1b[2J", r"\u001b]0;pwned\u0007\u001b[2J"),
        ("over\rwritten\x08\x7f", r"over\u000dwritten\u0008\u007f"),
        ("C1: \x9b2J", r"C1: \u009b2J"),
        ("a\u202eb\u2066c\u200bd\ufeff", r"a\u202eb\u2066c\u200bd\ufeff"),
        ("lone \ud800", r"lone \ud800"),
        ("hidden \U000e0041", r"hidden \udb40\udc41"),
        ("line\u2028and\u2029paragraph", r"line\u2028and\u2029paragraph"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["two\nlines\tand a tab\n", "π ≤ 3,2 · 数学 é 🙂", "a\u00a0b\u3000c"]
)
def test_what_can_be_read_stays(text: str) -> None:
    assert visible(text) == text


def test_no_character_of_control_or_format_gets_through() -> None:
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    bad = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in hidden]
    assert {c for c in bad if visible(c) == c} == {"\n", "\t"}


def test_printed_json_stays_json_with_the_same_content() -> None:
    data = {"a": "\x7f\x1b\u202e\U000e0041\u2028 π"}
    assert json.loads(visible(json.dumps(data, ensure_ascii=False))) == data


def test_one_line_keeps_what_a_line_end_would_hide() -> None:
    assert one_line("ok\r\n\tfailed\x1b[8m") == r"ok\u000d failed\u001b[8m"


def test_a_stream_shows_what_is_printed_and_lets_ours_pass() -> None:
    under = io.StringIO()
    stream = VisibleStream(under, "standard output")
    print("\x1b[2J", file=stream)  # type: ignore[call-overload]  # a text stream in all but name
    stream.writelines(["\x07", "\n"])
    write_as_is(stream, "\x1b[K")  # type: ignore[arg-type]  # as above
    assert under.getvalue() == "\\u001b[2J\n\\u0007\n\x1b[K"


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_stream_that_takes_nothing_is_named_and_a_log_is_let_go() -> None:
    with pytest.raises(OSError, match="standard output") as refused:
        VisibleStream(Full(), "standard output").write("x")
    assert refused.value.filename == "standard output"
    assert VisibleStream(Full(), "standard error", required=False).write("x") == 1
