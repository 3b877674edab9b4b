"""Resource monitor and engine services: what a Pulumi program talks to while it runs, over the SDK's own gRPC.

The program is the user's, and runs in a process of its own by the script of the language host, as under the real engine. What
becomes of a registration is decided by a :class:`Handler`; here are the servers, the process and the values on the wire.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from testing.fork_server import Start, fork_server

Properties = dict[str, Any]
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SHOWED_AN_ERROR = 32
"""Exit code of a program that has logged its error itself."""
_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
}
_LEVELS = {engine_pb2.WARNING: "warning: ", engine_pb2.ERROR: "error: "}
_SPARE_THREADS = 8  # for what the program asks beside its registrations


class ShutDown(Exception):  # noqa: N818 - the engine's own word
    """Nothing is begun any more: another step has failed."""


@dataclass(frozen=True)
class Goal:
    """What a program wants of one resource."""

    type: str
    name: str
    parent: str
    custom: bool
    inputs: Properties
    dependencies: list[str]
    property_dependencies: dict[str, list[str]]
    aliases: list[Any]
    delete_before_replace: bool | None


@dataclass(frozen=True)
class Registered:
    """What became of a registration. ``failed``: it could not be done, or one that it needs has failed."""

    urn: str
    id: str = ""
    outputs: Properties = field(default_factory=dict)
    failed: bool = False


class Handler(Protocol):
    def register(self, goal: Goal) -> Registered: ...

    def read(self, goal: Goal, id_: str) -> Registered: ...

    def set_outputs(self, urn: str, outputs: Properties) -> None: ...

    def log(self, message: str, urn: str = "") -> None: ...


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def GetDeploymentInfo(self, request: Any, context: Any) -> resource_pb2.DeploymentInfo:
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES.values())

    def SupportsFeature(self, request: Any, context: Any) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def RegisterResource(self, request: Any, context: Any) -> resource_pb2.RegisterResourceResponse:
        goal = Goal(
            request.type,
            request.name,
            request.parent,
            request.custom,
            from_wire(request.object),
            list(request.dependencies),
            {name: list(found.urns) for name, found in request.propertyDependencies.items()},
            list(request.aliases),
            request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        )
        done = self._done(context, lambda: self._handler.register(goal))
        result = resource_pb2.Result.FAIL if done.failed else resource_pb2.Result.SUCCESS
        return resource_pb2.RegisterResourceResponse(urn=done.urn, id=done.id, object=to_wire(done.outputs), result=result)

    def ReadResource(self, request: Any, context: Any) -> resource_pb2.ReadResourceResponse:
        given = from_wire(request.properties)
        goal = Goal(request.type, request.name, request.parent, True, given, list(request.dependencies), {}, [], None)
        done = self._done(context, lambda: self._handler.read(goal, request.id))
        return resource_pb2.ReadResourceResponse(urn=done.urn, properties=to_wire(done.outputs))

    def RegisterResourceOutputs(self, request: Any, context: Any) -> empty_pb2.Empty:
        self._handler.set_outputs(request.urn, from_wire(request.outputs))
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @staticmethod
    def _done(context: Any, ask: Any) -> Registered:
        try:
            done: Registered = ask()
        except ShutDown:
            context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")
        return done


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._root = ""

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        if request.severity != engine_pb2.DEBUG:
            self._handler.log(_LEVELS.get(request.severity, "") + request.message, request.urn)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> engine_pb2.GetRootResourceResponse:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> engine_pb2.SetRootResourceResponse:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()


@dataclass(frozen=True)
class Program:
    """A program and how it is run."""

    root: Path
    python: str
    environment: Mapping[str, str]
    config: Mapping[str, str]
    parallel: int
    dry_run: bool

    def run(self, handler: Handler, until: Any) -> int:
        """Run it; when ``until`` (an event) is set it is killed, and its exit code is 0.

        What it prints becomes messages without a resource.
        """
        server = grpc.server(ThreadPoolExecutor(self.parallel + _SPARE_THREADS))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Monitor(handler), server)
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(handler), server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            with (self.root / "program.log").open("w+b") as log:
                process = fork_server(self.python).start(self._start(address), log.fileno(), log.fileno())
                code = self._ended(process, until)
                log.seek(0)
                for line in log.read().decode(errors="replace").splitlines():
                    handler.log(line)
                return code
        finally:
            server.stop(None).wait()

    def _start(self, address: str) -> Start:
        flags = {
            "--project": "project",
            "--stack": "test",
            "--organization": "organization",
            "--pwd": str(self.root),
            "--monitor": address,
            "--engine": address,
            "--parallel": str(self.parallel),
            "--dry_run": str(self.dry_run).lower(),
        }
        environment = {**self.environment, "PULUMI_CONFIG": json.dumps(dict(self.config)), "PULUMI_CONFIG_SECRET_KEYS": "[]"}
        arguments = [part for flag in flags.items() for part in flag]
        return Start(_language_host_script(), [*arguments, str(self.root)], str(self.root), environment)

    @staticmethod
    def _ended(process: Any, until: Any) -> int:
        while True:
            try:
                return int(process.wait(0.02))
            except subprocess.TimeoutExpired:
                if until.is_set():
                    process.kill()
                    process.wait()
                    return 0


def _language_host_script() -> str:
    """The script by which the language host runs programs; it lies beside the host, and the host beside the CLI."""
    found = shutil.which("pulumi-language-python-exec")
    if found is None:
        pulumi = shutil.which("pulumi")
        assert pulumi, "the Pulumi CLI is not on PATH"
        found = os.path.join(os.path.dirname(os.path.realpath(pulumi)), "pulumi-language-python-exec")  # noqa: PTH118, PTH120
    return found


def from_wire(struct: struct_pb2.Struct) -> Properties:
    """Plain values; whole numbers are integers, and a secret is an object with :data:`SIGNATURE`."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return from_wire(value.struct_value)
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value" | "string_value" as kind:
            return getattr(value, kind)
    return None


def to_wire(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def secret(value: Any) -> Properties:
    return {SIGNATURE: SECRET, "value": value}


def revealed(value: Any) -> Any:
    """The value without its secrets' marks: what a provider gets that does not accept secrets."""
    if is_secret(value):
        return revealed(value["value"])
    if isinstance(value, dict):
        return {name: revealed(inner) for name, inner in value.items()}
    return [*map(revealed, value)] if isinstance(value, list) else value


def marked(outputs: Properties, inputs: Mapping[str, Any]) -> Properties:
    """The outputs of a provider, with secrets where its inputs have secrets."""
    found = dict(outputs)
    for name, given in inputs.items():
        if name not in found or is_secret(found[name]):
            continue
        if isinstance(given, dict) and isinstance(found[name], dict) and not is_secret(given):
            found[name] = marked(found[name], given)
        elif revealed(given) != given:
            found[name] = secret(found[name])
    return found
