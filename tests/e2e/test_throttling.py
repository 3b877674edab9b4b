"""Rate limiter and token refresh: a server that takes ten requests a second, and a token that expires in a run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testing.independent_server import Call, Server
from testing.project import Project
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

PROGRAM = """
for i in range({n}):
    forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint=f"hook-{{i}}")
"""
RATE = 10


def at_most_ten_a_second(**headers: str) -> Callable[[Call], Any]:
    served: deque[float] = deque()
    lock = threading.Lock()

    def limit(call: Call) -> Any:
        with lock:
            now = time.monotonic()
            while served and served[0] <= now - 1:
                served.popleft()
            if len(served) >= RATE:
                return 429, {"message": "slow down"}, headers
            served.append(now)
        return None

    return limit


@pytest.mark.parametrize("headers", [{"retry-after": "1"}, {}], ids=["retry-after", "no header"])
def test_100_modules_against_10_requests_a_second_are_one_even_stream(
    project: Callable[..., Project], server: Server, headers: dict[str, str]
) -> None:
    limit, times = at_most_ten_a_second(**headers), list[float]()

    def limited(call: Call) -> Any:
        times.append(time.monotonic())
        return limit(call)

    server.interfere = limited
    stack = project(server)
    stack.program(PROGRAM.format(n=100))
    stack.make()
    began = time.monotonic()
    done = stack.up()
    seconds = time.monotonic() - began
    assert done.code == 0, done.text
    assert len(server.modules()) == 100
    span = times[-1] - times[0]
    print(f"{len(server.calls)} requests in {span:.1f} s, the whole run {seconds:.1f} s")  # noqa: T201 - for the closing note
    assert len(server.calls) <= 130
    assert span <= 1.3 * 100 / RATE  # of the run the engine's start is not ours


def test_a_long_pause_is_logged_once(project: Callable[..., Project], server: Server) -> None:
    first = iter([(429, {"message": "slow down"}, {"retry-after": "6"})])
    server.interfere = lambda call: next(first, None)
    stack = project(server)
    stack.program(PROGRAM.format(n=8))
    done = stack.up()
    assert done.code == 0, done.text
    line = "default: throttled: all requests to this installation pause for 6 s"
    assert done.diagnostics.count(line) == 1
    assert len(server.calls) == 9


def test_a_token_that_expires_in_a_run_is_refreshed_once(project: Callable[..., Project], server: Server, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text(f"{server.token}\n", "utf-8")
    seen = iter(range(1000))

    def end(call: Call) -> None:
        if next(seen) == 20:
            server.token = "renewed-token-9d27"
            file.write_text(server.token, "utf-8")

    server.interfere = end
    stack = project(server)
    stack.environment = {"ATLASSIAN_FORGE_BASE_URL": server.base_url, "ATLASSIAN_FORGE_TOKEN_FILE": str(file)}
    stack.program(PROGRAM.format(n=50))
    done = stack.up()
    assert done.code == 0, done.text
    assert len(server.modules()) == 50
    refused = len(server.calls) - 50
    assert 1 <= refused <= 4  # those that were on their way with the old token
    for text in (done.text, stack.export()):
        assert "planted-token" not in text
        assert "renewed-token" not in text


def test_an_expired_token_is_named_in_the_message(project: Callable[..., Project], server: Server, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text("token-of-yesterday", "utf-8")
    stack = project(server)
    stack.environment = {"ATLASSIAN_FORGE_BASE_URL": server.base_url, "ATLASSIAN_FORGE_TOKEN_FILE": str(file)}
    stack.program(PROGRAM.format(n=1))
    done = stack.up()
    assert done.code != 0
    assert "HTTP 401: Authorization failed" in done.text
    assert "next: check where ATLASSIAN_FORGE_TOKEN_FILE (or atlassian-forge:tokenFile) gets its token from" in done.text
    file.unlink()
    assert "token.txt cannot be read: No such file or directory" in stack.up().text
