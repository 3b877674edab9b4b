"""Parser of the commands that the pages show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^ *(`{3,})(\S*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        heading: What it stands under, of any level.
    """

    page: str
    heading: str
    language: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command as it stands in a page.

    Attributes:
        comment: What the page says of it, behind it or in the line before.
    """

    page: str
    heading: str
    text: str
    comment: str


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, which is named from the root of the repository."""
    heading, fence, language = "", "", ""
    lines: list[str] = []
    for line in (ROOT / page).read_text("utf-8").splitlines():
        found = _FENCE.match(line)
        if fence and line.strip() == fence:
            yield Block(page, heading, language, tuple(lines))
            fence = ""
        elif fence:
            lines.append(line)
        elif found:
            fence, language, lines = found[1], found[2], []
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    assert not fence, f"{page}: a block does not end"


def commands(page: str, heading: str | None = None) -> list[Command]:
    """The commands of a page, or of what stands under one of its headings."""
    return [
        command
        for block in blocks(page)
        if heading in (None, block.heading)
        for command in (_typed(block) if block.language in ("sh", "console", "bash", "shell") else ())
    ]


def one(page: str, heading: str, language: str) -> str:
    """The text of the one block of a language under a heading."""
    (found,) = [block for block in blocks(page) if (block.heading, block.language) == (heading, language)]
    return "\n".join(found.lines) + "\n"


def _typed(block: Block) -> Iterator[Command]:
    """Of a block ``console`` the lines behind a prompt, of others all; a line of comment belongs to the command after it."""
    before = ""
    for line in re.sub(r"\\\n *", "", "\n".join(block.lines)).splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        text, _, comment = re.sub(r"^\$ ", "", line.strip()).partition(" # " if not line.startswith("#") else "#")
        if text.strip():
            yield Command(block.page, block.heading, text.strip(), f"{before} {comment}".strip())
            before = ""
        elif comment:
            before = comment.strip()
