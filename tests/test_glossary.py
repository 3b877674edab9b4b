"""No file uses a retired word: in prose, messages, help texts, comments, identifiers or file names.

The project once had terms of its own, which readers could not search for. Each has a standard term by now, and this test holds
that. Words that are retired in one sense only (site, look, answer, row …) need a reader and are not held here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent

RETIRED: Final = {
    r"roads?": "authentication method",
    r"witness(?:es|ed)?": "confirmed module, source",
    r"rolls?(?!-?\s?(?:back|out))": "installation guard",
    r"twins?": "duplicate, _output variant",
    r"namesakes?": "module with the same key",
    r"lanes?": "connection pool",
    r"pac(?:e|es|ed|ing)": "rate limiter",
    r"credulous(?:ly)?": "acceptMissingModules",
    r"t(?:ake|akes|aken|aking|ook)[-\s]*(?:(?:it|them)\s+)?over": "adopt",
    r"br(?:eak|eaks|oken|oke)[-\s]*off": "interrupted",
    r"rivals?": "alternatives, programs",
    r"houses?": "architecture, package",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"believ(?:e|es|ed|ing)": "confirm, treat as",
    r"(?<!@forge/)bridge[sd]?": "relay",
    r"testif(?:y|ies|ied)": "confirm, verify",
    r"(?<!so-)linger(?:s|ed|ing)?": "wait",
    r"strangers?": "caller, client without credentials",
    r"newcomers?": "new user",
    r"campaigns?": "soak test",
    r"stand-?ins?": "fake, test server",
}
"""Retired words, as patterns for lower-case text in which identifiers are split by hyphens, and what to write instead."""

EXCEPTIONS: Final = {
    ("CHANGELOG.md", "bridge"): "names the settings and the example that were renamed",
    ("CHANGELOG.md", "take-over"): "names the setting that was renamed",
    ("provider/pulumi_atlassian_forge/config/settings.py", "bridge"): "the table of renamed settings",
    ("provider/pulumi_atlassian_forge/config/settings.py", "take-over"): "the table of renamed settings",
}
"""Words that a file may use, with the reason."""

_FOLDERS: Final = ("provider", "testing", "tests", "examples", "scripts", "bench", "docs", ".ci")
_SUFFIXES: Final = ("", ".py", ".md", ".js", ".json", ".yaml", ".yml", ".toml", ".tf", ".pyi")
_PATTERN: Final = re.compile(r"(?<![a-z])(?:" + "|".join(RETIRED) + r")(?![a-z])")


def files() -> Iterator[Path]:
    """The files that people write, by their path from the root."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in (*_SUFFIXES, ".cfg")]
    for folder in _FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in _SUFFIXES]
    for path in sorted(path.relative_to(ROOT) for path in found):
        hidden = any(part.startswith(".") and part != ".ci" for part in path.parts[:-1])
        if path != Path("tests/test_glossary.py") and not hidden and not {"node_modules", "__pycache__"} & set(path.parts):
            yield path


def retired_words(text: str) -> Iterator[tuple[int, str]]:
    """The retired words of a text, each with its line."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", "-", text).lower()
    for found in _PATTERN.finditer(split):
        yield split.count("\n", 0, found.start()) + 1, re.sub(r"\s+", " ", found[0])


def findings(path: Path) -> list[str]:
    """What is wrong with a file: ``file:line: word``; of its name, line 0."""
    try:
        text = (ROOT / path).read_text("utf-8")
    except UnicodeDecodeError:  # no text
        return []
    words = [*((0, word) for _, word in retired_words(path.as_posix())), *retired_words(text)]
    return [f"{path}:{line}: {word}" for line, word in words if (path.as_posix(), word) not in EXCEPTIONS]


def test_no_file_uses_a_retired_word() -> None:
    assert not [finding for path in files() for finding in findings(path)]


def test_every_exception_is_needed() -> None:
    for path, word in EXCEPTIONS:
        assert word in [found for _, found in retired_words((ROOT / path).read_text("utf-8"))], (path, word)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("takeOverIdentical", ["take-over"]),
        ("taken\nover", ["taken over"]),
        ("take it over", ["take it over"]),
        ("a run that broke off", ["broke off"]),
        ("_OF_A_ROAD", ["road"]),
        ("class RoadMap: twin_of = 1", ["road", "twin"]),
        ("broad, recommend, space, scroll, enrolled, roll back", []),
        ("@forge/bridge", []),
        ("may stand in state", []),
        ("standin/serve.js", ["standin"]),
    ],
)
def test_words_are_found_in_identifiers_and_prose(text: str, words: list[str]) -> None:
    assert [word for _, word in retired_words(text)] == words
