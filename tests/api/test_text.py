from __future__ import annotations

import pytest

from pulumi_atlassian_forge.api.text import message_from_body, printable


@pytest.mark.parametrize(
    ("dirty", "fit"),
    [
        ("plain", "plain"),
        ("  two\r\n\tlines  ", "two lines"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;window title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1bPdevice\x1b\\left", "left"),
        ("\x1bcreset", "reset"),
        ("cut\x1b", "cut"),
        ("nul\x00 bell\x07 del\x7f", "nul bell del"),
        ("back\x08space", "back space"),
        ("line\u2028separator", "line separator"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("smörgås 日本語 👩\u200d💻", "smörgås 日本語 👩\u200d💻"),
        ("", ""),
    ],
)
def test_a_server_s_text_becomes_one_printable_line(dirty: str, fit: str) -> None:
    assert printable(dirty) == fit


def test_a_long_text_is_cut_at_the_limit() -> None:
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 299 + "…"
    assert printable("word " * 10, 10) == "word word…"


def test_only_the_beginning_of_an_enormous_text_is_read() -> None:
    assert printable("\x1b[m" * 10_000 + "far behind") == ""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"upstream connect error", "upstream connect error"),
        (
            b"<html><title>502 Bad Gateway</title><style>p</style><h1>502 Bad Gateway</h1><script>x</script>ng &amp; co</html>",
            "502 Bad Gateway ng & co",
        ),
        (b"<!DOCTYPE html><p>not <b>closed", "not closed"),
        (b"<p>a &#27;[31m b", "a [31m b"),
        (b"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"", ""),
        (b"<html></html>", ""),
        (b"<html><h1>502 Bad Gateway</h1><![x oops]>&amp; more</html>", "502 Bad Gateway & more"),
    ],
)
def test_a_body_that_is_not_json_is_read_as_text(body: bytes, text: str) -> None:
    assert message_from_body(body) == text
