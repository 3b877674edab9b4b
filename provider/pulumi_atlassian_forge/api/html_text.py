"""The text of a page in HTML. A file of its own, because few responses need the parser."""

from __future__ import annotations

from html.parser import HTMLParser


def without_markup(html: str) -> str:
    """What a browser would show of a page, as one line.

    Args:
        html: The page, whole or cut anywhere.
    """
    parser = _Text()
    parser.feed(html)
    parser.close()
    # The title and the heading of an error page tend to say the same.
    return " ".join(dict.fromkeys(parser.pieces))


class _Text(HTMLParser):
    """Collects what a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's form
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= bool(self._silent) and tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent and (piece := " ".join(data.split())):
            self.pieces.append(piece)
