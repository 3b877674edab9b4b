"""Recorder of a stack and its server over several commands: the requests, the modules on the server, the resources in the state.

A module is named by its endpoint or title here, which its test never changes, because under v2 its key is the server's.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testing.independent_server import TOKEN, Call, Module, Server
from testing.project import Outcome, Project, base_environment, require_engine

SLOW = "slow"
"""The module whose requests take a second."""


@dataclass(frozen=True)
class Request:
    """A request, and which modules were there when it came."""

    method: str
    module: str
    there: frozenset[str]


@dataclass(frozen=True)
class Step:
    """What one command did, and what there was after it."""

    outcome: Outcome
    requests: list[Request]
    modules: list[Module]
    owned: dict[str, dict[str, Any]]

    def of(self, module: str) -> list[str]:
        return [request.method for request in self.requests if request.module == module]

    def there(self, module: str, method: str) -> frozenset[str]:
        """Which modules were there when this one was registered or deleted."""
        (found,) = [request.there for request in self.requests if (request.module, request.method) == (module, method)]
        return found

    def live(self, module: str) -> list[Module]:
        return [live for live in self.modules if name_of(live) == module]


@dataclass
class Steps:
    """The steps by name, in the order in which they were run."""

    stack: Project
    server: Server
    version: str
    done: dict[str, Step] = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)

    def __getitem__(self, step: str) -> Step:
        return self.done[step]

    def step(self, name: str, run: Callable[[], Outcome], *, fails: bool = False) -> None:
        self._requests.clear()
        outcome = run()
        assert (outcome.code != 0) == fails, outcome.text
        self.done[name] = Step(outcome, [*self._requests], copy.deepcopy(self.server.modules(self.version)), self._owned())

    def watch(self, call: Call) -> None:
        """Note a request before it is carried out."""
        store = self.server.stores[self.version]
        module = json.loads(call.body) if call.method == "POST" else store.get(call.path.rpartition("/")[2])
        name = name_of(module) if module else "the list"
        with self.server.lock:
            self._requests.append(Request(call.method, name, frozenset(map(name_of, store.values()))))
        if name == SLOW:
            time.sleep(1)

    def _owned(self) -> dict[str, dict[str, Any]]:
        """The resources in state by name, out of the backend's file: quicker than an export, and what is secret is encrypted."""
        resources = json.loads(self.stack.file.read_text("utf-8"))["checkpoint"]["latest"].get("resources") or []
        return {resource["urn"].rpartition("::")[2]: resource for resource in resources if resource["type"].startswith("pulumi-")}


def name_of(module: Module) -> str:
    return str(module["data"].get("endpoint") or module["data"]["title"])


def begin(root: Path, server: Server, version: str) -> Steps:
    """A stack that has the server's address in its configuration, not in the environment."""
    require_engine()
    config = {"atlassian-forge:apiVersion": version, "atlassian-forge:baseUrl": server.base_url}
    steps = Steps(Project(root, environment={"ATLASSIAN_FORGE_TOKEN": TOKEN}, config=config), server, version)
    server.interfere = steps.watch
    return steps


def destroy_from(folder: Path, stack: Project, *first_on_path: Path) -> Outcome:
    """In a folder without a project: what runs the provider is the ``python3`` of the PATH."""
    environment = {**base_environment(stack.root), **stack.environment}
    environment["PATH"] = os.pathsep.join([*map(str, first_on_path), environment["PATH"]])
    done = subprocess.run(
        ["pulumi", "--non-interactive", "--color=never", "destroy", "--yes", "--stack", "organization/project/test"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    stack.output += [done.stdout, done.stderr]
    return Outcome(done.returncode, done.stdout, done.stderr)
