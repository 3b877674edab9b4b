"""Which resource of the program a module belongs to, where it has belonged to more than one.

A resource may take over the module of another: it has its key under another name, or it adopts it in its place. The engine then
deletes the earlier resource, after the later one was made and by the id that both have, and with it the module would go.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from .api.protocol import Version
from .siblings import Name


class Owners:
    """The resources that the modules of one installation belong to, as far as this process knows. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[Name, str] = {}  # by a resource of this process: its mark
        self._declared: dict[Name, Any] = {}  # by a resource of the program that is in the state: its name
        self._met: list[Any] = []  # the marks of those of the program whose outputs were seen

    def declare(self, version: Version, inputs: Mapping[str, Any]) -> None:
        """A resource of the program is in the state, and declares or adopts a key."""
        key = inputs.get("key", inputs.get("adopt"))
        if isinstance(key, str):
            with self._lock:
                self._declared[version, key] = inputs.get("__name")

    def take(self, module: Name, made: str) -> None:
        """A resource has registered, adopted or taken over a module in this process.

        Args:
            module: Which.
            made: What tells the resource from one that had the module before.
        """
        with self._lock:
            self._taken[module] = made

    def meet(self, outputs: Mapping[str, Any]) -> None:
        """A resource of the program has these outputs in the state."""
        with self._lock:
            self._met.append(_mark(outputs))

    def is_another_s(self, module: Name, outputs: Mapping[str, Any]) -> bool:
        """Whether a module belongs to another resource by now than to the one with these outputs, which is to be deleted.

        That other one has taken it in this process; or it is in the state and declares the key under another name, after a run
        that broke off before it had deleted its predecessor.
        """
        with self._lock:
            if module in self._taken:
                return self._taken[module] != outputs.get("__made")
            if _mark(outputs) in self._met:
                return False  # of another name since an alias: its outputs keep the old one
            name = outputs.get("__name")
            return bool(name) and self._declared.get(module, name) != name


def _mark(outputs: Mapping[str, Any]) -> Any:
    """What tells a resource from its successor under the same key; a state of old has only the name."""
    return outputs.get("__made") or outputs.get("__name")
