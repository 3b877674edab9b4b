"""Modules inside a component that a program of another language uses: the SDK's provider host constructs it, in its own process.

The engine asks the host for the component (`Construct`), and awaits nothing else of it. Here the host is the SDK's, and the
engine is a resource monitor that returns the inputs of a module with its validation errors, as it does after our `check`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pulumi
import pytest
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.experimental import provider as experimental
from pulumi.provider.experimental import server as experimental_server
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, resource_pb2_grpc

import pulumi_atlassian_forge as forge
from testing.resource_monitor import Goal, Registered, _Engine, _Monitor

ERROR = ["events", "events= must have at least one entry"]


class Engine:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def register(self, goal: Goal) -> Registered:
        urn = f"urn:pulumi:dev::p::{goal.type}::{goal.name}"
        invalid = goal.custom and not goal.inputs["events"]
        found = {"__problems": [ERROR]} if invalid else goal.inputs
        return Registered(urn, "", {name: value for name, value in found.items() if name != "__provider"})

    def read(self, goal: Goal, id_: str) -> Registered:
        raise NotImplementedError

    def set_outputs(self, urn: str, outputs: Any) -> None: ...

    def log(self, message: str, urn: str = "") -> None:
        self.messages.append(message)


class Team(pulumi.ComponentResource):
    def __init__(self, name: str, events: list[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("team:index:Team", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        forge.TriggerModule(f"{name}-good", events=["avi:jira:created:issue"], function="f", opts=child)
        forge.TriggerModule(f"{name}-t", events=events, function="f", opts=child)


def events_of(name: str) -> list[str]:
    return [] if name.startswith("wrong") else ["avi:jira:created:issue"]


class Classic(Provider):
    def __init__(self) -> None:
        super().__init__("0.0.1")

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        return ConstructResult(Team(name, events_of(name), options).urn, {})


class Experimental(experimental.Provider):
    async def construct(self, request: experimental.ConstructRequest) -> experimental.ConstructResponse:
        team = Team(request.name, events_of(request.name), request.options)
        urn = await team.urn.future()
        assert urn is not None
        return experimental.ConstructResponse(urn, {}, {})


class AbortedError(Exception):
    pass


class Context:
    async def abort_with_status(self, status: Any) -> None:
        raise AbortedError(status.details)


@pytest.fixture
def engine() -> Iterator[tuple[Engine, str]]:
    handler, server = Engine(), grpc.server(ThreadPoolExecutor(8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Monitor(handler), server)
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(handler), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield handler, address
    server.stop(None).wait()


def classic(address: str) -> Any:
    return ProviderServicer(Classic(), [], address)


def modern(address: str) -> Any:
    return experimental_server.ProviderServicer([], "0.0.1", Experimental(), address)


@pytest.mark.parametrize("host", [classic, modern])
@pytest.mark.parametrize("names", [("right", "wrong"), ("wrong", "wrong-2", "right")])
def test_a_wrong_declaration_fails_its_component_in_a_preview_and_no_other(
    engine: tuple[Engine, str], host: Callable[[str], Any], names: tuple[str, ...]
) -> None:
    handler, address = engine
    servicer = host(address)

    async def construct(name: str) -> str:
        request = provider_pb2.ConstructRequest(
            project="p", stack="dev", name=name, type="team:index:Team", dryRun=True, monitorEndpoint=address, parallel=4
        )
        try:
            done = await servicer.Construct(request, Context())
        except Exception as error:  # noqa: BLE001 - what a host reports is an exception of any kind
            return f"failed: {error}"
        return str(done.urn)

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*map(construct, names))

    with ThreadPoolExecutor(1) as own_thread:  # and so a context and an event loop of its own
        found = own_thread.submit(lambda: asyncio.run(all_at_once())).result()
    for name, result in zip(names, found, strict=True):
        if name.startswith("wrong"):
            assert result == "failed: 1 of the declared modules cannot be registered; nothing was changed"
        else:
            assert result.endswith("::right")
    wrong = sum(name.startswith("wrong") for name in names)
    assert handler.messages == ["error: property events: events= must have at least one entry"] * wrong
