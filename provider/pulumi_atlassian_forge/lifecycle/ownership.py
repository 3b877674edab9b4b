"""Which resource of the program a module belongs to, where it has belonged to more than one.

A resource may adopt the module of another: it has its key under another name, or it adopts it in its place. The engine then
deletes the earlier resource, after the later one was made and by the id that both have, and with it the module would go.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from pulumi_atlassian_forge.model.content import is_typed
from pulumi_atlassian_forge.model.module_id import Version

from .siblings import Name

_Resource = tuple[bool, tuple[str, ...]]  # of which class, and its logical name
_NOBODY: Final[_Resource] = (False, ())


class Owners:
    """The resources that the modules of one installation belong to, as far as this process knows. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[Name, str] = {}  # by a resource of this process: its mark
        self._declared: dict[Name, _Resource] = {}  # by a resource of the program that is in the state
        self._program: set[_Resource] = set()  # its resources
        self._met: list[tuple[Any, _Resource]] = []  # marks of outputs that were seen, and the resource that they are of now

    def declare(self, version: Version, inputs: Mapping[str, Any], *, is_in_state: bool) -> None:
        """A resource of the program; one that is in the state has the key that it declares or adopts."""
        key = inputs.get("key", inputs.get("adopt"))
        with self._lock:
            self._program.add(resource_of(inputs))
            if is_in_state and isinstance(key, str):
                self._declared[version, key] = resource_of(inputs)

    def take(self, module: Name, made: str) -> None:
        """A resource has registered, adopted or adopted a module in this process.

        Args:
            module: Which.
            made: What tells the resource from one that had the module before.
        """
        with self._lock:
            self._taken[module] = made

    def meet(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        """A resource with these inputs has these outputs in the state; not all are the program's: a refresh shows every one."""
        with self._lock:
            self._met.append((_mark(outputs), resource_of(inputs)))

    def is_another_s(self, module: Name, outputs: Mapping[str, Any]) -> bool:
        """Whether a module belongs to another resource by now than to the one with these outputs, which is to be deleted.

        That other one has taken it in this process; or it is in the state and declares the key under another name, after a run
        that broke off before it had deleted its predecessor.
        """
        with self._lock:
            if module in self._taken:
                return self._taken[module] != outputs.get("__made")
            mine, mark = resource_of(outputs), _mark(outputs)
            if any(met == mark and resource in self._program for met, resource in self._met):
                return False  # of another name since an alias: its outputs keep the old one
            return mine != _NOBODY and self._declared.get(module, mine) != mine


def resource_of(props: Mapping[str, Any]) -> _Resource:
    """Which resource these properties are of. Pulumi lets one of each class have the same name."""
    name = props.get("__name")
    return (is_typed(props), tuple(name)) if name else _NOBODY


def _mark(outputs: Mapping[str, Any]) -> Any:
    """What tells a resource from its successor under the same key; a state of old has only the name."""
    return outputs.get("__made") or outputs.get("__name")
