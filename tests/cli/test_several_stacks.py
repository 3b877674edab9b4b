"""`drift`, `orphans`, `list` and `doctor` with several `--stack`: each has settings of its own, as staging and production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.command import printed, register_outside, run
from testing.doctor import program
from testing.independent_server import Server, serve
from testing.project import Outcome

DATA: dict[str, Any] = {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}


class Stacks:
    """Two stacks of one project; each has an installation of its own and one module, as the engine would tell."""

    def __init__(self, root: Path, **servers: Server) -> None:
        self.root, self.servers = root, servers
        for name, server in servers.items():
            register_outside(server, "v1", f"of-{name}", **DATA)
            self.write(name, baseUrl=server.base_url, token=server.token)
        program(root / "bin" / "pulumi", 'for stack; do :; done; exec cat "$2-$stack.json"')

    def write(self, name: str, **config: str) -> None:
        entries = {f"atlassian-forge:{field}": {"value": value} for field, value in config.items()}
        (self.root / f"config-{name}.json").write_text(json.dumps(entries | {"other:size": {"value": name}}), "utf-8")
        resource = {
            "urn": f"urn:pulumi:{name}::p::pulumi-python:dynamic/atlassian-forge:TriggerModule::m",
            "type": "pulumi-python:dynamic/atlassian-forge:TriggerModule",
            "id": f"default/v1/of-{name}",
            "outputs": {"key": f"of-{name}", "installation": "default", "apiVersion": "v1", "__schema": 1, "__server": []} | DATA,
        }
        (self.root / f"stack-{name}.json").write_text(json.dumps({"deployment": {"resources": [resource]}}), "utf-8")

    def __call__(self, *args: str, **environment: str) -> Outcome:
        named = [argument for name in self.servers for argument in ("--stack", name)]
        path = f"{self.root}/bin:/usr/bin:/bin"
        return run(*args, *named, server=None, cwd=self.root, PATH=path, **environment)


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[Stacks]:
    with serve() as staging, serve() as production:
        production.token = "planted-production-0123"
        yield Stacks(tmp_path, staging=staging, production=production)


def test_drift_compares_each_stack_with_its_own_installation(stacks: Stacks) -> None:
    done = stacks("drift")
    assert (done.code, done.stdout) == (0, "no drift: 2 modules as in the state\n")
    stacks.servers["production"].stores["v1"]["of-production"]["data"]["endpoint"] = "other"
    done = stacks("drift")
    assert done.code == 2
    assert "1 of 2 modules differ from the state:\ndefault/v1/of-production  TriggerModule 'm'  changed\n" in done.stdout


def test_a_state_in_a_file_beside_several_stacks_needs_the_environment(stacks: Stacks) -> None:
    done = stacks("drift", "--state", "stack-staging.json")
    assert (done.code, "installation 'default' is not configured" in done.stderr) == (1, True)
    server = stacks.servers["staging"]
    done = run("drift", "--state", "stack-staging.json", "--stack", "staging", cwd=stacks.root, PATH=f"{stacks.root}/bin:/bin")
    assert (done.code, done.stdout) == (0, "no drift: 2 modules as in the state\n"), done.stderr
    assert server.count("GET") > 0


def test_orphans_of_each_installation(stacks: Stacks) -> None:
    done = stacks("orphans")
    assert done.code == 0
    assert done.stdout.splitlines() == [
        f"no orphans: 1 module on installation 'default' (v1) of stack '{name}', all in the given states"
        for name in stacks.servers
    ]
    register_outside(stacks.servers["production"], "v1", "left")
    done = stacks("orphans", "--json")
    assert done.code == 2
    found: list[dict[str, Any]] = printed(done)["installations"]
    assert [(one["stacks"], [module["key"] for module in one["orphans"]]) for one in found] == [
        (["staging"], []),
        (["production"], ["left"]),
    ]


def test_orphans_are_deleted_where_they_are(stacks: Stacks) -> None:
    for server in stacks.servers.values():
        register_outside(server, "v1", "left")
    done = run(
        "orphans", "left", "--delete", "--yes", "--stack", "staging", "--stack", "production",
        cwd=stacks.root, PATH=f"{stacks.root}/bin:/usr/bin:/bin",
    )  # fmt: skip
    assert done.code == 0, done.text
    for name, server in stacks.servers.items():
        assert [module["key"] for module in server.modules()] == [f"of-{name}"]


def test_the_list_of_each_installation(stacks: Stacks) -> None:
    found = printed(stacks("list", "--all", "--json"))["installations"]
    assert [(one["stacks"], [module["key"] for module in one["modules"]]) for one in found] == [
        (["staging"], ["of-staging"]),
        (["production"], ["of-production"]),
    ]
    stacks.write("production", baseUrl="https://no-such-host.invalid", token="planted-token-0123")
    done = stacks("list")
    assert (done.code, "of-staging" in done.stdout) == (1, True)
    assert "installation 'default' of stack 'production': could not list" in done.stderr


def test_stacks_with_the_same_settings_are_one(stacks: Stacks) -> None:
    server = stacks.servers["staging"]
    register_outside(server, "v1", "of-production", **DATA)
    for name in stacks.servers:
        stacks.write(name, baseUrl=server.base_url, token=server.token)
    found = printed(stacks("orphans", "--json"))
    assert (found["installation"], found["orphans"]) == ("default", [])
    # The environment wins, whatever the stacks say.
    stacks.write("production", baseUrl="https://other.example")
    done = stacks("list", "--json", **server.environment())
    assert [one["installation"] for one in printed(done)["installations"]] == ["default"]


def test_doctor_checks_each_installation(stacks: Stacks) -> None:
    found = printed(stacks("doctor", "--all", "--json"))["installations"]
    assert [one["stacks"] for one in found] == [["staging"], ["production"]]
    for one, server in zip(found, stacks.servers.values(), strict=True):
        settings = next(check for check in one["checks"] if check["name"] == "settings")
        assert server.base_url in settings["text"]
    done = stacks("doctor")
    assert "installation 'default' of stack 'staging'\n" in done.stdout
    assert "installation 'default' of stack 'production'\n" in done.stdout
