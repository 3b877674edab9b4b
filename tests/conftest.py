from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_atlassian_forge import redaction
from testing.independent_server import TOKEN, Server, serve
from testing.project import Project, require_engine, restore_sigint
from testing.soak import SOAK
from tests.support.engines import CLI, PROJECTS, mark

restore_sigint()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked ``soak`` to `make soak`; pytest says how many it left."""
    for item in items:
        mark(item)
    left = [] if SOAK else [item for item in items if item.get_closest_marker("soak")]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    """Secrets are those of a process, and the tests share one."""
    yield
    redaction.forget()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """What runs a project's commands: the real CLI, unless a test is of both (see :mod:`tests.support.engines`)."""
    return str(getattr(request, "param", CLI))


@pytest.fixture
def project(tmp_path: Path, engine: str) -> Iterator[Callable[..., Project]]:
    """Make a project that talks to a server, or to the emulator when there is none; search it for the token afterwards."""
    require_engine()
    projects: list[Project] = []

    def make(server: Server | None = None, **config: str) -> Project:
        root = tmp_path / f"project-{len(list(tmp_path.iterdir()))}"
        root.mkdir()
        settings = {f"atlassian-forge:{name}": value for name, value in config.items()}
        if server is None:
            settings.setdefault("atlassian-forge:baseUrl", "emulator://forge.db")
        projects.append(PROJECTS[engine](root, environment=server.environment() if server else {}, config=settings))
        return projects[-1]

    yield make
    for made in projects:
        assert made.is_planted == (TOKEN in made.everything()), f"the token in {made.root}"
