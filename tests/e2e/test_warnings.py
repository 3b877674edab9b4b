"""Warnings about declarations: on their resource, once in a run, without secrets; errors if the setting ``strict`` is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.independent_server import Server
from testing.installations import output_of
from testing.project import Outcome, Project
from tests.support.engines import BOTH_ENGINES

PROGRAM = """
forge.DynamicModule("size", type="jira:issueAction", data={"title": "T", "resource": "main", "viewportSize": "vast"})
forge.TriggerModule(
    "filter", events=["avi:confluence:updated:page"], function="f", filter={"ignoreSelf": True, "expresion": "x"}
)
forge.TriggerModule("good", events=["avi:jira:updated:issue"], function="f")
"""
CODES = {"size": ["AF403"], "filter": ["AF406", "AF407"], "good": []}


def codes(done: Outcome) -> dict[str, list[str]]:
    """The codes of the warnings that the last block shows, by resource."""
    found = output_of(done)
    return {name: sorted(re.findall(r"warning: .*\((AF\d+)\)$", found.get(name, ""), re.MULTILINE)) for name in CODES}


@BOTH_ENGINES
@pytest.mark.smoke
def test_what_the_server_has_to_judge_is_a_warning_in_preview_and_up(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(PROGRAM)
    for done in (stack.preview(), stack.up()):
        assert done.code == 0, done.text
        assert codes(done) == CODES, done.text
        assert done.diagnostics.count("warning:") == 3, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert server.stores["v1"]["filter"]["data"]["filter"] == {"ignoreSelf": True, "expresion": "x"}


@BOTH_ENGINES
def test_with_strict_it_is_an_error_and_nothing_is_registered(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, strict="true")
    stack.program(PROGRAM)
    seen = stack.preview()
    assert seen.code != 0
    assert seen.diagnostics.count("error: property ") == 3, seen.text
    assert "warning:" not in seen.text
    assert "property data.viewportSize: data['viewportSize'] must be one of small" in seen.diagnostics
    assert "2 of the declared modules cannot be registered" in seen.text
    assert stack.up().code != 0
    assert not [call for call in server.calls if call.method != "GET"]
    loose = stack.preview(ATLASSIAN_FORGE_STRICT="false")
    assert (loose.code, codes(loose)) == (0, CODES), loose.text


@BOTH_ENGINES
def test_a_warning_about_a_secret_names_the_path_without_the_value(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        """
        secret = pulumi.Output.secret
        forge.TriggerModule("list", events=secret(["avi:jira:created:issue", "avi:jira:creatd:issue"]), function="f")
        forge.TriggerModule("one", events=["avi:jira:deletd:issue", secret("avi:jira:creatd:issue")], function=secret("f" * 24))
        filter = forge.TriggerFilter(expression="x", on_error=secret("PLANTED"))
        forge.TriggerModule("choice", events=["avi:jira:created:issue"], function="f", filter=filter)
        forge.TriggerModule("named", events=["avi:jira:created:issue"], function="f", filter=secret({"PLANTED-name": True}))
        size = {"title": "T", "resource": "main", "viewportSize": secret("PLANTED")}
        forge.DynamicModule("size", type=secret("jira:issueAction"), data=size)
        opts = pulumi.ResourceOptions(additional_secret_outputs=["events"])
        forge.TriggerModule("option", events=["avi:jira:creatd:issue"], function="f", opts=opts)
        """
    )
    for done in (stack.preview(), stack.up()):
        assert done.code == 0, done.text
        found = output_of(done)
        assert "events[1] is not a known event (AF401)" in found["list"]
        assert "events[1] is not a known event (AF401)" in found["one"]
        assert "'avi:jira:deletd:issue'; did you mean 'avi:jira:deleted:issue'?" in found["one"]
        assert "(AF408)" in found["one"]
        assert "on_error= must be one of" in found["choice"]
        assert "filter= has no property [redacted]" in found["named"]
        assert "data['viewportSize'] must be one of" in found["size"]
        assert "events[0] is not a known event (AF401)" in found["option"]
        assert "creatd" not in done.text
        assert "PLANTED" not in done.text


@BOTH_ENGINES
def test_what_only_the_plugin_sees_is_warned_of_once_and_without_the_value(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    stack.program(
        """
        def change(args):
            return pulumi.ResourceTransformationResult({**args.props, "events": ["avi:jira:creatd:issue"]}, args.opts)

        pulumi.runtime.register_stack_transformation(change)
        forge.TriggerModule("t", events=["avi:jira:created:issue"], function="f")
        """
    )
    for done in (stack.preview(), stack.up()):
        assert done.code == 0, done.text
        assert done.diagnostics.count("default/t: warning: events[0] is not a known event (AF401)") == 1, done.text
        assert "creatd" not in done.diagnostics
    assert server.stores["v1"]["t"]["data"]["events"] == ["avi:jira:creatd:issue"]


@BOTH_ENGINES
def test_the_key_in_data_is_warned_of_if_it_is_not_the_module_s(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        """
        entry = {"key": "notify", "events": ["avi:jira:created:issue"], "function": "f"}
        forge.DynamicModule("other", type="trigger", data=entry)
        forge.DynamicModule("notify", type="trigger", data=entry)
        forge.DynamicModule("x", type="trigger", key="notify-2", data={**entry, "key": "notify-2"})
        """
    )
    done = stack.up()
    assert done.code == 0, done.text
    assert done.diagnostics.count("warning:") == 1, done.text
    assert "data['key'] is left out and is not the module's key" in output_of(done)["other"]


@BOTH_ENGINES
def test_a_long_reference_that_the_manifest_has_is_no_warning(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text("modules:\n  endpoint:\n    - {key: remote-page-behavior-endpoint, route: {path: /a}, remote: r}\n")
    stack = project(server)
    stack.program('forge.TriggerModule("t", events=["x"], endpoint="remote-page-behavior-endpoint")')
    assert "(AF408)" in stack.preview().diagnostics
    seen = stack.preview(ATLASSIAN_FORGE_MANIFEST=str(manifest))
    assert seen.code == 0, seen.text
    assert "(AF408)" not in seen.diagnostics


@BOTH_ENGINES
def test_a_module_that_the_server_refuses_keeps_its_warnings(project: Callable[..., Project], server: Server) -> None:
    server.interfere = lambda call: (422, {"message": "no"}) if call.method == "POST" else None
    stack = project(server)
    stack.program('forge.TriggerModule("t", events=["avi:jira:creatd:issue"], function="f")')
    done = stack.up()
    assert done.code != 0
    assert "HTTP 422: no" in done.text
    assert done.diagnostics.count("is not a known event") == 1, done.text
