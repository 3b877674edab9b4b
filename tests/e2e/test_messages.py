"""Warnings, errors and tracebacks as the user sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testing.independent_server import Server
from testing.installations import output_of
from testing.project import Project
from tests.support.bad_inputs import OK
from tests.support.engines import BOTH_ENGINES


@BOTH_ENGINES
def test_an_unknown_name_is_a_warning_on_its_resource_and_registers(project: Callable[..., Project], server: Server) -> None:
    """An event, a type, and an event of an untyped trigger; each of the first two gives one warning."""
    stack = project(server)
    stack.program(
        """
forge.TriggerModule("event", events=["avi:jira:update:issue"], endpoint="hook")
forge.DynamicModule("type", type="jira:issuePannel", data={"title": "x"})
events = [{"eventType": "avi:jira:update:issue"}]
forge.DynamicModule("untyped", type="trigger", data={"events": events, "function": "f" * 24})
"""
    )
    done = stack.up()
    assert done.code == 0, done.text
    for resource in ("TriggerModule (event)", "DynamicModule (type)", "DynamicModule (untyped)"):
        assert f" pulumi-python:dynamic/atlassian-forge:{resource}:\n" in done.diagnostics
    event, type_, untyped = (output_of(done)[name] for name in ("event", "type", "untyped"))
    assert [text.count("warning:") for text in (event, type_, untyped)] == [1, 1, 2], done.text
    assert done.diagnostics.count("warning:") == 4, done.text
    first, *_ = event.strip().splitlines()
    assert "warning:" in first
    assert "avi:jira:updated:issue" in first
    assert "jira:issuePanel" in type_
    assert "avi:jira:updated:issue" in untyped
    assert "data['function'] is longer than the 23 characters" in untyped
    assert [code for code in ("AF401", "AF402", "AF408") if f"({code})" not in done.diagnostics] == []
    assert server.stores["v1"].keys() == {"event", "type", "untyped"}
    assert server.stores["v1"]["event"]["data"]["events"] == ["avi:jira:update:issue"]


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


@BOTH_ENGINES
@pytest.mark.smoke
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


@BOTH_ENGINES
def test_a_user_s_own_exception_keeps_its_traceback(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\n\ndef mine():\n    raise LookupError("my own mistake")\n\nmine()\n')
    done = stack.preview()
    assert done.code != 0
    assert "Traceback" in done.text
    assert "in mine" in done.text
    assert "my own mistake" in done.text
