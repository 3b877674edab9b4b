"""Whole stacks that the commit 3f73341 made, before the packages and the names of today: today's code manages them as its own.

Each file has the state, as ``pulumi stack export --show-secrets`` printed it, and the modules on the server. One was made with
Pulumi's SDK 3.272, one with the minimum SDK. The program is beside them. The files are frozen: a new form of state gets new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testing.independent_server import Server
from testing.installations import BOTH, on_both
from testing.project import Project
from tests.support.engines import BOTH_ENGINES, minimum_sdk_python

GOLDEN = Path(__file__).parent.parent / "golden"
PROGRAM = (GOLDEN / "3f73341-program.txt").read_text("utf-8")

SAME_OR_NEWER = [("newest", "newest"), ("minimum", "newest"), pytest.param("minimum", "minimum", marks=pytest.mark.complete)]
ANY = [*SAME_OR_NEWER, pytest.param("newest", "minimum", marks=pytest.mark.complete)]
"""The SDK that wrote the state, and the SDK that reads it."""


@pytest.fixture
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have programs and plugins run with this SDK."""
    if request.param == "minimum":
        monkeypatch.setenv("FORGE_PYTHON", minimum_sdk_python())


def imported(project: Callable[..., Project], server: Server, sdk: str) -> tuple[Project, int]:
    """A stack with the golden state, on a server with its modules. Returns the stack and how many resources it has."""
    golden: dict[str, Any] = json.loads((GOLDEN / f"3f73341-{sdk}.json").read_text("utf-8"))
    server.stores = golden["modules"]
    stack = on_both(project, server.environment())
    stack.program(PROGRAM.replace("ENDPOINT", "hook"))
    stack.make()
    (stack.root / "state.json").write_text(json.dumps(golden["state"]), "utf-8")
    done = stack.run("stack", "import", "--file", "state.json")
    assert done.code == 0, done.text
    resources = golden["state"]["deployment"]["resources"]
    return stack, len([resource for resource in resources if not resource["type"].startswith("pulumi:providers:")])


@BOTH_ENGINES
@pytest.mark.parametrize(("writer", "reader"), ANY, indirect=["reader"])
def test_a_stack_of_the_past_is_refreshed_previewed_updated_and_destroyed(
    project: Callable[..., Project], server: Server, writer: str, reader: None
) -> None:
    stack, count = imported(project, server, writer)
    assert stack.preview("--expect-no-changes").code == 0
    done = stack.refresh("--expect-no-changes")
    assert done.summary == {"unchanged": count}, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert server.counts() | {"GET": 0} == {"GET": 0, "POST": 0, "PUT": 0, "DELETE": 0}

    stack.program(PROGRAM.replace("ENDPOINT", "other"))
    done = stack.up()
    assert done.summary == {"updated": len(BOTH), "unchanged": count - len(BOTH)}, done.text
    assert server.counts()["PUT"] == len(BOTH)
    assert stack.preview("--expect-no-changes").code == 0

    done = stack.destroy()
    assert done.summary == {"deleted": count}, done.text
    assert [server.modules(version) for version in BOTH.values()] == [[], []]


@BOTH_ENGINES
@pytest.mark.parametrize(("writer", "reader"), SAME_OR_NEWER, indirect=["reader"])
def test_drift_of_a_stack_of_the_past_is_found(
    project: Callable[..., Project], server: Server, writer: str, reader: None
) -> None:
    """Not of a newer SDK's: the minimum SDK hides from the provider what tells a resource of the stack from a `get`."""
    stack, _ = imported(project, server, writer)
    for version in BOTH.values():
        (filtered,) = [module for module in server.modules(version) if "filter" in module["data"]]
        filtered["data"]["filter"]["onError"] = "RECEIVE"
        (panel,) = [module for module in server.modules(version) if module["type"] == "jira:issueAction"]
        del server.stores[version][panel["key"]]
    done = stack.refresh()
    assert (done.summary["updated"], done.summary["deleted"]) == (2, 2), done.text
    done = stack.up()
    assert (done.summary["updated"], done.summary["created"]) == (2, 2), done.text
    assert stack.preview("--expect-no-changes").code == 0
