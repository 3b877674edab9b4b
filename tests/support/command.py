"""``forge-modules`` in the folder and the environment of a project."""

from __future__ import annotations

import tempfile

from testing.command import printed, register_outside
from testing.fork_server import Start, fork_server
from testing.project import Outcome, Project, base_environment, programs_python

__all__ = ["in_project", "printed", "register_outside"]

_TIMEOUT_S = 120.0


def in_project(stack: Project, *args: str, **environment: str) -> Outcome:
    """Run it beside a project's Pulumi.yaml, with the Python of its programs: what it writes into state is in its SDK's form."""
    stack.make()
    own = {**base_environment(stack.root), **stack.environment, **environment}
    start = Start("pulumi_atlassian_forge.cli:main", args, str(stack.root), own)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = fork_server(programs_python()).start(start, stdout.fileno(), stderr.fileno())
        try:
            code = process.wait(_TIMEOUT_S)
        finally:
            process.kill()
        stdout.seek(0)
        stderr.seek(0)
        done = Outcome(code, stdout.read().decode(), stderr.read().decode())
    assert "Traceback" not in done.stderr, done.stderr
    stack.output += [done.stdout, done.stderr]
    return done
