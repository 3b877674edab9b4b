"""The file of a manifest as a tree of YAML nodes, each with its line. Nothing is made of the nodes: no Python object, no copy.

Forge reads a manifest as YAML 1.2, PyYAML reads 1.1. They differ in what a plain scalar *means* (``on``, ``0o7``), so scalars
are taken as they are written, and never as values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

LARGEST: Final = 128 * 1024
"""Bytes that a manifest may have (our own limit): PyYAML is slow, and all threads wait. A real one has some ten thousand."""

DEEPEST: Final = 50
"""How deep collections may be nested (our own limit): the composer calls itself for each level."""

MOST_ALIASES: Final = 100
"""How often aliases may be used. The reader that Forge uses, npm's ``yaml``, has the same limit against files that explode."""

_MERGE: Final = "tag:yaml.org,2002:merge"
_NULL: Final = "tag:yaml.org,2002:null"


class ManifestError(Exception):
    """A manifest that cannot be read.

    Attributes:
        reason: Why, as the rest of a sentence about the file.
        line: Where, counted from 1; None where it is the file as a whole.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses what nobody writes by hand and what Forge's own reader refuses."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._aliases = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # the stubs have no types here
        self._aliases += bool(self.check_event(yaml.AliasEvent))
        if self._aliases > MOST_ALIASES:
            raise yaml.MarkedYAMLError(problem=f"uses aliases more than {MOST_ALIASES} times", problem_mark=mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"is nested more than {DEEPEST} levels deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: str | None) -> MappingNode:  # type: ignore[override] # stubs: anchor
        node = super().compose_mapping_node(anchor)  # type: ignore[arg-type] # stubs: anchor
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag == _MERGE:
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"a mapping has the name {key.value!r} twice, first in line {seen[key.value]}",
                    problem_mark=key.start_mark,
                )
            seen[key.value] = line_of(key)
        return node


def read(path: Path, form: str = "a manifest has app:, modules: and permissions: at its top level") -> MappingNode:
    """The root of a manifest, or of another file of the same kind.

    Args:
        path: The file.
        form: What it should look like, for the message where it is no mapping.

    Raises:
        ManifestError: The file cannot be read, is too large, or is not YAML that Forge could read.
    """
    text = _text(path)
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ManifestError(_reason(error, text), mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        raise ManifestError("holds a character that YAML does not allow", text.count("\n", 0, error.position) + 1) from None
    except (ValueError, OverflowError):  # PyYAML makes numbers of escapes and versions without looking at their size
        raise ManifestError("is not YAML: an escape or a version is out of range") from None
    finally:
        if loader is not None:
            loader.dispose()
    if root is None or (isinstance(root, ScalarNode) and root.tag == _NULL):
        raise ManifestError("is empty")
    if not isinstance(root, MappingNode):
        raise ManifestError(f"is not a mapping: {form}", line_of(root))
    return root


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # a directory, a pipe or a device is none: reading could wait for ever
            raise ManifestError("is not a file" if path.exists() else "does not exist")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ManifestError(f"cannot be opened: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ManifestError(f"is larger than {LARGEST // 1024} KiB (our own limit)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError("is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from None


def _reason(error: yaml.MarkedYAMLError, text: str) -> str:
    problem = str(error.problem or error.context or "the structure is broken")
    if problem.startswith("but ") and error.context:  # the second half of a sentence
        problem = f"{error.context}, {problem}"
    mark = error.problem_mark
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        return "a tab indents this line, and YAML takes spaces only"
    if isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError, yaml.composer.ComposerError)):
        return f"is not YAML: {problem}"
    return problem


# --- a way about the nodes --------------------------------------------------------------------------------------------------


def line_of(node: Node) -> int:
    """The line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def pairs(node: Node | None) -> Iterator[tuple[ScalarNode, Node]]:
    """The names of a mapping and what they hold, each name once: its own before those of ``<<``. Nothing of any other node."""
    names: set[str] = set()
    waiting, seen = [node], {id(node)}
    while waiting:
        mapping = waiting.pop()
        if not isinstance(mapping, MappingNode):
            continue
        for key, value in mapping.value:
            if key.tag == _MERGE:
                merged = value.value if isinstance(value, SequenceNode) else [value]
                fresh = [other for other in merged if id(other) not in seen]  # an anchor may hold itself
                seen.update(map(id, fresh))
                waiting += reversed(fresh)
            elif isinstance(key, ScalarNode) and key.value not in names:
                names.add(key.value)
                yield key, value


def child(node: Node | None, name: str) -> tuple[ScalarNode, Node] | None:
    """The name and what it holds; None where the node is no mapping or has no such name, or nothing under it."""
    return next(((key, value) for key, value in pairs(node) if key.value == name and not is_null(value)), None)


def is_null(node: Node) -> bool:
    """Whether nothing is written here: ``name:`` alone, ``null`` or ``~``."""
    return isinstance(node, ScalarNode) and node.tag == _NULL
