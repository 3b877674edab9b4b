"""Sanitizer: what every text passes on its way to a terminal or a log, so that it can neither hide, forge nor command anything.

Foreign text, which comes from a server, a command or another person's file, goes through :func:`printable` where it enters a
message: it becomes one line. A whole message goes through :func:`message` at its exit, once more for all of its lines. Both
redact secrets, and always before anything is cut.

A log of CI is read by its runner. GitHub obeys a line that begins with ``::`` and ``##[`` anywhere in a line, Azure Pipelines
``##vso[`` and ``##[``, TeamCity ``##teamcity[``, GitLab ``section_start:`` with a carriage return, Buildkite ``---``, ``+++`` and
``~~~`` at the beginning of a line.
"""

from __future__ import annotations

import re
from typing import Final

from .redaction import redact, redact_beginning

SHOWN: Final = 300
"""Characters of a server's text that are shown."""

_READ: Final = 16_384  # characters that are searched: an error page has its message at the top

# Texts, which `re` compiles when they are first used: most programs print no message.
_ESCAPES: Final = (
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: window titles, links
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\)?"  # strings for the terminal itself
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colors, cursor movements
    r"|\x1b[ -/]*[0-~]?"  # two-character sequences
)
# What reorders or hides what follows, or is not seen at all: format characters, fillers and tags. Joiners and variation selectors
# belong to emoji and to some scripts: they stay behind a character that is not ASCII.
_INVISIBLE: Final = (
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_JOINERS: Final = "(?:(?<=[\x00-\xa0\u2028\u2029\ud800-\udfff])|^)[\u200c\u200d\ufe00-\ufe0f]+"
_BLANKS: Final = r"[\x00-\x1f\x7f-\x9f\s]+"
_CONTROLS: Final = "[\x00-\x1f\x7f-\x9f\u2028\u2029]"
_SURROGATES: Final = "[\ud800-\udfff]"
_NUMBER_SIGNS: Final = r"##(?=[A-Za-z]{0,20}\[)"
_COMMANDS: Final = rf"{_NUMBER_SIGNS}|section_(?=(?:start|end):)"  # anywhere in a line
_LINE_COMMANDS: Final = r"^(\s*)([-+~^:])(?=:|(?:--|\+\+|~~|\^\^) )"  # at the beginning of a line
_LINE_STARTS: Final = r"(?i:next\s*:)|::|(?:---|\+\+\+|~~~|\^\^\^)(?= )"  # what foreign text must not begin with


def is_printable(text: str) -> bool:
    """Whether a text is one line that shows all that it holds."""
    return _without_escapes(text) == text and re.search(f"{_CONTROLS}|{_SURROGATES}", text) is None and text == text.strip()


def printable(text: str, limit: int = SHOWN) -> str:
    """Foreign text as a part of a message: one line of at most ``limit`` characters that shows no secret and commands nothing."""
    text = _without_escapes(redact_beginning(text, max(_READ, limit)))
    text = re.sub(_SURROGATES, "\ufffd", re.sub(_BLANKS, " ", text)).strip()
    if re.match(_LINE_STARTS, text):
        text = f"'{text}'"
    text = _without_commands(text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def message(text: str) -> str:
    """A whole message at its exit. Its lines stay, and each is printable."""
    return "\n".join(map(_line, redact(text).split("\n")))


def _line(text: str) -> str:
    text = re.sub(_SURROGATES, "\ufffd", re.sub(_CONTROLS, " ", _without_escapes(text))).rstrip()
    return _without_commands(re.sub(_LINE_COMMANDS, r"\1\2 ", text))


def _without_escapes(text: str) -> str:
    return re.sub(_JOINERS, "", re.sub(_INVISIBLE, "", re.sub(_ESCAPES, "", text)))


def escape_commands(text: str, sign: str) -> str:
    """The text with the second of two number signs escaped, where a CI system would obey them: for JSON, YAML and Python."""
    return re.sub(_NUMBER_SIGNS, lambda _: f"#{sign}", text)


def _without_commands(text: str) -> str:
    """The text with a blank in what a CI system obeys."""
    return re.sub(_COMMANDS, lambda found: f"{found[0][0]} {found[0][1:]}" if found[0] == "##" else "section ", text)
