"""Warnings, errors and tracebacks as the real CLI prints them."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.bad_inputs import OK
from tests.support.independent_server import Server
from tests.support.project import Project


def test_a_misspelt_event_gives_one_warning_on_its_resource_and_registers(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    stack.program('forge.TriggerModule("one", events=["avi:jira:update:issue"], endpoint="hook")\n')
    done = stack.up()
    assert done.code == 0, done.text
    lines = done.diagnostics.splitlines()
    (warning,) = [index for index, line in enumerate(lines) if "warning:" in line]
    assert "avi:jira:updated:issue" in lines[warning]
    assert lines[warning - 1].strip() == "pulumi-python:dynamic/atlassian-forge:TriggerModule (one):"
    assert server.modules()[0]["data"]["events"] == ["avi:jira:update:issue"]


def test_a_misspelt_type_gives_one_warning_and_registers(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program('forge.DynamicModule("one", type="jira:issuePannel", data={"title": "x"})\n')
    done = stack.up()
    assert done.code == 0, done.text
    assert done.diagnostics.count("warning:") == 1
    assert "jira:issuePanel" in done.text


def test_the_events_of_a_trigger_by_hand_are_warned_of_too(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        """
events = [{"eventType": "avi:jira:update:issue"}]
forge.DynamicModule("one", type="trigger", data={"events": events, "function": "f" * 24})
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert done.diagnostics.count("warning:") == 2, done.text
    assert "avi:jira:updated:issue" in done.diagnostics
    assert "function= has 24 characters" in done.diagnostics


def test_a_token_in_clear_text_is_warned_of_once_and_an_encrypted_one_is_not(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server, token=server.token)
    stack.is_planted = True
    del stack.environment["ATLASSIAN_FORGE_TOKEN"]
    stack.program(f'forge.TriggerModule("one", {OK})\nforge.TriggerModule("two", {OK})\n')
    done = stack.up()
    assert done.code == 0, done.text
    assert done.diagnostics.count("warning:") == 1, done.text
    assert "pulumi config set --secret atlassian-forge:token" in done.text

    assert stack.run("config", "set", "--secret", "atlassian-forge:token", server.token).code == 0
    done = stack.up()
    assert done.code == 0, done.text
    assert "warning:" not in done.text


def test_an_error_of_the_api_is_one_short_message_without_a_traceback(project: Callable[..., Project], server: Server) -> None:
    server.interfere = lambda call: (422, {"message": "no such endpoint"}) if call.method == "POST" else None
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\n')
    done = stack.up()
    assert done.code != 0
    assert "could not register module 'one' (trigger) on installation 'default' (v1)" in done.text
    assert "HTTP 422: no such endpoint" in done.text
    assert "next: " in done.text
    assert "Traceback" not in done.text


def test_a_user_s_own_exception_keeps_its_traceback(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\n\ndef mine():\n    raise LookupError("my own mistake")\n\nmine()\n')
    done = stack.preview()
    assert done.code != 0
    assert "Traceback" in done.text
    assert "in mine" in done.text
    assert "my own mistake" in done.text
