"""What an app's ``manifest.yml`` declares, as far as dynamic modules have to do with it, each thing with its line.

What cannot be told (a value that ``forge deploy`` fills in, a shape that is not known) makes a list *open*: nothing follows then
from what is not in it.
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
"""What keys, types and scopes are made of. Anything else is a variable (``${NAME}``, docs:manifest-reference/environment) or a
mistake that ``forge deploy`` finds."""

_TARGETS: Final = ("function", "endpoint")
_TRUE: Final = ("true", "True", "TRUE")


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of the manifest: what stands in it, by key, with its line.

    Attributes:
        path: Where it stands: ``modules.function``.
        lines: The line of each key.
        line: The line where the list begins; where there is none, that of the nearest thing above it.
        exists: Whether the list is there.
        is_open: Whether it may hold more than can be seen.
    """

    path: str
    lines: Mapping[str, int]
    line: int
    exists: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known of an endpoint.

    Attributes:
        line: Where it begins.
        user_token: The line that enables ``auth.appUserToken``; None where nothing does.
        has_route: Whether it has a ``route``.
    """

    line: int
    user_token: int | None
    has_route: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """The declarations of a manifest.

    Attributes:
        label: What the file is called in messages: the setting's value.
        functions: ``modules.function``.
        endpoints: ``modules.endpoint``.
        resources: ``resources``.
        scopes: ``permissions.scopes``.
        endpoint: What is known of each endpoint.
        entries: Of each resource the keys of its ``entry``, with their lines.
        modules: The static modules, functions and endpoints left out: the key of each with its type and line.
    """

    label: str
    functions: Listed
    endpoints: Listed
    resources: Listed
    scopes: Listed
    endpoint: Mapping[str, Endpoint]
    entries: Mapping[str, Listed]
    modules: Mapping[str, tuple[str, int]]

    def at(self, line: int) -> str:
        """A line of the file, as an editor opens it: ``manifest.yml:41``."""
        return f"{self.label}:{line}"


class Manifests:
    """The manifests of a process. Each file is read once, whatever the number of threads and of modules; it is not watched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, Manifest | ManifestError] = {}

    def get(self, root: Path, setting: str) -> Manifest:
        """A manifest.

        Args:
            root: Where a relative path starts.
            setting: The path, as it was set; a leading ``~`` is the user's home.

        Raises:
            ManifestError: The manifest cannot be read.
        """
        try:
            path = root / Path(setting).expanduser()
        except RuntimeError:
            raise ManifestError("begins with the home of a user who does not exist") from None
        with self._lock:
            known = self._known.get(path)
            if known is None:
                known = self._known[path] = _load(path, setting)
        if isinstance(known, ManifestError):
            raise ManifestError(known.reason, known.line)  # a new one: an error that is raised grows a traceback
        return known


def _load(path: Path, label: str) -> Manifest | ManifestError:
    try:
        return understand(read(path), label)
    except ManifestError as error:
        return error


def understand(root: MappingNode, label: str) -> Manifest:
    """What the nodes of a manifest declare.

    Args:
        root: The root of the file.
        label: What the file is called in messages.
    """
    endpoints, found = _keyed(root, "modules", "endpoint")
    resources, declared = _keyed(root, "resources")
    return Manifest(
        label=label,
        functions=_keyed(root, "modules", "function")[0],
        endpoints=endpoints,
        resources=resources,
        scopes=_named(root, 1, "permissions", "scopes"),
        endpoint={key: _endpoint(node) for key, node in found.items()},
        entries={key: _named(node, line_of(node), "entry") for key, node in declared.items()},
        modules=_modules(root),
    )


def _keyed(root: Node, *path: str) -> tuple[Listed, dict[str, Node]]:
    """A list of mappings that each have a ``key``, and the mapping of each key."""
    node, line, is_odd = _down(root, 1, path)
    entries = node.value if isinstance(node, SequenceNode) and not is_odd else []
    found = [(key, entry) for entry in entries if (key := _key(entry)) is not None]
    is_open = is_odd or len(found) < len(entries) or not isinstance(node, (SequenceNode, NoneType))
    listed = Listed(".".join(path), {key.value: line_of(key) for key, _ in found}, line, exists=node is not None, is_open=is_open)
    return listed, {key.value: entry for key, entry in found}


def _named(root: Node, line: int, *path: str) -> Listed:
    """A list of names, or a mapping of them: ``permissions.scopes`` may be either (docs:manifest-reference/permissions)."""
    node, line, is_odd = _down(root, line, path)
    names: list[Node] = []
    if isinstance(node, MappingNode):
        names = [name for name, _ in pairs(node)]
    elif isinstance(node, SequenceNode) and not is_odd:
        names = node.value
    found = {name.value: line_of(name) for name in names if _plain(name)}
    is_open = is_odd or not all(map(_plain, names)) or isinstance(node, ScalarNode)
    return Listed(".".join(path), found, line, exists=node is not None, is_open=is_open)


def _down(root: Node, line: int, path: tuple[str, ...]) -> tuple[Node | None, int, bool]:
    """What stands at a path and the line of its name; None, and the line of what is above it, where there is nothing.

    The third is whether something on the way is no mapping: then what it holds is not known.
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


def _endpoint(node: Node) -> Endpoint:
    enabled, line, is_odd = _down(node, line_of(node), ("auth", "appUserToken", "enabled"))
    is_enabled = not is_odd and isinstance(enabled, ScalarNode) and enabled.style is None and enabled.value in _TRUE
    return Endpoint(line_of(node), line if is_enabled else None, child(node, "route") is not None)


def _modules(root: Node) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    modules = child(root, "modules")
    for type_, entries in pairs(modules[1] if modules else None):
        if type_.value in _TARGETS or _plain(type_) is None or not isinstance(entries, SequenceNode):
            continue
        for key in filter(None, map(_key, entries.value)):
            found.setdefault(key.value, (type_.value, line_of(key)))
    return found
