"""Number of requests of each operation, counted by a server that shares no code with the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from testing.independent_server import Server
from testing.project import Project
from testing.soak import runs
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

N = 20

PROGRAM = """
for i in range({n}):
    forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint="{endpoint}")
"""


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("version", "shape"), [("v1", "array"), ("v2", "envelope"), ("v1", "envelope"), ("v2", "array")][: runs(2, 4)]
)
def test_twenty_modules_take_no_more_requests_than_they_need(
    project: Callable[..., Project], server: Server, version: str, shape: str
) -> None:
    server.list_shape = shape
    stack = project(server, apiVersion=version)

    stack.program(PROGRAM.format(n=N, endpoint="some-endpoint"))
    done = stack.up()
    assert done.code == 0, done.text
    assert done.summary["created"] == N + 1
    assert server.count("POST") == N
    assert server.count("GET") <= 1
    assert server.counts()["PUT"] == server.counts()["DELETE"] == 0
    assert len(server.modules(version)) == N

    server.calls.clear()
    done = stack.up()
    assert done.code == 0, done.text
    assert done.summary == {"unchanged": N + 1}
    assert not server.calls

    stack.program(PROGRAM.format(n=N, endpoint="other-endpoint"))
    done = stack.up()
    assert done.code == 0, done.text
    assert server.counts() == {"GET": 0, "POST": 0, "PUT": N, "DELETE": 0}
    assert {module["data"]["endpoint"] for module in server.modules(version)} == {"other-endpoint"}

    server.calls.clear()
    done = stack.refresh("--expect-no-changes")
    assert done.code == 0, done.text
    assert server.count("GET") == len(server.calls) <= 2

    server.calls.clear()
    done = stack.destroy()
    assert done.code == 0, done.text
    assert server.counts() == {"GET": 0, "POST": 0, "PUT": 0, "DELETE": N}
    assert server.modules(version) == []


SPECIFIED = '{"key":"unique-module-key","type":"trigger","data":{"events":["avi:jira:updated:issue"],"endpoint":"some-endpoint"}}'
"""The payload of the specification's register and update examples, as JSON.stringify sends it."""


def test_bodies_are_the_specification_s_examples_byte_for_byte(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    program = 'forge.TriggerModule("{name}", key="unique-module-key", events=["avi:jira:{event}"], endpoint="some-endpoint")'
    stack.program(program.format(name="m", event="created:issue"))
    assert stack.up().code == 0
    stack.program(program.format(name="m", event="updated:issue"))
    assert stack.up().code == 0
    stack.program(program.format(name="n", event="updated:issue"))
    assert stack.destroy().code == 0
    assert stack.up().code == 0

    bodies = {call.method: call for call in server.calls if call.body}
    assert bodies["PUT"].body.decode() == SPECIFIED
    assert bodies["PUT"].path == "/forge/installation/v1/dynamic/module/unique-module-key"
    assert bodies["POST"].body.decode() == SPECIFIED
    assert bodies["POST"].path.rstrip("/") == "/forge/installation/v1/dynamic/module"
    assert all(call.headers["content-type"] == "application/json" for call in bodies.values())


def test_under_v2_no_key_is_ever_sent(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, apiVersion="v2")
    stack.program(PROGRAM.format(n=1, endpoint="some-endpoint"))
    assert stack.up().code == 0
    stack.program(PROGRAM.format(n=1, endpoint="other-endpoint"))
    assert stack.up().code == 0

    expected = '{"type":"trigger","data":{"events":["avi:jira:updated:issue"],"endpoint":"%s-endpoint"}}'
    assert [call.body.decode() for call in server.calls if call.body] == [expected % "some", expected % "other"]
    (module,) = server.modules("v2")
    (resource,) = stack.state()
    assert resource["id"] == f"default/v2/{module['key']}"
    assert "key" not in resource["inputs"]
    assert json.dumps(resource["outputs"]["key"]) == json.dumps(module["key"])


def test_an_empty_201_under_v1_is_a_success(project: Callable[..., Project], server: Server) -> None:
    server.empty_201 = True
    stack = project(server)
    stack.program(PROGRAM.format(n=2, endpoint="some-endpoint"))
    done = stack.up()
    assert done.code == 0, done.text
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    assert server.counts() == {"GET": 1, "POST": 2, "PUT": 0, "DELETE": 0}


def test_at_most_four_requests_are_in_flight_and_all_connections_are_kept(
    project: Callable[..., Project], server: Server
) -> None:
    server.latency = 0.05
    stack = project(server)
    stack.program(PROGRAM.format(n=12, endpoint="some-endpoint"))
    assert stack.up().code == 0
    assert 2 <= server.most_in_flight <= 4
