"""Lifecycle harness: its state is the engine's, and it refuses what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.independent_server import Server
from testing.lifecycle import LifecycleProject
from testing.project import Project, require_engine

PROGRAM = """
class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("my:Team", name)
        forge.TriggerModule("child", events=["avi:jira:updated:issue"], endpoint="{endpoint}",
            opts=pulumi.ResourceOptions(parent=self))

Team("team")
first = forge.TriggerModule("first", events=["avi:jira:updated:issue"], endpoint="{endpoint}")
forge.DynamicModule("second", type="jira:issueAction", data={{"title": first.key, "resource": "main"}})
pulumi.export("key", first.key)
"""


@pytest.fixture
def harness(server: Server, tmp_path: Path) -> LifecycleProject:
    require_engine()
    made = LifecycleProject(tmp_path, environment=server.environment())
    made.program(PROGRAM.format(endpoint="hook"))
    return made


@pytest.mark.cli
@pytest.mark.smoke
def test_the_cli_and_the_harness_can_continue_each_other_s_stacks(harness: LifecycleProject, server: Server) -> None:
    cli = Project(harness.root, environment=harness.environment, made=True)
    assert harness.up().code == 0
    assert cli.run("stack", "output", "key").stdout == harness.run("stack", "output", "key").stdout == "first\n"
    assert cli.preview("--expect-no-changes").code == 0
    harness.program(PROGRAM.format(endpoint="other"))
    assert cli.up().summary == {"updated": 2, "unchanged": 3}
    assert harness.preview("--expect-no-changes").code == 0
    assert harness.refresh("--expect-no-changes").code == 0
    assert harness.destroy().summary == {"deleted": 5}
    assert cli.state() == []
    assert server.counts() | {"GET": 0} == {"GET": 0, "POST": 3, "PUT": 2, "DELETE": 3}


@pytest.mark.parametrize("command", [("up", "--target", "**"), ("config", "set", "--secret", "a:b", "c"), ("watch",)])
def test_a_flag_or_a_command_that_the_harness_does_not_know_is_refused(
    harness: LifecycleProject, command: tuple[str, ...]
) -> None:
    with pytest.raises(NotImplementedError, match="the test is one for the CLI"):
        harness.run(*command)


def test_after_a_failure_nothing_more_is_begun_unless_the_run_continues_on_error(
    harness: LifecycleProject, server: Server
) -> None:
    server.interfere = lambda call: (422, {"message": "no"}) if b'"first"' in call.body else None
    done = harness.up("--continue-on-error")
    assert done.code != 0
    assert "HTTP 422: no" in done.diagnostics
    assert [module["key"] for module in server.modules()] == ["child"], "the second needs the first"
    assert [resource["urn"].rpartition("::")[2] for resource in harness.state()] == ["child"]
    server.interfere = lambda call: (422, {"message": "no"})
    harness.program(PROGRAM.format(endpoint="other"))
    assert harness.up("--parallel=1").code != 0
    assert len([call for call in server.calls if call.method in {"POST", "PUT"}]) == 3
