"""The base class of the compared systems, and that of systems that run the Pulumi engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from bench.errors import BenchError
from bench.measure import Command
from bench.server import Installation
from bench.workload import Operation
from testing.project import Project, base_environment

PROGRAMS: Final = Path(__file__).resolve().parent.parent / "programs"

PLUGIN: Final = "plugin"
"""The role of the process that sends requests to the API."""

PROGRAM: Final = "program"
"""The role of the process that runs the user's program."""

ENGINE: Final = "engine"
"""The role of the Pulumi CLI."""

PLUGIN_PROCESS: Final = "pulumi.dynamic"
"""A part of the command line of the plugin of a dynamic provider."""


@dataclass(frozen=True)
class ModuleState:
    """Mean size of one module in state, in bytes of compact JSON.

    Attributes:
        properties: The inputs and outputs.
        provider: ``__provider``, which is in both.
    """

    properties: float
    provider: float


class PreparedSystem(ABC):
    """A system prepared for one size and one installation, with its files in a separate directory."""

    @abstractmethod
    def command(self, operation: Operation) -> Command | None:
        """The command of an operation; None if the system has none."""

    def state_bytes(self) -> int | None:
        """The size of the state file; None if there is none."""
        return None

    def module_state(self) -> ModuleState | None:
        """The size of a module in it; None if it is unknown."""
        return None


class System(ABC):
    """A system that is measured.

    Attributes:
        name: Its name on the command line and in JSON.
        title: Its name in tables.
        limitations: Differences that a reader has to know for a comparison.
        sends_requests: Whether it sends requests to the API.
        version: The version of the API.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    limitations: ClassVar[str]
    sends_requests: ClassVar[bool] = True
    version: ClassVar[str] = "v2"

    def missing(self) -> str | None:
        """Why it cannot run here; None if it can."""
        return None

    def software(self) -> dict[str, str]:
        """Versions of software that only this system runs, by name."""
        return {}

    @abstractmethod
    def prepare(self, directory: Path, installation: Installation) -> PreparedSystem:
        """Prepare it in an empty directory, before measuring."""


class PulumiSystem(System):
    """A Pulumi program in ``programs/``, run by the real CLI with a file backend."""

    program: ClassVar[str]

    def environment(self, installation: Installation) -> dict[str, str]:
        """The variables that tell the program the address and the token."""
        return {
            "FORGE_URL": f"{installation.base_url}/forge/installation/{self.version}/dynamic/module",
            "FORGE_TOKEN": installation.token,
        }

    def missing(self) -> str | None:
        """Why it cannot run: `make bench` puts the CLI on PATH."""
        return None if shutil.which("pulumi") else "the Pulumi CLI is not on PATH: run `make bench`"

    def software(self) -> dict[str, str]:
        """The version of the CLI."""
        with tempfile.TemporaryDirectory() as home:  # even this command writes a log
            environment = base_environment(Path(home))
            output = subprocess.run(["pulumi", "version"], capture_output=True, text=True, env=environment, check=True).stdout
        return {"Pulumi CLI": output.strip().removeprefix("v")}

    def prepare(self, directory: Path, installation: Installation) -> PreparedSystem:
        """Copy the program and create its stack."""
        shutil.copytree(PROGRAMS / self.program, directory, dirs_exist_ok=True)
        return PreparedPulumiSystem(with_stack(directory, self.environment(installation), self.title))


def with_stack(directory: Path, environment: dict[str, str], title: str) -> Project:
    """A project with a stack and a passphrase, whose cost in each command is part of a user's cost.

    Raises:
        BenchError: The stack could not be created.
    """
    project = Project(directory, environment=environment, keys="passphrase")
    outcome = project.run("stack", "ls")  # the first command creates the stack
    if outcome.code:
        raise BenchError(f"{title}: the stack could not be created:\n{outcome.text}")
    return project


class PreparedPulumiSystem(PreparedSystem):
    """A Pulumi project with one stack."""

    _ARGUMENTS: Final[dict[Operation, list[str]]] = {
        "preview new": ["preview"],
        "up": ["up", "--yes", "--skip-preview"],
        "nothing to do": ["up", "--yes", "--skip-preview"],
        "preview of a change": ["preview"],
        "update all": ["up", "--yes", "--skip-preview"],
        "refresh": ["refresh", "--yes", "--skip-preview"],
        "destroy": ["destroy", "--yes", "--skip-preview"],
    }

    def __init__(self, project: Project) -> None:
        self._project = project

    def command(self, operation: Operation) -> Command:
        """The Pulumi command of an operation."""
        return Command(
            ["pulumi", "--non-interactive", "--color=never", *self._ARGUMENTS[operation], "--stack", "test"],
            self._project.root,
            {**base_environment(self._project.root), **self._project.environment},
            {PLUGIN: PLUGIN_PROCESS, PROGRAM: "pulumi-language-python-exec", ENGINE: "pulumi --non-interactive"},
        )

    def state_bytes(self) -> int:
        """The size of the state file."""
        return self._project.file.stat().st_size

    def module_state(self) -> ModuleState | None:
        """The mean size of a module; None if there is none."""
        modules = list(self._modules())
        if not modules:
            return None
        properties = [_bytes(module["inputs"]) + _bytes(module["outputs"]) for module in modules]
        providers = [_bytes(module["outputs"]["__provider"]) for module in modules]
        return ModuleState(sum(properties) / len(modules), sum(providers) / len(modules))

    def _modules(self) -> Iterator[dict[str, Any]]:
        resources = json.loads(self._project.file.read_text("utf-8"))["checkpoint"]["latest"].get("resources", [])
        return (resource for resource in resources if resource["type"].startswith("pulumi-python:dynamic"))


def _bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")))
