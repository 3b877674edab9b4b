"""What a row of the benchmark is, and what those that run the Pulumi engine have in common."""

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
from bench.server import Site
from bench.workload import Operation
from testing.project import Project, base_environment

RIVALS: Final = Path(__file__).resolve().parent.parent / "programs"

PLUGIN: Final = "plugin"
"""The role of the process that speaks to the API."""

PROGRAM: Final = "program"
"""The role of the process that runs what the user wrote."""

ENGINE: Final = "engine"
"""The role of the Pulumi CLI."""

PLUGIN_PROCESS: Final = "pulumi.dynamic"
"""A part of the command line of the plugin of a dynamic provider."""


@dataclass(frozen=True)
class ModuleState:
    """What one module puts into state, in bytes of compact JSON: the mean of all.

    Attributes:
        properties: Its inputs and outputs.
        provider: ``__provider``, which is in both.
    """

    properties: float
    provider: float


class Stage(ABC):
    """A row made ready for one size and one installation: what it leaves on disk lies in a directory of its own."""

    @abstractmethod
    def command(self, operation: Operation) -> Command | None:
        """What runs an operation; None where this row has nothing to run."""

    def state_bytes(self) -> int | None:
        """The size of the state's file; None where there is none."""
        return None

    def module_state(self) -> ModuleState | None:
        """What a module takes of it; None where that cannot be told."""
        return None


class Row(ABC):
    """Something that is measured.

    Attributes:
        name: What it is called on the command line and in JSON.
        title: What it is called in tables.
        leaves_out: What the reader must know before comparing it.
        speaks: Whether it speaks to the API.
        version: The version of the API.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    leaves_out: ClassVar[str]
    speaks: ClassVar[bool] = True
    version: ClassVar[str] = "v2"

    def missing(self) -> str | None:
        """Why it cannot be run here; None if it can."""
        return None

    def software(self) -> dict[str, str]:
        """The versions of what it alone runs, by name."""
        return {}

    @abstractmethod
    def stage(self, directory: Path, site: Site) -> Stage:
        """Make it ready, unmeasured, in an empty directory."""


class PulumiRow(Row):
    """A Pulumi program in ``rivals/``, run by the real CLI on a file backend."""

    program: ClassVar[str]

    def environment(self, site: Site) -> dict[str, str]:
        """How the program learns of the installation: the tutorials' way."""
        return {"FORGE_URL": f"{site.base_url}/forge/installation/{self.version}/dynamic/module", "FORGE_TOKEN": site.token}

    def missing(self) -> str | None:
        """The CLI is what `make bench` puts on PATH."""
        return None if shutil.which("pulumi") else "the Pulumi CLI is not on PATH: start the benchmark by `make bench`"

    def software(self) -> dict[str, str]:
        """The CLI; the SDK is one of Python's packages."""
        with tempfile.TemporaryDirectory() as home:  # it writes a log even for this
            environment = base_environment(Path(home))
            said = subprocess.run(["pulumi", "version"], capture_output=True, text=True, env=environment, check=True).stdout
        return {"Pulumi CLI": said.strip().removeprefix("v")}

    def stage(self, directory: Path, site: Site) -> Stage:
        """Copy the program and make its stack."""
        shutil.copytree(RIVALS / self.program, directory, dirs_exist_ok=True)
        return PulumiStage(with_stack(directory, self.environment(site), self.title))


def with_stack(directory: Path, environment: dict[str, str], title: str) -> Project:
    """A project that has made its stack, with a passphrase: what that costs in each command is a user's cost, too.

    Raises:
        BenchError: It could not.
    """
    project = Project(directory, environment=environment, keys="passphrase")
    made = project.run("stack", "ls")  # its first command makes the stack
    if made.code:
        raise BenchError(f"{title}: the stack could not be made:\n{made.text}")
    return project


class PulumiStage(Stage):
    """A project and its one stack."""

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
        """Each operation has one."""
        return Command(
            ["pulumi", "--non-interactive", "--color=never", *self._ARGUMENTS[operation], "--stack", "test"],
            self._project.root,
            {**base_environment(self._project.root), **self._project.environment},
            {PLUGIN: PLUGIN_PROCESS, PROGRAM: "pulumi-language-python-exec", ENGINE: "pulumi --non-interactive"},
        )

    def state_bytes(self) -> int:
        """The backend keeps it in one file."""
        return self._project.file.stat().st_size

    def module_state(self) -> ModuleState | None:
        """None where there is no module."""
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
