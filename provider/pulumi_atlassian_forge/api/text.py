"""The text of a response that is not the expected JSON: an error page without its tags, or plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pulumi_atlassian_forge.redaction import redact_beginning
from pulumi_atlassian_forge.sanitizer import printable

__all__ = ["message_from_body", "printable"]

_READ: Final = 16_384  # characters that are searched: an error page has its message at the top
_TAG: Final = re.compile(r"<[^<>]*>?")
_LOOKS_LIKE_HTML: Final = re.compile(r"<(?:!doctype|html|head|body|h\d|p|div|title|center)\b", re.IGNORECASE)


def message_from_body(body: bytes, secrets: Iterable[str] = ()) -> str:
    """The printable text of a body that is not the expected JSON, without the secrets."""
    # Redacted while it is as it came, and by printable() again: tags may hide a secret, and so may its text without them.
    text = redact_beginning(body.decode("utf-8", "replace"), _READ, secrets)
    return printable(_html_to_text(text) if _LOOKS_LIKE_HTML.search(text) else text)


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
