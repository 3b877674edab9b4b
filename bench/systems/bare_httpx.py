"""The API's own floor: its requests with no engine around them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from bench.measure import Command
from bench.server import Site
from bench.workload import Operation

from .system import PLUGIN, RIVALS, Row, Stage


class Bare(Row):
    """One `httpx` client and some threads.

    Args:
        connections: How many threads, each with a request under way.
    """

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.name = f"httpx-{connections}"  # type: ignore[misc] # two rows of one class
        self.title = f"bare httpx, {connections} connections"  # type: ignore[misc]

    leaves_out = (
        "Everything but the requests: no engine, no state, no comparison. Refresh is one list. "
        "It has no previews, and nothing to do is nothing."
    )

    def stage(self, directory: Path, site: Site) -> Stage:
        """Nothing but the directory is needed."""
        return _BareStage(directory, site, self.connections)


class _BareStage(Stage):
    _ARGUMENTS: Final[dict[Operation, str]] = {"up": "POST", "update all": "PUT", "refresh": "GET", "destroy": "DELETE"}

    def __init__(self, directory: Path, site: Site, connections: int) -> None:
        self._directory, self._site, self._connections = directory, site, connections

    def command(self, operation: Operation) -> Command | None:
        method = self._ARGUMENTS.get(operation)
        if method is None:
            return None
        script = RIVALS / "bare_httpx.py"
        return Command(
            [sys.executable, str(script), method, str(self._connections)],
            self._directory,
            {
                "FORGE_TOKEN": self._site.token,
                "FORGE_URL": f"{self._site.base_url}/forge/installation/v2/dynamic/module",
                "PATH": os.environ["PATH"],
            },
            {PLUGIN: script.name},
        )
