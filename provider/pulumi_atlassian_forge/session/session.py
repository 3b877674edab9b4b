"""The verbs on plain values, for all installations of a process: the one thing that a front end calls.

A front end (the dynamic provider, the functions of a program) translates values and says where run-time messages go. What
protects the user is fed in here, so that no front end can forget it: the installation guard, the ownership of modules, the keys
that are declared twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_atlassian_forge.config.installations import Get
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.lifecycle.check import CheckedInputs, KeyClaims, check
from pulumi_atlassian_forge.lifecycle.diff import Difference, diff
from pulumi_atlassian_forge.model.module_id import ModuleId

from .connections import Connections
from .notifications import to_standard_error

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.protocol import LiveModule


class Session:
    """What one process of a front end has open. Shared by all threads.

    Args:
        get: Returns the value of a configuration key, or None.
        notify: Receives run-time messages.
        directory: Where the process runs; a relative path starts at the nearest Pulumi.yaml above it.

    Attributes:
        connections: The installations.

    Raises:
        ForgeError: The configuration cannot be used.
    """

    def __init__(self, get: Get, notify: Notify = to_standard_error, directory: Path | None = None) -> None:
        self.connections = Connections(get, directory, notify=notify)
        self._keys = KeyClaims()

    # The verbs import what they need when they are called: a preview calls check and diff only, and needs no client.

    def check(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> CheckedInputs:
        """Validate and complete the inputs of one resource; no request.

        Args:
            inputs: The inputs, as the program gave them.
            olds: The inputs in the state; empty for a new resource.

        Raises:
            ForgeError: The settings of the installation cannot be used.
        """
        checked = check(inputs, self.connections, self._keys)
        if not checked.problems:
            guard = self.connections.guard(checked.inputs["installation"])
            guard.on_declared(checked.inputs["apiVersion"], checked.inputs, olds)
        return checked

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        """Compare the old outputs with the new inputs; no request. The result depends on nothing else.

        Raises:
            ForgeError: The id is not that of a module.
        """
        module = ModuleId.parse(id_)
        self.connections.guard(module.installation).on_recorded(module.version, module.key, olds, news)
        return diff(olds, news)

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Register a module, or adopt one: its id and its outputs.

        Raises:
            ForgeError: It is not registered, or it is unknown whether it is.
        """
        from pulumi_atlassian_forge.lifecycle.create import create  # noqa: PLC0415

        id_, outputs = create(self.connections.open(inputs["installation"]), inputs)
        return str(id_), outputs

    def read(self, id_: str, olds: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Read a module: its outputs and inputs; None if it was deleted outside Pulumi.

        Raises:
            ForgeError: It cannot be read, or its deletion cannot be confirmed.
        """
        from pulumi_atlassian_forge.lifecycle.read import read  # noqa: PLC0415

        module = ModuleId.parse(id_)
        return read(self.connections.open(module.installation), module, olds)

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the content of a module: its outputs.

        Raises:
            ForgeError: It was not updated, or it is unknown whether it was.
        """
        from pulumi_atlassian_forge.lifecycle.update import update  # noqa: PLC0415

        module = ModuleId.parse(id_)
        return update(self.connections.open(module.installation), module, news, olds)

    def delete(self, id_: str, olds: Mapping[str, Any]) -> None:
        """Delete a module.

        Raises:
            ForgeError: It was not deleted, or its absence cannot be confirmed.
        """
        from pulumi_atlassian_forge.lifecycle.delete import delete  # noqa: PLC0415

        module = ModuleId.parse(id_)
        delete(self.connections.open(module.installation), module, olds)

    def find(self, installation: str, key: str) -> tuple[ModuleId, LiveModule]:
        """Find one module, whether it is in a state or not.

        Raises:
            ForgeError: No such module exists, or it cannot be read.
        """
        from pulumi_atlassian_forge.lifecycle.read import find  # noqa: PLC0415

        connection = self.connections.open(installation)
        version = self.connections.version(installation)
        return ModuleId(installation, version, key), find(connection, version, key)

    def list_modules(self, installation: str) -> list[tuple[ModuleId, LiveModule]]:
        """All modules of an installation, sorted by key.

        Raises:
            ForgeError: They cannot be listed.
        """
        from pulumi_atlassian_forge.lifecycle.read import list_modules  # noqa: PLC0415

        connection = self.connections.open(installation)
        version = self.connections.version(installation)
        return [(ModuleId(installation, version, live.key), live) for live in list_modules(connection, version)]
