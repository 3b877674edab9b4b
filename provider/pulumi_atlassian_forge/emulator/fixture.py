"""A pytest plugin with the emulator as a fixture. Opt in: ``pytest_plugins = ["pulumi_atlassian_forge.emulator.fixture"]``."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .fault_rules import FaultRule
from .handler import Emulator, EmulatorAnswer
from .rows import Module, Rows
from .store import Store

_SECRET = frozenset({"authorization", "forge-proxy-authorization"})


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request that reached the emulator, without its credentials, and the status of its response.

    A fault may keep the response from the client; the status of a request that one kept from being carried out, and left
    without an response, is 0.
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
        base_url: Where it listens.
        token: An app token of :attr:`installation`.
        installation: The installation that the token is for.
        requests: What reached it, oldest first.
    """

    base_url: str
    token: str
    installation: str
    requests: list[RecordedRequest] = field(repr=False)
    _emulator: Emulator = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The environment variables that lead the provider here."""
        return {"ATLASSIAN_FORGE_BASE_URL": self.base_url, "ATLASSIAN_FORGE_TOKEN": self.token}

    def option(self, **values: Any) -> None:
        """Change options; the others keep their values.

        Raises:
            ValueError: An unknown name or value.
        """
        self._emulator.options = self._emulator.options.changed(**values)

    def fault(self, rule: str) -> None:
        """Let the emulator do something wrong, in addition to what it does wrong already.

        Args:
            rule: ``name=value`` texts, separated by commas: ``method=POST,nth=3,action=lose``. It counts from now.

        Raises:
            ValueError: It is no rule.
        """
        self._emulator.faults.add(FaultRule.parse(rule))

    def clear_faults(self) -> None:
        """Let the emulator do nothing wrong from now on."""
        self._emulator.faults.clear()

    def modules(self, version: str = "v1") -> list[dict[str, Any]]:
        """The registered modules, oldest first: ``{"key", "type", "data"}``, as they are stored, without ``data.key``.

        Args:
            version: The version of the API.
        """
        with self._emulator.store.read() as rows:
            modules = rows.modules(self.installation, version)
        return [{"key": module.key, "type": module.content[0], "data": module.content[1]} for module in modules]

    def register(self, type_: str, data: Mapping[str, Any], key: str | None = None, version: str = "v1") -> str:
        """Register a module behind the back of whoever manages the others.

        Args:
            type_: Its type.
            data: Its data; not checked.
            key: Its key; None: a UUID, as the server of v2 makes them.
            version: The version of the API.

        Returns:
            The key.

        Raises:
            ValueError: The key is taken.
        """
        key = key or str(uuid.uuid4())
        with self._emulator.store.write() as rows:
            if rows.module(self.installation, version, key) is not None:
                raise ValueError(f"a module with the key {key} is registered already")
            rows.add_module(self.installation, version, key, (type_, dict(data)), time.time())
        return key

    def change(self, key: str, data: Mapping[str, Any], version: str = "v1") -> None:
        """Change a module behind the back of whoever manages it.

        Args:
            key: Its key.
            data: Its new data, as a whole; not checked.
            version: The version of the API.

        Raises:
            KeyError: There is no such module.
        """
        with self._emulator.store.write() as rows:
            module = self._registered(rows, version, key)
            rows.replace_module(module, (module.content[0], dict(data)), module.content, time.time())

    def delete(self, key: str, version: str = "v1") -> None:
        """Delete a module behind the back of whoever manages it.

        Args:
            key: Its key.
            version: The version of the API.

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
    """An emulator that writes down what it is asked."""

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
    ) -> EmulatorAnswer:
        """Response a request and write it down."""
        response = super().handle(method, path, query, headers, body, installation=installation)
        shown = {name: value for name, value in headers.items() if name not in _SECRET}
        self.requests.append(RecordedRequest(method, path, query, shown, body, response.status))
        return response


@pytest.fixture
def forge_emulator(tmp_path: Path) -> Iterator[ForgeEmulator]:
    """An emulator over HTTP, with a file of its own, for one test."""
    from .server import serving  # noqa: PLC0415 - a plugin must load where the extra is missing; only its fixture needs it

    emulator = _Recording(Store(tmp_path / "forge-emulator.db"))
    token, installation = secrets.token_urlsafe(), "default"
    with emulator.store.write() as rows:
        rows.add_token(token, installation)
    with serving(emulator) as base_url:
        yield ForgeEmulator(base_url, token, installation, emulator.requests, emulator)
