"""The token is in the requests only: state, logs, errors and displays are searched for a planted one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from testing.independent_server import TOKEN, Server
from testing.plugin import PROVIDER
from testing.processes import Run, plugins_of
from testing.project import Project
from tests.support.bad_inputs import OK


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
