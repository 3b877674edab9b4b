"""The manifest check in a preview: errors of all resources at once, without a request."""

from __future__ import annotations

from collections.abc import Callable

from testing.independent_server import Server
from testing.project import Project
from tests.support.engines import BOTH_ENGINES
from tests.support.manifests import SMALL, line_with, write

PROGRAM = """
JIRA = "avi:jira:updated:issue"
panel = {"title": "Risk", "icon": "https://example.com/risk.svg"}
forge.TriggerModule("function", events=[JIRA], function="notfy")
forge.TriggerModule("endpoint", events=[JIRA], endpoint="no-such")
forge.TriggerModule("user-token", events=[JIRA], endpoint="user-hook")
forge.TriggerModule("scopes", events=[JIRA, "avi:jira:created:user", "avi:confluence:created:page"], endpoint="bug-hook")
forge.DynamicModule("resource", type="jira:issuePanel", data={**panel, "resource": "mian"})
forge.DynamicModule("resolver", type="jira:issuePanel", data={**panel, "resource": "main", "resolver": {"function": "resolve"}})
forge.TriggerModule("static-trigger", events=[JIRA], function="notify")
forge.TriggerModule("form-too", events=["avi:jira:created:filter"], function="notify", filter={"onError": "IGNORE"})
forge.TriggerModule("good", events=[JIRA], function="notify")
good = {**panel, "resource": "main/panel", "resolver": {"function": "resolver"}}
forge.DynamicModule("good-panel", type="jira:issuePanel", data=good)
"""


def at(words: str) -> str:
    return f"manifest.yml:{line_with(SMALL, words)}"


EXPECTED = {
    "function": [("function", "did you mean 'notify'", at("key: notify"))],
    "endpoint": [("endpoint", "is not in modules.endpoint", at("  endpoint:"))],
    "user-token": [("endpoint", "auth.appUserToken enabled", at("appUserToken: {enabled: true}"))],
    "scopes": [
        ("events[1]", "needs the scope read:jira-user", at("  scopes:")),
        ("events[2]", "needs the scope read:confluence-content.summary", at("  scopes:")),
    ],
    "resource": [("data.resource", "did you mean 'main'", at("key: main"))],
    "resolver": [("data.resolver.function", "did you mean 'resolver'", at("key: resolver"))],
    "static-trigger": [("key", "a static module of type trigger", at("key: static-trigger"))],
    "form-too": [
        ("events[0]", "needs the scope manage:jira-configuration", at("  scopes:")),
        ("filter", "needs at least one of", ""),
        ("filter.onError", "is allowed only together with", ""),
    ],
}


@BOTH_ENGINES
def test_a_preview_reports_all_manifest_errors_at_once(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, manifest="manifest.yml")
    write(stack.root, SMALL)
    stack.program(PROGRAM)
    seen = stack.preview()
    assert seen.code != 0
    deduplicator = _errors(seen.diagnostics)
    assert deduplicator.keys() - {"project-test"} == EXPECTED.keys(), seen.text
    for name, rows in EXPECTED.items():
        texts = deduplicator[name]
        assert len(texts) == len(rows), texts
        for path, words, line in rows:
            assert any(text.startswith(f"property {path}: ") and words in text and line in text for text in texts), texts
    assert f"{len(EXPECTED)} of the declared modules cannot be registered" in seen.text
    assert "Traceback" not in seen.text
    assert not server.calls


@BOTH_ENGINES
def test_a_manifest_that_cannot_be_read_is_one_message_for_five_modules(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, manifest="manifest.yml")
    write(stack.root, "modules:\n\tfunction:\n")
    stack.program('for i in range(5):\n    forge.TriggerModule(f"m{i}", events=["avi:jira:updated:issue"], function="notify")\n')
    seen = stack.preview()
    assert seen.code != 0
    assert "manifest.yml:2: a tab indents this line" in seen.diagnostics
    assert seen.diagnostics.count("ForgeError") == 1, seen.text
    assert "Traceback" not in seen.text
    assert not server.calls


@BOTH_ENGINES
def test_the_variable_names_a_manifest_that_allows_what_is_declared(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    write(stack.root, SMALL)
    stack.program('forge.TriggerModule("one", events=["avi:jira:updated:issue"], function="notify")\n')
    assert stack.up(ATLASSIAN_FORGE_MANIFEST="manifest.yml").code == 0
    stack.program('forge.TriggerModule("one", events=["avi:jira:updated:issue"], function="other")\n')
    assert "names a function that is not in modules.function" in stack.preview(ATLASSIAN_FORGE_MANIFEST="manifest.yml").text
    assert stack.preview().code == 0


def _errors(diagnostics: str) -> dict[str, list[str]]:
    """The errors of the engine's last block, by logical name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in diagnostics.splitlines():
        if line.startswith("  ") and line.endswith("):"):
            name = line.rpartition("(")[2].removesuffix("):")
        elif line.startswith("    error: "):
            found.setdefault(name, []).append(line.removeprefix("    error: "))
    return found
