"""Which resource of the program owns a module that more than one resource has owned.

A resource may adopt the module of another one: it declares the same key under another logical name, or it adopts that module. The
engine then deletes the earlier resource, after it made the later one and by the id that both have. The module must stay.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from pulumi_atlassian_forge.model.content import is_typed
from pulumi_atlassian_forge.model.module_id import Version

from .known_modules import ModuleName

_Resource = tuple[bool, tuple[str, ...]]  # its class, and its logical name
_NO_NAME: Final[_Resource] = (False, ())


class Ownership:
    """The owners of the modules of one installation, as far as this process knows. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[ModuleName, str] = {}  # the mark of the resource of this process that registered or adopted it
        self._declared: dict[ModuleName, _Resource] = {}  # resources of the program that are in the state
        self._program: set[_Resource] = set()
        self._compared: list[tuple[Any, _Resource]] = []  # the mark of outputs, and the resource that has them now

    def record_declaration(self, version: Version, inputs: Mapping[str, Any], *, is_in_state: bool) -> None:
        """Record a resource of the program. One that is in the state owns the key that it declares or adopts."""
        key = inputs.get("key", inputs.get("adopt"))
        with self._lock:
            self._program.add(resource_of(inputs))
            if is_in_state and isinstance(key, str):
                self._declared[version, key] = resource_of(inputs)

    def record_owner(self, module: ModuleName, mark: str) -> None:
        """Record that the resource with this mark registered or adopted a module in this process."""
        with self._lock:
            self._owners[module] = mark

    def record_comparison(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        """Record that a resource with these inputs has these outputs; a refresh compares resources outside the program, too."""
        with self._lock:
            self._compared.append((_mark(outputs), resource_of(inputs)))

    def belongs_to_another(self, module: ModuleName, outputs: Mapping[str, Any]) -> bool:
        """Whether a module belongs to another resource than the one with these outputs, which is to be deleted.

        The other one registered or adopted it in this process; or it is in the state and declares the key under another name,
        after a run that was interrupted before it deleted the earlier resource.
        """
        with self._lock:
            if module in self._owners:
                return self._owners[module] != outputs.get("__made")
            resource, mark = resource_of(outputs), _mark(outputs)
            if any(compared == mark and other in self._program for compared, other in self._compared):
                return False  # an alias gave the resource another name: its outputs keep the old one
            return resource != _NO_NAME and self._declared.get(module, resource) != resource


def resource_of(props: Mapping[str, Any]) -> _Resource:
    """The resource that has these properties. Pulumi allows one of each class with the same name."""
    name = props.get("__name")
    return (is_typed(props), tuple(name)) if name else _NO_NAME


def _mark(outputs: Mapping[str, Any]) -> Any:
    """What distinguishes a resource from its successor under the same key; an old state has only the name."""
    return outputs.get("__made") or outputs.get("__name")
