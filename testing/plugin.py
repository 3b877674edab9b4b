"""Client of the real plugin process, over the engine's own gRPC."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from testing.fork_server import Start, clean_environment, fork_server

PROVIDER = "gASVMAAAAAAAAACMH3B1bHVtaV9hdGxhc3NpYW5fZm9yZ2UucHJvdmlkZXKUjAhQUk9WSURFUpSTlC4="
"""The provider as users' state has it for ever (docs/adr/0001-state.md)."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sign for a value that is not known yet."""


INPUTS: dict[str, Any] = {
    "__name": ["one"],
    "internal": {"name": ["one"]},  # the line above, as the minimum SDK passes it
    "events": ["avi:jira:updated:issue"],
    "endpoint": "hook",
    "installation": "default",
}
"""What a program that uses the newest or the minimum SDK declares."""


@dataclass
class Failure:
    property: str
    reason: str


@dataclass
class Plugin:
    stub: provider_pb2_grpc.ResourceProviderStub

    def configure(self, config: Mapping[str, str]) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=_struct(config)))

    def check(self, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[Failure]]:
        response = self.stub.Check(provider_pb2.CheckRequest(olds=_props(olds or {}), news=_props(news)), timeout=30)
        failures = [Failure(failure.property, failure.reason) for failure in response.failures]
        return _plain(response.inputs), failures

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> provider_pb2.DiffResponse:
        response: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(id=id_, olds=_props(olds), news=_props(news)), timeout=30
        )
        return response

    def create(self, news: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        response = self.stub.Create(provider_pb2.CreateRequest(properties=_props(news)), timeout=60)
        return response.id, _plain(response.properties)

    def read(self, id_: str, olds: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        request = provider_pb2.ReadRequest(id=id_, properties=_props(olds), inputs=_props(olds))
        response = self.stub.Read(request, timeout=60)
        return response.id, _plain(response.properties), _plain(response.inputs)

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(id=id_, olds=_props(olds), news=_props(news))
        return _plain(self.stub.Update(request, timeout=60).properties)

    def delete(self, id_: str, olds: Mapping[str, Any]) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, properties=_props(olds)), timeout=60)


@contextmanager
def plugin(
    cwd: Path,
    environment: Mapping[str, str],
    config: Mapping[str, str] | None = None,
    *,
    python: str = sys.executable,
    stderr: int = 2,
    module: str = "pulumi.dynamic",
) -> Iterator[Plugin]:
    """Start a plugin as the engine does, with no setting of this machine in its environment.

    Args:
        cwd: Its working directory.
        environment: Its environment, beside that of the tests.
        config: The configuration that the engine gives it.
        python: The interpreter.
        stderr: The file descriptor of its standard error.
        module: What Python runs as the plugin.
    """
    read, write = os.pipe()
    own = {**clean_environment(), "PULUMI_PROJECT": "project", **environment}
    try:
        process = fork_server(python).start(Start(module, ["127.0.0.1:1"], str(cwd), own), write, stderr)
    finally:
        os.close(write)
    try:
        with os.fdopen(read, "rb") as stdout:
            port = int(stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                started = Plugin(provider_pb2_grpc.ResourceProviderStub(channel))
                started.configure(config or {})
                yield started
    finally:
        # As the engine ends a plugin: SIGINT, five seconds, SIGKILL.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct


def _props(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return _struct({"__provider": PROVIDER, **values})


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    plain = json_format.MessageToDict(struct)
    plain.pop("__provider", None)
    return plain
