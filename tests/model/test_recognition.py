"""Whether a live module may be the one that a declaration asked for."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.recognition import likeness, matches

A, B = "avi:jira:created:issue", "avi:jira:updated:issue"
TRIGGER: dict[str, Any] = {"events": [A, B], "function": "f", "filter": {"expression": "x", "onError": "IGNORE"}}
PANEL: dict[str, Any] = {"title": "Risk", "resource": "main", "icon": "i"}
FIELD: dict[str, Any] = {"name": "Risk", "resource": "main", "view": {"value": {"function": "f"}}, "edit": {"isInline": True}}


@pytest.mark.parametrize(
    ("type_", "declared", "live", "found"),
    [
        ("trigger", TRIGGER, TRIGGER, (0, 0)),
        ("trigger", TRIGGER, {**TRIGGER, "filter": {"expression": " x\n", "onError": "IGNORE"}}, (0, 0)),
        ("trigger", TRIGGER, {**TRIGGER, "createdBy": "x"}, (0, 1)),
        ("trigger", TRIGGER, {**TRIGGER, "filter": {"expression": "(x)", "onError": "IGNORE"}}, (1, 0)),
        ("trigger", TRIGGER, {**TRIGGER, "filter": {"expression": "(x)"}}, (2, 0)),
        ("trigger", TRIGGER, {"events": [{"eventType": B}, {"eventType": A}], "function": "f"}, (2, 0)),
        ("jira:issuePanel", PANEL, {**PANEL, "title": "RISK"}, (1, 0)),
        ("jira:issuePanel", PANEL, {**PANEL, "links": {"resource": "https://cdn.example/main"}}, (0, 1)),
        ("jira:customField", FIELD, {**FIELD, "edit": {"isInline": "yes"}}, (1, 0)),
    ],
)
def test_a_server_may_have_normalized_it(
    type_: str, declared: dict[str, Any], live: dict[str, Any], found: tuple[int, int]
) -> None:
    assert likeness(Content(type_, declared), Content(type_, live)) == found
    assert matches(Content(type_, declared), Content(type_, live)) is (found[0] == 0)


@pytest.mark.parametrize(
    ("type_", "declared", "live"),
    [
        ("trigger", TRIGGER, {**TRIGGER, "function": "g"}),
        ("trigger", TRIGGER, {**TRIGGER, "events": [A]}),
        ("trigger", TRIGGER, {**TRIGGER, "events": [A, "avi:jira:deleted:issue"]}),
        ("trigger", TRIGGER, {**TRIGGER, "payload": {"include": {"fields": ["x"]}}}),
        ("jira:issuePanel", PANEL, {**PANEL, "resource": "other", "title": "RISK"}),
        ("jira:issuePanel", PANEL, {**PANEL, "resolver": {"function": "f"}}),
        ("jira:customField", FIELD, {**FIELD, "view": {"value": {"function": "g"}}}),
        ("jira:customField", FIELD, {**FIELD, "view": {}}),
        ("jira:customField", FIELD, {**FIELD, "view": "f"}),
        ("jira:customField", FIELD, {**FIELD, "edit": {"isInline": True, "resource": "other"}}),
        ("acme:x", {"name": "a", "size": 1}, {"name": "b", "size": 1}),  # nothing says what it runs
        ("acme:x", {"name": "a"}, []),
    ],
)
def test_another_module(type_: str, declared: dict[str, Any], live: Any) -> None:
    assert likeness(Content(type_, declared), Content(type_, live)) is None
    assert likeness(Content(type_, declared), Content("acme:other", declared)) is None
