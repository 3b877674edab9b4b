"""What a server wrote, made fit for a terminal and a log.

A server's text is shown to people. It must not move their cursor, reorder their line or fill their screen.
"""

from __future__ import annotations

import re
from typing import Final

SHOWN: Final = 300
"""Characters of a server's text that are shown (design decision 8)."""

_READ: Final = 16_384  # characters that are looked at: an error page says what it has to say at its top

_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: window titles, links
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\)?"  # strings for the terminal itself
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor movements
    r"|\x1b[ -/]*[0-~]?"  # the short ones
)
# Marks that reorder what follows: a text must read as it is spelt.
_INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\s]+")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_LOOKS_LIKE_HTML: Final = re.compile(r"<(?:!doctype|html|head|body|h\d|p|div|title|center)\b", re.IGNORECASE)


def printable(text: str, limit: int = SHOWN) -> str:
    """Make one printable line of a text.

    Args:
        text: Anything, from anybody.
        limit: The length, in characters, that the result does not exceed (our own limit).

    Returns:
        The text without escape sequences, control characters and lone surrogates, its white space collapsed, and cut.
    """
    text = text[: max(_READ, limit)]
    text = _INVISIBLE.sub("", _ESCAPES.sub("", text))
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def message_from_body(body: bytes, limit: int = SHOWN) -> str:
    """The text of a body that is not the JSON it should be: a gateway's error page, or plain text.

    Args:
        body: The body, in whatever encoding.
        limit: See :func:`printable`.

    Returns:
        Its text, without markup where it is HTML; empty if it has none.
    """
    text = body[:_READ].decode("utf-8", "replace")
    if _LOOKS_LIKE_HTML.search(text):
        from .html_text import without_markup  # noqa: PLC0415 - few responses are HTML, and a preview has none

        text = without_markup(text)
    return printable(text, limit)
