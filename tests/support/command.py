"""``forge-modules`` in the folder and the environment of a project."""

from __future__ import annotations

from testing.command import by_hand, printed, run_with
from testing.project import Outcome, Project, base_environment, programs_python

__all__ = ["by_hand", "in_project", "printed"]


def in_project(stack: Project, *args: str, **environment: str) -> Outcome:
    """Run it beside a project's Pulumi.yaml, with the Python of its programs: what it writes into state is in its SDK's form."""
    stack.make()
    done = run_with(programs_python(), args, stack.root, {**base_environment(stack.root), **stack.environment, **environment})
    stack.said += [done.stdout, done.stderr]
    return done
