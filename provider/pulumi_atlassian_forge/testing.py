"""Helpers for the tests of users: a pytest plugin with the fixture ``forge_emulator``, and the emulator as a transport of httpx.

Opt in with ``pytest_plugins = ["pulumi_atlassian_forge.testing"]``. The fixture needs the extra ``emulator``.

==========================  =====================================================================================
:func:`forge_emulator`      fixture: an emulator over HTTP with a file of its own, as a :class:`ForgeEmulator`
:class:`EmulatorTransport`  transport of httpx that serves every request from a file, without a socket
:class:`EmulatorOptions`    the options of an emulator
:class:`FaultRule`          a fault rule, read from its text by :meth:`FaultRule.parse`
==========================  =====================================================================================
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.handler import Emulator
from pulumi_atlassian_forge.emulator.installation_details import installation_path
from pulumi_atlassian_forge.emulator.options import EmulatorOptions
from pulumi_atlassian_forge.emulator.responses import EmulatorResponse
from pulumi_atlassian_forge.emulator.rows import Module, Rows
from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

__all__ = ["EmulatorOptions", "EmulatorTransport", "FaultRule", "ForgeEmulator", "RecordedRequest", "forge_emulator"]

_SECRET = frozenset({"authorization", "forge-proxy-authorization"})


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request that reached the emulator, without its credentials, and the status of its response.

    The client may not have got the response, because of a fault. The status is 0 if a fault dropped the request.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass
class ForgeEmulator:
    """A running emulator.

    Attributes:
        base_url: Its base URL.
        token: An app token of :attr:`installation`.
        installation: The name of the installation.
        requests: The requests that reached it, oldest first.
    """

    base_url: str
    token: str
    installation: str
    requests: list[RecordedRequest] = field(repr=False)
    _emulator: Emulator = field(repr=False)

    @property
    def expected_installation(self) -> str:
        """The value of ``expectedInstallation`` for :attr:`installation`."""
        return installation_path(self.installation)

    def environment(self) -> dict[str, str]:
        """The environment variables that make the provider use this emulator."""
        return {"ATLASSIAN_FORGE_BASE_URL": self.base_url, "ATLASSIAN_FORGE_TOKEN": self.token}

    def option(self, **values: Any) -> None:
        """Change options; the others keep their values.

        Raises:
            ValueError: An unknown name or value.
        """
        self._emulator.options = self._emulator.options.changed(**values)

    def fault(self, rule: str) -> None:
        """Add a fault rule; its count starts now.

        Args:
            rule: ``name=value`` texts, separated by commas: ``method=POST,nth=3,action=lose``.

        Raises:
            ValueError: It is no rule.
        """
        self._emulator.faults.add(FaultRule.parse(rule))

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self._emulator.faults.clear()

    def modules(self, version: str = "v1") -> list[dict[str, Any]]:
        """The registered modules, oldest first: ``{"key", "type", "data"}``, as they are stored, without ``data.key``."""
        with self._emulator.store.read() as rows:
            modules = rows.modules(self.installation, version)
        return [{"key": module.key, "type": module.content[0], "data": module.content[1]} for module in modules]

    def register(self, type_: str, data: Mapping[str, Any], key: str | None = None, version: str = "v1") -> str:
        """Register a module outside Pulumi; its data is not validated. Without a key it gets a UUID, as under v2.

        Returns:
            The key.

        Raises:
            ValueError: The key exists.
        """
        key = key or str(uuid.uuid4())
        with self._emulator.store.write() as rows:
            if rows.module(self.installation, version, key) is not None:
                raise ValueError(f"a module with the key {key} is registered already")
            rows.add_module(self.installation, version, key, (type_, dict(data)), time.time())
        return key

    def change(self, key: str, data: Mapping[str, Any], version: str = "v1") -> None:
        """Replace the data of a module outside Pulumi; the new data is not validated.

        Raises:
            KeyError: There is no such module.
        """
        with self._emulator.store.write() as rows:
            module = self._registered(rows, version, key)
            rows.replace_module(module, (module.content[0], dict(data)), module.content, time.time())

    def delete(self, key: str, version: str = "v1") -> None:
        """Delete a module outside Pulumi.

        Raises:
            KeyError: There is no such module.
        """
        with self._emulator.store.write() as rows:
            rows.delete_module(self._registered(rows, version, key))

    def _registered(self, rows: Rows, version: str, key: str) -> Module:
        module = rows.module(self.installation, version, key)
        if module is None:
            raise KeyError(key)
        return module


class _Recording(Emulator):
    """An emulator that records its requests."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.requests: list[RecordedRequest] = []

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        *,
        installation: str | None = None,
    ) -> EmulatorResponse:
        """Serve a request and record it."""
        response = super().handle(method, path, query, headers, body, installation=installation)
        shown = {name: value for name, value in headers.items() if name not in _SECRET}
        self.requests.append(RecordedRequest(method, path, query, shown, body, response.status))
        return response


@pytest.fixture
def forge_emulator(tmp_path: Path) -> Iterator[ForgeEmulator]:
    """Fixture: an emulator over HTTP, with a file of its own, for one test."""
    from pulumi_atlassian_forge.emulator.server import serving  # noqa: PLC0415 - the plugin must load without the extra

    emulator = _Recording(Store(tmp_path / "forge-emulator.db"))
    token, installation = secrets.token_urlsafe(), "default"
    with emulator.store.write() as rows:
        rows.add_token(token, installation)
    with serving(emulator) as base_url:
        yield ForgeEmulator(base_url, token, installation, emulator.requests, emulator)
