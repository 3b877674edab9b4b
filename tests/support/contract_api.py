"""HTTP client of the emulator, for the tests of the API assumptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.handler import Emulator, EmulatorResponse

TRIGGER = {"events": ["avi:jira:updated:issue"], "endpoint": "some-endpoint"}
OTHER = {"events": ["avi:jira:created:issue"], "function": "some-function"}
PROPERTY = {"propertyKey": "p", "values": []}
UNAUTHORIZED = {"message": "Authorization failed"}
both = pytest.mark.parametrize("version", ["v1", "v2"])


@dataclass
class Api:
    """The emulator as a client sees it."""

    emulator: Emulator
    version: str
    now: list[float]
    headers: dict[str, str] = field(default_factory=lambda: {"authorization": "Bearer app"})

    @property
    def tail(self) -> str:
        return f"/forge/installation/{self.version}/dynamic/module"

    def ask(
        self, method: str, key: str | None = None, body: Any = None, *, raw: bytes | None = None, **query: str
    ) -> EmulatorResponse:
        path = self.tail if key is None else f"{self.tail}/{key}"
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self.emulator.handle(method, path, query, self.headers, content)

    def body(self, key: str = "k", type_: str = "trigger", data: Any = None) -> dict[str, Any]:
        """A registration, or an update, as this version wants it."""
        named = {"key": key} if self.version == "v1" else {}
        return {**named, "type": type_, "data": TRIGGER if data is None else data}

    def add(self, key: str = "k", data: Any = None) -> str:
        """Register a module; returns its key."""
        response = self.ask("POST", body=self.body(key, data=data))
        assert response.status == 201, response
        return str(of(response)["key"])

    def keys(self) -> list[str]:
        return [module["key"] for module in of(self.ask("GET"))]

    def option(self, **values: Any) -> None:
        self.emulator.options = self.emulator.options.changed(**values)


def of(response: EmulatorResponse) -> Any:
    return json.loads(response.body)


def refused(response: EmulatorResponse, status: int) -> str:
    assert response.status == status, response
    assert set(of(response)) == {"message"}
    return str(of(response)["message"])
