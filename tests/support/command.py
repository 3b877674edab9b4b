"""``forge-modules`` as its user runs it: a process of its own, in a project's folder, with a project's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from testing.independent_server import Server
from testing.project import Outcome, Project, base_environment, programs_python

_RUN = "from pulumi_atlassian_forge.cli import main; main()"


def command(*args: str, server: Server | None = None, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run it without a project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATLASSIAN_FORGE", "PULUMI"))}
    return _run(sys.executable, args, cwd, {**kept, **(server.environment() if server else {}), **environment})


def in_project(stack: Project, *args: str, **environment: str) -> Outcome:
    """Run it beside a project's Pulumi.yaml, with the Python of its programs: what it writes into state is in its SDK's form."""
    stack.make()
    done = _run(programs_python(), args, stack.root, {**base_environment(stack.root), **stack.environment, **environment})
    stack.said += [done.stdout, done.stderr]
    return done


def _run(python: str, args: tuple[str, ...], cwd: Path | None, environment: dict[str, str]) -> Outcome:
    done = subprocess.run(
        [python, "-c", _RUN, *args],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def printed(outcome: Outcome) -> Any:
    """The JSON of ``--json``."""
    found = json.loads(outcome.stdout)
    assert found["version"] == 1
    return found


def by_hand(server: Server, version: str, key: str, type_: str = "trigger", **data: Any) -> None:
    """Somebody registers a module without us."""
    data = data or {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}
    server.stores[version][key] = {"key": key, "type": type_, "data": {**data, "key": key}}
