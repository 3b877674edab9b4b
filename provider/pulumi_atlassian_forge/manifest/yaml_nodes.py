"""Reads a YAML file as a tree of nodes, each with its line. The nodes are not converted to Python values.

Forge reads a manifest as YAML 1.2, PyYAML reads 1.1. They differ in the value of a plain scalar (``on``, ``0o7``), so scalars are
taken as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_BYTES: Final = 128 * 1024  # our own limit: PyYAML is slow, and all threads wait. A real manifest has some ten thousand
MAX_DEPTH: Final = 50  # of nested collections (our own limit): PyYAML's composer is recursive
MAX_ALIASES: Final = 100  # Forge's own reader, npm's ``yaml``, has the same limit against exponential expansion

_MERGE: Final = "tag:yaml.org,2002:merge"
_NULL: Final = "tag:yaml.org,2002:null"


class ManifestError(Exception):
    """The file cannot be read. The reason continues a sentence about the file; the line is None if it is the whole file.

    ``code`` is one of :data:`~.errors.CODES`, if the failure has one.
    """

    def __init__(self, reason: str, line: int | None = None, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.code = code


class _AliasError(yaml.MarkedYAMLError):
    """An alias in a file that has none."""


class _Loader(yaml.SafeLoader):
    """Composes nodes within the limits, and refuses duplicate names as Forge's own reader does."""

    allows_aliases = True

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._aliases = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # the stubs have no types here
        if self.check_event(yaml.AliasEvent):
            self._aliases += 1
            if not self.allows_aliases:
                raise _AliasError(problem="uses an alias, which this file must not: write the value again", problem_mark=mark)
        if self._aliases > MAX_ALIASES:
            raise yaml.MarkedYAMLError(problem=f"uses aliases more than {MAX_ALIASES} times", problem_mark=mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"is nested more than {MAX_DEPTH} levels deep", problem_mark=mark)
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
                problem = f"a mapping has the name {key.value!r} twice, first in line {seen[key.value]}"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen[key.value] = line_of(key)
        return node


class _LoaderWithoutAliases(_Loader):
    allows_aliases = False


def read(
    path: Path, form: str = "a manifest has app:, modules: and permissions: at its top level", *, aliases: bool = True
) -> MappingNode:
    """Read the root of a file, or raise a :class:`ManifestError`. If it is not a mapping, that names the expected form.

    ``aliases=False`` refuses aliases (``*name``). A reader that follows them needs it: a few of them expand to more nodes than
    any memory holds, or a node contains itself.
    """
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=_Loader if aliases else _LoaderWithoutAliases)
    except _AliasError as error:
        raise ManifestError(str(error.problem), error.problem_mark.line + 1 if error.problem_mark else None, "AF153") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ManifestError(_reason(error, text), mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        raise ManifestError("holds a character that YAML does not allow", text.count("\n", 0, error.position) + 1) from None
    except (ValueError, OverflowError):  # PyYAML converts escapes and versions to numbers without checking their size
        raise ManifestError("is not YAML: an escape or a version is out of range") from None
    if root is None or (isinstance(root, ScalarNode) and root.tag == _NULL):
        raise ManifestError("is empty")
    if not isinstance(root, MappingNode):
        raise ManifestError(f"is not a mapping: {form}", line_of(root))
    return root


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # reading a pipe or a device could block for ever
            raise ManifestError("is not a file" if path.exists() else "does not exist")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ManifestError(f"cannot be opened: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ManifestError(f"is larger than {MAX_BYTES // 1024} KiB (our own limit)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError("is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from None


def _reason(error: yaml.MarkedYAMLError, text: str) -> str:
    problem = str(error.problem or error.context or "the structure is broken")
    if problem.startswith("but ") and error.context:  # the rest of the context's sentence
        problem = f"{error.context}, {problem}"
    mark = error.problem_mark
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        return "a tab indents this line, and YAML accepts spaces only"
    if isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError, yaml.composer.ComposerError)):
        return f"is not YAML: {problem}"
    return problem


def line_of(node: Node) -> int:
    """The line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def pairs(node: Node | None) -> Iterator[tuple[ScalarNode, Node]]:
    """The names and values of a mapping, each name once: its own before those of ``<<``. Nothing for any other node."""
    names: set[str] = set()
    waiting, seen = [node], {id(node)}
    while waiting:
        mapping = waiting.pop()
        if not isinstance(mapping, MappingNode):
            continue
        for key, value in mapping.value:
            if key.tag == _MERGE:
                merged = value.value if isinstance(value, SequenceNode) else [value]
                fresh = [other for other in merged if id(other) not in seen]  # an anchor may contain itself
                seen.update(map(id, fresh))
                waiting += reversed(fresh)
            elif isinstance(key, ScalarNode) and key.value not in names:
                names.add(key.value)
                yield key, value


def child(node: Node | None, name: str) -> tuple[ScalarNode, Node] | None:
    """A name of a mapping and its value; None if the node is no mapping, or has no such name or no value there."""
    return next(((key, value) for key, value in pairs(node) if key.value == name and not is_null(value)), None)


def is_null(node: Node) -> bool:
    """Whether the node is empty (``name:`` alone), ``null`` or ``~``."""
    return isinstance(node, ScalarNode) and node.tag == _NULL
