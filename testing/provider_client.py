"""Client of a provider plugin for the lifecycle harness: the engine's calls on plain values, and the plugin's process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from testing.plugin import plugin
from testing.project import programs_python
from testing.resource_monitor import Properties, from_wire, marked, revealed, to_wire
from testing.stack_state import Resource, name_of, type_of

_SAME, _SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
_TIMEOUT_S = 120.0


class ProviderError(Exception):
    """A call failed; the text is what the engine shows."""


@dataclass(frozen=True)
class FrontEnd:
    """How a provider is reached: the dynamic one of the Python SDK by default.

    Attributes:
        package: The first part of its type tokens.
        module: What Python runs as its plugin.
    """

    package: str = "pulumi-python"
    module: str = "pulumi.dynamic"


@dataclass(frozen=True)
class Difference:
    is_changed: bool
    is_replaced: bool
    deletes_first: bool


class ProviderClient:
    """The calls. A provider gets no secrets, as the dynamic one asks for; its outputs are secret where its inputs are."""

    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub) -> None:
        self._stub = stub

    def check(self, urn: str, news: Properties, olds: Properties | None) -> tuple[Properties, list[tuple[str, str]]]:
        """The checked inputs, and each failure by its property and its reason."""
        sent: dict[str, Any] = {"news": _sent(news)} | ({} if olds is None else {"olds": _sent(olds)})
        response = _called(self._stub.Check, provider_pb2.CheckRequest(**_named(urn), **sent))
        return marked(from_wire(response.inputs), news), [(failure.property, failure.reason) for failure in response.failures]

    def diff(self, old: Resource, news: Properties) -> Difference:
        known: dict[str, Any] = {"id": old["id"], "olds": _sent(old["outputs"]), "old_inputs": _sent(old["inputs"])}
        response = _called(self._stub.Diff, provider_pb2.DiffRequest(**_named(old["urn"]), **known, news=_sent(news)))
        assert response.changes in {_SAME, _SOME}, "the provider cannot tell: the harness does not know that"
        return Difference(response.changes == _SOME, bool(response.replaces), response.deleteBeforeReplace)

    def create(self, urn: str, inputs: Properties) -> tuple[str, Properties]:
        response = _called(self._stub.Create, provider_pb2.CreateRequest(**_named(urn), properties=_sent(inputs)))
        return response.id, marked(from_wire(response.properties), inputs)

    def read(self, old: Resource) -> Resource | None:
        """The resource with its current inputs and outputs, or None if it does not exist. ``outputs`` may be missing before."""
        known: dict[str, Any] = {"inputs": _sent(old["inputs"])} | (
            {"properties": _sent(old["outputs"])} if "outputs" in old else {}
        )
        response = _called(self._stub.Read, provider_pb2.ReadRequest(id=old["id"], **_named(old["urn"]), **known))
        if not response.id:
            return None
        outputs = marked(from_wire(response.properties), old["outputs"] if "outputs" in old else old["inputs"])
        inputs = marked(from_wire(response.inputs), old["inputs"]) if response.inputs.fields else old["inputs"]
        return {**old, "id": response.id, "inputs": inputs, "outputs": outputs}

    def update(self, old: Resource, urn: str, inputs: Properties) -> Properties:
        known: dict[str, Any] = {"id": old["id"], "olds": _sent(old["outputs"]), "old_inputs": _sent(old["inputs"])}
        response = _called(self._stub.Update, provider_pb2.UpdateRequest(**_named(urn), **known, news=_sent(inputs)))
        return marked(from_wire(response.properties), inputs)

    def delete(self, old: Resource) -> None:
        request = provider_pb2.DeleteRequest(id=old["id"], **_named(old["urn"]), properties=_sent(old["outputs"]))
        _called(self._stub.Delete, request)


class PluginProcess:
    """The plugin of a command: started when it is first needed, and again if the configuration changes within the command.

    Args:
        root: Its working directory.
        environment: Its environment.
        front_end: What it runs.
        show: Gets each line of its standard error, which belongs to no resource.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], front_end: FrontEnd, show: Callable[[str], None]) -> None:
        self._root, self._environment, self._front_end, self._show = root, environment, front_end, show
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._config: Mapping[str, str] | None = None
        self._client: ProviderClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def client(self, config: Mapping[str, str]) -> ProviderClient:
        with self._lock:
            if self._client is None or self._config != config:
                self._running.close()
                self._config, self._client = config, ProviderClient(self._started(config))
            return self._client

    def _started(self, config: Mapping[str, str]) -> provider_pb2_grpc.ResourceProviderStub:
        log = self._running.enter_context((self._root / "plugin.log").open("w+", encoding="utf-8", errors="replace"))
        self._running.callback(self._report, log)
        python, module = programs_python(), self._front_end.module
        process = plugin(self._root, self._environment, config, python=python, stderr=log.fileno(), module=module)
        started = self._running.enter_context(process)
        self._running.callback(lambda: started.stub.Cancel(empty_pb2.Empty(), timeout=_TIMEOUT_S))
        return started.stub

    def _report(self, log: Any) -> None:
        log.seek(0)
        for line in log.read().splitlines():
            self._show(line)


def _named(urn: str) -> dict[str, Any]:
    return {"urn": urn, "type": type_of(urn), "name": name_of(urn)}


def _sent(values: Properties) -> Any:
    return to_wire(revealed(values))


def _called(call: Callable[..., Any], request: Any) -> Any:
    try:
        return call(request, timeout=_TIMEOUT_S)
    except grpc.RpcError as error:
        # The minimum SDK lets gRPC put its own words before the exception.
        raise ProviderError(str(error.details()).strip().removeprefix("Exception calling application: ")) from None
