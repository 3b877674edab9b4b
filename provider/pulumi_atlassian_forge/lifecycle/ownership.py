"""Which resource of the program owns a module that more than one resource has owned.

A resource may adopt the module of another one: it declares the same key under another logical name, or it adopts that module. The
engine then deletes the earlier resource, after it made the later one and by the id that both have. The module must stay.

A run with ``--target`` may leave both in the state, and a ``destroy --target`` of the earlier one calls one hook, which knows of
no other. So a refresh, which sees both, marks the earlier one (``__successor``). Before a refresh nothing can tell.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from pulumi_atlassian_forge.model.content import is_typed
from pulumi_atlassian_forge.model.module_id import Version

from .known_modules import ModuleName

_Resource = tuple[bool, tuple[str, ...]]  # its class, and its logical name
_NO_NAME: Final[_Resource] = (False, ())
_TIME_DIGITS: Final = 8  # of a mark: seconds since the epoch
_MARK_DIGITS: Final = 16


def new_mark() -> str:
    """The mark of a register or an adoption (``__made``): a later one is greater."""
    return f"{int(time.time()):0{_TIME_DIGITS}x}{secrets.token_hex((_MARK_DIGITS - _TIME_DIGITS) // 2)}"


class Ownership:
    """The owners of the modules of one installation, as far as this process knows. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[ModuleName, str] = {}  # the mark of the resource of this process that registered or adopted it
        self._declared: dict[ModuleName, _Resource] = {}  # resources of the program that are in the state
        self._program: set[_Resource] = set()
        self._compared: list[tuple[Any, _Resource]] = []  # the mark of outputs, and the resource that has them now
        self._entries: dict[ModuleName, set[str]] = {}  # the marks of the entries of the state that a refresh reads
        self._deleted: set[_Resource] = set()  # resources of which this process deleted the module

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

    def record_entry(self, module: ModuleName, outputs: Mapping[str, Any]) -> None:
        """Record an entry of the state that a refresh reads."""
        with self._lock:
            self._entries.setdefault(module, set()).add(_time_ordered(outputs.get("__made")))

    def successor(self, module: ModuleName, outputs: Mapping[str, Any]) -> str | None:
        """The mark of a later entry of the state for the same module, which owns it; None: this entry owns it."""
        with self._lock:
            latest = max(self._entries.get(module, {""}))
        return latest if latest > _time_ordered(outputs.get("__made")) else None

    def record_deletion(self, outputs: Mapping[str, Any]) -> None:
        """Record that this process deleted the module of a resource."""
        with self._lock:
            self._deleted.add(resource_of(outputs))

    def has_deleted(self, inputs: Mapping[str, Any]) -> bool:
        """Whether this process deleted the module of a resource: a replacement that deletes first does."""
        with self._lock:
            return resource_of(inputs) in self._deleted - {_NO_NAME}

    def belongs_to_another(self, module: ModuleName, outputs: Mapping[str, Any]) -> bool:
        """Whether a module belongs to another resource than the one with these outputs, which is to be deleted.

        The other one registered or adopted it in this process; or it is in the state and declares the key under another name,
        after a run that was interrupted before it deleted the earlier resource; or a refresh saw it in the state.
        """
        with self._lock:
            if module in self._owners:
                return self._owners[module] != outputs.get("__made")
            if outputs.get("__successor"):
                return True
            resource, mark = resource_of(outputs), _mark(outputs)
            if any(compared == mark and other in self._program for compared, other in self._compared):
                return False  # an alias gave the resource another name: its outputs keep the old one
            return resource != _NO_NAME and self._declared.get(module, resource) != resource


def resource_of(props: Mapping[str, Any]) -> _Resource:
    """The resource that has these properties. Pulumi allows one of each class with the same name."""
    name = props.get("__name")
    return (is_typed(props), tuple(name)) if name else _NO_NAME


def _time_ordered(mark: Any) -> str:
    """A mark that can be compared; an earlier version of this package wrote shorter ones, without the time."""
    return mark if isinstance(mark, str) and len(mark) == _MARK_DIGITS else ""


def _mark(outputs: Mapping[str, Any]) -> Any:
    """What distinguishes a resource from its successor under the same key; an old state has only the name."""
    return outputs.get("__made") or outputs.get("__name")
