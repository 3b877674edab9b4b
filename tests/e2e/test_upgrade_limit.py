"""Upgrade of sixty modules from v1 to v2 if the limit of 100 counts both versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_atlassian_forge.emulator.store import Store
from testing.independent_server import Server
from testing.project import Project
from testing.soak import runs
from tests.support.engines import BOTH_ENGINES
from tests.support.upgrade import DELETE_FIRST, PROGRAM, in_state, upgrading

pytestmark = BOTH_ENGINES

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "upgrade.md").read_text("utf-8")


N = 60
AT_LIMIT = "holds 60 modules under v1 and 40 modules under v2, and the limit is 100"


def alike(message: str) -> list[str]:
    """The lines, without what is another for each module and each server."""
    named = re.sub(r"'module-\d+'", "'module'", message)
    return [re.sub(r"HTTP 422: .*", "HTTP 422", line.strip()) for line in named.splitlines() if line.strip()]


Count = Callable[[], tuple[int, int]]
"""How many modules there are on v1 and on v2."""


def on_the_server(project: Callable[..., Project], server: Server, _: Path) -> tuple[Project, Count]:
    server.shared_limit = True
    return upgrading(project, server, N), lambda: (len(server.modules("v1")), len(server.modules("v2")))


def on_the_emulator(project: Callable[..., Project], _: Server, tmp_path: Path) -> tuple[Project, Count]:
    file = tmp_path / "forge.db"

    def count() -> tuple[int, int]:
        with Store(file).read() as rows:
            return rows.count("default", "v1"), rows.count("default", "v2")

    return upgrading(project, None, N, baseUrl=f"emulator://{file}?option=shared_limit=on"), count


@pytest.mark.parametrize("where", [on_the_server, on_the_emulator][: runs(1, 2)])
def test_if_both_versions_share_the_limit_the_advice_is_printed_and_works(
    project: Callable[..., Project], server: Server, tmp_path: Path, where: Callable[..., tuple[Project, Count]]
) -> None:
    stack, count = where(project, server, tmp_path)
    done = stack.up()
    assert done.code != 0
    assert count() == (60, 40)
    messages = re.findall(r"could not register.*\n(?:    .*\n)+", done.diagnostics)
    assert 1 <= len(messages) <= 60 - 40, done.text
    (shown,) = re.findall(r"could not register.*?next: .*?$", GUIDE, re.DOTALL | re.MULTILINE)
    for message in messages:
        assert AT_LIMIT in message
        assert alike(message) == alike(shown)

    assert stack.up().code != 0, "the engine deletes last"
    assert count() == (60, 40)

    stack.program(PROGRAM.format(n=N, more=DELETE_FIRST))
    done = stack.up()
    assert done.code == 0, done.text
    assert count() == (0, 60)
    assert len(in_state(stack, "v2")) == N
    stack.program(PROGRAM.format(n=N, more=""))
    assert stack.preview("--expect-no-changes").code == 0


def test_with_the_advice_followed_from_the_start_the_limit_is_not_reached(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    stack, count = on_the_server(project, server, tmp_path)
    stack.program(PROGRAM.format(n=N, more=DELETE_FIRST))
    done = stack.up()
    assert done.summary == {"replaced": N, "unchanged": 1}, done.text
    assert count() == (0, 60)
