"""The requests of the API without an engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from bench.measure import Command
from bench.server import Installation
from bench.workload import Operation

from .system import PLUGIN, PROGRAMS, PreparedSystem, System


class BareHttpx(System):
    """One `httpx` client with several threads.

    Args:
        connections: Number of threads, each with one concurrent request.
    """

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.name = f"httpx-{connections}"  # type: ignore[misc] # two systems of one class
        self.title = f"bare httpx, {connections} connections"  # type: ignore[misc]

    limitations = (
        "It only sends requests: no engine, no state, no comparison. Refresh is one list. It has no previews and no command for "
        "nothing to do."
    )

    def prepare(self, directory: Path, installation: Installation) -> PreparedSystem:
        """Prepare nothing."""
        return _PreparedBareHttpx(directory, installation, self.connections)


class _PreparedBareHttpx(PreparedSystem):
    _ARGUMENTS: Final[dict[Operation, str]] = {"up": "POST", "update all": "PUT", "refresh": "GET", "destroy": "DELETE"}

    def __init__(self, directory: Path, installation: Installation, connections: int) -> None:
        self._directory, self._installation, self._connections = directory, installation, connections

    def command(self, operation: Operation) -> Command | None:
        method = self._ARGUMENTS.get(operation)
        if method is None:
            return None
        script = PROGRAMS / "bare_httpx.py"
        return Command(
            [sys.executable, str(script), method, str(self._connections)],
            self._directory,
            {
                "FORGE_TOKEN": self._installation.token,
                "FORGE_URL": f"{self._installation.base_url}/forge/installation/v2/dynamic/module",
                "PATH": os.environ["PATH"],
            },
            {PLUGIN: script.name},
        )
