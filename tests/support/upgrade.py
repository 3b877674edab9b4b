"""Stack on v1 that is upgraded to v2 by the one setting."""

from __future__ import annotations

from collections.abc import Callable

from testing.independent_server import Server
from testing.project import Project

PROGRAM = """
for i in range({n}):
    module = forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint=f"hook-{{i}}"{more})
pulumi.export("last", module.key)
"""
DELETE_FIRST = ", opts=pulumi.ResourceOptions(delete_before_replace=True)"


def on(stack: Project, version: str) -> None:
    """The one setting."""
    done = stack.run("config", "set", "atlassian-forge:apiVersion", version)
    assert done.code == 0, done.text


def upgrading(project: Callable[..., Project], server: Server | None, n: int, **config: str) -> Project:
    """A stack on v1 that is to be on v2."""
    stack = project(server, **config)
    stack.program(PROGRAM.format(n=n, more=""))
    done = stack.up()
    assert done.code == 0, done.text
    on(stack, "v2")
    return stack


def in_state(stack: Project, version: str) -> set[str]:
    """The keys of a stack that is on one version as a whole."""
    ids = [resource["id"].split("/") for resource in stack.state()]
    assert {id_[1] for id_ in ids} == {version}
    assert len({id_[2] for id_ in ids}) == len(ids)
    return {id_[2] for id_ in ids}
