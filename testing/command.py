"""Drivers of the command ``forge-modules``: in this process, or as a process of its own. Both return an :class:`Outcome`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pulumi_atlassian_forge.cli import main
from testing.independent_server import Server
from testing.project import Outcome

MODULE = ("-m", "pulumi_atlassian_forge")


def run(*args: str, server: Server | None = None, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run the command in this process, in an environment and a directory of its own."""
    wanted = environment_of(server, **environment)
    changes: dict[str, str | None] = {name: None for name in os.environ if name not in wanted}
    with chdir(cwd or Path.cwd()), CliRunner().isolation(env={**changes, **wanted}) as (stdout, stderr, _):
        code: Any = None
        try:
            main(args)
        except SystemExit as end:
            code = end.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return Outcome(int(code or 0), stdout.getvalue().decode(), stderr.getvalue().decode())


def run_process(*args: str, server: Server | None = None, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run the command as a process, as its user does."""
    return run_with(sys.executable, args, cwd, environment_of(server, **environment))


def run_with(python: str, args: tuple[str, ...], cwd: Path | None, environment: dict[str, str]) -> Outcome:
    """Run the command as a process of one interpreter, in exactly this environment."""
    done = subprocess.run(
        [python, *MODULE, *args],
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


def environment_of(server: Server | None = None, **environment: str) -> dict[str, str]:
    """This process's environment without settings of the provider and of Pulumi, with those of the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATLASSIAN_FORGE", "PULUMI"))}
    return {**kept, **(server.environment() if server else {}), **environment}


def printed(outcome: Outcome) -> Any:
    """The JSON of ``--json``."""
    found = json.loads(outcome.stdout)
    assert found["version"] == 1
    return found


def register_outside(server: Server, version: str, key: str, type_: str = "trigger", **data: Any) -> None:
    """Register a module without the provider."""
    data = data or {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}
    server.stores[version][key] = {"key": key, "type": type_, "data": {**data, "key": key}}
