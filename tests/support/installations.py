"""Several installations in one program, each on a server of its own: one command shows what a command for each would show.

The provider keeps apart what it knows of each, so that none of them can help another. A name other than ``default`` ends in the
version of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.support.independent_server import Module, Server, serve
from tests.support.project import Outcome, Project

PAIR = ("default", "other-v2")
"""One on each version of the API."""

BOTH = {"default": "v1", "acme": "v2"}
"""The same, where both are at one server."""


@dataclass(frozen=True)
class Installation:
    name: str
    server: Server

    @property
    def version(self) -> str:
        return "v1" if self.name == "default" else self.name[-2:]

    @property
    def environment(self) -> dict[str, str]:
        return {self.variable(name.removeprefix("ATLASSIAN_FORGE_")): value for name, value in self.server.environment().items()}

    def variable(self, setting: str) -> str:
        own = "" if self.name == "default" else self.name.upper().replace("-", "_") + "_"
        return f"ATLASSIAN_FORGE_{own}{setting}"

    def modules(self) -> list[Module]:
        return self.server.modules(self.version)


Installations = Mapping[str, Installation]


@contextmanager
def served(*names: str) -> Iterator[Installations]:
    with ExitStack() as running:
        yield {name: Installation(name, running.enter_context(serve())) for name in names}


def joined(project: Callable[..., Project], installations: Installations, **config: str) -> Project:
    """A stack that knows these installations and no other."""
    versions = {f"installations.{name}.apiVersion": one.version for name, one in installations.items() if name != "default"}
    stack = project(**versions, **config)
    del stack.config["atlassian-forge:baseUrl"]
    for one in installations.values():
        stack.environment |= one.environment
    return stack


def on_both(project: Callable[..., Project], variables: Mapping[str, str]) -> Project:
    """Make a project with both, at one server.

    Args:
        project: The fixture.
        variables: What leads ``default`` to the server.
    """
    stack = project(**{"installations.acme.apiVersion": "v2"})
    del stack.config["atlassian-forge:baseUrl"]
    for name, value in variables.items():
        stack.environment |= {name: value, name.replace("ATLASSIAN_FORGE_", "ATLASSIAN_FORGE_ACME_"): value}
    return stack


def in_state(stack: Project) -> dict[str, list[str]]:
    """The keys of the modules in state, by their installation."""
    found: dict[str, list[str]] = {}
    for resource in stack.state():
        installation, _, key = resource["id"].split("/")
        found.setdefault(installation, []).append(key)
    return {name: sorted(keys) for name, keys in found.items()}


def said(done: Outcome) -> dict[str, str]:
    """What the last block of messages says of each resource, by its logical name."""
    parts = re.split(r"^  \S+ \((.+)\):$", done.diagnostics, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
