"""Number of requests of a refresh of a full installation, counted by a server that shares no code with the emulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from testing.independent_server import Server
from testing.installations import BOTH, on_both
from testing.project import Project
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

N = 100

PROGRAM = f"""
for name in {list(BOTH)}:
    for i in range({N}):
        forge.TriggerModule(
            f"{{name}}-{{i}}", installation=name, events=["avi:jira:updated:issue"], endpoint="hook"
        )
"""


def test_a_refresh_of_100_modules_asks_once_for_each_page(project: Callable[..., Project], server: Server) -> None:
    stack = on_both(project, server.environment())
    stack.program(PROGRAM)
    done = stack.up()
    assert done.code == 0, done.text
    assert [len(server.modules(version)) for version in BOTH.values()] == [N, N]

    def refreshed(shape: str, page_size: int) -> list[int]:
        """The requests of a refresh that finds nothing, under each version."""
        server.list_shape, server.page_size = shape, page_size
        server.calls.clear()
        done = stack.refresh("--expect-no-changes")
        assert done.code == 0, done.text
        assert done.summary == {"unchanged": 2 * N + 1}
        requests = Counter((call.method, call.path) for call in server.calls)
        lists = [("GET", f"/forge/installation/{version}/dynamic/module/") for version in BOTH.values()]
        assert requests.keys() == set(lists)
        return [requests[one] for one in lists]

    assert refreshed("array", 100) == [1, 1]
    assert refreshed("envelope", 100) == [1, 1]
    assert refreshed("envelope", 25) == [4, 4]
    server.cursor_behind_last = True
    assert refreshed("envelope", 100) == [2, 2]
    assert refreshed("envelope", 25) == [5, 5]
