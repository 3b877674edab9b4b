"""The token is in the requests only: state, logs, errors and displays are searched for a planted one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from testing.independent_server import TOKEN, Call, Server
from testing.plugin import PROVIDER
from testing.processes import Run, plugins_of
from testing.project import Project
from tests.support.bad_inputs import OK
from tests.support.engines import BOTH_ENGINES


def test_a_token_from_the_environment_is_in_no_state_log_or_error(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\nforge.DynamicModule("two", type="acme:x", data={{"a": 1}})\n')
    done = stack.run("up", "--yes", "--skip-preview", "-v=9", "--logtostderr")
    assert done.code == 0, done.text[-3000:]
    server.interfere = lambda call: (401, {"message": "Authorization failed"})
    failed = stack.run("refresh", "--yes", "--skip-preview", "-v=9", "--logtostderr")
    assert failed.code != 0
    seen = stack.export() + stack.everything()
    assert TOKEN not in seen
    assert "could not read module" in seen  # the search looks where the text is


def test_a_token_is_in_no_crash_dump_and_in_no_recording_of_the_engine_s_calls(
    project: Callable[..., Project], server: Server
) -> None:
    server.latency = 30  # the plugin crashes while a request with the token is in flight
    stack = project(server)
    stack.environment |= {"PULUMI_DEBUG_GRPC": str(stack.root / "recording.json"), "PYTHONFAULTHANDLER": "1"}
    stack.program(f'forge.TriggerModule("one", {OK})\n')
    run = Run(stack, "up", "--yes", "--skip-preview")
    try:
        while not server.in_flight:
            assert not run.ended(0.02), run.text()
            assert time.monotonic() < run.began + 60
        (plugin,) = plugins_of(stack.root)
        os.kill(plugin, signal.SIGABRT)
        assert run.ended(30)
        assert "Fatal Python error: Aborted" in run.text()
    finally:
        run.close()
    assert "/pulumirpc.ResourceProvider/Create" in (stack.root / "recording.json").read_text("utf-8")
    assert TOKEN not in stack.everything()


def test_the_search_finds_a_token_that_was_planted_on_purpose(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.is_planted = True
    stack.program(f'forge.DynamicModule("one", type="acme:x", data={{"token": "{TOKEN}"}})\n')
    assert stack.up().code == 0
    assert TOKEN in stack.export()
    assert TOKEN in stack.everything()


def test_a_token_from_secret_configuration_is_in_no_resource_s_state_and_encrypted_elsewhere(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    stack.environment.pop("ATLASSIAN_FORGE_TOKEN")
    stack.program(f'forge.TriggerModule("one", {OK})\n')
    stack.make()
    assert stack.run("config", "set", "--secret", "atlassian-forge:token", TOKEN).code == 0
    assert stack.up().code == 0
    assert TOKEN not in str(stack.state())
    assert TOKEN not in stack.everything()


def test_the_provider_is_one_short_string_the_same_for_every_resource(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\nforge.DynamicModule("two", type="acme:x", data={{"a": 1}})\n')
    assert stack.up().code == 0
    found = {resource[side]["__provider"] for resource in stack.state() for side in ("inputs", "outputs")}
    assert found == {PROVIDER}
    assert len(PROVIDER) < 120


@pytest.mark.smoke
def test_a_declared_secret_stays_secret_and_reaches_the_server(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        'forge.DynamicModule("one", type="acme:x", data={"a": pulumi.Output.secret("hush-9912"), "b": 1})\n'
        'forge.TriggerModule("two", events=["avi:jira:updated:issue"], function=pulumi.Output.secret("hush-9913"))\n'
    )
    done = stack.run("up", "--yes", "--diff")
    assert done.code == 0, done.text
    sent = [module["data"] for module in server.modules()]
    assert sorted(str(data.get("a") or data.get("function")) for data in sent) == ["hush-9912", "hush-9913"]
    assert "hush" not in done.text
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    assert "hush" not in stack.everything().replace((stack.root / "__main__.py").read_text(), "")


@BOTH_ENGINES
def test_a_refusal_shows_no_value_of_a_declared_secret(project: Callable[..., Project], server: Server) -> None:
    def refuse(call: Call) -> Any:
        sent = json.loads(call.body or b"{}").get("data", {})
        return (422, {"message": f"{json.dumps(sent)} is refused"}) if call.method in {"POST", "PUT"} and is_refusing else None

    is_refusing = True
    server.interfere = refuse
    stack = project(server)
    stack.program(
        """
hush = pulumi.Output.secret
forge.DynamicModule("a", type="acme:x", data={"deep": [{"password": hush("hush-9901")}], "pin": hush(990299), "open": "shown-1"})
forge.DynamicModule("b", type="acme:x", data=hush({"hush-9903": "hush-9904", "list": ["hush-9905"]}))
only = forge.TriggerFilter(expression=hush("hush-9906"))
forge.TriggerModule("c", events=["avi:jira:updated:issue"], function="f", filter=only)
forge.DynamicModule(
    "d", type="acme:x", data={"a": "hush-9907"}, opts=pulumi.ResourceOptions(additional_secret_outputs=["data"])
)
"""
    )
    done = stack.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert done.code != 0
    assert done.text.count("[redacted]") >= 5
    assert "shown-1" in done.text
    assert "hush" not in done.text
    assert "9902" not in done.text
    is_refusing = False
    assert stack.up().code == 0
    assert "secrets'" not in str([(resource["inputs"], resource["outputs"]) for resource in stack.state()])
    assert stack.preview("--expect-no-changes").code == 0
