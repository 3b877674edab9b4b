"""examples/policy-pack with the real engine: only the way in which the pack is started differs from real use."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from testing.independent_server import Server
from testing.project import Outcome, Project
from tests.support.policies import copy_with_test_runtime, install_policy_sdk

# One worker, so that the environment is created once.
pytestmark = pytest.mark.xdist_group("policy-pack")

ROOT = Path(__file__).parent.parent
PACK = ROOT / "examples" / "policy-pack"
README = (PACK / "README.md").read_text("utf-8")
VIEWED, SELF, TARGETS, COUNT = "forge-viewed-events", "forge-ignore-self", "forge-targets", "forge-module-count"
TRIGGER = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
DYNAMIC = "pulumi-python:dynamic/atlassian-forge:DynamicModule"

PROGRAM = """
forge.TriggerModule("viewed", events=["avi:jira:created:issue", "avi:jira:viewed:issue"], endpoint="hook")
forge.DynamicModule("viewed-raw", type="trigger", data={"events": ["avi:confluence:viewed:page"], "function": "index"})
forge.TriggerModule("loop", events=["avi:jira:updated:issue"], endpoint="hook", filter=forge.TriggerFilter(expression="true"))
forge.DynamicModule(
    "loop-raw",
    type="trigger",
    data={
        "events": [
            {"eventType": "avi:jira:updated:issue", "filter": {"ignoreSelf": True}},
            {"eventType": "avi:jira:updated:project", "filter": {"ignoreSelf": False, "expression": "true"}},
        ],
        "function": "index",
    },
)
forge.TriggerModule("secret", events=["avi:jira:created:issue"], endpoint=pulumi.Output.secret("planted"))
forge.DynamicModule(
    "panel", type="jira:issuePanel", data={"title": "a", "icon": "b", "resource": "c", "resolver": {"function": "planted"}}
)
"""
ADVISORY_PROGRAM = """
both = forge.TriggerFilter(expression="true", ignore_self=True)
forge.TriggerModule("good", events=["avi:jira:updated:issue", "avi:jira:viewed:issue"], endpoint="hook", filter=both)
forge.TriggerModule("other-product", events=["avi:confluence:updated:page"], function="index")
forge.DynamicModule("panel", type="jira:issuePanel", data={"title": "a", "icon": "b", "resource": "c"})
forge.TriggerModule("viewed", events=["avi:jira:viewed:issue"], endpoint="hook")
forge.TriggerModule("loop", events=["avi:jira:updated:issue"], endpoint="hook")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_policy_sdk(PACK / "requirements.txt", tmp_path_factory.mktemp("policies"))


@pytest.fixture
def stack(project: Callable[..., Project], server: Server, environment: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("FORGE_PYTHON", str(environment / "python"))
    stack = project(server)
    copy_with_test_runtime(PACK, stack.root)
    return stack


def policy_options(config: dict[str, Any] | None, stack: Project) -> list[str]:
    if config is None:
        return ["--policy-pack", PACK.name]
    (stack.root / "policies.json").write_text(json.dumps(config), encoding="utf-8")
    return ["--policy-pack", PACK.name, "--policy-pack-config", "policies.json"]


def violations_in(outcome: Outcome) -> dict[tuple[str, str], str]:
    """The violations in the engine's output, by policy and resource: the level and the message."""
    block = outcome.stdout.partition("\nPolicies:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"- \[(\w+)\]\s+(\S+)\s+\(\S+: ([^)]+)\)\n((?:(?!\s+- \[).*\n?)*)", block)
    return {(policy, name): f"{level}: {text}" for level, policy, name, text in entries}


def test_a_preview_names_every_violation_and_registers_nothing(stack: Project, server: Server) -> None:
    stack.program(PROGRAM)
    config = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    config[COUNT]["maximum"] = 5
    done = stack.preview(*policy_options(config, stack))
    assert done.code != 0, done.text
    violations = violations_in(done)
    assert set(violations) == {
        (VIEWED, "viewed"),
        (VIEWED, "viewed-raw"),
        (SELF, "loop"),
        (SELF, "loop-raw"),
        (TARGETS, "secret"),
        (TARGETS, "panel"),
        (COUNT, "project-test"),
    }
    assert violations[SELF, "loop"].startswith("advisory: ")
    assert violations[VIEWED, "viewed"].startswith("mandatory: ")
    assert "events[1] matches avi:*:viewed:*" in violations[VIEWED, "viewed"]
    assert "data.events[0] matches avi:*:viewed:*" in violations[VIEWED, "viewed-raw"]
    assert "data.events[1] matches avi:jira:updated:*" in violations[SELF, "loop-raw"]
    assert "endpoint is not an allowed target (hook)" in violations[TARGETS, "secret"]
    assert "data.resolver.function is not an allowed target (index*)" in violations[TARGETS, "panel"]
    assert "The stack has 6 modules, more than the maximum of 5" in violations[COUNT, "project-test"]
    assert all("Next: " in text for text in violations.values())
    assert "planted" not in done.text
    assert server.modules() == []


def test_modules_without_a_mandatory_violation_are_registered(stack: Project, server: Server) -> None:
    stack.program(ADVISORY_PROGRAM)
    done = stack.up(*policy_options({"all": "advisory", SELF: "disabled"}, stack))
    assert done.code == 0, done.text
    ((key, text),) = violations_in(done).items()
    assert key == (VIEWED, "viewed")
    assert text.startswith("advisory: ")
    assert len(server.modules()) == 5


def test_an_unknown_value_is_reported_in_preview_and_refused_in_up_before_registering(stack: Project, server: Server) -> None:
    stack.program(
        """
first = forge.TriggerModule("first", events=["avi:jira:created:issue"], endpoint="hook")
event = first.id.apply(lambda _: "avi:jira:viewed:issue")
forge.TriggerModule("second", events=[event], endpoint="hook")
"""
    )
    preview = stack.preview(*policy_options(None, stack))
    assert preview.code == 0, preview.text
    assert "can't be known during preview" in violations_in(preview)[VIEWED, "second"]
    done = stack.up(*policy_options(None, stack))
    assert done.code != 0, done.text
    assert set(violations_in(done)) == {(VIEWED, "second")}
    assert [module["key"] for module in server.modules()] == ["first"]


def test_a_setting_of_the_wrong_type_stops_the_run(stack: Project, server: Server) -> None:
    stack.program(ADVISORY_PROGRAM)
    done = stack.preview(*policy_options({COUNT: {"maximum": "ten"}}, stack))
    assert done.code != 0
    assert f"{COUNT}: maximum: Invalid type. Expected: integer, given: string" in done.text


def test_the_readme_shows_the_violation_of_the_quickstart(stack: Project) -> None:
    stack.program((ROOT / "examples" / "quickstart" / "__main__.py").read_text("utf-8"))
    done = stack.preview(*policy_options(None, stack))
    assert done.code != 0, done.text
    ((key, text),) = violations_in(done).items()
    assert key == (SELF, "issue-changed")
    shown = " ".join(re.findall(r"```text\n(.*?)```", README, re.DOTALL)[0].split())
    assert " ".join(text.partition(": ")[2].split()) in shown
    assert f"[mandatory] {SELF} ({TRIGGER}: issue-changed)" in shown


@pytest.fixture(scope="module")
def rules() -> Any:
    loader = SourceFileLoader("policy_pack_rules", str(PACK / "rules.py"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


VIEW: dict[str, Any] = {"events": ["avi:jira:viewed:issue"]}


@pytest.mark.parametrize(
    ("kind", "properties", "violations"),
    [
        pytest.param(TRIGGER, VIEW, 1, id="no filter"),
        pytest.param(TRIGGER, {"events": ["avi:jira:viewed:issue"] * 2}, 2, id="each event"),
        pytest.param(TRIGGER, {**VIEW, "filter": {"ignoreSelf": True}}, 1, id="a filter that narrows nothing"),
        pytest.param(TRIGGER, {**VIEW, "filter": {"expression": "a"}}, 0, id="a filter"),
        pytest.param(TRIGGER, {**VIEW, "filter": None}, 1, id="null"),
        pytest.param(TRIGGER, {"events": ["avi:jira:reviewed:issue"]}, 0, id="another word"),
        pytest.param(TRIGGER, {}, 0, id="a module that the preview refuses has no properties"),
        pytest.param(DYNAMIC, {"type": "trigger", "data": VIEW}, 1, id="an untyped trigger"),
        pytest.param(DYNAMIC, {"type": "trigger"}, 0, id="an untyped trigger without data"),
        pytest.param(DYNAMIC, {"type": "jira:issuePanel", "data": VIEW}, 0, id="no trigger"),
        pytest.param("aws:s3/bucket:Bucket", VIEW, 0, id="no module"),
    ],
)
def test_a_viewed_event_needs_a_filter_that_narrows_it(
    rules: Any, kind: str, properties: dict[str, Any], violations: int
) -> None:
    assert len(list(rules.unfiltered_views(kind, properties, {"events": ["avi:*:viewed:*"]}))) == violations


@pytest.mark.parametrize(
    ("kind", "properties", "paths"),
    [
        (TRIGGER, {"endpoint": "other", "filter": {"function": "x"}}, ["endpoint"]),
        (TRIGGER, {"endpoint": "hook-1", "function": None}, []),
        (TRIGGER, {"function": "hook-1"}, ["function"]),
        (DYNAMIC, {"type": "trigger", "data": {"function": "f", "events": [{"endpoint": "x"}]}}, ["data.function"]),
        (DYNAMIC, {"type": "new:type", "data": {"list": [{"endpoint": "f"}]}}, ["data.list[0].endpoint"]),
        (DYNAMIC, {"type": "new:type", "data": {"endpoint": {"function": "f"}}}, ["data.endpoint.function"]),
        (DYNAMIC, {}, []),
        ("aws:lambda/function:Function", {"function": "f", "data": {"function": "f"}}, []),
    ],
)
def test_only_listed_targets_are_allowed(rules: Any, kind: str, properties: dict[str, Any], paths: list[str]) -> None:
    messages = rules.disallowed_targets(kind, properties, {"functions": [], "endpoints": ["hook-*"]})
    assert [text.split(" is not an allowed ")[0] for text in messages] == paths


def test_a_star_allows_every_target_without_reading_properties(rules: Any) -> None:
    assert list(rules.disallowed_targets(TRIGGER, None, {"functions": ["*"], "endpoints": ["*"]})) == []
    (text,) = rules.disallowed_targets(TRIGGER, {"function": "f"}, {"functions": [], "endpoints": ["*"]})
    assert "(nothing)" in text


@pytest.mark.parametrize(("maximum", "violations"), [(1.0, 1), (2.0, 0)])
def test_only_the_two_module_types_are_counted(rules: Any, maximum: float, violations: int) -> None:
    kinds = ["pulumi:pulumi:Stack", TRIGGER, DYNAMIC, "pulumi:providers:pulumi-python"]
    assert len(list(rules.too_many_modules(kinds, {"maximum": maximum}))) == violations
