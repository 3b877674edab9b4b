"""How many requests a refresh of a full installation makes, counted by a server that shares no code with the emulator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.independent_server import Server
from tests.support.project import Project

N = 100

PROGRAM = f"""
for i in range({N}):
    forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint="hook")
"""


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_refresh_of_100_modules_asks_once_for_each_page(project: Callable[..., Project], server: Server, version: str) -> None:
    stack = project(server, apiVersion=version)
    stack.program(PROGRAM)
    done = stack.up()
    assert done.code == 0, done.text
    assert len(server.modules(version)) == N

    def refreshed(shape: str, page_size: int) -> int:
        """The requests of a refresh that finds nothing."""
        server.list_shape, server.page_size = shape, page_size
        server.calls.clear()
        done = stack.refresh("--expect-no-changes")
        assert done.code == 0, done.text
        assert done.summary == {"unchanged": N + 1}
        assert {(call.method, call.path) for call in server.calls} == {
            ("GET", f"/forge/installation/{version}/dynamic/module/"),
        }
        return len(server.calls)

    assert refreshed("array", 100) == 1
    assert refreshed("envelope", 100) == 1
    assert refreshed("envelope", 25) == 4
    server.cursor_behind_last = True
    assert refreshed("envelope", 100) == 2
    assert refreshed("envelope", 25) == 5
