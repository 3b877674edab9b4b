"""Sanitizer for text from a server: one printable line for terminals and logs.

Without it a server could move the cursor, reorder the line or fill the screen.
"""

from __future__ import annotations

import re
from typing import Final

SHOWN: Final = 300
"""Characters of a server's text that are shown."""

_READ: Final = 16_384  # characters that are searched: an error page has its message at the top

_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: window titles, links
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\)?"  # strings for the terminal itself
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colors, cursor movements
    r"|\x1b[ -/]*[0-~]?"  # two-character sequences
)
_INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # reorder or hide what follows
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\s]+")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_TAG: Final = re.compile(r"<[^<>]*>?")
_LOOKS_LIKE_HTML: Final = re.compile(r"<(?:!doctype|html|head|body|h\d|p|div|title|center)\b", re.IGNORECASE)


def printable(text: str, limit: int = SHOWN) -> str:
    """One line of at most ``limit`` characters, without escape sequences, control characters and lone surrogates."""
    text = text[: max(_READ, limit)]
    text = _INVISIBLE.sub("", _ESCAPES.sub("", text))
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def message_from_body(body: bytes, limit: int = SHOWN) -> str:
    """The printable text of a body that is not the expected JSON: a gateway's error page without its tags, or plain text."""
    text = body[:_READ].decode("utf-8", "replace")
    return printable(_html_to_text(text) if _LOOKS_LIKE_HTML.search(text) else text, limit)


def _html_to_text(html: str) -> str:
    """The text of a page. Python's parser raises AssertionError at some malformed markup: then all tags are cut out instead."""
    try:
        return _parsed_html(html)
    except Exception:  # noqa: BLE001 - an error page that cannot be parsed is still an error page
        from html import unescape  # noqa: PLC0415

        return unescape(_TAG.sub(" ", html))


def _parsed_html(html: str) -> str:
    from html.parser import HTMLParser  # noqa: PLC0415 - few responses are HTML, and a preview has none

    pieces: dict[str, None] = {}  # without duplicates: the title and the heading of an error page tend to be the same
    hidden: list[str] = []

    class Text(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's form
            hidden.extend([tag] if tag in ("script", "style") else [])

        def handle_endtag(self, tag: str) -> None:
            if tag in hidden:
                hidden.remove(tag)

        def handle_data(self, data: str) -> None:
            if not hidden and (piece := " ".join(data.split())):
                pieces[piece] = None

    parser = Text(convert_charrefs=True)
    parser.feed(html)
    parser.close()
    return " ".join(pieces)
