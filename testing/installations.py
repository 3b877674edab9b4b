"""Several installations in one program: one command tests what a command for each would test.

The provider keeps the data of each apart, so that none of them affects another. A name other than ``default`` ends in the version
of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from testing.independent_server import Module, Server, serve
from testing.project import Outcome, Project

BOTH = {"default": "v1", "other-v2": "v2"}
"""One on each version of the API."""

_PREFIX = "ATLASSIAN_FORGE_"


def version_of(installation: str) -> str:
    return "v1" if installation == "default" else installation[-2:]


def variable(installation: str, setting: str) -> str:
    own = "" if installation == "default" else installation.upper().replace("-", "_") + "_"
    return f"{_PREFIX}{own}{setting}"


def variables_of(installation: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``default`` as those of another installation; what is no setting stays as it is."""
    return {
        variable(installation, name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else name: value
        for name, value in variables.items()
    }


@dataclass(frozen=True)
class Installation:
    name: str
    server: Server

    @property
    def version(self) -> str:
        return version_of(self.name)

    def variable(self, setting: str) -> str:
        return variable(self.name, setting)

    def modules(self) -> list[Module]:
        return self.server.modules(self.version)


Installations = Mapping[str, Installation]


@contextmanager
def served(*names: str) -> Iterator[Installations]:
    with ExitStack() as running:
        yield {name: Installation(name, running.enter_context(serve())) for name in names}


def reaching(project: Callable[..., Project], variables: Mapping[str, Mapping[str, str]], **config: str) -> Project:
    """Make a project that knows these installations and no other.

    Args:
        project: The fixture.
        variables: By installation, the variables as those of ``default``.
        config: More of its configuration.
    """
    versions = {f"installations.{name}.apiVersion": version_of(name) for name in variables if name != "default"}
    stack = project(**versions, **config)
    del stack.config["atlassian-forge:baseUrl"]
    for name, own in variables.items():
        stack.environment |= variables_of(name, own)
    return stack


def joined(project: Callable[..., Project], installations: Installations, **config: str) -> Project:
    """Make a project that knows these, each at its own server."""
    return reaching(project, {name: one.server.environment() for name, one in installations.items()}, **config)


def on_both(project: Callable[..., Project], variables: Mapping[str, str]) -> Project:
    """Make a project with :data:`BOTH`, at one server."""
    return reaching(project, dict.fromkeys(BOTH, variables))


def in_state(stack: Project) -> dict[str, list[str]]:
    """The keys of the modules in state, by their installation."""
    found: dict[str, list[str]] = {}
    for resource in stack.state():
        installation, _, key = resource["id"].split("/")
        found.setdefault(installation, []).append(key)
    return {name: sorted(keys) for name, keys in found.items()}


def output_of(done: Outcome) -> dict[str, str]:
    """The messages of the last block, by the logical name of the resource."""
    parts = re.split(r"^  \S+ \((.+)\):$", done.diagnostics, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
