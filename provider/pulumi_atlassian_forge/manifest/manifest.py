"""The parts of an app's ``manifest.yml`` that dynamic modules refer to, each declaration with its line.

A list is *open* if it may hold more than can be seen: a value that ``forge deploy`` fills in, or an unknown form. Nothing follows
from what an open list lacks.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .yaml_nodes import ManifestError, child, line_of, pairs, read

_PLAIN: Final = re.compile(r"[a-zA-Z0-9_.:/-]{1,255}")
"""The form of keys, types and scopes. Any other text is a variable (``${NAME}``), or an error that ``forge deploy`` finds."""

_TARGETS: Final = ("function", "endpoint")
_TRUE: Final = ("true", "True", "TRUE")


@dataclass(frozen=True, slots=True)
class DeclaredList:
    """A list of the manifest."""

    path: str  # for example `modules.function`
    lines: Mapping[str, int]  # the line of each key
    line: int  # where the list begins; if it does not exist, the line of the nearest parent
    exists: bool
    is_open: bool  # it may hold more than can be seen


@dataclass(frozen=True, slots=True)
class EndpointEntry:
    """An endpoint of the manifest."""

    line: int
    user_token: int | None  # the line that enables `auth.appUserToken`
    has_route: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """The declarations of a manifest."""

    label: str  # the name of the file in messages: the value of the setting
    functions: DeclaredList
    endpoints: DeclaredList
    resources: DeclaredList
    scopes: DeclaredList
    endpoint: Mapping[str, EndpointEntry]  # by key
    entries: Mapping[str, DeclaredList]  # of each resource
    modules: Mapping[str, tuple[str, int]]  # type and line of each static module by key, without functions and endpoints

    def at(self, line: int) -> str:
        """A line of the file, as an editor opens it: ``manifest.yml:41``."""
        return f"{self.label}:{line}"


class Manifests:
    """A cache of manifests. All threads of a process share one read of each file; changes are not watched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, Manifest | ManifestError] = {}

    def get(self, root: Path, setting: str) -> Manifest:
        """Read the manifest that a setting names, or raise :class:`ManifestError`. A relative path starts at the root."""
        try:
            path = root / Path(setting).expanduser()
        except RuntimeError:
            raise ManifestError("begins with the home of a user who does not exist") from None
        with self._lock:
            if path not in self._known:
                try:
                    self._known[path] = parse(read(path), setting)
                except ManifestError as error:
                    self._known[path] = error
            known = self._known[path]
        if isinstance(known, ManifestError):
            raise ManifestError(known.reason, known.line)  # a copy: an exception that is raised again grows its traceback
        return known


def parse(root: MappingNode, label: str) -> Manifest:
    """Parse the nodes of a manifest; the label is the file's name in messages."""
    endpoints, endpoint_nodes = _keyed_list(root, "modules", "endpoint")
    resources, resource_nodes = _keyed_list(root, "resources")
    return Manifest(
        label=label,
        functions=_keyed_list(root, "modules", "function")[0],
        endpoints=endpoints,
        resources=resources,
        scopes=_name_list(root, 1, "permissions", "scopes"),
        endpoint={key: _endpoint(node) for key, node in endpoint_nodes.items()},
        entries={key: _name_list(node, line_of(node), "entry") for key, node in resource_nodes.items()},
        modules=_static_modules(root),
    )


def _keyed_list(root: Node, *path: str) -> tuple[DeclaredList, dict[str, Node]]:
    """A list of mappings that each have a ``key``, and the mapping of each key."""
    node, line, is_unknown = _descend(root, 1, path)
    entries = node.value if isinstance(node, SequenceNode) and not is_unknown else []
    keyed = [(key, entry) for entry in entries if (key := _key(entry)) is not None]
    is_open = is_unknown or len(keyed) < len(entries) or not isinstance(node, (SequenceNode, NoneType))
    lines = {key.value: line_of(key) for key, _ in keyed}
    declared = DeclaredList(".".join(path), lines, line, exists=node is not None, is_open=is_open)
    return declared, {key.value: entry for key, entry in keyed}


def _name_list(root: Node, line: int, *path: str) -> DeclaredList:
    """A list of names, or a mapping of names: ``permissions.scopes`` may be either."""
    node, line, is_unknown = _descend(root, line, path)
    names: list[Node] = []
    if isinstance(node, MappingNode):
        names = [name for name, _ in pairs(node)]
    elif isinstance(node, SequenceNode) and not is_unknown:
        names = node.value
    lines = {name.value: line_of(name) for name in names if _plain(name)}
    is_open = is_unknown or not all(map(_plain, names)) or isinstance(node, ScalarNode)
    return DeclaredList(".".join(path), lines, line, exists=node is not None, is_open=is_open)


def _descend(root: Node, line: int, path: tuple[str, ...]) -> tuple[Node | None, int, bool]:
    """The node at a path, the line of its name, and whether a node above it is no mapping, so that its content is unknown.

    If there is no such node: None, and the line of the nearest parent.
    """
    node = root
    for name in path:
        if not isinstance(node, MappingNode):
            return node, line, True
        found = child(node, name)
        if found is None:
            return None, line, False
        line, node = line_of(found[0]), found[1]
    return node, line, False


def _plain(node: Node) -> ScalarNode | None:
    return node if isinstance(node, ScalarNode) and _PLAIN.fullmatch(node.value) else None


def _key(node: Node) -> ScalarNode | None:
    found = child(node, "key")
    return None if found is None else _plain(found[1])


def _endpoint(node: Node) -> EndpointEntry:
    enabled, line, is_unknown = _descend(node, line_of(node), ("auth", "appUserToken", "enabled"))
    is_enabled = not is_unknown and isinstance(enabled, ScalarNode) and enabled.style is None and enabled.value in _TRUE
    return EndpointEntry(line_of(node), line if is_enabled else None, child(node, "route") is not None)


def _static_modules(root: Node) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    modules = child(root, "modules")
    for type_, entries in pairs(modules[1] if modules else None):
        if type_.value in _TARGETS or _plain(type_) is None or not isinstance(entries, SequenceNode):
            continue
        for key in filter(None, map(_key, entries.value)):
            found.setdefault(key.value, (type_.value, line_of(key)))
    return found
