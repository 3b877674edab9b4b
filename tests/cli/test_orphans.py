from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testing.command import run
from testing.independent_server import Server
from testing.project import Outcome, Project, base_environment


def orphans(server: Server, *args: str, cwd: Path | None = None, **environment: str) -> Outcome:
    return run("orphans", *args, server=server, cwd=cwd, **environment)


def register(server: Server, version: str, key: str) -> None:
    data = {"events": ["avi:jira:updated:issue"], "endpoint": "hook", "key": key}
    server.stores[version][key] = {"key": key, "type": "trigger", "data": data}


def state(path: Path, *ids: str, **more: Any) -> str:
    resources = [{"type": "pulumi-python:dynamic/atlassian-forge:TriggerModule", "id": id_} for id_ in ids]
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources, **more}}), "utf-8")
    return str(path)


def test_orphans_are_listed_with_the_request_that_deletes_them(server: Server, tmp_path: Path) -> None:
    for key in ("one", "two", "three"):
        register(server, "v1", key)
    done = orphans(
        server,
        "--state", state(tmp_path / "a.json", "default/v1/one"),
        "--state", state(tmp_path / "b.json", "another-name-of-the-installation/v1/three"),
    )  # fmt: skip
    assert done.code == 2, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "1 of 3 modules on installation 'default' (v1) in none of the given states:"
    assert lines[1] == 'v1/two  trigger  {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}'
    command = lines[2].removeprefix("  to delete it: ")
    assert command.startswith('curl -X DELETE -H "Authorization: Bearer $ATLASSIAN_FORGE_TOKEN" http://127.0.0.1:')
    assert server.counts() == {"GET": 1, "POST": 0, "PUT": 0, "DELETE": 0}
    assert server.token not in done.stdout
    deleted = subprocess.run(command, shell=True, env={**os.environ, **server.environment()}, capture_output=True, check=False)
    assert deleted.returncode == 0
    assert sorted(module["key"] for module in server.modules()) == ["one", "three"]


def test_the_same_key_under_the_other_version_does_not_own_it(server: Server, tmp_path: Path) -> None:
    register(server, "v2", "one")
    path = state(tmp_path / "a.json", "default/v1/one")
    done = orphans(server, "--state", path, "--api-version", "v2", "--json")
    assert done.code == 2
    found = json.loads(done.stdout)
    assert (found["version"], found["apiVersion"], [module["key"] for module in found["orphans"]]) == (1, "v2", ["one"])


def test_none_is_exit_code_0(server: Server, tmp_path: Path) -> None:
    register(server, "v1", "one")
    done = orphans(server, "--state", state(tmp_path / "a.json", "default/v1/one"))
    assert (done.code, done.stdout) == (
        0,
        "no orphans: 1 module on installation 'default' (v1), all in the given states\n",
    )


def test_without_a_state_all_modules_are_listed(server: Server) -> None:
    register(server, "v1", "one")
    done = orphans(server)
    assert done.code == 0
    assert "without --state or --stack it is not known which of them a stack owns" in done.stdout
    assert "v1/one  trigger" in done.stdout
    assert "curl" not in done.stdout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": 1}', "not json", '{"checkpoint": {}}'])
def test_an_invalid_state_is_an_error(server: Server, tmp_path: Path, text: str) -> None:
    register(server, "v1", "one")
    (tmp_path / "a.json").write_text(text, "utf-8")
    done = orphans(server, "--state", str(tmp_path / "a.json"))
    assert (done.code, done.stdout) == (1, "")
    assert "is not what `pulumi stack export` writes" in done.stderr
    assert "Traceback" not in done.stderr
    assert not server.calls


def test_a_missing_state_is_an_error(server: Server, tmp_path: Path) -> None:
    done = orphans(server, "--state", str(tmp_path / "missing.json"))
    assert (done.code, done.stdout) == (1, "")
    assert "missing.json cannot be read: No such file or directory" in done.stderr


def test_missing_settings_and_a_rejected_token_name_the_next_step(server: Server, tmp_path: Path) -> None:
    path = state(tmp_path / "a.json")
    done = orphans(server, "--state", path, ATLASSIAN_FORGE_TOKEN="", ATLASSIAN_FORGE_BASE_URL="")
    assert (done.code, "the installation 'default' is not configured" in done.stderr) == (1, True)
    done = orphans(server, "--state", path, ATLASSIAN_FORGE_TOKEN="other")
    assert (done.code, "HTTP 401" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_named_installation_reads_its_own_variables(server: Server, tmp_path: Path) -> None:
    register(server, "v1", "one")
    environment = {"ATLASSIAN_FORGE_ACME_BASE_URL": server.base_url, "ATLASSIAN_FORGE_ACME_TOKEN": server.token}
    done = orphans(server, "--installation", "acme", "--state", state(tmp_path / "a.json"), cwd=None, **environment)
    assert (done.code, "installation 'acme'" in done.stdout) == (2, True)


def test_a_stack_is_exported_and_its_configuration_read(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, apiVersion="v2")
    stack.program('forge.TriggerModule("one", events=["avi:jira:updated:issue"], endpoint="hook")')
    assert stack.up().code == 0
    register(server, "v2", "orphan")
    engine = base_environment(stack.root)
    done = orphans(server, "--stack", "test", cwd=stack.root, **engine)
    assert done.code == 2, done.stderr
    assert "1 of 2 modules on installation 'default' (v2)" in done.stdout
    assert "v2/orphan" in done.stdout
    done = orphans(server, "--stack", "no-such-stack", cwd=stack.root, **engine)
    assert (done.code, "no stack named 'no-such-stack' found" in done.stderr) == (1, True)
